//===- Units.h - What mixed precision decides about -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_UNITS_H
#define TERSE_MIXEDPRECISION_UNITS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/HostTensor.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace terse::mixed {

/// A constant that is a weight of at least one op.
struct WeightConstant {
  ConstantSource source;
  mlir::RankedTensorType type;
  HostTensor values;
  std::vector<mlir::OpOperand *> operands;
};

/// What gets one format: all weights of the layers of one name, together with those of layers that
/// they share a constant with. So a choice can be written as a rule about names.
struct Unit {
  /// The name of its first layer.
  std::string name;
  std::vector<std::string> layers;
  std::vector<size_t> constants;
  std::vector<mlir::Operation *> ops;
  uint64_t elements = 0, plainBytes = 0;
  /// Multiply-accumulates of its ops for one sample; 0 if sizes are not known.
  uint64_t operations = 0;
};

struct Inventory {
  std::vector<WeightConstant> constants;
  std::vector<Unit> units;
};

/// The undecided f32 weights of the layers for which `isIncluded` holds, in the order of the
/// program. A unit with a weight that is not finite, or that is used by another layer that is
/// decided about already, is left out.
Inventory takeInventory(mlir::ModuleOp module,
                        llvm::function_ref<bool(llvm::StringRef)> isIncluded);

/// A copy of the module, without observers, in which every constant of the inventory is a global,
/// and what the operands `rounded` read is on grids, which are its last inputs
/// (RoundedActivations.h); the names of the globals.
struct ExternalizedModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::string> symbols;
};
llvm::Expected<ExternalizedModule> externalizeWeights(mlir::ModuleOp module,
                                                      const Inventory &inventory,
                                                      llvm::ArrayRef<mlir::OpOperand *> rounded);

/// A number that changes with any weight of the inventory.
uint64_t hashWeights(const Inventory &inventory);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_UNITS_H
