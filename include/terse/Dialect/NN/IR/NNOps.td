//===- NNOps.td - Operations of the nn dialect -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNOPS_TD
#define TERSE_DIALECT_NN_IR_NNOPS_TD

include "terse/Dialect/NN/IR/NNShapeOps.td"
include "terse/Dialect/NN/IR/NNElementwiseOps.td"
include "terse/Dialect/NN/IR/NNContractionOps.td"
include "terse/Dialect/NN/IR/NNPoolingOps.td"
include "terse/Dialect/NN/IR/NNNormOps.td"
include "terse/Dialect/NN/IR/NNRecurrentOps.td"
include "terse/Dialect/NN/IR/NNReductionOps.td"
include "terse/Dialect/NN/IR/NNDataMovementOps.td"

#endif // TERSE_DIALECT_NN_IR_NNOPS_TD
