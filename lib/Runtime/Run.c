//===- Run.c - Runs a model on the caller's tensors ------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Internal.h"

#include <stdlib.h>
#include <string.h>

#define TERSE_ARENA_ALIGNMENT 64

/// Each run in progress has an arena of its own; when it ends the next run takes it over.
static terse_arena *takeArena(terse_model *model) {
  pthread_mutex_lock(&model->mutex);
  terse_arena *arena = model->free_arenas;
  if (arena)
    model->free_arenas = arena->next;
  pthread_mutex_unlock(&model->mutex);
  if (arena)
    return arena;
  size_t size = (size_t)model->variant.arena_size + sizeof *arena;
  size = (size + TERSE_ARENA_ALIGNMENT - 1) / TERSE_ARENA_ALIGNMENT * TERSE_ARENA_ALIGNMENT;
  arena = aligned_alloc(TERSE_ARENA_ALIGNMENT, size);
  if (arena)
    memset(arena, 0, sizeof *arena);
  return arena;
}

static void returnArena(terse_model *model, terse_arena *arena) {
  pthread_mutex_lock(&model->mutex);
  arena->next = model->free_arenas;
  model->free_arenas = arena;
  pthread_mutex_unlock(&model->mutex);
}

void terse_model_set_threads(terse_model *model, int32_t threads) {
  __atomic_store_n(&model->threads, threads < 0 ? 0 : threads, __ATOMIC_RELAXED);
}

static terse_status checkInput(const terse_tensor_info *info, const terse_tensor *tensor) {
  if ((uint32_t)tensor->dtype != info->dtype)
    return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': expected elements of type %s (got %s)",
                      info->name, terse_dtype_name((terse_dtype)info->dtype),
                      terse_dtype_name(tensor->dtype));
  if (tensor->rank != info->rank)
    return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': expected rank %d (got %d)", info->name,
                      info->rank, tensor->rank);
  for (int32_t d = 0; d < info->rank; ++d)
    if (tensor->shape[d] < 0 || (info->shape[d] >= 0 && tensor->shape[d] != info->shape[d]))
      return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': dimension %d: expected %lld (got %lld)",
                        info->name, d, (long long)info->shape[d], (long long)tensor->shape[d]);
  size_t size;
  if (!terse_shape_size(tensor->shape, tensor->rank, terse_dtype_size(tensor->dtype), &size))
    return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': too large", info->name);
  if (size > 0 && !tensor->data)
    return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': data is null", info->name);
  if (tensor->capacity > 0 && tensor->capacity < size)
    return terse_fail(TERSE_ERROR_ARGUMENT, "input '%s': expected %zu bytes (got %zu)", info->name,
                      size, tensor->capacity);
  return TERSE_OK;
}

/// Hands the result to the caller: where it lies, or copied to the caller's memory.
static terse_status giveOutput(const terse_tensor_info *info, terse_buffer *result,
                               terse_tensor *output) {
  size_t size = 0;
  if (!terse_shape_size(result->shape, info->rank, terse_dtype_size((terse_dtype)info->dtype),
                        &size))
    return terse_fail(TERSE_ERROR_ARGUMENT, "output '%s': its shape makes no sense", info->name);
  output->dtype = (terse_dtype)info->dtype;
  output->rank = info->rank;
  memcpy(output->shape, result->shape, (size_t)info->rank * sizeof(int64_t));
  if (!output->data) {
    output->data = result->data;
    output->capacity = size;
    result->data = NULL;
    return TERSE_OK;
  }
  if (output->capacity < size)
    return terse_fail(TERSE_ERROR_ARGUMENT, "output '%s': needs %zu bytes (got %zu)", info->name,
                      size, output->capacity);
  if (size > 0)
    memcpy(output->data, result->data, size);
  return TERSE_OK;
}

static terse_status callEntry(terse_model *model, const terse_buffer *inputs,
                              terse_buffer *outputs) {
  terse_arena *arena = takeArena(model);
  if (!arena)
    return terse_fail(TERSE_ERROR_MEMORY, "out of memory for an arena of %llu bytes",
                      (unsigned long long)model->variant.arena_size);
  // Restored afterwards: a parallel loop of one model may run another.
  int32_t before = terse_set_thread_count(__atomic_load_n(&model->threads, __ATOMIC_RELAXED));
  int32_t result = model->entry(model->file + model->header.weights_offset, (uint8_t *)(arena + 1),
                                inputs, outputs);
  terse_set_thread_count(before);
  returnArena(model, arena);
  switch (result) {
  case TERSE_ENTRY_OK:
    return TERSE_OK;
  case TERSE_ENTRY_OUT_OF_MEMORY:
    return terse_fail(TERSE_ERROR_MEMORY, "out of memory while the model ran");
  case TERSE_ENTRY_SHAPE_MISMATCH:
    return terse_fail(TERSE_ERROR_ARGUMENT, "the sizes of the inputs do not fit each other");
  }
  return terse_fail(TERSE_ERROR_FORMAT, "the code returned the unknown status %d", result);
}

terse_status terse_run(terse_model *model, const terse_tensor *inputs, size_t inputCount,
                       terse_tensor *outputs, size_t outputCount) {
  if (inputCount != model->inputs.count || outputCount != model->outputs.count)
    return terse_fail(TERSE_ERROR_ARGUMENT, "expected %zu inputs and %zu outputs (got %zu and %zu)",
                      model->inputs.count, model->outputs.count, inputCount, outputCount);
  for (size_t i = 0; i < inputCount; ++i) {
    terse_status status = checkInput(&model->inputs.items[i], &inputs[i]);
    if (status)
      return status;
  }

  // One block: the buffers, then a full-rank shape for each.
  size_t hidden = (size_t)model->counts_hidden;
  size_t count = inputCount + outputCount + hidden;
  size_t each = sizeof(terse_buffer) + TERSE_MAX_RANK * sizeof(int64_t);
  terse_buffer *buffers = calloc(count ? count : 1, each);
  if (!buffers)
    return terse_fail(TERSE_ERROR_MEMORY, "out of memory");
  int64_t *shapes = (int64_t *)(buffers + count);
  for (size_t i = 0; i < count; ++i)
    buffers[i].shape = shapes + i * TERSE_MAX_RANK;
  for (size_t i = 0; i < inputCount; ++i) {
    buffers[i].data = inputs[i].data;
    memcpy(buffers[i].shape, inputs[i].shape, (size_t)inputs[i].rank * sizeof(int64_t));
  }

  terse_buffer *results = buffers + inputCount;
  terse_status status = callEntry(model, buffers, results);
  if (!status && hidden)
    terse_add_counts(model, results[outputCount].data);
  size_t given = 0;
  for (; !status && given < outputCount; ++given) {
    int isOurs = outputs[given].data == NULL;
    status = giveOutput(&model->outputs.items[given], &results[given], &outputs[given]);
    // Remember whose memory it is: on a later failure ours must not leak.
    if (!status && !isOurs)
      continue;
    if (!status)
      results[given].shape = NULL;
  }
  if (status)
    for (size_t i = 0; i < outputCount; ++i)
      if (!results[i].shape)
        terse_tensor_release(&outputs[i]);
  for (size_t i = 0; i < outputCount + hidden; ++i)
    free(results[i].data);
  free(buffers);
  return status;
}

void terse_tensor_release(terse_tensor *tensor) {
  free(tensor->data);
  tensor->data = NULL;
  tensor->capacity = 0;
}
