//===- NNChannels.h - What equalization asks of nn ops --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNCHANNELS_H
#define TERSE_DIALECT_NN_IR_NNCHANNELS_H

#include "mlir/IR/OpDefinition.h"

namespace terse::nn {
void attachChannelInterfaces(mlir::MLIRContext *context);
} // namespace terse::nn

#include "terse/Dialect/NN/IR/NNChannels.h.inc"

#endif
