//===- HostBlocks.cpp - Encoding and decoding constants ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

LogicalResult terse::checkComponents(ArrayRef<HostTensor> tensors,
                                     ArrayRef<EncodingComponent> expected,
                                     function_ref<InFlightDiagnostic()> emitError) {
  if (tensors.size() != expected.size())
    return emitError() << "expected " << expected.size() << " components (got " << tensors.size()
                       << ")";
  for (auto [tensor, component] : llvm::zip_equal(tensors, expected)) {
    std::optional<DType> dtype = toDType(component.type.getElementType());
    if (!dtype || tensor.dtype != *dtype ||
        ArrayRef<int64_t>(tensor.shape) != component.type.getShape())
      return emitError() << "expected component '" << component.name << "' of type "
                         << component.type << " (got " << tensor.getTypeString() << ")";
  }
  return success();
}

FailureOr<RankedTensorType> terse::resolveShape(const HostTensor &x, RankedTensorType logical,
                                                function_ref<InFlightDiagnostic()> emitError) {
  if (failed(verifyCompatibleShape(x.shape, logical.getShape())))
    return emitError() << "expected a tensor of type " << logical << " (got " << x.getTypeString()
                       << ")";
  return RankedTensorType::get(x.shape, logical.getElementType());
}
