//===- HostBlocks.h - Encoding and decoding constants -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_HOSTBLOCKS_H
#define TERSE_DIALECT_TERSE_IR_HOSTBLOCKS_H

#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/Dialect/Terse/IR/Granularity.h"
#include "llvm/Support/MathExtras.h"

namespace terse {

/// Visits a row-major tensor as runs of neighbouring elements that share a scale.
class BlockRuns {
public:
  BlockRuns(const Granularity &granularity, llvm::ArrayRef<int64_t> shape)
      : shape(shape), extents(granularity.getExtents(shape)) {
    for (int64_t count : granularity.getParameterShape(shape))
      numBlocks *= count;
    for (auto [size, extent] : llvm::zip(this->shape, extents)) {
      elements *= size;
      counts.push_back(size == 0 ? 0 : llvm::divideCeil(size, extent));
    }
  }

  int64_t getNumBlocks() const { return numBlocks; }

  /// Calls visit(first element, number of elements, block) in memory order.
  template <typename Visitor>
  void visit(Visitor visit) const {
    if (elements == 0)
      return;
    if (shape.empty())
      return visit(int64_t(0), int64_t(1), int64_t(0));
    int64_t inner = shape.back(), innerExtent = extents.back();
    llvm::SmallVector<int64_t> position(shape.size() - 1, 0);
    for (int64_t row = 0; row < elements; row += inner) {
      int64_t block = 0;
      for (auto [at, extent, count] : llvm::zip_first(position, extents, counts))
        block = block * count + at / extent;
      block *= counts.back();
      for (int64_t at = 0; at < inner; at += innerExtent)
        visit(row + at, std::min(innerExtent, inner - at), block + at / innerExtent);
      for (int64_t d = position.size() - 1; d >= 0 && ++position[d] == shape[d]; --d)
        position[d] = 0;
    }
  }

private:
  llvm::SmallVector<int64_t> shape, extents, counts;
  int64_t elements = 1, numBlocks = 1;
};

/// The elements as f32, without a copy where they are.
class FloatView {
public:
  explicit FloatView(const HostTensor &tensor) {
    if (tensor.dtype == DType::f32()) {
      view = tensor.getAs<float>();
      return;
    }
    copy = tensor.toFloats();
    view = copy;
  }
  int64_t size() const { return view.size(); }
  float operator[](int64_t i) const { return view[i]; }

private:
  std::vector<float> copy;
  llvm::ArrayRef<float> view;
};

/// Whether `tensors` are `expected`, in number, shape and element type.
mlir::LogicalResult checkComponents(llvm::ArrayRef<HostTensor> tensors,
                                    llvm::ArrayRef<EncodingComponent> expected,
                                    llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// `logical` with the shape of `x`, which must be compatible.
mlir::FailureOr<mlir::RankedTensorType>
resolveShape(const HostTensor &x, mlir::RankedTensorType logical,
             llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_HOSTBLOCKS_H
