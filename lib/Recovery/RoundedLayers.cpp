//===- RoundedLayers.cpp - Data in, rounded layers out ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RoundedLayers.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/Step.h"
#include "llvm/Support/FormatVariadic.h"

#include <atomic>
#include <cmath>

using namespace mlir;
using namespace terse;

bool terse::canCorrectBias(nn::ContractionLike op) {
  auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!result || !result.getElementType().isF32() || !isa<nn::Biased>(op.getOperation()) ||
      ShapedType::isDynamic(result.getDimSize(op.getResultChannelAxis())))
    return false;
  OpOperand *bias = op.getBiasOperand();
  if (!bias)
    return true;
  auto type = cast<RankedTensorType>(bias->get().getType());
  return type.getElementType().isF32() && !type.getEncoding() && getConstant(bias->get());
}

void terse::addToBias(nn::ContractionLike op, ArrayRef<double> amounts, SymbolTable &symbols) {
  if (!canCorrectBias(op))
    return;
  OpOperand *operand = op.getBiasOperand();
  HostTensor bias = operand ? *getConstant(operand->get())
                            : HostTensor::zeros(DType::f32(), {int64_t(amounts.size())});
  for (auto [value, amount] : llvm::zip_equal(bias.getMutableAs<float>(), amounts)) {
    double sum = double(value) + amount;
    if (std::isfinite(float(sum)))
      value = float(sum);
  }
  std::string name = getLayerName(op) + ".bias";
  if (operand)
    return replaceConstant(*operand, bias, name, symbols);

  OpBuilder builder(op);
  auto type = RankedTensorType::get(bias.shape, builder.getF32Type());
  cast<nn::Biased>(op.getOperation())
      .setBias(nn::createConstant(builder, op->getLoc(), bias, type, name, symbols));
  // Beside integers it is an integer, too, as terse-choose-activation-encodings would have chosen.
  ChoiceAttr choice = ChoiceAttr::get(op);
  auto lookup = [&](OpOperand &of) {
    return choice ? choice.lookup(of.getOperandNumber()) : Attribute();
  };
  auto activation = dyn_cast_or_null<StaticAttr>(lookup(op.getActivationOperand()));
  Attribute weight = lookup(op.getWeightOperand());
  if (auto given = dyn_cast_or_null<StaticAttr>(weight))
    weight = cast<Attribute>(given.getEncoding());
  auto uniform = dyn_cast_or_null<UniformEncodingAttr>(weight);
  if (!activation || !uniform)
    return;
  auto encoding = UniformEncodingAttr::get(
      builder.getI32Type(), uniform.getAxis() ? std::optional<int64_t>(0) : std::nullopt);
  ChoiceAttr::set(*op.getBiasOperand(), ProductAttr::get(builder.getContext(), encoding));
}

/// What is missing from the mean of each output: W E[x of the float model] - W' E[x].
static std::vector<double> getMeanErrors(const RecoverableLayer &layer, const HostTensor &rounded) {
  std::vector<float> before = layer.weight->value.toFloats(), after = rounded.toFloats();
  std::vector<double> amounts;
  for (auto [group, moments] : llvm::enumerate(layer.moments))
    for (size_t row = 0; row < layer.matrix.rows.size(); ++row) {
      double sum = 0;
      for (size_t column = 0; column < layer.matrix.columns.size(); ++column) {
        int64_t element = layer.matrix.getElement(group, row, column);
        sum += double(before[element]) * moments.getWantedMean(column) -
               double(after[element]) * moments.getMean(column);
      }
      amounts.push_back(sum);
    }
  return amounts;
}

llvm::Expected<RoundedLayersCounts>
terse::roundLayers(ModuleOp module, const RoundedLayersOptions &options,
                   llvm::function_ref<FailureOr<RoundedLayer>(const RecoverableLayer &)> round) {
  if (options.gather.data.empty())
    return makeError("{0} needs data to run the model on (terse compress: --data CALIB.npz)",
                     options.pass);
  FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(module);
  if (failed(weights))
    return makeError("{0}: a chosen encoding is not legal", options.pass);
  std::vector<RecoverableLayer> layers = findLayers(module, *weights);
  llvm::erase_if(layers, [](const RecoverableLayer &layer) { return !hasLevels(layer); });
  RoundedLayersCounts counts;
  counts.skipped = weights->size() - layers.size();
  if (layers.empty())
    return counts;
  auto gatherer = MomentsGatherer::create(module, layers, options.gather);
  if (!gatherer)
    return gatherer.takeError();
  SymbolTable symbols(module);
  std::atomic<size_t> begun = 0;
  for (int64_t stage = 0; stage < (*gatherer)->getNumStages(); ++stage) {
    auto current = (*gatherer)->gather(stage);
    if (!current)
      return current.takeError();
    // Layers of a stage do not depend on each other.
    std::vector<FailureOr<RoundedLayer>> rounded(current->size(), failure());
    LogicalResult all =
        failableParallelForEachN(module.getContext(), 0, current->size(), [&](size_t i) {
          beginStep(module.getContext(), "rounding layers", begun++, layers.size());
          rounded[i] = round((*current)[i]);
          return success(succeeded(rounded[i]));
        });
    if (failed(all))
      return makeError("{0}: a layer's weight could not be encoded", options.pass);
    for (auto [layer, result] : llvm::zip_equal(*current, rounded)) {
      auto op = cast<nn::ContractionLike>(layer.op.getOperation());
      std::vector<double> missing = getMeanErrors(layer, result->weight);
      layer.moments.clear();
      remark::analysis(op->getLoc(), remark::RemarkOpts::name("rounded").category(options.pass))
          << llvm::formatv("mean squared error of the outputs {0:e2} instead of {1:e2}",
                           result->error, result->nearestError)
                 .str();
      replaceWeight(*layer.weight, result->weight, symbols);
      setParameters(*layer.weight, result->parameters, options.origin);
      // Last: a new operand moves the others.
      if (options.correctBias)
        addToBias(op, missing, symbols);
      ++counts.rounded;
    }
  }
  return counts;
}
