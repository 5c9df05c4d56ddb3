//===- EncodeWeight.h - Encode what was trained ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_ENCODEWEIGHT_H
#define TERSE_DIALECT_TERSE_IR_ENCODEWEIGHT_H

#include "terse/Dialect/Terse/IR/EncodingInterface.h"

namespace terse {

/// encodeHost for a weight. At run time NaN and infinities have
/// a defined result; in a weight they are a mistake, and no scale is right for them: fails with a
/// message that names the element.
mlir::FailureOr<llvm::SmallVector<HostTensor>>
encodeWeight(EncodingAttrInterface encoding, const HostTensor &weight,
             mlir::RankedTensorType logical, llvm::ArrayRef<HostTensor> parameters,
             llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_ENCODEWEIGHT_H
