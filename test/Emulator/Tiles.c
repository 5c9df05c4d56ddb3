//===- Tiles.c - AMX-TILE, AMX-INT8, AMX-BF16 -----------------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a processor refuses is refused: shapes that do not fit end the process.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 16, ROW_BYTES = 64, TILES = 8 };

typedef struct {
  uint8_t rows, rowBytes;
  uint8_t data[MAX_ROWS][ROW_BYTES];
} tile;

/// Tiles belong to a thread, as registers do. Palette 0: not configured.
static __thread struct {
  uint8_t palette;
  tile tiles[TILES];
} state;

static void refuse(const char *why) {
  fprintf(stderr, "emulator: a processor refuses this: %s\n", why);
  abort();
}

static void loadConfiguration(const uint8_t *memory) {
  memset(&state, 0, sizeof state);
  if (memory[0] == 0)
    return;
  if (memory[0] != 1 || memory[1] != 0)
    refuse("ldtilecfg of another palette, or of a start row");
  for (int i = 0; i < 16; ++i) {
    uint16_t rowBytes;
    memcpy(&rowBytes, memory + 16 + 2 * i, 2);
    uint8_t rows = memory[48 + i];
    if (rowBytes > ROW_BYTES || rows > MAX_ROWS || !rowBytes != !rows || (i >= TILES && rows))
      refuse("ldtilecfg of a tile that is too large, or half empty");
    if (i < TILES) {
      state.tiles[i].rows = rows;
      state.tiles[i].rowBytes = rowBytes;
    }
  }
  state.palette = 1;
}

static void storeConfiguration(uint8_t *memory) {
  memset(memory, 0, 64);
  memory[0] = state.palette;
  for (int i = 0; i < TILES; ++i) {
    memory[16 + 2 * i] = state.tiles[i].rowBytes;
    memory[48 + i] = state.tiles[i].rows;
  }
}

/// A tile that is configured.
static tile *getTile(unsigned number) {
  if (number >= TILES || !state.palette || !state.tiles[number].rows)
    refuse("a tile that is not configured");
  return &state.tiles[number];
}

static void loadTile(tile *to, const instruction *in) {
  memset(to->data, 0, sizeof to->data);
  for (unsigned r = 0; r < to->rows; ++r)
    memcpy(to->data[r], (const void *)(in->address + r * in->index), to->rowBytes);
}

static void storeTile(const tile *from, const instruction *in) {
  for (unsigned r = 0; r < from->rows; ++r)
    memcpy((void *)(in->address + r * in->index), from->data[r], from->rowBytes);
}

static void multiplyBytes(tile *sums, const tile *left, const tile *right, int leftSigned,
                          int rightSigned) {
  for (unsigned m = 0; m < sums->rows; ++m) {
    // Wraps around, as the processor's sums do.
    uint32_t row[ROW_BYTES / 4];
    memcpy(row, sums->data[m], ROW_BYTES);
    for (unsigned k = 0; k < left->rowBytes; ++k) {
      uint8_t byte = left->data[m][k];
      int32_t a = leftSigned ? (int8_t)byte : byte;
      const uint8_t *quads = right->data[k / 4] + k % 4;
      if (rightSigned)
        for (unsigned n = 0; n < ROW_BYTES / 4; ++n)
          row[n] += a * (int8_t)quads[4 * n];
      else
        for (unsigned n = 0; n < ROW_BYTES / 4; ++n)
          row[n] += a * quads[4 * n];
    }
    memcpy(sums->data[m], row, sums->rowBytes);
  }
}

static float widen(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

/// Even and odd elements are summed apart, by fused operations, and added to the sums at the end.
__attribute__((target("fma"))) static void multiplyBF16(tile *sums, const tile *left,
                                                        const tile *right) {
  for (unsigned m = 0; m < sums->rows; ++m) {
    float parts[ROW_BYTES / 2] = {0}, row[ROW_BYTES / 4];
    memcpy(row, sums->data[m], ROW_BYTES);
    for (unsigned k = 0; k < left->rowBytes / 4u; ++k) {
      uint16_t pair[2], elements[ROW_BYTES / 2];
      memcpy(pair, left->data[m] + 4 * k, 4);
      memcpy(elements, right->data[k], ROW_BYTES);
      float a[2] = {widen(pair[0]), widen(pair[1])};
      for (unsigned n = 0; n < ROW_BYTES / 2; ++n)
        parts[n] = __builtin_fmaf(a[n & 1], widen(elements[n]), parts[n]);
    }
    for (unsigned n = 0; n < ROW_BYTES / 4; ++n)
      row[n] += parts[2 * n] + parts[2 * n + 1];
    memcpy(sums->data[m], row, sums->rowBytes);
  }
}

static void multiply(const instruction *in) {
  if (in->reg == in->rm || in->reg == in->vvvv || in->rm == in->vvvv)
    refuse("a product of a tile with itself");
  tile *sums = getTile(in->reg), *left = getTile(in->rm), *right = getTile(in->vvvv);
  if (sums->rows != left->rows || sums->rowBytes != right->rowBytes ||
      left->rowBytes != 4 * right->rows || sums->rowBytes % 4)
    refuse("a product of tiles whose shapes do not fit");
  if (in->opcode == 0x5c) {
    // Denormals are zeros, to read and to write; the kernel puts the program's mode back.
    _mm_setcsr(0x9fc0);
    multiplyBF16(sums, left, right);
  } else {
    multiplyBytes(sums, left, right,
                  /*leftSigned=*/in->prefix == PREFIX_F3 || in->prefix == PREFIX_F2,
                  /*rightSigned=*/in->prefix == PREFIX_66 || in->prefix == PREFIX_F2);
  }
}

int emulateTiles(const instruction *in) {
  if (in->isWide)
    return 0;
  switch (in->opcode) {
  case 0x49: // Configuration.
    if (in->isMemory && in->prefix == PREFIX_NONE)
      loadConfiguration((const uint8_t *)(in->address + in->index));
    else if (in->isMemory && in->prefix == PREFIX_66)
      storeConfiguration((uint8_t *)(in->address + in->index));
    else if (!in->isMemory && in->prefix == PREFIX_NONE)
      memset(&state, 0, sizeof state);
    else if (!in->isMemory && in->prefix == PREFIX_F2)
      memset(getTile(in->reg)->data, 0, sizeof state.tiles->data);
    else
      return 0;
    return 1;
  case 0x4b: // Loads, with a hint (66) or without, and stores.
    if (!in->isMemory || in->prefix == PREFIX_NONE)
      return 0;
    if (in->prefix == PREFIX_F3)
      storeTile(getTile(in->reg), in);
    else
      loadTile(getTile(in->reg), in);
    return 1;
  case 0x5c: // Products of bf16.
    if (in->isMemory || in->prefix != PREFIX_F3)
      return 0;
    multiply(in);
    return 1;
  case 0x5e: // Products of bytes.
    if (in->isMemory)
      return 0;
    multiply(in);
    return 1;
  default:
    return 0;
  }
}
