//===- EncodeWeight.cpp - Encode what was trained ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/EncodeWeight.h"

#include <cmath>

using namespace mlir;
using namespace terse;

/// The first element that is no finite number, or nothing.
static std::optional<int64_t> findNonFinite(const HostTensor &tensor) {
  if (tensor.dtype == DType::f32()) {
    ArrayRef<float> values = tensor.getAs<float>();
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        return i;
    return std::nullopt;
  }
  for (int64_t i = 0, n = tensor.getNumElements(); i < n; ++i)
    if (!std::isfinite(tensor.getAsDouble(i)))
      return i;
  return std::nullopt;
}

FailureOr<SmallVector<HostTensor>>
terse::encodeWeight(EncodingAttrInterface encoding, const HostTensor &weight,
                    RankedTensorType logical, ArrayRef<HostTensor> parameters,
                    function_ref<InFlightDiagnostic()> emitError) {
  std::optional<int64_t> flat = findNonFinite(weight);
  if (!flat)
    return encoding.encodeHost(weight, logical, parameters, emitError);
  SmallVector<int64_t> index(weight.shape.size());
  int64_t rest = *flat;
  for (int64_t axis = int64_t(index.size()) - 1; axis >= 0; --axis) {
    index[axis] = rest % weight.shape[axis];
    rest /= weight.shape[axis];
  }
  InFlightDiagnostic diagnostic = emitError() << "element [";
  llvm::interleaveComma(index, diagnostic);
  return diagnostic << "] is " << (std::isnan(weight.getAsDouble(*flat)) ? "NaN" : "infinite")
                    << "; a weight must be finite to be compressed";
}
