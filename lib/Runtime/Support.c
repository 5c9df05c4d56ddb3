//===- Support.c - Errors, checksums and element types ---------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char lastError[1024];

const char *terse_last_error(void) { return lastError; }

terse_status terse_fail(terse_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(lastError, sizeof lastError, format, arguments);
  va_end(arguments);
  return status;
}

//===----------------------------------------------------------------------===//
// Checksums
//===----------------------------------------------------------------------===//

static uint32_t crcTables[8][256];
static pthread_once_t crcOnce = PTHREAD_ONCE_INIT;

static void fillCrcTables(void) {
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
    crcTables[0][i] = crc;
  }
  for (int t = 1; t < 8; ++t)
    for (uint32_t i = 0; i < 256; ++i)
      crcTables[t][i] = (crcTables[t - 1][i] >> 8) ^ crcTables[0][crcTables[t - 1][i] & 255];
}

// Eight bytes at a time ("slicing by 8"), so that starting a model is not spent here.
uint32_t terse_crc32(const uint8_t *data, size_t size) {
  pthread_once(&crcOnce, fillCrcTables);
  uint32_t crc = ~0u;
  for (; size >= 8; size -= 8, data += 8) {
    uint32_t low, high;
    memcpy(&low, data, 4);
    memcpy(&high, data + 4, 4);
    low ^= crc;
    crc = crcTables[7][low & 255] ^ crcTables[6][(low >> 8) & 255] ^
          crcTables[5][(low >> 16) & 255] ^ crcTables[4][low >> 24] ^ crcTables[3][high & 255] ^
          crcTables[2][(high >> 8) & 255] ^ crcTables[1][(high >> 16) & 255] ^
          crcTables[0][high >> 24];
  }
  for (; size > 0; --size, ++data)
    crc = (crc >> 8) ^ crcTables[0][(crc ^ *data) & 255];
  return ~crc;
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

static const struct {
  terse_dtype dtype;
  const char *name;
} namedTypes[] = {
    {TERSE_F64, "f64"},
    {TERSE_F32, "f32"},
    {TERSE_F16, "f16"},
    {TERSE_BF16, "bf16"},
    {TERSE_F8E5M2, "f8E5M2"},
    {TERSE_F8E4M3FN, "f8E4M3FN"},
    {TERSE_F8E5M2FNUZ, "f8E5M2FNUZ"},
    {TERSE_F8E4M3FNUZ, "f8E4M3FNUZ"},
    {TERSE_F8E8M0FNU, "f8E8M0FNU"},
    {TERSE_F6E3M2FN, "f6E3M2FN"},
    {TERSE_F6E2M3FN, "f6E2M3FN"},
    {TERSE_F4E2M1FN, "f4E2M1FN"},
    {TERSE_BOOL, "bool"},
};

static const char *const signedNames[] = {"i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8"};
static const char *const unsignedNames[] = {"u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"};

const char *terse_dtype_name(terse_dtype dtype) {
  for (size_t i = 0; i < sizeof namedTypes / sizeof *namedTypes; ++i)
    if (namedTypes[i].dtype == dtype)
      return namedTypes[i].name;
  unsigned kind = (unsigned)dtype & ~255u, bits = (unsigned)dtype & 255u;
  if (kind != 0x2000 && kind != 0x3000)
    return "unknown";
  int isSigned = kind == 0x2000;
  switch (bits) {
  case 16:
    return isSigned ? "i16" : "u16";
  case 32:
    return isSigned ? "i32" : "u32";
  case 64:
    return isSigned ? "i64" : "u64";
  }
  if (bits < 1 || bits > 8)
    return "unknown";
  return isSigned ? signedNames[bits - 1] : unsignedNames[bits - 1];
}

size_t terse_dtype_size(terse_dtype dtype) {
  if (strcmp(terse_dtype_name(dtype), "unknown") == 0)
    return 0;
  unsigned bits = (unsigned)dtype & 255u;
  return bits <= 8 ? 1 : bits / 8;
}

int terse_shape_size(const int64_t *shape, int32_t rank, size_t element, size_t *size) {
  size_t total = element;
  int empty = 0;
  for (int32_t d = 0; d < rank; ++d) {
    if (shape[d] < 0)
      return 0;
    if (shape[d] == 0)
      empty = 1;
    else if (__builtin_mul_overflow(total, (uint64_t)shape[d], &total) || total > PTRDIFF_MAX)
      return 0;
  }
  *size = empty ? 0 : total;
  return 1;
}

size_t terse_tensor_size(const terse_tensor *tensor) {
  size_t element = terse_dtype_size(tensor->dtype), size;
  if (element == 0 || tensor->rank < 0 || tensor->rank > TERSE_MAX_RANK ||
      !terse_shape_size(tensor->shape, tensor->rank, element, &size))
    return 0;
  return size;
}
