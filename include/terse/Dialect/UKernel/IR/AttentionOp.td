//===- AttentionOp.td - Attention as one kernel -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_ATTENTIONOP_TD
#define TERSE_DIALECT_UKERNEL_IR_ATTENTIONOP_TD

include "terse/Dialect/UKernel/IR/UKernelOpBase.td"

def UKernel_AttentionOp : UKernel_Op<"attention", [
    SingleBlock, DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>, RecursivelySpeculatable,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "softmax of products of rows, times values";
  let description = [{
    ```
    s[b..., i, j] = scores(sum over c of q[b..., i, c] * k[b..., j, c], extras[b..., i, j]...)
    result[b..., i, d] = sum over j of softmax(s[b..., i, :])[j] * v[b..., j, d]
    ```
    The dimensions of `q`, `k`, `v`, the extras and the result are those of the formula: dimension `d` of it is dimension
    `q_order[d]` of the operand, `result_order[d]` of the result. A dimension of size 1 stretches to that of the result; for
    `j`, to that of `v`. Extras may lack leading dimensions. With `zero_masked`, rows of which all scores are minus
    infinity are 0. Sums are in `f32`, in any order.

    (C1) `q`, `k`, `v` and `init` are `f32` and of the same rank, at least 2; extras are of no larger rank.
    (C2) The orders are permutations of the dimensions.
    (C3) The arguments of `scores` are the sum and one element of each extra; it yields an `f32`.
    (C4) The last dimension of the formula is the last of the result.
  }];
  let arguments = (ins UKernel_Shaped:$q, UKernel_Shaped:$k, UKernel_Shaped:$v, Variadic<UKernel_Shaped>:$extras,
                       UKernel_Shaped:$init, DenseI64ArrayAttr:$q_order, DenseI64ArrayAttr:$k_order,
                       DenseI64ArrayAttr:$v_order, DenseI64ArrayAttr:$result_order, UnitAttr:$zero_masked);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$scores);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`extras` `(` $extras^ `)`)? `into` $init attr-dict
    `:` type($q) `,` type($k) `,` type($v) (`extras` `(` type($extras)^ `)`)? `into` type($init) (`->` type($result)^)?
    `scores` $scores
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

#endif
