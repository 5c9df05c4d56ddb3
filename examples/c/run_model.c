//===- run_model.c - Runs a compiled model from C --------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   terse compile model.onnx -o model.terse
//   cc run_model.c -I TERSE/include TERSE/lib/libterse_runtime.a -ldl -lm -lpthread -o run_model
//   ./run_model model.terse input0.bin input1.bin ...
//
// Each input file holds the raw elements of one input. An input without a file
// is all zeros, and its dynamic dimensions are 1. Prints the inputs, the outputs
// with their first values, and for float outputs the index of the largest.
//
//===----------------------------------------------------------------------===//

#include "terse/Runtime/terse.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *message) {
  fprintf(stderr, "error: %s\n", message);
  return 1;
}

static void printHead(const char *kind, const char *name, const terse_tensor *tensor) {
  printf("%s '%s': %s[", kind, name, terse_dtype_name(tensor->dtype));
  for (int32_t d = 0; d < tensor->rank; ++d)
    printf("%s%lld", d ? ", " : "", (long long)tensor->shape[d]);
  printf("]\n");
}

static void printValues(const terse_tensor *tensor) {
  size_t count = terse_tensor_size(tensor) / terse_dtype_size(tensor->dtype);
  if (tensor->dtype != TERSE_F32 || count == 0)
    return;
  const float *values = tensor->data;
  size_t best = 0;
  for (size_t i = 1; i < count; ++i)
    if (values[i] > values[best])
      best = i;
  printf(" ");
  for (size_t i = 0; i < count && i < 8; ++i)
    printf(" %g", values[i]);
  printf("%s; largest at %zu\n", count > 8 ? " ..." : "", best);
}

/// Fills `tensor` from the file at `path`, or with zeros for a null path.
static int readInput(const char *path, terse_tensor *tensor) {
  size_t size = terse_tensor_size(tensor);
  tensor->data = calloc(size ? size : 1, 1);
  if (!tensor->data)
    return fail("out of memory");
  if (!path)
    return 0;
  FILE *file = fopen(path, "rb");
  size_t count = file ? fread(tensor->data, 1, size, file) : 0;
  int isWhole = file && count == size && fgetc(file) == EOF;
  if (file)
    fclose(file);
  if (isWhole)
    return 0;
  fprintf(stderr, "error: %s: expected a file of %zu bytes\n", path, size);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL.terse [INPUT.bin ...]\n", argv[0]);
    return 2;
  }
  terse_model *model;
  if (terse_model_load(argv[1], NULL, &model) != TERSE_OK)
    return fail(terse_last_error());

  size_t inputCount = terse_input_count(model), outputCount = terse_output_count(model);
  terse_tensor *inputs = calloc(inputCount + 1, sizeof *inputs);
  terse_tensor *outputs = calloc(outputCount + 1, sizeof *outputs);
  if (!inputs || !outputs)
    return fail("out of memory");
  int status = 0;
  for (size_t i = 0; i < inputCount && status == 0; ++i) {
    inputs[i].dtype = terse_input_dtype(model, i);
    inputs[i].rank = terse_input_rank(model, i);
    const int64_t *shape = terse_input_shape(model, i);
    for (int32_t d = 0; d < inputs[i].rank; ++d)
      inputs[i].shape[d] = shape[d] < 0 ? 1 : shape[d];
    printHead("input", terse_input_name(model, i), &inputs[i]);
    status = readInput((int)i + 2 < argc ? argv[i + 2] : NULL, &inputs[i]);
  }

  if (status == 0 && terse_run(model, inputs, inputCount, outputs, outputCount) != TERSE_OK)
    status = fail(terse_last_error());
  for (size_t i = 0; i < outputCount && status == 0; ++i) {
    printHead("output", terse_output_name(model, i), &outputs[i]);
    printValues(&outputs[i]);
    terse_tensor_release(&outputs[i]);
  }

  for (size_t i = 0; i < inputCount; ++i)
    free(inputs[i].data);
  free(inputs);
  free(outputs);
  terse_model_unload(model);
  return status;
}
