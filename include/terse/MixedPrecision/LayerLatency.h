//===- LayerLatency.h - How long a layer takes in a format ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_LAYERLATENCY_H
#define TERSE_MIXEDPRECISION_LAYERLATENCY_H

#include "terse/MixedPrecision/Sensitivity.h"

namespace terse::mixed {

/// Compiles the ops of every unit on their own, in float and in every format, and fills in their
/// times: the median of runs that take turns. A leading dimension of unknown size is 1. Ops whose
/// other sizes are not known are not timed; fails if that concerns all. Equal layers are timed
/// once.
llvm::Error measureTimes(const Inventory &inventory,
                         llvm::ArrayRef<std::vector<EncodedUnit>> encoded, SensitivityTable &table);

/// The median time of one run of the whole float model, in nanoseconds.
llvm::Expected<uint64_t> measureModelTime(mlir::ModuleOp module, llvm::ArrayRef<HostTensor> inputs);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_LAYERLATENCY_H
