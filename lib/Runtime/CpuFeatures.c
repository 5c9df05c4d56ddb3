//===- CpuFeatures.c - What this processor offers --------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compilers name CPUs and features; virtual machines lie about names. So an
// artifact lists features, and each is asked of the CPU and, where it adds
// registers, of the operating system.
//
//===----------------------------------------------------------------------===//

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum { EAX, EBX, ECX, EDX } cpuid_register;
/// The register state that the operating system has to save.
typedef enum { STATE_NONE, STATE_AVX, STATE_AVX512, STATE_AMX } os_state;

static const struct {
  const char *name;
  uint32_t leaf, subleaf;
  cpuid_register reg;
  uint32_t bit;
  os_state state;
} features[] = {
    {"sse3", 1, 0, ECX, 0, STATE_NONE},
    {"pclmul", 1, 0, ECX, 1, STATE_NONE},
    {"ssse3", 1, 0, ECX, 9, STATE_NONE},
    {"fma", 1, 0, ECX, 12, STATE_AVX},
    {"cx16", 1, 0, ECX, 13, STATE_NONE},
    {"sse4.1", 1, 0, ECX, 19, STATE_NONE},
    {"sse4.2", 1, 0, ECX, 20, STATE_NONE},
    {"movbe", 1, 0, ECX, 22, STATE_NONE},
    {"popcnt", 1, 0, ECX, 23, STATE_NONE},
    {"aes", 1, 0, ECX, 25, STATE_NONE},
    {"avx", 1, 0, ECX, 28, STATE_AVX},
    {"f16c", 1, 0, ECX, 29, STATE_AVX},
    {"bmi", 7, 0, EBX, 3, STATE_NONE},
    {"avx2", 7, 0, EBX, 5, STATE_AVX},
    {"bmi2", 7, 0, EBX, 8, STATE_NONE},
    {"avx512f", 7, 0, EBX, 16, STATE_AVX512},
    {"avx512dq", 7, 0, EBX, 17, STATE_AVX512},
    {"adx", 7, 0, EBX, 19, STATE_NONE},
    {"avx512ifma", 7, 0, EBX, 21, STATE_AVX512},
    {"avx512cd", 7, 0, EBX, 28, STATE_AVX512},
    {"sha", 7, 0, EBX, 29, STATE_NONE},
    {"avx512bw", 7, 0, EBX, 30, STATE_AVX512},
    {"avx512vl", 7, 0, EBX, 31, STATE_AVX512},
    {"avx512vbmi", 7, 0, ECX, 1, STATE_AVX512},
    {"avx512vbmi2", 7, 0, ECX, 6, STATE_AVX512},
    {"gfni", 7, 0, ECX, 8, STATE_NONE},
    {"vaes", 7, 0, ECX, 9, STATE_AVX},
    {"vpclmulqdq", 7, 0, ECX, 10, STATE_AVX},
    {"avx512vnni", 7, 0, ECX, 11, STATE_AVX512},
    {"avx512bitalg", 7, 0, ECX, 12, STATE_AVX512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, STATE_AVX512},
    {"avx512vp2intersect", 7, 0, EDX, 8, STATE_AVX512},
    {"amx-bf16", 7, 0, EDX, 22, STATE_AMX},
    {"avx512fp16", 7, 0, EDX, 23, STATE_AVX512},
    {"amx-tile", 7, 0, EDX, 24, STATE_AMX},
    {"amx-int8", 7, 0, EDX, 25, STATE_AMX},
    {"avxvnni", 7, 1, EAX, 4, STATE_AVX},
    {"avx512bf16", 7, 1, EAX, 5, STATE_AVX512},
    {"amx-fp16", 7, 1, EAX, 21, STATE_AMX},
    {"avxifma", 7, 1, EAX, 23, STATE_AVX},
    {"avxvnniint8", 7, 1, EDX, 4, STATE_AVX},
    {"avxneconvert", 7, 1, EDX, 5, STATE_AVX},
    {"lzcnt", 0x80000001u, 0, ECX, 5, STATE_NONE},
    {"sse4a", 0x80000001u, 0, ECX, 6, STATE_NONE},
};

static int osSaves(os_state state) {
  if (state == STATE_NONE)
    return 1;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27)))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  static const uint32_t masks[] = {[STATE_AVX] = 0x6, [STATE_AVX512] = 0xe6, [STATE_AMX] = 0x60000};
  if ((low & masks[state]) != masks[state])
    return 0;
  // Linux gives the tile registers only to processes that ask: ARCH_REQ_XCOMP_PERM of XTILEDATA.
  return state != STATE_AMX || syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

/// Whether TERSE_EMULATED_FEATURES, names with commas between them, has `name`.
static int isEmulated(const char *name) {
  size_t length = strlen(name);
  for (const char *item = getenv("TERSE_EMULATED_FEATURES"); item && *item;) {
    size_t size = strcspn(item, ",");
    if (size == length && memcmp(item, name, size) == 0)
      return 1;
    item += size + (item[size] == ',');
  }
  return 0;
}

int terse_cpu_has_feature(const char *name) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    if (strcmp(features[i].name, name) != 0)
      continue;
    if (isEmulated(name))
      return 1;
    uint32_t registers[4];
    if (!__get_cpuid_count(features[i].leaf, features[i].subleaf, &registers[EAX], &registers[EBX],
                           &registers[ECX], &registers[EDX]))
      return 0;
    return (registers[features[i].reg] >> features[i].bit & 1) && osSaves(features[i].state);
  }
  return -1;
}

#else

int terse_cpu_has_feature(const char *name) {
  (void)name;
  return -1;
}

#endif
