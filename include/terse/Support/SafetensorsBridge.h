//===- SafetensorsBridge.h - Tensors of files as attributes -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_SAFETENSORSBRIDGE_H
#define TERSE_SUPPORT_SAFETENSORSBRIDGE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "terse/Support/Safetensors.h"

namespace terse {

/// The tensor `name` of an open file as a resource over the mapping. It must have the element type
/// and shape of `type`; the message says what is there and what is needed. `resource` names the
/// resource.
llvm::Expected<mlir::DenseResourceElementsAttr> mapTensor(const SafetensorsFile &file,
                                                          llvm::StringRef name,
                                                          mlir::RankedTensorType type,
                                                          llvm::StringRef resource);

} // namespace terse

#endif // TERSE_SUPPORT_SAFETENSORSBRIDGE_H
