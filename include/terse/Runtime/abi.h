//===- abi.h - What compiled models and their loaders agree on -------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every code object, from the JIT or from a `.terse` artifact, exports the two
// symbols at the end of this file and depends on libc and libm only.
//
// Elements in buffers are stored in whole bytes: bool, integers below 8 bits
// (sign- or zero-extended) and FP8, FP6 and FP4 (bit patterns) take one byte
// each, everything else its own width, little-endian, row-major and dense.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RUNTIME_ABI_H
#define TERSE_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Stands in each artifact; a loader refuses code of a later version. Version 1 had no
/// terse_scratch.
#define TERSE_ABI_VERSION 2

/// A dense tensor; `shape` has as many entries as the tensor has dimensions.
typedef struct terse_buffer {
  void *data;
  int64_t *shape;
} terse_buffer;

/// What the loader does for the code.
typedef struct terse_services {
  /// Calls `body(env, begin, end)` on disjoint ranges that together are [0, count), perhaps in
  /// several threads, and returns when all calls have. May be called from within a body.
  void (*parallel_for)(void (*body)(void *env, int64_t begin, int64_t end), void *env,
                       int64_t count);
} terse_services;

/// Memory that one run leaves to the next: `size` bytes at `data`, which is null or for free() to
/// release. The code replaces it when it needs more.
typedef struct terse_scratch {
  void *data;
  uint64_t size;
} terse_scratch;

/// A `terse_scratch`, zero at first, lies this many bytes in front of each arena. The loader
/// releases its memory when no run uses the arena any more.
#define TERSE_SCRATCH_OFFSET 64

/// What `terse_entry` returns.
enum {
  TERSE_ENTRY_OK = 0,
  TERSE_ENTRY_OUT_OF_MEMORY = 1,
  /// The sizes of the dynamic dimensions do not fit each other.
  TERSE_ENTRY_SHAPE_MISMATCH = 2,
};

/// `const terse_services *terse_services_ptr`: exported by the code, set once by the loader.
#define TERSE_SERVICES_SYMBOL "terse_services_ptr"

/// `terse_entry`: exported by the code.
#define TERSE_ENTRY_SYMBOL "terse_entry"

/// Runs the model once. `weights` is the blob of all weights (page-aligned), `arena` scratch memory
/// of the size that the compiler states (aligned to 64 bytes; concurrent calls use separate ones).
/// The code allocates each `outputs[i].data` so that free() releases it and writes the entries of
/// `outputs[i].shape`, which the caller provides. After an error all `outputs[i].data` that are not
/// null are the caller's to free.
typedef int32_t (*terse_entry_fn)(const uint8_t *weights, uint8_t *arena,
                                  const terse_buffer *inputs, terse_buffer *outputs);

#ifdef __cplusplus
}
#endif

#endif // TERSE_RUNTIME_ABI_H
