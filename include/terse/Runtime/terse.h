//===- terse.h - C interface to compiled models ----------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads a `.terse` artifact and runs it. A program needs this header and the
// static library `libterse_runtime.a` (link with `-ldl -lm -lpthread`), and
// neither MLIR nor LLVM.
//
//   terse_model *model;
//   if (terse_model_load("model.terse", NULL, &model) != TERSE_OK)
//     fprintf(stderr, "%s\n", terse_last_error());
//
// An artifact holds machine code: load only files that you would execute.
//
// All functions may be called from several threads at once, also on the same
// model, except that nothing may use a model while it is being unloaded.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RUNTIME_TERSE_H
#define TERSE_RUNTIME_TERSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum terse_status {
  TERSE_OK = 0,
  /// The file cannot be opened, read or mapped.
  TERSE_ERROR_IO,
  /// The file is no artifact, is cut short or damaged.
  TERSE_ERROR_FORMAT,
  /// The file was made by a newer Terse.
  TERSE_ERROR_VERSION,
  /// The code was compiled for another machine, or needs CPU features that this one lacks.
  TERSE_ERROR_TARGET,
  /// The caller's tensors do not fit the model.
  TERSE_ERROR_ARGUMENT,
  TERSE_ERROR_MEMORY,
} terse_status;

/// What went wrong in the last call of this thread that failed: one line, without a newline. Valid
/// until the next call of this thread that fails.
const char *terse_last_error(void);

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// The low byte is the width in bits. Elements below 8 bits take a whole byte each in tensors.
typedef enum terse_dtype {
  TERSE_F64 = 0x0140,
  TERSE_F32 = 0x0120,
  TERSE_F16 = 0x0110,
  TERSE_BF16 = 0x0210,
  TERSE_F8E5M2 = 0x0108,
  TERSE_F8E4M3FN = 0x0208,
  TERSE_F8E5M2FNUZ = 0x0308,
  TERSE_F8E4M3FNUZ = 0x0408,
  TERSE_F8E8M0FNU = 0x0508,
  TERSE_F6E3M2FN = 0x0106,
  TERSE_F6E2M3FN = 0x0206,
  TERSE_F4E2M1FN = 0x0104,
  TERSE_BOOL = 0x1001,
  TERSE_I64 = 0x2040,
  TERSE_I32 = 0x2020,
  TERSE_I16 = 0x2010,
  TERSE_I8 = 0x2008,
  TERSE_I4 = 0x2004,
  TERSE_I2 = 0x2002,
  TERSE_U64 = 0x3040,
  TERSE_U32 = 0x3020,
  TERSE_U16 = 0x3010,
  TERSE_U8 = 0x3008,
  TERSE_U4 = 0x3004,
  TERSE_U2 = 0x3002,
} terse_dtype;

/// Signed and unsigned integers of any width from 1 to 8, 16, 32 or 64 bits.
#define TERSE_SIGNED(bits) ((terse_dtype)(0x2000 | (bits)))
#define TERSE_UNSIGNED(bits) ((terse_dtype)(0x3000 | (bits)))

/// Bytes that one element takes in a tensor; 0 for a value that is no element type.
size_t terse_dtype_size(terse_dtype dtype);

/// "f32", "bf16", "f8E4M3FN", "bool", "i8", "u4", ...; "unknown" for a value that is no element
/// type. The text is static.
const char *terse_dtype_name(terse_dtype dtype);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

typedef struct terse_model terse_model;

/// Zero means the default everywhere: `terse_load_options options = {0};`.
typedef struct terse_load_options {
  /// Threads that one run uses; 0: what OpenMP would use (OMP_NUM_THREADS, else all processors).
  /// The results do not depend on it.
  int32_t threads;
  /// Not zero: also compare the checksum of the weights, which reads the whole file.
  int32_t verify_weights;
  /// Of an artifact with code for several levels of CPU features, load the one with this name
  /// (`x86-64-v3`); null: the best that this machine can run.
  const char *variant;
} terse_load_options;

/// Maps the artifact at `path`; weights are read when they are used and shared between processes.
/// `options` may be null. Sets `*model` to null on failure.
terse_status terse_model_load(const char *path, const terse_load_options *options,
                              terse_model **model);

