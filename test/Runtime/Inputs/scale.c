//===- scale.c - A code object written by hand -----------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stands for what the compiler emits: `y[n] = x[n] * w[0] + w[1]` for x : f32[?].
// The first 8 bytes of the weights say where w lies, so that a test can put it
// anywhere. The arena is filled and compared, so that two runs that share one
// are found out.
//
//===----------------------------------------------------------------------===//

#include "terse/Runtime/abi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const terse_services *terse_services_ptr;

typedef struct {
  const float *x, *w;
  float *y;
} frame;

static void body(void *env, int64_t begin, int64_t end) {
  frame *f = env;
  for (int64_t i = begin; i < end; ++i)
    f->y[i] = fmaf(f->x[i], f->w[0], f->w[1]);
}

enum { ARENA = 4096, SHARED_ARENA = 77 };

int32_t terse_entry(const uint8_t *weights, uint8_t *arena, const terse_buffer *inputs,
                    terse_buffer *outputs) {
  int64_t n = inputs[0].shape[0];
  // An agreement with the tests: 13 elements do not fit.
  if (n == 13)
    return TERSE_ENTRY_SHAPE_MISMATCH;
  outputs[0].shape[0] = n;
  outputs[0].data = aligned_alloc(64, (size_t)(n * 4 + 64) / 64 * 64);
  if (!outputs[0].data)
    return TERSE_ENTRY_OUT_OF_MEMORY;
  uint8_t token = n > 0 ? ((const uint8_t *)inputs[0].data)[0] : 0;
  memset(arena, token, ARENA);
  uint64_t at;
  memcpy(&at, weights, sizeof at);
  frame f = {inputs[0].data, (const float *)(weights + at), outputs[0].data};
  terse_services_ptr->parallel_for(body, &f, n);
  for (int i = 0; i < ARENA; ++i)
    if (arena[i] != token)
      return SHARED_ARENA;
  return TERSE_ENTRY_OK;
}
