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

void terse_free_variant(terse_variant *variant) {
  free(variant->name);
  free(variant->missing);
  *variant = (terse_variant){0};
}

/// Reads the list of CPU features that `variant` needs and notes the first that is missing.
static terse_status readFeatures(reader *r, terse_variant *variant) {
  uint32_t count;
  if (readBytes(r, &count, 4))
    return TERSE_ERROR_FORMAT;
  for (uint32_t i = 0; i < count; ++i) {
    char *name = NULL;
    terse_status status = readString(r, &name);
    if (status)
      return status;
    int has = terse_cpu_has_feature(name);
    if (has > 0 || variant->missing) {
      free(name);
      continue;
    }
    variant->missing = name;
    variant->is_unknown = has < 0;
  }
  return TERSE_OK;
}

static terse_status lacksFeature(const char *path, const terse_variant *variant) {
  if (variant->is_unknown)
    return terse_fail(TERSE_ERROR_TARGET,
                      "%s: needs the CPU feature '%s', which this runtime does not know", path,
                      variant->missing);
  return terse_fail(TERSE_ERROR_TARGET,
                    "%s: needs the CPU feature '%s', which this machine lacks; compile the model "
                    "for this machine or for a more general target",
                    path, variant->missing);
}

static terse_status readVariant(reader *r, terse_variant *variant) {
  terse_status status = readString(r, &variant->name);
  if (status || (status = readFeatures(r, variant)))
    return status;
  if (readBytes(r, &variant->code_offset, 8) || readBytes(r, &variant->code_size, 8) ||
      readBytes(r, &variant->arena_size, 8) || readBytes(r, &variant->checksum, 4))
    return TERSE_ERROR_FORMAT;
  return TERSE_OK;
}

/// Reads the list of variants and keeps the one to load in `model`.
static terse_status readVariants(reader *r, terse_model *model, const char *wanted) {
  uint32_t count;
  if (readBytes(r, &count, 4))
    return TERSE_ERROR_FORMAT;
  int isFound = 0;
  for (uint32_t i = 0; i < count; ++i) {
    terse_variant variant = {0};
    terse_status status = readVariant(r, &variant);
    if (status) {
      terse_free_variant(&variant);
      return status;
    }
    int takes = !isFound && (wanted ? strcmp(wanted, variant.name) == 0 : !variant.missing);
    // With none to run, the error is about the last, which asks for least.
    if (takes || (!isFound && !wanted)) {
      terse_free_variant(&model->variant);
      model->variant = variant;
      isFound |= takes;
    } else {
      terse_free_variant(&variant);
    }
  }
  if (wanted && !isFound)
    return terse_fail(TERSE_ERROR_ARGUMENT, "%s: has no variant '%s'", r->path, wanted);
  return TERSE_OK;
}

static terse_status setEmptyName(terse_variant *variant, const char *path) {
  variant->name = calloc(1, 1);
  return variant->name ? TERSE_OK : terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", path);
}

terse_status terse_read_metadata(terse_model *model, const char *path, const uint8_t *data,
                                 size_t size, const char *variant) {
  reader r = {data, size, path};
  const terse_file_header *h = &model->header;
  model->variant = (terse_variant){.code_offset = h->code_offset,
                                   .code_size = h->code_size,
                                   .arena_size = h->arena_size,
                                   .checksum = h->code_checksum};
  terse_status status;
  if ((status = setEmptyName(&model->variant, path)) ||
      (status = readString(&r, &model->producer)) || (status = readString(&r, &model->target)) ||
      (status = readFeatures(&r, &model->variant)) ||
      (status = readList(&r, 0, 0, &model->inputs)) ||
      (status = readList(&r, 0, 0, &model->outputs)) ||
      (status = readList(&r, 1, model->header.weights_size, &model->weights)))
    return status;
  if (h->version >= 2) {
    if ((status = readVariants(&r, model, variant)))
      return status;
  } else if (variant) {
    return terse_fail(TERSE_ERROR_ARGUMENT, "%s: has no variant '%s': its code is for one target",
                      path, variant);
  }
  if (r.left != 0)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: %zu unknown bytes of metadata",
                      path, r.left);
  return model->variant.missing ? lacksFeature(path, &model->variant) : TERSE_OK;
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
const char *terse_model_variant(const terse_model *model) { return model->variant.name; }
uint64_t terse_model_arena_size(const terse_model *model) { return model->variant.arena_size; }
uint64_t terse_model_weights_size(const terse_model *model) { return model->header.weights_size; }
uint64_t terse_model_code_size(const terse_model *model) { return model->variant.code_size; }

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
