//===- QuantizeRowsOp.td - Rounding of floats to bytes -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_QUANTIZEROWSOP_TD
#define TERSE_DIALECT_UKERNEL_IR_QUANTIZEROWSOP_TD

include "terse/Dialect/UKernel/IR/UKernelOpBase.td"

def UKernel_RowParameter : AnyTypeOf<[F32, AnyStridedMemRef]>;

def UKernel_QuantizeRowsOp : UKernel_Op<"quantize_rows", [
    DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "rows of floats divided by their scales and rounded to bytes";
  let description = [{
    ```
    q = x[i..., j...] / scale[i...]
    r = round_to_even(q is NaN ? 0 : q) + zero_point[i...]
    out[i..., j...] = min(max(r, least), most)
    ```
    in `f32`, where `least` and `most` are -128 and 127, or 0 and 255 if `out_unsigned`. The indices of the scales are the
    first ones of `x`: a *row* is what shares a scale. Scales and zero points may be single numbers, which hold for all of
    `x`. Zero points are integers from `least` to `most`; without them they are 0.

    Works on buffers. Code may multiply by reciprocals where that gives the same integers.

    (C1) `x` has elements of `f32`, `out` of `i8`, and the same shape.
    (C2) `scale` is an `f32`, or a buffer of `f32` of the first dimensions of `x`, not of all; so are the zero points.

    ```mlir
    ukernel.quantize_rows %x by %scales into %out : memref<?x64xf32> by memref<?xf32> into memref<?x64xi8>
    ukernel.quantize_rows %x by %scale plus %zero into %out {out_unsigned} : memref<224xf32> by f32 plus f32 into memref<224xi8>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$x, UKernel_RowParameter:$scale, Optional<UKernel_RowParameter>:$zero_point,
                       AnyStridedMemRef:$out, UnitAttr:$out_unsigned);
  let assemblyFormat = [{
    $x `by` $scale (`plus` $zero_point^)? `into` $out attr-dict
    `:` type($x) `by` type($scale) (`plus` type($zero_point)^)? `into` type($out)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutMutable(); }
  }];
}

#endif
