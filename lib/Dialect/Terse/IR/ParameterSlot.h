//===- ParameterSlot.h - Where scales and tables are stored -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A slot of an encoding holds a float type or another encoding, and stores a
// tensor of parameters in it: on constants and as ops, with the same arithmetic.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_DIALECT_TERSE_IR_PARAMETERSLOT_H
#define TERSE_LIB_DIALECT_TERSE_IR_PARAMETERSLOT_H

#include "BlockLayout.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"

namespace terse {

class ParameterSlot {
public:
  using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;

  explicit ParameterSlot(mlir::Attribute slot) : slot(slot) {}

  /// The encoding that stands there, or null.
  EncodingAttrInterface getEncoding() const { return mlir::dyn_cast<EncodingAttrInterface>(slot); }
  /// The float type that stands there; f32 for an encoding.
  mlir::FloatType getType() const;
  bool isTemplate() const { return getEncoding() && getEncoding().isTemplate(); }
  bool isRunTimeEncodable() const { return !getEncoding() || getEncoding().isRunTimeEncodable(); }
  /// The slot with its encoding fitted to a tensor of parameters: blocks run along all its axes.
  mlir::Attribute fit(llvm::ArrayRef<int64_t> shape) const;
  /// The same for the scales of a tensor of this shape. A slot without a template is returned as it
  /// is, also where the granularity does not suit the shape.
  mlir::Attribute fit(const Granularity &granularity, llvm::ArrayRef<int64_t> shape) const {
    return isTemplate() ? fit(granularity.getParameterShape(shape)) : slot;
  }

  /// Whether it may hold scales, or (without the 8-bit types) tables.
  mlir::LogicalResult verifyScale(EmitError emitError) const;
  mlir::LogicalResult verifyTable(EmitError emitError) const;
  mlir::LogicalResult verifyFor(llvm::ArrayRef<int64_t> shape, EmitError emitError) const;

  /// Appends the components of parameters of this shape: `name`, or `name.values` and so on.
  void addComponents(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                     llvm::SmallVectorImpl<EncodingComponent> &components) const;
  /// How many these are.
  size_t getNumComponents(llvm::ArrayRef<int64_t> shape) const;

  //===--------------------------------------------------------------------===//
  // On constants
  //===--------------------------------------------------------------------===//

  /// Appends what is stored of `values` to `components` and returns what that stands for.
  mlir::FailureOr<std::vector<float>> store(llvm::ArrayRef<int64_t> shape,
                                            llvm::ArrayRef<float> values,
                                            llvm::SmallVectorImpl<HostTensor> &components,
                                            EmitError emitError) const;
  /// The same for positive values, none of which becomes 0 or infinite by rounding.
  mlir::FailureOr<std::vector<float>> storeScales(llvm::ArrayRef<int64_t> shape,
                                                  std::vector<float> scales,
                                                  llvm::SmallVectorImpl<HostTensor> &components,
                                                  EmitError emitError) const;
  /// What `components` stand for.
  mlir::FailureOr<std::vector<float>> load(llvm::ArrayRef<int64_t> shape,
                                           llvm::ArrayRef<HostTensor> components,
                                           EmitError emitError) const;

  //===--------------------------------------------------------------------===//
  // As ops, on f32 tensors
  //===--------------------------------------------------------------------===//

  mlir::FailureOr<mlir::Value>
  buildStoreScales(BlockOps nn, mlir::Value scales,
                   llvm::SmallVectorImpl<mlir::Value> &components) const;
  mlir::Value buildLoad(BlockOps nn, llvm::ArrayRef<int64_t> shape,
                        mlir::ValueRange components) const;

private:
  /// The smallest positive and the largest finite value of the type.
  std::pair<float, float> getRange() const;

  mlir::Attribute slot;
};

} // namespace terse

#endif // TERSE_LIB_DIALECT_TERSE_IR_PARAMETERSLOT_H
