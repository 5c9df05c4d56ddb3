//===- Ranges.c - Counters of values beyond ranges -------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code that counts has one more output: three 64-bit integers per range. It is
// not shown to callers; each run adds it to the counters of the model.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <stdlib.h>
#include <string.h>

static terse_status damaged(const char *path, const char *what) {
  return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: %s", path, what);
}

static int take(const uint8_t **data, size_t *left, void *out, size_t size) {
  if (*left < size)
    return 0;
  memcpy(out, *data, size);
  *data += size;
  *left -= size;
  return 1;
}

terse_status terse_read_ranges(terse_model *model, const char *path) {
  const uint8_t *data = model->file + model->header.ranges_offset;
  size_t left = (size_t)model->header.ranges_size;
  if (left == 0)
    return TERSE_OK;
  if (terse_crc32(data, left) != model->header.ranges_checksum)
    return damaged(path, "wrong checksum of the ranges");
  uint32_t count;
  // A range takes at least 20 bytes, which bounds what a wrong count can allocate.
  if (!take(&data, &left, &count, sizeof count) || count == 0 || count > left / 20)
    return damaged(path, "ranges end early");
  const terse_tensor_list *outputs = &model->outputs;
  const terse_tensor_info *last = outputs->count ? &outputs->items[outputs->count - 1] : NULL;
  if (!last || last->dtype != TERSE_I64 || last->rank != 2 || last->shape[0] != (int64_t)count ||
      last->shape[1] != 3)
    return damaged(path, "ranges without an output that counts them");
  model->ranges = calloc(count, sizeof *model->ranges);
  if (!model->ranges)
    return terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", path);
  model->range_count = count;
  for (uint32_t i = 0; i < count; ++i) {
    terse_range *range = &model->ranges[i];
    uint32_t size;
    if (!take(&data, &left, &size, sizeof size) || left < size || memchr(data, 0, size))
      return damaged(path, "ranges end early");
    range->name = malloc((size_t)size + 1);
    if (!range->name)
      return terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", path);
    memcpy(range->name, data, size);
    range->name[size] = 0;
    data += size;
    left -= size;
    if (!take(&data, &left, &range->low, sizeof range->low) ||
        !take(&data, &left, &range->high, sizeof range->high))
      return damaged(path, "ranges end early");
  }
  if (left != 0)
    return damaged(path, "unknown bytes behind the ranges");
  // From here on callers see the model's own outputs only.
  model->outputs.count -= 1;
  model->counts_hidden = 1;
  return TERSE_OK;
}

void terse_free_ranges(terse_model *model) {
  for (size_t i = 0; model->ranges && i < model->range_count; ++i)
    free(model->ranges[i].name);
  free(model->ranges);
}

void terse_add_counts(terse_model *model, const int64_t *counts) {
  pthread_mutex_lock(&model->mutex);
  for (size_t i = 0; i < model->range_count; ++i) {
    model->ranges[i].seen += (uint64_t)counts[3 * i];
    model->ranges[i].below += (uint64_t)counts[3 * i + 1];
    model->ranges[i].above += (uint64_t)counts[3 * i + 2];
  }
  pthread_mutex_unlock(&model->mutex);
}

size_t terse_range_count(const terse_model *model) { return model->range_count; }

terse_status terse_range_counts_get(terse_model *model, size_t index, terse_range_counts *counts) {
  memset(counts, 0, sizeof *counts);
  if (index >= model->range_count)
    return terse_fail(TERSE_ERROR_ARGUMENT, "there is no counted range %zu; the model has %zu",
                      index, model->range_count);
  pthread_mutex_lock(&model->mutex);
  const terse_range *range = &model->ranges[index];
  counts->name = range->name;
  counts->low = range->low;
  counts->high = range->high;
  counts->seen = range->seen;
  counts->below = range->below;
  counts->above = range->above;
  pthread_mutex_unlock(&model->mutex);
  return TERSE_OK;
}

void terse_range_counts_reset(terse_model *model) {
  pthread_mutex_lock(&model->mutex);
  for (size_t i = 0; i < model->range_count; ++i)
    model->ranges[i].seen = model->ranges[i].below = model->ranges[i].above = 0;
  pthread_mutex_unlock(&model->mutex);
}
