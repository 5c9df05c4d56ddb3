// A code object written by hand: `y[n] = x[n] * w[0] + w[1]` for x : f32[-1], computed in a parallel
// loop through the arena. Stands for what the compiler emits.

#include "terse/Runtime/abi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const terse_services *terse_services_ptr;

typedef struct {
  const float *x, *w;
  float *y, *scratch;
} frame;

static void body(void *env, int64_t begin, int64_t end) {
  frame *f = env;
  for (int64_t i = begin; i < end; ++i) {
    f->scratch[i % 16] = f->x[i];
    f->y[i] = fmaf(f->x[i], f->w[0], f->w[1]);
  }
}

int32_t terse_entry(const uint8_t *weights, uint8_t *arena, const terse_buffer *inputs,
                    terse_buffer *outputs) {
  int64_t n = inputs[0].shape[0];
  // An agreement of the tests: 13 elements are a mismatch.
  if (n == 13)
    return TERSE_ENTRY_SHAPE_MISMATCH;
  outputs[0].shape[0] = n;
  outputs[0].data = aligned_alloc(64, (size_t)(n * 4 + 64) / 64 * 64);
  if (!outputs[0].data)
    return TERSE_ENTRY_OUT_OF_MEMORY;
  frame f = {inputs[0].data, (const float *)weights, outputs[0].data, (float *)arena};
  terse_services_ptr->parallel_for(body, &f, n);
  return TERSE_ENTRY_OK;
}
