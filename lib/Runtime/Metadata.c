//===- Metadata.c - Reads what an artifact says of itself ------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Internal.h"

#include <stdlib.h>
#include <string.h>

/// A section being read. Every reader checks what is left first, so that a damaged or hostile file
/// is refused and never followed.
typedef struct reader {
  const uint8_t *next;
  size_t left;
  const char *path;
} reader;

static terse_status cutShort(const reader *r) {
  return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: metadata ends early", r->path);
}

static terse_status readBytes(reader *r, void *out, size_t size) {
  if (r->left < size)
    return cutShort(r);
  memcpy(out, r->next, size);
  r->next += size;
  r->left -= size;
  return TERSE_OK;
}

static terse_status readString(reader *r, char **out) {
  uint32_t size;
  if (readBytes(r, &size, sizeof size))
    return TERSE_ERROR_FORMAT;
  if (r->left < size)
    return cutShort(r);
  if (memchr(r->next, 0, size))
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: zero byte in a name", r->path);
  char *text = malloc((size_t)size + 1);
  if (!text)
    return terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", r->path);
  memcpy(text, r->next, size);
  text[size] = 0;
  r->next += size;
  r->left -= size;
  *out = text;
  return TERSE_OK;
}

static terse_status readTensor(reader *r, int isWeight, uint64_t blobSize,
                               terse_tensor_info *info) {
  terse_status status = readString(r, &info->name);
  if (status)
    return status;
  uint32_t rank;
  if (readBytes(r, &info->dtype, 4) || readBytes(r, &rank, 4))
    return TERSE_ERROR_FORMAT;
  if (terse_dtype_size((terse_dtype)info->dtype) == 0)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: '%s' has unknown element type %u",
                      r->path, info->name, info->dtype);
  if (rank > TERSE_MAX_RANK)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: '%s' has rank %u (at most %d)",
                      r->path, info->name, rank, TERSE_MAX_RANK);
  info->rank = (int32_t)rank;
  if (readBytes(r, info->shape, rank * sizeof(int64_t)))
    return TERSE_ERROR_FORMAT;
  for (uint32_t d = 0; d < rank; ++d)
    if (info->shape[d] < (isWeight ? 0 : -1))
      return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: '%s' has a negative size",
                        r->path, info->name);
  if (!isWeight)
    return TERSE_OK;
  if (readBytes(r, &info->offset, 8) || readBytes(r, &info->bytes, 8))
    return TERSE_ERROR_FORMAT;
  if (info->offset > blobSize || info->bytes > blobSize - info->offset)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: weight '%s' lies outside", r->path,
                      info->name);
  return TERSE_OK;
}

static terse_status readList(reader *r, int isWeight, uint64_t blobSize, terse_tensor_list *list) {
  uint32_t count;
  if (readBytes(r, &count, 4))
    return TERSE_ERROR_FORMAT;
  // An entry takes at least 12 bytes, which bounds what a wrong count can allocate.
  if (count > r->left / 12)
    return cutShort(r);
  list->items = calloc(count ? count : 1, sizeof *list->items);
  if (!list->items)
    return terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", r->path);
  list->count = count;
  for (uint32_t i = 0; i < count; ++i) {
    terse_status status = readTensor(r, isWeight, blobSize, &list->items[i]);
    if (status)
      return status;
  }
  return TERSE_OK;
}

static terse_status readFeatures(reader *r) {
  uint32_t count;
  if (readBytes(r, &count, 4))
    return TERSE_ERROR_FORMAT;
  for (uint32_t i = 0; i < count; ++i) {
    char *name = NULL;
    terse_status status = readString(r, &name);
    if (status)
      return status;
    int has = terse_cpu_has_feature(name);
    if (has < 0)
      status = terse_fail(TERSE_ERROR_TARGET,
                          "%s: needs the CPU feature '%s', which this runtime does not know",
                          r->path, name);
    else if (has == 0)
      status = terse_fail(TERSE_ERROR_TARGET,
                          "%s: needs the CPU feature '%s', which this machine lacks; compile the "
                          "model for this machine or for a more general target",
                          r->path, name);
    free(name);
    if (status)
      return status;
  }
  return TERSE_OK;
}

terse_status terse_read_metadata(terse_model *model, const char *path, const uint8_t *data,
                                 size_t size) {
  reader r = {data, size, path};
  terse_status status;
  if ((status = readString(&r, &model->producer)) || (status = readString(&r, &model->target)) ||
      (status = readFeatures(&r)) || (status = readList(&r, 0, 0, &model->inputs)) ||
      (status = readList(&r, 0, 0, &model->outputs)) ||
      (status = readList(&r, 1, model->header.weights_size, &model->weights)))
    return status;
  if (r.left != 0)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: %zu unknown bytes of metadata",
                      path, r.left);
  return TERSE_OK;
}

void terse_free_list(terse_tensor_list *list) {
  for (size_t i = 0; list->items && i < list->count; ++i)
    free(list->items[i].name);
  free(list->items);
}

//===----------------------------------------------------------------------===//
// Accessors
//===----------------------------------------------------------------------===//

const char *terse_model_producer(const terse_model *model) { return model->producer; }
const char *terse_model_target(const terse_model *model) { return model->target; }
uint64_t terse_model_arena_size(const terse_model *model) { return model->header.arena_size; }
uint64_t terse_model_weights_size(const terse_model *model) { return model->header.weights_size; }
uint64_t terse_model_code_size(const terse_model *model) { return model->header.code_size; }

static const terse_tensor_info *item(const terse_tensor_list *list, size_t index) {
  static const terse_tensor_info none = {0};
  return index < list->count ? &list->items[index] : &none;
}

static const int64_t *shapeOf(const terse_tensor_list *list, size_t index) {
  return index < list->count ? list->items[index].shape : NULL;
}

#define TERSE_DEFINE_ACCESSORS(KIND, LIST)                                                         \
  size_t terse_##KIND##_count(const terse_model *model) { return model->LIST.count; }              \
  const char *terse_##KIND##_name(const terse_model *model, size_t index) {                        \
    return item(&model->LIST, index)->name;                                                        \
  }                                                                                                \
  terse_dtype terse_##KIND##_dtype(const terse_model *model, size_t index) {                       \
    return (terse_dtype)item(&model->LIST, index)->dtype;                                          \
  }                                                                                                \
  int32_t terse_##KIND##_rank(const terse_model *model, size_t index) {                            \
    return item(&model->LIST, index)->rank;                                                        \
  }                                                                                                \
  const int64_t *terse_##KIND##_shape(const terse_model *model, size_t index) {                    \
    return shapeOf(&model->LIST, index);                                                           \
  }

TERSE_DEFINE_ACCESSORS(input, inputs)
TERSE_DEFINE_ACCESSORS(output, outputs)
TERSE_DEFINE_ACCESSORS(weight, weights)

uint64_t terse_weight_bytes(const terse_model *model, size_t index) {
  return item(&model->weights, index)->bytes;
}
