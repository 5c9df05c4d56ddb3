//===- NNShapeOps.td - Constants and shapes --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNSHAPEOPS_TD
#define TERSE_DIALECT_NN_IR_NNSHAPEOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_ConstantOp : NN_Op<"constant", [ConstantLike, InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "A small constant";
  let description = [{
    Yields `value`. Meant for scalars, shapes and small tables; weights are `ml_program.global`s, mapped from file.
    ```mlir
    %0 = nn.constant dense<[1, -1]> : tensor<2xi64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def NN_ShapeOp : NN_InferOp<"shape"> {
  let summary = "Dimensions of a tensor";
  let description = "`result[i] = dim(x, i)` as a 1-D `i64` tensor of `rank(x)` elements.";
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_ShapeTensor:$result);
  let hasFolder = 1;
}

def NN_IotaOp : NN_Op<"iota"> {
  let summary = "Index along an axis";
  let description = [{
    `result[..., i, ...] = i` where `i` is the index along `axis`. With dynamic dimensions, `shape` gives them.
    (C1) `0 <= axis < rank(result)`. (C2) `shape` stands exactly if the result has a dynamic dimension.
  }];
  let arguments = (ins Optional<NN_ShapeTensor>:$shape, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_RangeOp : NN_Op<"range"> {
  let summary = "Arithmetic progression with run-time ends";
  let description = [{
    `result[i] = start + i * delta` for `max(ceil((limit - start) / delta), 0)` elements. All operands are rank 0.
  }];
  let arguments = (ins NN_Tensor:$start, NN_Tensor:$limit, NN_Tensor:$delta);
  let results = (outs NN_Tensor:$result);
}

#endif // TERSE_DIALECT_NN_IR_NNSHAPEOPS_TD
