//===- Passes.td - Passes of the ukernel dialect ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_TRANSFORMS_PASSES_TD
#define TERSE_DIALECT_UKERNEL_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormKernelsPass : Pass<"ukernel-form", "::mlir::func::FuncOp"> {
  let summary = "Turn contractions of linalg with constant weights into kernels";
  let description = [{
    A `linalg.generic` that adds up products of an activation and a constant weight becomes `ukernel.gemm`,
    `ukernel.conv` or `ukernel.depthwise_conv`. Convolutions take and give channels-last tensors between
    `linalg.transpose`s, which `ukernel-propagate-layout` moves and cancels; padding of the input with a constant
    becomes part of the window. Start values other than zero become an addition in the epilogue.

    Weights of convolutions may also be computed from constants alone, as by decoding them; they are packed at run time.

    Operands that are `bf16` numbers in `f32` become `bf16` again, together with what computes them: half the memory, and
    there may be instructions that multiply `bf16` and add in `f32`. With `bf16-tiles`, so do rows that meet weights of few bits
    (`ukernel.weights`), if there are 8 and more of them, and grouped convolutions of `bf16` that are not depthwise are left alone.

    Left alone, and visible as `linalg.generic`: contractions of two activations, element types other than `f32`, `bf16` and 8-bit
    integers, groups of few channels of floats, convolutions over one or three dimensions.
  }];
  let options = [
    Option<"anyWeights", "any-weights", "bool", "false", "Also where the weights are not constant (default: false)">,
    Option<"bf16Tiles", "bf16-tiles", "bool", "false", "The target has tiles of bf16 (default: false)">,
  ];
  let statistics = [
    Statistic<"numGemms", "gemms", "Products of matrices formed">,
    Statistic<"numConvs", "convs", "Convolutions formed">,
  ];
  let dependentDialects = ["::terse::ukernel::UKernelDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def PropagateLayoutPass : Pass<"ukernel-propagate-layout", "::mlir::func::FuncOp"> {
  let summary = "Keep activations channels-last between kernels";
  let description = [{
    Transposes move down through elementwise ops, reductions, pooling and padding, where they change the order of the
    loops and not the values, and cancel where they meet their inverse. What is left is a `linalg.transpose`.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def FuseEpiloguesPass : Pass<"ukernel-fuse-epilogues", "::mlir::func::FuncOp"> {
  let summary = "Move elementwise ops behind a kernel into its epilogue";
  let description = [{
    An elementwise `linalg.generic` that is the only use of a kernel's result becomes part of the kernel's epilogue, if
    its other operands are read one per result or along the innermost dimension. The kernel then stores what the op
    computed. The op may read the result under a shape of more dimensions: it takes the kernel's shape first.

    The largest finite magnitude of each sample of the result, which quantization at run time asks for, becomes a second
    result of the kernel where a sample has several rows.
  }];
  let statistics = [Statistic<"numFused", "fused", "Elementwise ops that became part of an epilogue">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect", "::mlir::tensor::TensorDialect"];
}

def SplitSamplesPass : Pass<"ukernel-split-samples", "::mlir::func::FuncOp"> {
  let summary = "Run a kernel between transposes for one sample after the other";
  let description = [{
    A kernel whose left operand is made by a transpose, and whose result only a transpose reads, goes into a loop over the
    samples together with both: what stands in between exists for one sample, which caches hold where they do not hold a
    batch. Left alone: images of open height or width, extra operands that differ between samples, and samples of which what
    stands in between has less than `least-bytes`, so that threads have enough to share.
  }];
  let options = [
    Option<"leastBytes", "least-bytes", "int64_t", "393216",
           "Bytes of a sample between the transposes from which loops pay (default: 393216)">,
  ];
  let statistics = [Statistic<"numSplit", "split", "Kernels that went into a loop over samples">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CollapseLoopsPass : Pass<"ukernel-collapse-loops", "::mlir::func::FuncOp"> {
  let summary = "Make loops over contiguous elements one loop";
  let description = [{
    Elementwise ops and reductions of linalg that no kernel took run over as few loops as their operands allow: one long
    loop vectorizes where several short ones do not. Operands lose dimensions of size 1. `linalg.transpose` becomes such a loop.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def FormQuantizeRowsPass : Pass<"ukernel-form-quantize-rows", "::mlir::func::FuncOp"> {
  let summary = "Turn loops that round floats to bytes into `ukernel.quantize_rows`";
  let description = [{
    A `linalg.generic` on buffers that divides floats by a scale, rounds them, adds a zero point and saturates to 8 bits
    becomes `ukernel.quantize_rows`, if nothing else happens in it and one scale holds for all, or for what shares the
    first indices. Other integers, and rounding that is fused with other ops, stay loops.
  }];
  let statistics = [Statistic<"numFormed", "formed", "Loops that became ukernel.quantize_rows">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect", "::mlir::arith::ArithDialect"];
}

def SelectSchedulesPass : Pass<"ukernel-select", "::mlir::func::FuncOp"> {
  let summary = "Choose how kernels are computed";
  let description = [{
    Sets `schedule` on every kernel that has none, from the target's features and the shapes. The choice can be edited.
  }];
  let options = [
    Option<"isa", "isa", "std::string", "\"portable\"",
           "Best instructions of the target: portable, avx2, avxvnni, avx512, avx512vnni or amx_int8 (default: portable)">,
    Option<"bf16", "bf16", "std::string", "\"none\"",
           "Instructions that multiply bf16: none (it becomes f32), avx512bf16 or amx_bf16 (default: none)">,
    Option<"vectorBytes", "vector-bytes", "int64_t", "16", "Bytes of a vector register (default: 16)">,
  ];
  let dependentDialects = ["::terse::ukernel::UKernelDialect"];
}

def ApplyTuningPass : Pass<"ukernel-apply-tuning", "::mlir::func::FuncOp"> {
  let summary = "Take schedules from a file of measured ones";
  let description = [{
    Sets `schedule` on every kernel that the file (see `Tuning.h`; written by `terse compile --tune`) knows. A schedule that
    does not fit its kernel or the target is an error.
  }];
  let options = [
    Option<"file", "file", "std::string", "", "The file">,
    Option<"isa", "isa", "std::string", "\"portable\"",
           "Best instructions of the target, as for ukernel-select (default: portable)">,
  ];
  let dependentDialects = ["::terse::ukernel::UKernelDialect"];
}

def ChooseChainsPass : Pass<"ukernel-choose-chains", "::mlir::func::FuncOp"> {
  let summary = "Choose which kernels work strip by strip, kept in cache";
  let description = [{
    Kernels that follow each other through tensors which nothing else uses, a window of single channels among them, become a
    chain where the tensors in between are too large for the second-level cache: the last one gets `chain`, the others move in
    front of it, and blocks of rows become small. `terse-form-chains` carries it out on buffers. A `chain` that is there
    stays.

    By `cost`, kernels of integers are left alone, too: their tensors are a quarter as large.

    Left alone: images of open size, groups, kernels with tiles, kernels whose result's magnitudes count (`int8-dynamic`: the
    scale of a sample is known when its last row is).
  }];
  let options = [
    Option<"chains", "chains", "std::string", "\"cost\"",
           "Which: none, those that pay (cost), or all (default: cost)">,
    Option<"rows", "rows", "int64_t", "0", "Rows of a strip; 0: chosen (default: 0)">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "1048576",
           "Second-level cache of a core (default: 1 MiB, the smallest of servers)">,
  ];
  let statistics = [Statistic<"numChains", "chains", "Chains">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect"];
}

def BoundResultsPass : Pass<"ukernel-bound-results", "::mlir::ModuleOp"> {
  let summary = "Find epilogues whose floats fit integers of 32 bits";
  let description = [{
    Sets `bounded` on kernels whose sums of bytes, with the constants that they are scaled with and added to, give numbers
    below 2^31 in magnitude for all left operands: by intervals, from the sum to the result.
  }];
  let statistics = [Statistic<"numBounded", "bounded", "Kernels with such an epilogue">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect"];
}

def PackWeightsPass : Pass<"ukernel-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Bring weights into the order in which kernels read them";
  let description = [{
    The weights of every kernel with a schedule go through `ukernel.pack`; where they are constant, the result becomes a
    new global (aligned to 64 bytes like every global) and the old one goes away with its last use. One tensor is held
    at a time beside the packed ones.
  }];
  let options = [
    Option<"fold", "fold", "bool", "true", "Pack constants now (default: true); otherwise leave `ukernel.pack` to see">,
  ];
  let statistics = [Statistic<"numPacked", "packed-bytes", "Bytes of packed weights written">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect", "::mlir::ml_program::MLProgramDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

#endif
