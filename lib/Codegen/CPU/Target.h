//===- Target.h - What code is generated for ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_TARGET_H
#define TERSE_LIB_CODEGEN_CPU_TARGET_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace terse {

/// A target machine and what the passes ask of it. Chosen by feature bits, never by the name of a
/// CPU: the names that virtual machines report can be wrong.
struct NativeTarget {
  std::unique_ptr<llvm::TargetMachine> machine;
  std::string triple, features;
  bool hasF16C = false, hasFMA = false, hasVBMI = false;
  /// Whether instructions that fetch ahead help where memory is read as several streams.
  bool fetchesStreams = true;
  /// Bytes of the widest vector register; 16 where nothing is known.
  unsigned vectorBytes = 16;
  /// Best instructions for kernels and for those of bf16, as in ukernel-select.
  std::string isa = "portable", bf16 = "none";
};

/// `spec` as in CompileOptions::target.
llvm::Expected<NativeTarget> createTarget(llvm::StringRef spec, unsigned optLevel);

} // namespace terse

#endif
