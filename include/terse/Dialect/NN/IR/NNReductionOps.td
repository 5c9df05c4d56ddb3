//===- NNReductionOps.td - Reductions, scans, selections --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNREDUCTIONOPS_TD
#define TERSE_DIALECT_NN_IR_NNREDUCTIONOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_ReduceOp : NN_KindOp<"reduce", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Reduction over axes";
  let description = [{
    Reduces over `axes` (non-negative, distinct; empty means none); reduced axes stay with size 1 if `keepdims`.
    Empty reductions: `sum`-like 0, `prod` 1, `max` the lowest and `min` the highest value (infinities for floats),
    `mean` NaN. `log_sum_exp` subtracts the maximum first. (C1) axes are in range and distinct.
  }];
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<BoolAttr, "false">:$keepdims);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ArgReduceOp : NN_KindOp<"arg_reduce"> {
  let summary = "Index of the maximum or minimum along an axis";
  let description = "`kind` is `max` or `min`; the first such index, or the last if `select_last`. Result is `i64`. (C1) kind. (C2) axis in range.";
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$keepdims,
                       DefaultValuedAttr<BoolAttr, "false">:$select_last);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_CumulativeOp : NN_KindOp<"cumulative"> {
  let summary = "Running sum or product along an axis";
  let description = "`kind` is `sum` or `prod`; `exclusive` leaves out the element itself; `reverse` runs from the end. (C1) kind. (C2) axis in range.";
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$exclusive,
                       DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_TopKOp : NN_InferOp<"top_k"> {
  let summary = "The k largest or smallest elements along an axis";
  let description = "Values and `i64` indices in sorted order; ties keep the lower index first. (C1) axis in range. (C2) `k` at most the dimension.";
  let arguments = (ins NN_Tensor:$x, I64Attr:$k, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$largest);
  let results = (outs NN_Tensor:$values, NN_Tensor:$indices);
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_NN_IR_NNREDUCTIONOPS_TD
