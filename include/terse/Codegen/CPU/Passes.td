//===- Passes.td - Passes of CPU code generation ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_PASSES_TD
#define TERSE_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def BindWeightsPass : Pass<"terse-bind-weights", "::mlir::ModuleOp"> {
  let summary = "Read weights from one blob instead of globals";
  let description = [{
    The entry function gets a new first argument, `memref<?xi8>`, the blob of all weights; `ml_program.global_load_const`
    becomes a view of it at a constant offset. Globals lie in the blob in the order of the module, each aligned to 64
    bytes, and disappear. Requires: globals of storage types (`convert-nn-to-linalg`), one function.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def PlanArenaPass : Pass<"terse-plan-arena", "::mlir::func::FuncOp"> {
  let summary = "Give buffers of static size their place in one arena";
  let description = [{
    `memref.alloc` of a static type becomes a view of the new second argument (`memref<?xi8>`, the arena) at a constant,
    64-byte aligned offset. Buffers share memory if they do not live at the same time; a buffer lives from the first to
    the last op of the entry block that touches it or something inside. The size is left as
    `terse.arena_size` on the function. Buffers with one open size, a size of an input that they share, are placed alike
    in one `memref.alloc` marked `terse.scratch`, at offsets that are multiples of that size. Left alone: other dynamic
    sizes, buffers that a loop hands to its next iteration, buffers inside parallel loops.
  }];
  let statistics = [
    Statistic<"numPlanned", "planned-buffers", "Buffers placed in the arena">,
    Statistic<"numHeap", "heap-buffers", "Buffers left to the heap">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def NativeEntryPass : Pass<"terse-native-entry", "::mlir::ModuleOp"> {
  let summary = "Turn the entry function into `terse_entry`";
  let description = [{
    The function `main(weights, arena, inputs...) -> results...` on memrefs becomes
    `terse_entry(ptr, ptr, ptr, ptr) -> i32` as declared in `terse/Runtime/abi.h`: inputs are memory described by the
    caller, results are copied to memory from `aligned_alloc`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def ExpandCopiesPass : Pass<"terse-expand-copies", "::mlir::func::FuncOp"> {
  let summary = "Turn copies between strided buffers into loops";
  let description = [{
    `memref.copy` between contiguous buffers stays and becomes a `memcpy`; any other would become a call of
    `memrefCopy`, which is part of MLIR's run-time library, and becomes `linalg.copy` instead.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def FuseElementwisePass : Pass<"terse-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Fuse chains of elementwise linalg ops";
  let description = [{
    A producer with one use goes into its consumer, except into contractions: these read every element many times, and
    the kernels want plain operands. Much work whose result is read many times stays where it is, unless it decodes weights;
    so do divisions and functions of what changes along the innermost loop. What is done to the sums of a contraction stays in
    front of reductions, for its kernel.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def OrderDimensionsPass : Pass<"terse-order-dimensions", "::mlir::func::FuncOp"> {
  let summary = "Pass tensors on in the order in which they are made and read";
  let description = [{
    The result of an elementwise linalg op whose inputs all lie in another order gets that order, if everything that reads it can
    then run along contiguous elements. Left alone: results that something other than linalg ops reads.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def RankBytesPass : Pass<"terse-rank-bytes", "::mlir::func::FuncOp"> {
  let summary = "Find the largest of table entries by comparing bytes";
  let description = [{
    The largest of numbers that `terse_cpu.lookup` makes of bytes becomes the largest of their ranks in the table, which are
    bytes, and a lookup of that. Left alone: tables with NaN, reductions that may have no elements.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::terse::cpu::TerseCPUDialect"];
}

def TabulateBytesPass : Pass<"terse-tabulate-bytes", "::mlir::func::FuncOp"> {
  let summary = "Make functions of one byte lookups";
  let description = [{
    In the bodies of linalg ops on tensors, a value that depends on one integer of 8 bits and constants only becomes
    `terse_cpu.lookup` of a table computed here, if it is itself read from a table or takes more operations than a lookup.
    Values are folded one by one, so that they are those that the ops compute; ops that do not fold exactly stay.
  }];
  let statistics = [Statistic<"numLookups", "lookups", "Values that became lookups">];
  let dependentDialects = ["::terse::cpu::TerseCPUDialect"];
}

def LowerLookupsPass : Pass<"terse-lower-lookups", "::mlir::ModuleOp"> {
  let summary = "Turn lookups in tables of 256 entries into permutations and loads";
  let description = [{
    `terse_cpu.lookup` of bytes on vectors becomes two permutations of two registers where the target has AVX512-VBMI;
    other vectors gather words, scalars load an entry.
  }];
  let options = [Option<"hasVBMI", "has-vbmi", "bool", "false", "The target has AVX512-VBMI (default: false)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

def FuseRowsPass : Pass<"terse-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "Compute reductions of rows and what they feed row by row";
  let description = [{
    On tensors: linalg ops of at most two loops whose outer loop runs over rows, connected with a reduction along
    rows, become one `scf.forall` over rows: softmax, norms, quantization with a scale per row. What is not used outside
    exists for one row at a time. Done where several passes run over at least `min-elements`, in 8 rows or more of at most
    2^15 elements.
  }];
  let options = [
    Option<"minElements", "min-elements", "int64_t", "8192",
           "Elements of the largest operand from which rows are worth a loop (default: 8192)">,
  ];
  let statistics = [Statistic<"numGroups", "groups", "Loops over rows">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def OutlineRowsPass : Pass<"terse-outline-rows", "::mlir::ModuleOp"> {
  let summary = "Turn `scf.forall` on buffers into functions over ranges of it";
  let description = [{
    A loop of one induction variable and no results becomes a private function over a range of iterations, with the buffers
    of an iteration at its top: small ones on the stack. From `parallel-work` iterations of inner loops on the call goes to
    a function that is marked `terse_cpu.parallel`; where sizes are known at run time only, the call decides.
  }];
  let options = [
    Option<"parallelWork", "parallel-work", "int64_t", "200000",
           "Iterations from which loops may run in parallel; negative: never (default: 200000)">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def SimplifyClampsPass : Pass<"terse-simplify-clamps", "::mlir::func::FuncOp"> {
  let summary = "Drop comparisons whose result a clamp has decided";
  let description = [{
    A float that was clamped to constants needs no second comparison with numbers outside of them: quantization clamps and
    then converts with saturation. NaN goes through clamps, so that what always holds for numbers becomes `cmpf ord`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SelectKernelsPass : Pass<"terse-select-kernels", "::mlir::func::FuncOp"> {
  let summary = "Choose how contractions on buffers are computed";
  let description = [{
    Sets `terse_cpu.kernel = #terse_cpu.kernel<...>` on every linalg op that is a sum of products and has enough work;
    the others become plain loops. An attribute that is there already stays, and can be edited.
  }];
  let dependentDialects = ["::terse::cpu::TerseCPUDialect"];
}

def ExpandKernelsPass : Pass<"terse-expand-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn contractions with a chosen kernel into functions of vector code";
  let description = [{
    Every op with a `terse_cpu.kernel` becomes a call of a private function over a range of its outer parallel
    iterations; equal kernels share one function. Sums run in the order of the iterations for `panel` and `product`, in one
    partial sum per vector lane for `dot`, whatever the number of threads. For `product` the code packs the operand that is
    read in vectors, once for all rows of the other; where the number of rows is open and turns out to be small, the loops of
    the other kernels run. Functions with at least `parallel-work` multiply-adds
    (or sizes known at run time only) are marked `terse_cpu.parallel`.
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "int64_t", "32", "Bytes of a vector register (default: 32)">,
    Option<"hasFMA", "has-fma", "bool", "true", "Multiply-adds are one instruction (default: true)">,
    Option<"parallelWork", "parallel-work", "int64_t", "1000000",
           "Multiply-adds from which a kernel may run in parallel; negative: never (default: 1000000)">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::terse::cpu::TerseCPUDialect", "::mlir::LLVM::LLVMDialect"];
}

def FormChainsPass : Pass<"terse-form-chains", "::mlir::func::FuncOp"> {
  let summary = "Group the kernels of a chain on buffers";
  let description = [{
    A kernel with `chain` and those before it become a `ukernel.chain`. The buffers in between become buffers of it, which
    take no room of their own; it gets room for what `slots` ranges of strips need of them at a time. Where bufferization has put
    something else between the kernels they stay as they are.
  }];
  let options = [Option<"slots", "slots", "int64_t", "8",
                        "Ranges of strips that have memory in the arena; more take it from the heap (default: 8)">];
  let statistics = [Statistic<"numChains", "chains", "Chains formed">];
  let dependentDialects = ["::terse::ukernel::UKernelDialect", "::mlir::memref::MemRefDialect"];
}

def ExpandUKernelsPass : Pass<"terse-expand-ukernels", "::mlir::ModuleOp"> {
  let summary = "Turn ukernel ops on buffers into functions of vector code";
  let description = [{
    Every kernel becomes a call of a private function over a range of its blocks; equal kernels share one function. The
    schedule says which instructions it uses; they must be features of the target. `ukernel.attention` packs keys and values when
    it runs and works on blocks of rows whose scores stay in the nearest caches. From `parallel-work` multiply-adds on
    the call goes to a function that is marked `terse_cpu.parallel`; where sizes are known at run time only, the call
    decides. Results do not depend on the number of threads. Requires packed weights (`ukernel-pack-weights`).
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "int64_t", "32", "Bytes of a vector register, for attention (default: 32)">,
    Option<"hasFMA", "has-fma", "bool", "true", "Multiply-adds are one instruction (default: true)">,
    Option<"fetchesStreams", "fetch-streams", "bool", "true",
           "Fetch weights of one row ahead of the streams that are read (default: true)">,
    Option<"parallelWork", "parallel-work", "int64_t", "1000000",
           "Multiply-adds from which a kernel may run in parallel; negative: never (default: 1000000)">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::terse::cpu::TerseCPUDialect"];
}

def VectorizeLoopsPass : Pass<"terse-vectorize-loops", "::mlir::ModuleOp"> {
  let summary = "Turn elementwise ops and reductions on buffers into vector code";
  let description = [{
    A `linalg.generic` whose innermost loop runs over contiguous elements, or reduces them, becomes loops over vectors; so
    does one that reduces over other loops, if some loop runs over contiguous elements: each lane then has its own result;
    from `parallel-work` iterations on in a function that is marked `terse_cpu.parallel`. Reductions combine one partial
    result per lane, in the same order for every number of threads. Where inputs are contiguous over another loop than the
    result (transposes), squares of as many vectors as one has elements are turned in registers. Where quotients by one
    divisor are rounded to integers of at most 16 bits, multiply-adds give the same integers as division. Left alone:
    reductions of lanes and other loops at once, strided elements, squares of fewer than four rows or columns, elements
    other than floats of 32 and 64 bits and integers of 8, 16 and 32 bits, integer division.
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "int64_t", "32", "Bytes of a vector register (default: 32)">,
    Option<"parallelWork", "parallel-work", "int64_t", "200000",
           "Iterations from which loops may run in parallel; negative: never (default: 200000)">,
    Option<"hasFMA", "has-fma", "bool", "true", "Multiply-adds are one instruction (default: true)">,
  ];
  let statistics = [Statistic<"numLoops", "vectorized", "Ops that became loops over vectors">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::terse::cpu::TerseCPUDialect", "::mlir::LLVM::LLVMDialect"];
}

def ParallelCallsPass : Pass<"terse-parallel-calls", "::mlir::ModuleOp"> {
  let summary = "Hand calls of parallel functions to the loader's services";
  let description = [{
    In the LLVM dialect: a function marked `terse_cpu.parallel`, whose last arguments are 0 and a number of items, hands
    ranges of the items to `terse_services_ptr->parallel_for`, its arguments in a structure on the stack; where the pointer
    is null, it runs them all.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerBF16MemoryPass : Pass<"terse-lower-bf16-memory"> {
  let summary = "Load and store bf16 as integers";
  let description = [{
    In the LLVM dialect, for targets without instructions for `bf16`: loads and stores of `bf16` and of vectors of it, masked or
    not, become those of `i16`, which have the same bits.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerMathPass : Pass<"terse-lower-math"> {
  let summary = "Lower scalar math for code generation";
  let description = [{
    `exp`, `log`, `tanh`, `erf` and relatives on `f32` become polynomials that vectorize; everything else on floats that
    LLVM has no instruction for becomes a call of the C library. `bf16` conversions become integer arithmetic; without
    `has-f16c`, so do those of `f16`, so that no compiler support library is needed.
  }];
  let options = [Option<"hasF16C", "has-f16c", "bool", "true", "The target converts f16 in hardware (default: true)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