/// Does nothing for null.
void terse_model_unload(terse_model *model);

void terse_model_set_threads(terse_model *model, int32_t threads);

/// What made the artifact, for example "Terse 0.1.0".
const char *terse_model_producer(const terse_model *model);
/// The target triple that the code was compiled for.
const char *terse_model_target(const terse_model *model);
/// The level of CPU features whose code was loaded; "" where the artifact has but one.
const char *terse_model_variant(const terse_model *model);
/// Scratch memory in bytes that each run in progress takes beside its outputs.
uint64_t terse_model_arena_size(const terse_model *model);
uint64_t terse_model_weights_size(const terse_model *model);
/// Of the code that was loaded.
uint64_t terse_model_code_size(const terse_model *model);

/// Largest rank of a tensor.
#define TERSE_MAX_RANK 16

size_t terse_input_count(const terse_model *model);
size_t terse_output_count(const terse_model *model);

/// For an index out of range the name is null, the rank and the type are 0 and the shape is null.
const char *terse_input_name(const terse_model *model, size_t index);
terse_dtype terse_input_dtype(const terse_model *model, size_t index);
int32_t terse_input_rank(const terse_model *model, size_t index);
/// `rank` sizes; -1 for a dimension that each run chooses.
const int64_t *terse_input_shape(const terse_model *model, size_t index);

const char *terse_output_name(const terse_model *model, size_t index);
terse_dtype terse_output_dtype(const terse_model *model, size_t index);
int32_t terse_output_rank(const terse_model *model, size_t index);
/// -1 for a dimension that follows from the inputs.
const int64_t *terse_output_shape(const terse_model *model, size_t index);

/// The weights in the artifact, for inspection: name, element type, shape and packed size.
size_t terse_weight_count(const terse_model *model);
const char *terse_weight_name(const terse_model *model, size_t index);
terse_dtype terse_weight_dtype(const terse_model *model, size_t index);
int32_t terse_weight_rank(const terse_model *model, size_t index);
const int64_t *terse_weight_shape(const terse_model *model, size_t index);
uint64_t terse_weight_bytes(const terse_model *model, size_t index);

//===----------------------------------------------------------------------===//
// Drift
//===----------------------------------------------------------------------===//

/// What live data do to one range of static integers.
typedef struct terse_range_counts {
  /// The layer that makes the value, or the input. Valid as long as the model.
  const char *name;
  /// The smallest and the largest number that can be stored.
  double low, high;
  /// Values that were rounded to the range, and how many of them rounding alone would have put
  /// below and above: they became its ends. Clamps of the model, such as ReLU, do not count.
  uint64_t seen, below, above;
} terse_range_counts;

/// Ranges that the model counts: 0 unless it was compiled with --count-ranges.
size_t terse_range_count(const terse_model *model);

/// The counters of all runs so far, of all threads, since the model was loaded or the counters were
/// reset. Those of a run in progress are added when it ends.
terse_status terse_range_counts_get(terse_model *model, size_t index, terse_range_counts *counts);

/// Sets all counters to 0.
void terse_range_counts_reset(terse_model *model);

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// A dense row-major tensor.
typedef struct terse_tensor {
  terse_dtype dtype;
  int32_t rank;
  int64_t shape[TERSE_MAX_RANK];
  void *data;
  /// Bytes at `data`. As an input, 0 means "as many as the shape says".
  size_t capacity;
} terse_tensor;

/// Runs the model. There are as many `inputs` and `outputs` as the model has; inputs must have its
/// element types and shapes. An output whose `data` is null on entry receives memory that
/// terse_tensor_release frees; otherwise the result is written to the `capacity` bytes at `data`.
/// Element type, rank and shape of the outputs are set. On failure no output owns memory.
terse_status terse_run(terse_model *model, const terse_tensor *inputs, size_t input_count,
                       terse_tensor *outputs, size_t output_count);

/// Frees `data` that terse_run allocated, and sets it to null.
void terse_tensor_release(terse_tensor *tensor);

/// Bytes of the elements of `tensor`; 0 where its type or shape makes no sense.
size_t terse_tensor_size(const terse_tensor *tensor);

#ifdef __cplusplus
}
#endif

#endif // TERSE_RUNTIME_TERSE_H
