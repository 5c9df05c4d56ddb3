//===- SearchScales.cpp - Scales of least error -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every candidate encodes and decodes the whole weight by the encoding's own
// definition, with one factor on all scales; each scale then keeps the factor that
// served its elements best. So the search holds for any encoding with scales.
//
//===----------------------------------------------------------------------===//

#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

#include <cmath>
#include <limits>

namespace terse {
#define GEN_PASS_DEF_SEARCHSCALESPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

/// The search for one weight.
class ScaleSearch {
public:
  ScaleSearch(EncodingAttrInterface encoding, RankedTensorType type, const HostTensor &weight,
              function_ref<InFlightDiagnostic()> emitError)
      : encoding(encoding), type(type), weight(weight), values(weight), emitError(emitError),
        runs(*encoding.getScaleGranularity(), type.getShape()) {}

  /// Scales of least error; fails if the weight cannot be encoded.
  FailureOr<HostTensor> run(unsigned steps, double shrink, double norm) {
    FailureOr<SmallVector<HostTensor>> components =
        encoding.encodeHost(weight, type, {}, emitError);
    if (failed(components))
      return failure();
    SmallVector<EncodingComponent> infos = encoding.getComponents(type);
    HostTensor base;
    for (auto [info, component] : llvm::zip_equal(infos, *components))
      if (info.isParameter)
        base = component;
    HostTensor best = base;
    std::vector<double> bestErrors(runs.getNumBlocks(), std::numeric_limits<double>::infinity());
    for (unsigned step = 0; step < steps; ++step) {
      HostTensor scales = scale(base, 1 - shrink * step / std::max(1u, steps - 1));
      FailureOr<std::vector<double>> errors = getErrors(scales, norm);
      if (failed(errors))
        return failure();
      for (size_t i = 0; i < bestErrors.size(); ++i)
        if ((*errors)[i] < bestErrors[i]) {
          bestErrors[i] = (*errors)[i];
          best.setFromDouble(i, scales.getAsDouble(i));
        }
    }
    return best;
  }

private:
  /// Positive scales stay positive.
  static HostTensor scale(const HostTensor &base, double factor) {
    HostTensor result = base;
    for (int64_t i = 0, e = base.getNumElements(); i < e; ++i) {
      result.setFromDouble(i, base.getAsDouble(i) * factor);
      if (!(result.getAsDouble(i) > 0))
        result.setFromDouble(i, base.getAsDouble(i));
    }
    return result;
  }

  FailureOr<std::vector<double>> getErrors(const HostTensor &scales, double norm) {
    FailureOr<SmallVector<HostTensor>> components =
        encoding.encodeHost(weight, type, scales, emitError);
    if (failed(components))
      return failure();
    FailureOr<HostTensor> decoded = encoding.decodeHost(*components, type, emitError);
    if (failed(decoded))
      return failure();
    FloatView rounded(*decoded);
    std::vector<double> errors(runs.getNumBlocks(), 0);
    runs.visit([&](int64_t first, int64_t count, int64_t block) {
      double sum = 0;
      for (int64_t i = first; i < first + count; ++i) {
        double error = std::fabs(double(values[i]) - rounded[i]);
        sum += norm == 2 ? error * error : std::pow(error, norm);
      }
      errors[block] += sum;
    });
    return errors;
  }

  EncodingAttrInterface encoding;
  RankedTensorType type;
  const HostTensor &weight;
  FloatView values;
  function_ref<InFlightDiagnostic()> emitError;
  BlockRuns runs;
};

/// Whether scales are all that can be given to `encoding`, as plain numbers.
bool hasOnlyScales(EncodingAttrInterface encoding, RankedTensorType type) {
  SmallVector<EncodingComponent> parameters = getParameterComponents(encoding, type);
  return encoding.getScaleGranularity() && !encoding.hasRunTimeParameters() &&
         parameters.size() == 1 && parameters.front().name == "scales" &&
         isa<FloatType>(parameters.front().type.getElementType());
}

struct SearchScalesPass : terse::impl::SearchScalesPassBase<SearchScalesPass> {
  using Base::Base;

  void runOnOperation() override {
    if (steps == 0 || !(shrink >= 0 && shrink < 1) || !(norm > 0)) {
      getOperation().emitError()
          << "expected steps >= 1, 0 <= shrink < 1 and norm > 0 (got steps = " << steps.getValue()
          << ", shrink = " << shrink.getValue() << ", norm = " << norm.getValue() << ")";
      return signalPassFailure();
    }
    SymbolTableCollection symbols;
    // Layers that share a weight and a choice share its scales.
    llvm::DenseMap<std::pair<Attribute, Attribute>, Attribute> found;
    WalkResult result = getOperation().walk([&](Operation *op) -> WalkResult {
      ChoiceAttr choice = ChoiceAttr::get(op);
      if (!choice)
        return WalkResult::advance();
      for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues())) {
        auto encoding = dyn_cast<EncodingAttrInterface>(value);
        if (!encoding || number >= op->getNumOperands())
          continue;
        OpOperand &operand = op->getOpOperand(number);
        auto type = dyn_cast<RankedTensorType>(operand.get().getType());
        if (!type || type.getEncoding() || !type.hasStaticShape() || type.getNumElements() == 0)
          continue;
        auto error = [&] {
          return op->emitError() << "cannot encode operand " << operand.getOperandNumber() << ": ";
        };
        if (failed(encoding.verifyEncoding(type.getShape(), type.getElementType(), error)))
          return WalkResult::interrupt();
        if (!hasOnlyScales(encoding, type))
          continue;
        ml_program::GlobalOp global = getConstantGlobal(operand.get(), &symbols);
        Attribute shared = global ? found.lookup({global.getSymNameAttr(), encoding}) : Attribute();
        if (!shared) {
          std::optional<HostTensor> weight = getConstant(operand.get(), &symbols);
          if (!weight ||
              !llvm::all_of(weight->toFloats(), [](float w) { return std::isfinite(w); }))
            continue;
          FailureOr<HostTensor> scales =
              ScaleSearch(encoding, type, *weight, error).run(steps, shrink, norm);
          if (failed(scales))
            return WalkResult::interrupt();
          RankedTensorType scalesType = getParameterComponents(encoding, type).front().type;
          Attribute constant = toDenseElements(*scales, op->getContext(), scalesType);
          shared = StaticAttr::get(op->getContext(), encoding, constant,
                                   StringAttr::get(op->getContext(), "searched"));
          if (global)
            found[{global.getSymNameAttr(), encoding}] = shared;
        }
        ChoiceAttr::set(operand, shared);
        ++numSearched;
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
