//===- BlockProduct.cpp - Integer products of blocks ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "OpCall.h"
#include "RuntimeOps.h"

#include "terse/Dialect/Terse/IR/BlockProduct.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::reference;

llvm::Expected<HostTensor> reference::evaluateBlockProduct(BlockProductOp op, const HostTensor &x,
                                                           ArrayRef<HostTensor> weight) {
  auto fail = [&](const llvm::Twine &message) { return OpCall(op, {}, {}).fail(message); };
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  auto encoding = cast<UniformEncodingAttr>(getEncoding(type));
  ArrayRef<int64_t> shape = type.getShape();
  int64_t depthAxis = op.getContracted(), depth = shape[depthAxis], columns = shape[1 - depthAxis];
  if (x.shape.empty() || x.shape.back() != depth)
    return fail("has an input of " + llvm::Twine(x.shape.empty() ? 0 : x.shape.back()) +
                " channels instead of " + llvm::Twine(depth));

  std::vector<int64_t> values = weight.front().toInts(), zeros;
  ArrayRef<HostTensor> stored = weight.drop_front();
  if (encoding.getAsymmetric()) {
    zeros = stored.back().toInts();
    stored = stored.drop_back();
  }
  HostTensor scaleTensor = stored.front();
  SmallVector<int64_t> scaleShape = encoding.getScaleShape(shape);
  if (EncodingAttrInterface nested = encoding.getScaleEncoding()) {
    auto logical = RankedTensorType::get(scaleShape, Float32Type::get(op.getContext()));
    FailureOr<HostTensor> decoded =
        nested.decodeHost(stored, logical, [] { return InFlightDiagnostic(); });
    if (failed(decoded))
      return fail("has scales that cannot be decoded");
    scaleTensor = *decoded;
  }
  std::vector<float> scales = scaleTensor.toFloats();

  // Blocks of a column along the contraction, and where their parameters stand.
  SmallVector<int64_t> extents = encoding.getBlockExtents(shape);
  int64_t block = extents[depthAxis], across = extents[1 - depthAxis];
  int64_t down = llvm::divideCeil(depth, block), wide = llvm::divideCeil(columns, across);
  auto parameter = [&](int64_t n, int64_t b) {
    return depthAxis ? n / across * down + b : b * wide + n / across;
  };
  std::vector<int64_t> input = x.toInts();
  int64_t rows = depth ? int64_t(input.size()) / depth : 0;
  std::vector<int64_t> resultShape(x.shape.begin(), x.shape.end());
  resultShape.back() = columns;
  HostTensor result = HostTensor::zeros(DType::f32(), resultShape);
  llvm::MutableArrayRef<float> y = result.getMutableAs<float>();
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t n = 0; n < columns; ++n) {
      float total = 0;
      for (int64_t b = 0; b < down; ++b) {
        int64_t at = parameter(n, b), zero = zeros.empty() ? 0 : zeros[at], sum = 0;
        for (int64_t k = b * block, end = std::min(depth, k + block); k < end; ++k)
          sum +=
              input[m * depth + k] * (values[depthAxis ? n * depth + k : k * columns + n] - zero);
        total = std::fma(static_cast<float>(sum), scales[at], total);
      }
      y[m * columns + n] = total;
    }
  return result;
}
