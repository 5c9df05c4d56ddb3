//===- Passes.h - Passes of the terse dialect ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_H
#define TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class ConversionTarget;
class RewritePatternSet;
class TypeConverter;
} // namespace mlir

namespace terse {

/// What shares a scale in the weights that terse-choose-encodings decides about.
enum class EncodingGranularity { Tensor, Channel, Block };
/// What shares a run-time scale of activations.
enum class ActivationGranularity { None, Tensor, Row };

#define GEN_PASS_DECL
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"

/// Lets `converter` turn encoded tensor types into the types of their components, 1:N.
void populateEncodingTypeConversions(mlir::TypeConverter &converter);

/// Patterns that replace the ops of the dialect, functions, calls, branches and structured control
/// flow on encoded tensors by the same on components. `converter` comes from
/// populateEncodingTypeConversions and outlives the patterns.
void populateDecomposeEncodingsPatterns(const mlir::TypeConverter &converter,
                                        mlir::RewritePatternSet &patterns);

/// A pattern that expresses terse.requantize by nn ops.
void populateDecomposeRequantizePatterns(mlir::RewritePatternSet &patterns);

/// Patterns that replace contractions of tensors of small integers by integer contractions.
void populateIntegerContractionPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_REGISTRATION
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"

} // namespace terse

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_H
