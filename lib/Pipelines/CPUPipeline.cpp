//===- CPUPipeline.cpp - From nn to the LLVM dialect ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Conversion/Passes.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Pipelines/Pipelines.h"

using namespace mlir;

void terse::buildIntegerPipeline(OpPassManager &pm) {
  // Static integers first: they need no floats between ops.
  pm.addPass(createIntegerGraphPass());
  // The products of recurrent layers become contractions.
  pm.addPass(createExpandRecurrentPass());
  // Where both sides of a contraction are small integers, nothing needs decoding.
  pm.addPass(createIntegerContractionsPass());
}

void terse::buildDecomposePipeline(OpPassManager &pm) {
  // One function is left: the passes below plan memory and weights per entry function.
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  buildIntegerPipeline(pm);
  // Weights that kernels decode stay whole.
  pm.addPass(createConvertWeightsToUKernelPass());
  // Encoded tensors become their components, decoding becomes nn ops.
  pm.addPass(createDecomposeEncodingsPass());
  // Products and softmax of attention follow each other, without reshapes.
  pm.addPass(nn::createNNSinkReshapesPass());
  // Norms, attention, recurrent layers... become primitives, so that the lowering needs few
  // patterns.
  pm.addPass(nn::createNNDecomposePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // One-hot rows that are multiplied are rows of a table.
  pm.addPass(nn::createNNTabulateOneHotPass());
  // Softmax between two products is one kernel.
  pm.addNestedPass<func::FuncOp>(createConvertAttentionToUKernelPass());
}

void terse::buildKernelPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  pm.addPass(createConvertNNToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Sizes of results in terms of sizes of inputs: what is always equal needs no check at run time,
  // and can fuse.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Decoding of weights becomes one op, which kernels recognize.
  pm.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  pm.addPass(createCanonicalizerPass());
  // Contractions with constant weights become kernels, channels last.
  ukernel::FormKernelsPassOptions form;
  form.bf16Tiles = options.bf16 == "amx_bf16";
  pm.addNestedPass<func::FuncOp>(ukernel::createFormKernelsPass(form));
  pm.addPass(createLowerUKernelWeightsPass());
  pm.addNestedPass<func::FuncOp>(ukernel::createPropagateLayoutPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Chains of elementwise ops become one loop, decoding of weights included.
  pm.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // What they pass on to each other lies as it is made and read.
  pm.addNestedPass<func::FuncOp>(createOrderDimensionsPass());
  // Of those, functions of one byte become tables.
  pm.addNestedPass<func::FuncOp>(createTabulateBytesPass());
  // Whose entries need not be compared.
  pm.addNestedPass<func::FuncOp>(createRankBytesPass());
  // Those behind a kernel become part of it.
  pm.addNestedPass<func::FuncOp>(ukernel::createFuseEpiloguesPass());
  // What has the channels in front on both sides is in the caches sample by sample.
  pm.addNestedPass<func::FuncOp>(ukernel::createSplitSamplesPass());
  // The others run over contiguous elements.
  pm.addNestedPass<func::FuncOp>(ukernel::createCollapseLoopsPass());
  // What was fused compares less.
  pm.addNestedPass<func::FuncOp>(createSimplifyClampsPass());
}

void terse::buildLinalgPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  buildKernelPipeline(pm, options);
  if (!options.tuning.empty()) {
    ukernel::ApplyTuningPassOptions tuning;
    tuning.file = options.tuning;
    tuning.isa = options.isa;
    pm.addNestedPass<func::FuncOp>(ukernel::createApplyTuningPass(tuning));
  }
  // The choice of kernels stands in the IR before it is carried out.
  ukernel::SelectSchedulesPassOptions select;
  select.isa = options.isa;
  select.bf16 = options.bf16;
  select.vectorBytes = options.vectorBytes;
  pm.addNestedPass<func::FuncOp>(ukernel::createSelectSchedulesPass(select));
  pm.addPass(ukernel::createBoundResultsPass());
  pm.addPass(ukernel::createPackWeightsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Weights that are read in their packed order only.
  pm.addPass(createSymbolDCEPass());
  // Which kernels share the cache.
  ukernel::ChooseChainsPassOptions chains;
  chains.chains = options.chains;
  pm.addNestedPass<func::FuncOp>(ukernel::createChooseChainsPass(chains));
}

void terse::buildBufferPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  // Weights are read-only memory of the caller from here on.
  pm.addPass(createBindWeightsPass());
  // Softmax, norms, quantization of rows: one row after the other.
  pm.addNestedPass<func::FuncOp>(createFuseRowsPass());
  // Results of elementwise ops are written where they are wanted.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.allowReturnAllocsFromLoops = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  FormChainsPassOptions chains;
  if (!options.parallel)
    chains.slots = 1;
  pm.addNestedPass<func::FuncOp>(createFormChainsPass(chains));
  OutlineRowsPassOptions rows;
  if (!options.parallel)
    rows.parallelWork = -1;
  pm.addPass(createOutlineRowsPass(rows));
  // Buffers of static size that an iteration does not need for itself leave the loop.
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  // What has a static size lies in the arena; the rest comes from the heap and is freed below.
  pm.addNestedPass<func::FuncOp>(createPlanArenaPass());
  pm.addPass(createNativeEntryPass());
  pm.addPass(memref::createExpandReallocPass());
  bufferization::BufferDeallocationPipelineOptions dealloc;
  bufferization::buildBufferDeallocationPipeline(pm, dealloc);
  pm.addPass(createConvertBufferizationToMemRefPass());
}

void terse::buildLLVMPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  // Code depends on the C library only.
  pm.addNestedPass<func::FuncOp>(createExpandCopiesPass());
  // Rounding to bytes has code of its own.
  pm.addNestedPass<func::FuncOp>(ukernel::createFormQuantizeRowsPass());
  ExpandUKernelsPassOptions ukernels;
  ukernels.vectorBytes = options.vectorBytes;
  ukernels.hasFMA = options.hasFMA;
  ukernels.fetchesStreams = options.fetchesStreams;
  if (!options.parallel)
    ukernels.parallelWork = -1;
  pm.addPass(createExpandUKernelsPass(ukernels));
  // Other contractions, chosen and carried out alike.
  pm.addNestedPass<func::FuncOp>(createSelectKernelsPass());
  ExpandKernelsPassOptions kernels;
  kernels.vectorBytes = options.vectorBytes;
  kernels.hasFMA = options.hasFMA;
  if (!options.parallel)
    kernels.parallelWork = -1;
  pm.addPass(createExpandKernelsPass(kernels));
  // Elementwise ops and reductions over contiguous elements.
  VectorizeLoopsPassOptions loops;
  loops.vectorBytes = options.vectorBytes;
  loops.hasFMA = options.hasFMA;
  if (!options.parallel)
    loops.parallelWork = -1;
  pm.addPass(createVectorizeLoopsPass(loops));
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  LowerLookupsPassOptions lookups;
  lookups.hasVBMI = options.hasVBMI;
  pm.addPass(createLowerLookupsPass(lookups));
  // Before control flow is lowered: patterns and libm calls know nothing of blocks.
  LowerMathPassOptions math;
  math.hasF16C = options.hasF16C;
  pm.addPass(createLowerMathPass(math));
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  // Reshapes to sizes in memory, for which the conversion of everything at once has no pattern. Not
  // earlier: the pass above cannot see through what they become.
  pm.addPass(memref::createExpandOpsPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.reassociateFPReductions = true; // Sums over lanes, in a fixed tree.
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  // Everything else at once: tiles are loop-carried values, whose type the branches must learn,
  // too.
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  if (options.bf16 == "none")
    pm.addPass(createLowerBF16MemoryPass());
  // Late, because the environment of a parallel call is a structure of LLVM types.
  pm.addPass(createParallelCallsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void terse::buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  buildDecomposePipeline(pm);
  buildLinalgPipeline(pm, options);
  buildBufferPipeline(pm, options);
  buildLLVMPipeline(pm, options);
}

void terse::registerCPUPipelines() {
  PassPipelineRegistration<>("terse-integer-pipeline", "Compute on the integers of encoded tensors",
                             buildIntegerPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "terse-cpu-pipeline", "Lower nn ops to the LLVM dialect for CPUs", buildCPUPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "terse-linalg-pipeline", "Lower nn ops to fused linalg on tensors",
      [](OpPassManager &pm, const CPUPipelineOptions &options) {
        buildDecomposePipeline(pm);
        buildLinalgPipeline(pm, options);
      });
  PassPipelineRegistration<CPUPipelineOptions>(
      "terse-buffer-pipeline", "Lower linalg on tensors to buffers", buildBufferPipeline);
}
