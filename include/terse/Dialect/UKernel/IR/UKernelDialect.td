//===- UKernelDialect.td - The ukernel dialect --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_UKERNELDIALECT_TD
#define TERSE_DIALECT_UKERNEL_IR_UKERNELDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def UKernel_Dialect : Dialect {
  let name = "ukernel";
  let cppNamespace = "::terse::ukernel";
  let summary = "Micro-kernels: products of matrices and windows with everything that happens to a sum before it is stored";
  let description = [{
    The ops of this dialect stand between linalg and vector code. They work on tensors in destination-passing style, so
    that what follows a product can move into it while that is simple, and on buffers, where they become functions.

    Activations are channels-last: the contracted channels are the innermost dimension of the left operand, the output
    channels that of the result. Weights have the layout of the network (`[N, K]`, `[O, C, KH, KW]`) until a schedule
    is chosen and `ukernel.pack` brings them into the order in which the kernel reads them.

    What is done to a sum stands in the epilogue: a region of scalar ops with the sum as its first argument, then one
    element of each of the `extras`. `extra_maps` say which element, in dimensions of the result.
  }];
  let useDefaultAttributePrinterParser = 1;
}

def UKernel_ISA : I32Enum<"ISA", "the instructions of a kernel", [
  I32EnumCase<"Portable", 0, "portable">,      // Plain vectors.
  I32EnumCase<"AVX2", 1, "avx2">,              // Integers: vpmaddwd on values widened to 16 bits.
  I32EnumCase<"AVXVNNI", 2, "avxvnni">,        // vpdpbusd on 256 bits.
  I32EnumCase<"AVX512", 3, "avx512">,          // Plain vectors of 512 bits; integers: vpmaddwd.
  I32EnumCase<"AVX512VNNI", 4, "avx512vnni">,  // vpdpbusd on 512 bits.
  I32EnumCase<"AMXInt8", 5, "amx_int8">,       // Tiles.
  I32EnumCase<"AMXBF16", 6, "amx_bf16">,       // Tiles of bf16.
  I32EnumCase<"AVX512BF16", 7, "avx512bf16">   // vdpbf16ps on 512 bits.
]> {
  let cppNamespace = "::terse::ukernel";
}

def UKernel_ScheduleAttr : AttrDef<UKernel_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how a kernel is computed";
  let description = [{
    `rows x columns` sums are accumulated in registers at a time. Weights are packed in panels of `columns`; `depth`
    elements along the contraction lie side by side (what one instruction adds up), and the contraction is padded with
    zeros to a multiple of `align`. `block` rows of the left operand are copied at a time into the order in which the
    kernel reads them; the panels of the weights pass by once for each block.

    With `lines`, the contraction of a window is not padded as a whole: that many lines of it are taken together, in the
    order (column, line, channel), and each group of lines is padded to a multiple of `align`, which is a step of the
    kernel. The left operand's lines are copied in that order, and windows are read in the copy. Products of bf16 take two
    at a time: tiles want a zero behind an odd number of channels, vectors behind an odd number of elements of a line.
  }];
  let parameters = (ins EnumParameter<UKernel_ISA>:$isa, "int64_t":$rows, "int64_t":$columns, "int64_t":$depth,
                        "int64_t":$align, "int64_t":$block, DefaultValuedParameter<"int64_t", "0">:$lines);
  let assemblyFormat = "`<` $isa `,` struct($rows, $columns, $depth, $align, $block, $lines) `>`";
  let builders = [AttrBuilder<(ins "ISA":$isa, "int64_t":$rows, "int64_t":$columns, "int64_t":$depth, "int64_t":$align,
                                   "int64_t":$block),
                              "return $_get($_ctxt, isa, rows, columns, depth, align, block, /*lines=*/0);">];
  let genVerifyDecl = 1;
}

def UKernel_WindowAttr : AttrDef<UKernel_Dialect, "Window"> {
  let mnemonic = "window";
  let summary = "the window of a convolution over two spatial dimensions";
  let description = [{
    `pads` are the rows above and the columns to the left of the input that the first window covers. Wherever a window
    reaches out of the input, it reads `pad_value`; how many windows there are follows from the result.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$kernel, ArrayRefParameter<"int64_t">:$strides,
                        ArrayRefParameter<"int64_t">:$dilations, ArrayRefParameter<"int64_t">:$pads,
                        DefaultValuedParameter<"int64_t", "0">:$padValue);
  let assemblyFormat = [{
    `<` `[` $kernel `]` `,` `strides` `=` `[` $strides `]` `,` `dilations` `=` `[` $dilations `]` `,`
    `pads` `=` `[` $pads `]` (`,` `pad_value` `=` $padValue^)? `>`
  }];
  let genVerifyDecl = 1;
}

def UKernel_ChainAttr : AttrDef<UKernel_Dialect, "Chain"> {
  let mnemonic = "chain";
  let summary = "kernels that work strip by strip";
  let description = [{
    The last of `kernels` kernels, each of which reads what the one before wrote and nothing else does: for about `rows` rows of
    its result at a time, the others compute what these rows need. Of the tensors in between only that much exists.
  }];
  let parameters = (ins "int64_t":$kernels, "int64_t":$rows);
  let assemblyFormat = "`<` struct($kernels, $rows) `>`";
  let genVerifyDecl = 1;
}

def UKernel_TableKind : I32Enum<"TableKind", "which table the codes of weights index", [
  I32EnumCase<"None", 0, "none">,      // Codes are numbers.
  I32EnumCase<"Shared", 1, "shared">,  // One for the columns of a vector.
  I32EnumCase<"Column", 2, "column">   // One for each column.
]> {
  let cppNamespace = "::terse::ukernel";
}

def UKernel_DecodingAttr : AttrDef<UKernel_Dialect, "Decoding"> {
  let mnemonic = "decoding";
  let summary = "what packed weights of few bits stand for";
  let description = [{
    `weight = (number(code) - zero point) * scale` in `f32`, where `number` is the code as a `value` (a small integer or
    float) or, with a `table`, the entry that the code, unsigned, selects. `group` neighbours along the contraction share
    a scale and a zero point; without `scale` it is 1. Where blocks of a window do not lie side by side along the contraction,
    `blocks` scales of a column stand before all codes, with the index of each element's one.

    Packed weights are bytes, `[panels][vectors of a panel][bytes]`; what one vector of columns needs lies together: its
    tables, then for each group the scales, the zero points and the codes, `lanes` of each side by side.
    `WeightLayout` says where.
  }];
  let parameters = (ins "::mlir::Type":$value, "int64_t":$group, OptionalParameter<"::mlir::Type">:$scale,
                        DefaultValuedParameter<"bool", "false">:$zero_points,
                        DefaultValuedParameter<"::terse::ukernel::TableKind", "::terse::ukernel::TableKind::None">:$table,
                        DefaultValuedParameter<"int64_t", "0">:$blocks);
  let assemblyFormat = [{
    `<` $value `,` struct($group, $scale, $zero_points, $table, $blocks) `>`
  }];
  let genVerifyDecl = 1;
}

#endif
