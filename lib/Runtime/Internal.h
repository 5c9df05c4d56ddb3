//===- Internal.h - Shared by the files of the runtime ---------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_RUNTIME_INTERNAL_H
#define TERSE_LIB_RUNTIME_INTERNAL_H

#include "terse/Runtime/abi.h"
#include "terse/Runtime/format.h"
#include "terse/Runtime/services.h"
#include "terse/Runtime/terse.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "artifacts are little-endian and mapped as they are"
#endif

#define TERSE_HIDDEN __attribute__((visibility("hidden")))

/// An input, output or weight as the artifact describes it. `name` is owned.
typedef struct terse_tensor_info {
  char *name;
  uint32_t dtype;
  int32_t rank;
  int64_t shape[TERSE_MAX_RANK];
  /// Weights only: where the packed elements lie in the blob.
  uint64_t offset, bytes;
} terse_tensor_info;

typedef struct terse_tensor_list {
  terse_tensor_info *items;
  size_t count;
} terse_tensor_list;

/// A counted range. `name` is owned.
typedef struct terse_range {
  char *name;
  double low, high;
  uint64_t seen, below, above;
} terse_range;

/// What lies in front of an arena: TERSE_SCRATCH_OFFSET bytes.
typedef struct terse_arena {
  terse_scratch scratch;
  /// Of free arenas.
  struct terse_arena *next;
  uint8_t unused[TERSE_SCRATCH_OFFSET - sizeof(terse_scratch) - sizeof(void *)];
} terse_arena;

/// Code for one level of CPU features. `name` and `missing` are owned.
typedef struct terse_variant {
  char *name;
  uint64_t code_offset, code_size, arena_size;
  uint32_t checksum;
  /// A feature that this machine lacks or this runtime does not know; null: it can run.
  char *missing;
  int is_unknown;
} terse_variant;

struct terse_model {
  /// The whole file, read-only.
  const uint8_t *file;
  size_t file_size;
  terse_file_header header;

  char *producer, *target;
  terse_variant variant; ///< The one that is loaded.
  /// Without the output that counts ranges, which follows the others.
  terse_tensor_list inputs, outputs, weights;
  terse_range *ranges; ///< The counters are guarded by `mutex`.
  size_t range_count;
  /// Whether the output that counts has been taken off the list of outputs.
  int counts_hidden;

  void *library;
  /// The memory file that holds the code; see openCode for why it stays open.
  int code_fd;
  terse_entry_fn entry;

  int32_t threads;
  pthread_mutex_t mutex;
  terse_arena *free_arenas;
};

/// Records a message for terse_last_error and returns `status`.
TERSE_HIDDEN terse_status terse_fail(terse_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// CRC-32 with the polynomial 0xEDB88320, as in zlib and gzip.
TERSE_HIDDEN uint32_t terse_crc32(const uint8_t *data, size_t size);

/// Reads the metadata section into `model` and chooses the variant of the code: the first whose
/// CPU features this machine has, or the one called `variant`.
TERSE_HIDDEN terse_status terse_read_metadata(terse_model *model, const char *path,
                                              const uint8_t *data, size_t size,
                                              const char *variant);

/// Reads the section of counted ranges, if there is one; after the metadata.
TERSE_HIDDEN terse_status terse_read_ranges(terse_model *model, const char *path);
TERSE_HIDDEN void terse_free_ranges(terse_model *model);
/// Adds what one run has counted: three numbers per range.
TERSE_HIDDEN void terse_add_counts(terse_model *model, const int64_t *counts);

TERSE_HIDDEN void terse_free_list(terse_tensor_list *list);
TERSE_HIDDEN void terse_free_variant(terse_variant *variant);

/// Number of elements times bytes of each; false when it does not fit.
TERSE_HIDDEN int terse_shape_size(const int64_t *shape, int32_t rank, size_t element, size_t *size);

#endif // TERSE_LIB_RUNTIME_INTERNAL_H
