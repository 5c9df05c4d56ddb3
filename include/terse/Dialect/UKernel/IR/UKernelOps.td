//===- UKernelOps.td - Ops of the ukernel dialect -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_UKERNELOPS_TD
#define TERSE_DIALECT_UKERNEL_IR_UKERNELOPS_TD

include "terse/Dialect/UKernel/IR/AttentionOp.td"
include "terse/Dialect/UKernel/IR/QuantizeRowsOp.td"
include "terse/Dialect/UKernel/IR/UKernelOpBase.td"

class UKernel_KernelOp<string mnemonic, dag attributes, list<Trait> traits = []>
    : UKernel_Op<mnemonic, !listconcat(traits, [
        AttrSizedOperandSegments, SingleBlock, DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>, RecursivelySpeculatable,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>])> {
  let arguments = !con((ins UKernel_Shaped:$lhs, UKernel_Shaped:$rhs, Optional<UKernel_Shaped>:$start,
                            Variadic<UKernel_Shaped>:$extras, UKernel_Shaped:$init,
                            Optional<UKernel_Shaped>:$magnitudes,
                            AffineMapArrayAttr:$extra_maps, UnitAttr:$lhs_unsigned, UnitAttr:$rhs_unsigned,
                            UnitAttr:$bounded,
                            OptionalAttr<UKernel_ScheduleAttr>:$schedule,
                            OptionalAttr<UKernel_DecodingAttr>:$decoding), attributes,
                            (ins OptionalAttr<UKernel_ChainAttr>:$chain));
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $lhs `,` $rhs (`start` `(` $start^ `)`)? (`extras` `(` $extras^ `)`)? `into` $init
    (`magnitudes` `(` $magnitudes^ `)`)? attr-dict
    `:` type($lhs) `,` type($rhs) (`start` `(` type($start)^ `)`)? (`extras` `(` type($extras)^ `)`)?
    `into` type($init) (`magnitudes` `(` type($magnitudes)^ `)`)? (`->` type($results)^)? `epilogue` $epilogue
  }];
  let hasVerifier = 1;
  code baseDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), getInitMutable().getOperandNumber(), getMagnitudes() ? 2 : 1);
    }
  }];
  let extraClassDeclaration = baseDeclaration;
}

def UKernel_GemmOp : UKernel_KernelOp<"gemm", (ins UnitAttr:$rhs_transposed), [
    KernelOpInterface]> {
  let summary = "product of a matrix and weights, with an epilogue";
  let description = [{
    `result[m..., n] = epilogue(start[n] + sum over k of lhs[m..., k] * rhs[n, k], extras...)`.

    Integers of 8 bits are summed in `i32`, `f32` in `f32` (multiply-adds in the order of `k`), `bf16` in `f32` (in any
    order; products of two `bf16` are exact in `f32`). `rhs_transposed` says
    that unpacked weights are `[k, n]`.

    Signed bytes times weights of few bits (a `ukernel.weights`, or packed ones with `decoding`) are the sum that
    `terse.block_product` defines: in `i32` over each group of the contraction, then by a multiply-add with its scale in
    `f32`, groups in order.

    `bf16` times weights of few bits are summed in `f32`, of weights with an error of at most 2^-18 of their size.

    (C1) `lhs` and `init` have the same rank and leading dimensions.
    (C2) Unpacked weights are `[n, k]` (or `[k, n]`), packed ones what `ukernel.pack` makes of the schedule and of
    `decoding`, which says what the bytes stand for.
    (C3) The epilogue's arguments are the sum and one element of each extra; it yields an element of `init`.
    (C4) There is a map for each extra, of the rank of `init` to the rank of the extra.
    (C5) `magnitudes`, if it is there, has an `f32` for each index of the first dimension of `init`, which is of `f32`, and
    is a second result: `max(magnitudes[m0], |x|)` over the results `x` of that index which are finite.
    (C6) `bounded` promises that the epilogue's floats are numbers below 2^31 in magnitude, whatever `lhs` is
    (`ukernel-bound-results`).
    (C7) `chain` is that of the last kernel of a chain (`ukernel-choose-chains`).
  }];
}

def UKernel_ConvOp : UKernel_KernelOp<"conv", (ins UKernel_WindowAttr:$window, DefaultValuedAttr<I64Attr, "1">:$parts), [
    KernelOpInterface]> {
  let extraClassDeclaration = baseDeclaration # [{
    ::terse::ukernel::WindowAttr getWindowOrNull() { return getWindow(); }
  }];
  let summary = "convolution over two spatial dimensions, channels last, with an epilogue";
  let description = [{
    `result[b, y, x, o] = epilogue(start[o] + sum over i, j, c of
       lhs[b, y * s0 + i * d0 - p0, x * s1 + j * d1 - p1, c] * rhs[o, c, i, j], extras...)`
    where `lhs` outside of its bounds is the window's `pad_value`. Sums and constraints (C3) to (C7) are those of
    `ukernel.gemm`; the order of the sum is `i, j, c`.

    Where weights have fewer channels than `lhs`, by a factor of `groups`, result channel `o` of `n` sees the channels of `lhs` from
    `o / (n / groups) * (channels / groups)` on alone. The kernel computes `parts` of the channels one after the other, as convolutions of
    their own; a part of several groups has weights of zero where a channel of the result does not see one of `lhs`.

    (C8) `parts` divides the channels of `lhs` and of `init`, and unpacked weights' channels divide those of a part.
  }];
}

