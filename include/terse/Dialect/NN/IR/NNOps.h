//===- NNOps.h - Operations of the nn dialect -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNOPS_H
#define TERSE_DIALECT_NN_IR_NNOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"

#include "terse/Dialect/NN/IR/NNDialect.h.inc"
#include "terse/Dialect/NN/IR/NNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/NN/IR/NNAttributes.h.inc"

namespace terse::nn {

/// Whether two lists of result types agree in rank, element type and every static dimension.
/// Encodings are ignored: they say how a tensor is stored, not what it is.
bool areCompatibleTypes(mlir::TypeRange l, mlir::TypeRange r);

/// The common shape of `a` and `b` with trailing axes aligned and size 1 stretched, or nothing if
/// they do not broadcast. A dynamic dimension beside a static one other than 1 takes the static
/// one.
std::optional<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                                          llvm::ArrayRef<int64_t> b);

/// The element type of a sum of products of `type`: i32 for integers of at most 16 bits, otherwise
/// `type`.
mlir::Type getAccumulatorType(mlir::Type type);

/// Number of elements that `start:end:step` selects on an axis of `size`, with the clamping of
/// `nn.slice`; on return `start` is the resolved first index. Dynamic `size` gives
/// `ShapedType::kDynamic` unless the answer does not depend on it.
int64_t resolveSlice(int64_t size, int64_t &start, int64_t end, int64_t step);

/// Output size of one spatial dimension of a convolution or pool; kDynamic for dynamic `size`.
int64_t getWindowedSize(int64_t size, int64_t kernel, int64_t stride, int64_t padLow,
                        int64_t padHigh, int64_t dilation, bool ceilMode);

} // namespace terse::nn

#define GET_OP_CLASSES
#include "terse/Dialect/NN/IR/NNOps.h.inc"

#endif
