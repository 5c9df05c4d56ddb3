//===- Pipelines.h - Sequences of passes ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_PIPELINES_PIPELINES_H
#define TERSE_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace terse {

struct CPUPipelineOptions : mlir::PassPipelineOptions<CPUPipelineOptions> {
  Option<bool> parallel{*this, "parallel",
                        llvm::cl::desc("Large loops may run in parallel (default: true)"),
                        llvm::cl::init(true)};
  Option<bool> hasF16C{*this, "has-f16c",
                       llvm::cl::desc("The target converts f16 in hardware (default: true)"),
                       llvm::cl::init(true)};
  Option<bool> hasFMA{*this, "has-fma",
                      llvm::cl::desc("Multiply-adds are one instruction (default: true)"),
                      llvm::cl::init(true)};
  Option<bool> hasVBMI{*this, "has-vbmi",
                       llvm::cl::desc("The target permutes bytes across registers (AVX512-VBMI; "
                                      "default: false)"),
                       llvm::cl::init(false)};
  Option<bool> fetchesStreams{*this, "fetch-streams",
                              llvm::cl::desc("Fetch weights ahead where several streams of memory "
                                             "are read at once (default: true)"),
                              llvm::cl::init(true)};
  Option<int64_t> vectorBytes{*this, "vector-bytes",
                              llvm::cl::desc("Bytes of a vector register (default: 32)"),
                              llvm::cl::init(32)};
  Option<std::string> isa{
      *this, "isa",
      llvm::cl::desc("Best instructions for integer kernels: portable, avx2, avxvnni, avx512, "
                     "avx512vnni or amx_int8 (default: avx2)"),
      llvm::cl::init("avx2")};
  Option<std::string> bf16{
      *this, "bf16",
      llvm::cl::desc("Instructions that multiply bf16: none, avx512bf16 or amx_bf16 "
                     "(default: none)"),
      llvm::cl::init("none")};
  Option<std::string> chains{*this, "chains",
                             llvm::cl::desc("Which kernels work strip by strip: none, those for "
                                            "which it pays (cost) or all (default: cost)"),
                             llvm::cl::init("cost")};
  Option<std::string> tuning{*this, "tuning",
                             llvm::cl::desc("File of measured schedules (default: none)"),
                             llvm::cl::init("")};
};

/// Ops on integers in the place of ops that encode and decode: what an encoded model computes, bit
/// for bit. The interpreter runs what this yields, native code is lowered from it.
void buildIntegerPipeline(mlir::OpPassManager &pm);

/// nn (and terse) ops to primitive nn ops on plain tensors.
void buildDecomposePipeline(mlir::OpPassManager &pm);

/// Primitive nn ops to linalg on tensors, fused, with kernels that have no schedules yet.
void buildKernelPipeline(mlir::OpPassManager &pm, const CPUPipelineOptions &options);

/// The same with schedules and packed weights.
void buildLinalgPipeline(mlir::OpPassManager &pm, const CPUPipelineOptions &options);

/// linalg on tensors to loops on buffers, with the entry function of the native ABI.
void buildBufferPipeline(mlir::OpPassManager &pm, const CPUPipelineOptions &options);

/// Loops on buffers to the LLVM dialect.
void buildLLVMPipeline(mlir::OpPassManager &pm, const CPUPipelineOptions &options);

/// All of the above: `terse-cpu-pipeline`.
void buildCPUPipeline(mlir::OpPassManager &pm, const CPUPipelineOptions &options);

void registerCPUPipelines();

} // namespace terse

#endif
