//===- Tuning.h - Schedules that a machine has measured ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_TRANSFORMS_TUNING_H
#define TERSE_DIALECT_UKERNEL_TRANSFORMS_TUNING_H

#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>

namespace terse::ukernel {

/// A file of schedules, by what is computed:
///
///   {"terse_tuning": 1, "features": "+amx-int8,...",
///    "kernels": {"gemm i8 x i8, 128x64 x 64x64 -> 128x64": "#ukernel.schedule<...>"}}
///
/// It may be edited; what does not fit its kernel is an error when it is used.
struct Tuning {
  /// LLVM's features of the machine that measured.
  std::string features;
  /// From getKernelSignature to the text of a schedule.
  std::map<std::string, std::string> schedules;

  static llvm::Expected<Tuning> read(llvm::StringRef path);
  llvm::Error write(llvm::StringRef path) const;
};

/// What is computed on what: kind, element types, shapes and window. Kernels of equal signature
/// have the same choice.
std::string getKernelSignature(KernelOpInterface op);

/// Why `schedule` cannot be one of `op`, on a machine whose best instructions are `best`; empty if
/// it can.
std::string checkSchedule(KernelOpInterface op, ScheduleAttr schedule, ISA best);

/// Schedules that are worth measuring beside `schedule`, which comes first.
llvm::SmallVector<ScheduleAttr> getCandidates(KernelOpInterface op, ScheduleAttr schedule,
                                              ISA best);

} // namespace terse::ukernel

#endif // TERSE_DIALECT_UKERNEL_TRANSFORMS_TUNING_H
