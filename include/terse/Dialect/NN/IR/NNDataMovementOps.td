//===- NNDataMovementOps.td - Data movement --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNDATAMOVEMENTOPS_TD
#define TERSE_DIALECT_NN_IR_NNDATAMOVEMENTOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_ReshapeOp : NN_Op<"reshape"> {
  let summary = "Same elements in row-major order, other shape";
  let description = [{
    The result type is the shape; dynamic result dimensions are read from `shape` (fully resolved sizes, no -1 or 0
    conventions; element `i` is the size of result dimension `i`). One dynamic dimension may stand without `shape`: it is what remains.
    (C1) static element counts agree. (C2) `shape` has one element per result dimension.
    (C3) without `shape`, at most one result dimension is dynamic. (C4) element types agree.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_ShapeTensor>:$shape);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_TransposeOp : NN_InferOp<"transpose"> {
  let summary = "Permutes axes";
  let description = "Axis `i` of the result is axis `permutation[i]` of `x`. (C1) `permutation` is one.";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_BroadcastOp : NN_Op<"broadcast"> {
  let summary = "Stretches axes of size 1 and adds leading axes";
  let description = [{
    Trailing axes are aligned; the result type is the target shape; its dynamic dimensions are read from `shape`, which is
    the fully resolved result shape. (C1) each aligned dimension is 1 or equal. (C2) `shape` has one element per result dimension.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_ShapeTensor>:$shape);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_SliceOp : NN_InferOp<"slice"> {
  let summary = "Strided sub-tensor";
  let description = [{
    Along each axis, elements `start, start + step, ...` before `end`. Negative `starts` and `ends` count from the end of
    the axis; then both are clamped into it (for negative steps: start to `[0, n-1]`, end to `[-1, n-1]`), so that the
    lowest `i64` as an end means "through the first element". (C1) one entry per axis. (C2) steps are not 0.
  }];
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$ends, DenseI64ArrayAttr:$steps);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_DynamicSliceOp : NN_Op<"dynamic_slice"> {
  let summary = "Sub-tensor with run-time bounds";
  let description = [{
    As `nn.slice` with `starts`, `ends`, `steps` (1-D `i64`, one element per axis of `x`) known at run time only.
    (C1) the result has the rank of `x`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_ShapeTensor:$starts, NN_ShapeTensor:$ends, NN_ShapeTensor:$steps);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ConcatOp : NN_InferOp<"concat"> {
  let summary = "Joins tensors along an axis";
  let description = "(C1) equal ranks and element types. (C2) dimensions other than `axis` agree. (C3) axis in range, at least one operand.";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_PadOp : NN_InferOp<"pad"> {
  let summary = "Extends axes at both ends";
  let description = [{
    `low[i]` elements before and `high[i]` after axis `i`, filled with `value` (rank 0; zero if absent), the edge element,
    the mirrored interior (without the edge), or the wrapped-around interior. Negative counts crop. (C1) one entry per axis.
    (C2) `value` only for `constant`.
  }];
  let arguments = (ins NN_PadModeAttr:$mode, NN_Tensor:$x, Optional<NN_Tensor>:$value, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "`` $mode operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_GatherOp : NN_InferOp<"gather", [DeclareOpInterfaceMethods<NN_LookupLike>]> {
  let summary = "Picks slices along an axis";
  let description = [{
    `result[a..., i..., b...] = x[a..., indices[i...], b...]` with `axis = rank(a)`; negative indices count from the end.
    (C1) axis in range.
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_GatherElementsOp : NN_InferOp<"gather_elements"> {
  let summary = "Picks elements along an axis";
  let description = "`result[i] = x[i with i[axis] = indices[i]]`. (C1) equal ranks. (C2) axis in range.";
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_GatherNDOp : NN_InferOp<"gather_nd"> {
  let summary = "Picks slices by index tuples";
  let description = [{
    `result[b..., i..., rest...] = x[b..., indices[b..., i..., :], rest...]` with `batch_dims = rank(b)`.
    (C1) the last dimension of `indices` is static and at most `rank(x) - batch_dims`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ScatterElementsOp : NN_KindOp<"scatter_elements"> {
  let summary = "Writes elements along an axis";
  let description = "A copy of `x` where `x[i with i[axis] = indices[i]]` meets `updates[i]`, in row-major order of `i`. (C1) equal ranks. (C2) axis in range.";
  let arguments = (ins NN_ScatterKindAttr:$kind, NN_Tensor:$x, NN_IndexTensor:$indices, NN_Tensor:$updates, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ScatterNDOp : NN_KindOp<"scatter_nd"> {
  let summary = "Writes slices by index tuples";
  let description = "A copy of `x` where the slice `x[indices[i..., :]]` meets `updates[i...]`, in row-major order of `i`. (C1) the last dimension of `indices` is static and at most `rank(x)`.";
  let arguments = (ins NN_ScatterKindAttr:$kind, NN_Tensor:$x, NN_IndexTensor:$indices, NN_Tensor:$updates);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ResizeOp : NN_Op<"resize", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Interpolating resize";
  let description = [{
    Every axis with `out != in` or a region of interest is resampled (ONNX `Resize`); `scales[i]` relates output to input
    coordinates, `roi` (`[starts..., ends...]`) serves `tf_crop_and_resize`, outside of which `extrapolation` is the value.
    `cubic_coefficient` is `a` of the Keys kernel; `exclude_outside` renormalizes weights at the border; `antialias`
    widens the kernel when shrinking. Dynamic result dimensions are `floor(dim * scale)`.
    (C1) equal ranks. (C2) one scale per axis.
  }];
  let arguments = (ins NN_ResizeModeAttr:$mode, NN_Tensor:$x, DenseF64ArrayAttr:$scales, NN_ResizeCoordinateAttr:$coordinate,
    DefaultValuedAttr<NN_ResizeRoundingAttr, "::terse::nn::ResizeRounding::PreferFloor">:$rounding,
    DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$roi, DefaultValuedAttr<F64Attr, "-0.75">:$cubic_coefficient,
    DefaultValuedAttr<F64Attr, "0.0">:$extrapolation, DefaultValuedAttr<BoolAttr, "false">:$exclude_outside,
    DefaultValuedAttr<BoolAttr, "false">:$antialias);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "`` $mode operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_ReverseSequenceOp : NN_InferOp<"reverse_sequence"> {
  let summary = "Reverses the first elements of each sequence";
  let description = "Along `time_axis`, the first `lengths[b]` elements of batch `b` (index along `batch_axis`) are reversed. (C1) axes are in range and differ.";
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$lengths, I64Attr:$time_axis, I64Attr:$batch_axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_NN_IR_NNDATAMOVEMENTOPS_TD