def UKernel_DepthwiseConvOp : UKernel_KernelOp<"depthwise_conv", (ins UKernel_WindowAttr:$window), [KernelOpInterface]> {
  let extraClassDeclaration = baseDeclaration # [{
    ::terse::ukernel::WindowAttr getWindowOrNull() { return getWindow(); }
    bool isDepthwise() { return true; }
  }];
  let summary = "convolution of each channel with its own window, channels last, with an epilogue";
  let description = [{
    As `ukernel.conv`, but `result[b, y, x, c]` sums over `i, j` the products of `lhs[b, ..., ..., c]` and `rhs[c, 0, i, j]`.
    Packed weights are `[i, j, c]`. Floats may have groups of `g` channels: weights `[c, g, i, j]`, of which `rhs[c, q, i, j]` is for
    channel `c / g * g + q` of `lhs`; packed ones are `[i, (j, q), c]`.
  }];
}

def UKernel_WeightsOp : UKernel_Op<"weights", [Pure]> {
  let summary = "constant weights in a format that kernels decode";
  let description = [{
    The tensor that `components`, stored in `format`, stand for. It becomes part of the kernels that read it
    (`ukernel-pack-weights`); where something else does, `lower-ukernel-weights` decodes it.

    ```mlir
    %w = ukernel.weights #terse.uniform<i4, block = [1, 32]> [dense<3> : tensor<8x64xi4>, dense<0.5> : tensor<8x2xf32>]
       : tensor<8x64xf32>
    ```
  }];
  let arguments = (ins WeightFormatInterface:$format, ArrayAttr:$components);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$format $components attr-dict `:` type($result)";
}

def UKernel_PackOp : UKernel_Op<"pack", [Pure]> {
  let summary = "weights in the order in which a kernel reads them";
  let description = [{
    From weights `[n, k]` (`[o, c, i, j]` with `k = (i, j, c)`): `packed[n / columns][k / depth][n % columns][k % depth]`
    as three dimensions, the last two joined, zeros where `n` or `k` is past its end. `start`, where asked for, is
    `-128` times the sum of each column: what makes up for left operands that are stored with 128 added.
    With several `parts`, each of them is packed so, behind the one before, for `channels` of its left operand; zeros stand for those of other
    groups. `depthwise` weights `[c, g, i, j]` become `[i, (j, g), c]`. With `decoding`, the weight is a `ukernel.weights` (or a reshape
    of one) and its codes are packed, with their scales.

    Packing of constants is done by the compiler (`ukernel-pack-weights`).
  }];
  let arguments = (ins AnyRankedTensor:$weight, UKernel_ScheduleAttr:$schedule,
                       OptionalAttr<UKernel_DecodingAttr>:$decoding, UnitAttr:$transposed, UnitAttr:$depthwise,
                       DefaultValuedAttr<I64Attr, "1">:$parts, DefaultValuedAttr<I64Attr, "0">:$channels);
  let results = (outs AnyRankedTensor:$packed, Optional<AnyRankedTensor>:$start);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($packed) (`,` type($start)^)?";
  let hasVerifier = 1;
}

def UKernel_ChainOp : UKernel_Op<"chain", [AutomaticAllocationScope, RecursiveMemoryEffects,
                                           NoRegionArguments, SingleBlockImplicitTerminator<"EndOp">]> {
  let summary = "kernels that work strip by strip";
  let description = [{
    Kernels on buffers, each of which reads what the one before has written to a `memref.alloca` that stands here, too: what the
    body computes, in strips of about `rows` rows of the last result (`terse-expand-ukernels`). A buffer in between then has room
    for what a strip needs of it, whatever its type says: in one of the parts of `scratch` that no other range of strips uses. A
    word for each part, in front of all, says which these are.

    (C1) The body has two or more kernels, buffers, and constants of epilogues.
    (C2) The left operand of each kernel but the first is a buffer of the body and the destination of the kernel before. Nothing else
    uses these buffers, and there are no others.
    (C3) `rows` and `slots` are one or more.
  }];
  let arguments = (ins AnyStridedMemRef:$scratch, I64Attr:$rows, I64Attr:$slots);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat =
      "`rows` `=` $rows `in` $slots `of` $scratch attr-dict-with-keyword `:` type($scratch) $body";
  let hasVerifier = 1;
}

def UKernel_EndOp : UKernel_Op<"end", [Pure, Terminator, HasParent<"ChainOp">]> {
  let summary = "the end of a chain";
  let assemblyFormat = "attr-dict";
}

def UKernel_YieldOp : UKernel_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["GemmOp", "ConvOp", "DepthwiseConvOp", "AttentionOp"]>]> {
  let summary = "the element that an epilogue stores, or a score";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif
