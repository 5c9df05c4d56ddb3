//===- WeightFormats.h - Encodings that kernels decode --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_WEIGHTFORMATS_H
#define TERSE_CONVERSION_WEIGHTFORMATS_H

#include "mlir/IR/DialectRegistry.h"

namespace terse {

/// Makes the encodings of the terse dialect formats of the ukernel dialect.
void registerWeightFormats(mlir::DialectRegistry &registry);

} // namespace terse

#endif
