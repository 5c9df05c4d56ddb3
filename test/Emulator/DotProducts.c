//===- DotProducts.c - AVX-VNNI -------------------------------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emulator.h"

#include <string.h>

enum { HALF = 16 };

/// Bytes `half` (0: low, 1: high) of a vector register, where the kernel keeps them until the
/// handler returns: the low ones in the form of FXSAVE, the high ones in that of XSAVE.
static uint8_t *getHalf(ucontext_t *context, unsigned number, int half) {
  uint8_t *saved = (uint8_t *)context->uc_mcontext.fpregs;
  return saved + (half ? 576 : 160) + HALF * number;
}

/// A component that XSTATE_BV does not name counts as zero, whatever its bytes.
static void setPresent(ucontext_t *context) {
  enum { SSE = 2, AVX = 4 };
  uint8_t *saved = (uint8_t *)context->uc_mcontext.fpregs;
  if (!(saved[512] & SSE))
    memset(getHalf(context, 0, 0), 0, 16 * HALF);
  if (!(saved[512] & AVX))
    memset(getHalf(context, 0, 1), 0, 16 * HALF);
  saved[512] |= SSE | AVX;
}

static void add(uint8_t *sums, const uint8_t *left, const uint8_t *right, int isBytes) {
  for (int i = 0; i < HALF; i += 4) {
    uint32_t sum;
    memcpy(&sum, sums + i, 4);
    for (int k = 0; k < 4 && isBytes; ++k)
      sum += left[i + k] * (int8_t)right[i + k];
    for (int k = 0; k < 4 && !isBytes; k += 2) {
      int16_t a, b;
      memcpy(&a, left + i + k, 2);
      memcpy(&b, right + i + k, 2);
      sum += (uint32_t)(a * b);
    }
    memcpy(sums + i, &sum, 4);
  }
}

int emulateDotProducts(const instruction *in, ucontext_t *context) {
  enum { VPDPBUSD = 0x50, VPDPWSSD = 0x52 };
  if (in->prefix != PREFIX_66 || (in->opcode != VPDPBUSD && in->opcode != VPDPWSSD))
    return 0;
  setPresent(context);
  uint8_t right[2 * HALF];
  if (in->isMemory)
    memcpy(right, (const void *)(in->address + in->index), in->isWide ? 2 * HALF : HALF);
  for (int half = 0; half < 2; ++half) {
    uint8_t *sums = getHalf(context, in->reg, half);
    if (half && !in->isWide) {
      memset(sums, 0, HALF);
      break;
    }
    add(sums, getHalf(context, in->vvvv, half),
        in->isMemory ? right + half * HALF : getHalf(context, in->rm, half),
        in->opcode == VPDPBUSD);
  }
  return 1;
}
