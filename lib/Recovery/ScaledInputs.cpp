//===- ScaledInputs.cpp - Layers whose input gets factors -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaledInputs.h"

#include "Matrix.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include "terse/Calibration/Calibration.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"

#include <cmath>

using namespace mlir;
using namespace terse;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The position of element `element` of a tensor.
static SmallVector<int64_t> getIndex(int64_t element, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0; element /= shape[d])
    index[d] = element % shape[d];
  return index;
}

std::vector<int64_t> terse::getColumnChannels(const RecoverableLayer &layer) {
  auto channels = cast<nn::ChannelContraction>(nn::UnfoldableContraction(layer.op).getOperation());
  ArrayRef<int64_t> shape = layer.weight->type.getShape();
  std::vector<int64_t> result;
  for (size_t group = 0; group < layer.matrix.groups.size(); ++group)
    for (size_t column = 0; column < layer.matrix.columns.size(); ++column)
      result.push_back(channels.getActivationChannel(
          getIndex(layer.matrix.getElement(group, 0, column), shape)));
  return result;
}

std::vector<double> ScaledInput::getWeightMagnitudes() const {
  std::vector<double> magnitudes(channels.size(), 0);
  for (const RecoverableLayer *layer : layers) {
    std::vector<int64_t> columnChannels = getColumnChannels(*layer);
    ArrayRef<float> weight = layer->weight->value.getAs<float>();
    size_t columns = layer->matrix.columns.size();
    for (size_t group = 0; group < layer->matrix.groups.size(); ++group)
      for (size_t row = 0; row < layer->matrix.rows.size(); ++row)
        for (size_t column = 0; column < columns; ++column) {
          double &largest = magnitudes[columnChannels[group * columns + column]];
          largest = std::max(
              largest, double(std::fabs(weight[layer->matrix.getElement(group, row, column)])));
        }
  }
  return magnitudes;
}

/// The inputs of `layers` without given parameters, and what stands in the way of factors.
static std::vector<ScaledInput> findScaledInputs(std::vector<RecoverableLayer> &layers) {
  std::vector<ScaledInput> inputs;
  for (RecoverableLayer &layer : layers) {
    auto op = cast<nn::ContractionLike>(layer.op.getOperation());
    Value value = layer.getActivation();
    int64_t axis = op.getActivationChannelAxis();
    if (layer.weight->given || !layer.weight->value.dtype.isFloat() ||
        layer.weight->value.dtype != DType::f32() ||
        !isa<nn::ChannelContraction>(layer.op.getOperation()) ||
        ShapedType::isDynamic(typeOf(value).getDimSize(axis)))
      continue;
    auto it = llvm::find_if(inputs, [&](const ScaledInput &input) {
      return input.value == value && input.axis == axis;
    });
    if (it == inputs.end()) {
      inputs.emplace_back();
      it = std::prev(inputs.end());
      it->value = value;
      it->axis = axis;
      it->channels.resize(typeOf(value).getDimSize(axis));
    }
    it->layers.push_back(&layer);
  }
  for (ScaledInput &input : inputs) {
    bool shared = llvm::any_of(input.value.getUses(), [&](OpOperand &use) {
      return !isShapeReader(use.getOwner()) &&
             llvm::none_of(input.layers, [&](RecoverableLayer *layer) {
               return &cast<nn::ContractionLike>(layer->op.getOperation()).getActivationOperand() ==
                      &use;
             });
    });
    if (shared)
      input.reason = "something else reads it, too";
    else
      input.plan = planFactors(input.value, input.axis, input.reason);
  }
  return inputs;
}

/// Runs the model on the data, fills the moments of all layers and the statistics of all inputs.
static llvm::Expected<int64_t> gatherInputs(ModuleOp module, std::vector<RecoverableLayer> &layers,
                                            std::vector<ScaledInput> &inputs,
                                            const GatherOptions &options) {
  auto data = CalibrationData::open(module, options.data);
  if (!data)
    return data.takeError();
  SmallVector<Value> observed;
  for (RecoverableLayer &layer : layers) {
    layer.moments.assign(layer.matrix.groups.size(), InputMoments(layer.matrix.columns.size()));
    observed.push_back(layer.getActivation());
  }
  for (ScaledInput &input : inputs)
    observed.push_back(input.value);
  std::vector<int64_t> seen(layers.size(), 0);
  return observeValues(module, observed, **data, options.samples, options.interpret,
                       [&](size_t i, const HostTensor &tensor) {
                         if (i < layers.size())
                           return addSample(layers[i], tensor, seen[i]++, options.positions);
                         ScaledInput &input = inputs[i - layers.size()];
                         int64_t outer = 1, inner = 1;
                         for (auto [d, size] : llvm::enumerate(tensor.shape))
                           if (int64_t(d) != input.axis)
                             (int64_t(d) < input.axis ? outer : inner) *= size;
                         const float *values = tensor.getAs<float>().data();
                         for (int64_t o = 0; o < outer; ++o)
                           for (ChannelRange &channel : input.channels) {
                             for (int64_t k = 0; k < inner; ++k, ++values) {
                               if (!std::isfinite(*values))
                                 continue;
                               channel.min = std::min(channel.min, double(*values));
                               channel.max = std::max(channel.max, double(*values));
                               channel.absSum += std::fabs(*values);
                             }
                             channel.count += inner;
                           }
                       });
}

llvm::Expected<std::unique_ptr<ScalableModel>> terse::measureInputs(ModuleOp module, StringRef pass,
                                                                    const GatherOptions &options) {
  if (options.data.empty())
    return makeError("{0} needs data to run the model on (terse compress: --data CALIB.npz)", pass);
  FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(module);
  if (failed(weights))
    return makeError("{0}: a chosen encoding is not legal", pass);
  auto model = std::make_unique<ScalableModel>();
  model->weights = std::move(*weights);
  model->layers = findLayers(module, model->weights);
  model->inputs = findScaledInputs(model->layers);
  if (!model->layers.empty())
    if (auto count = gatherInputs(module, model->layers, model->inputs, options); !count)
      return count.takeError();
  return std::move(model);
}

std::vector<double> terse::getRowErrors(const RecoverableLayer &layer, ArrayRef<float> difference,
                                        ArrayRef<double> factors) {
  int64_t rows = layer.matrix.rows.size(), columns = layer.matrix.columns.size(),
          stride = padRow(columns);
  std::vector<int64_t> channels =
      factors.empty() ? std::vector<int64_t>() : getColumnChannels(layer);
  std::vector<double> errors;
  std::vector<float> moments(columns * stride), rowsOfGroup(rows * stride), products(rows * stride);
  for (auto [group, inputs] : llvm::enumerate(layer.moments)) {
    auto factor = [&, group = group](int64_t column) {
      return factors.empty() ? 1.0 : factors[channels[group * columns + column]];
    };
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < columns; ++j)
        moments[i * stride + j] =
            float(inputs.getProduct(i, j, /*centered=*/false) / (factor(i) * factor(j)));
    std::fill(products.begin(), products.end(), 0.0f);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        rowsOfGroup[row * stride + column] =
            difference[layer.matrix.getElement(group, row, column)];
    multiplyAdd(rows, stride, columns, rowsOfGroup.data(), stride, 1, moments.data(), stride,
                products.data(), stride);
    for (int64_t row = 0; row < rows; ++row)
      errors.push_back(
          std::max(0.0, dot(stride, &rowsOfGroup[row * stride], &products[row * stride])));
  }
  return errors;
}

/// The weight of a layer times the factors of its channels, per element.
static HostTensor scaleWeight(const RecoverableLayer &layer, const HostTensor &weight,
                              ArrayRef<double> factors) {
  auto channels = cast<nn::ChannelContraction>(nn::UnfoldableContraction(layer.op).getOperation());
  HostTensor scaled = HostTensor::zeros(weight.dtype, weight.shape);
  ArrayRef<float> in = weight.getAs<float>();
  for (auto [i, value] : llvm::enumerate(scaled.getMutableAs<float>()))
    value =
        float(double(in[i]) * factors[channels.getActivationChannel(getIndex(i, weight.shape))]);
  return scaled;
}

FailureOr<double> terse::getOutputError(const ScaledInput &input, ArrayRef<double> factors,
                                        double noise) {
  double total = 0;
  for (const RecoverableLayer *layer : input.layers) {
    ChosenWeight scaled = *layer->weight;
    scaled.value = scaleWeight(*layer, layer->weight->value, factors);
    FailureOr<SmallVector<HostTensor>> parameters = scaled.getParameters();
    if (failed(parameters))
      return failure();
    FailureOr<HostTensor> rounded = scaled.round(*parameters);
    if (failed(rounded))
      return failure();
    std::vector<float> difference = rounded->toFloats();
    double squares = 0;
    for (auto [value, weight] : llvm::zip_equal(difference, scaled.value.getAs<float>())) {
      squares += double(value) * value;
      value -= weight;
    }
    for (double error : getRowErrors(*layer, difference, factors))
      total += error;
    total += noise * squares;
  }
  return total;
}

void terse::normalizeFactors(std::vector<double> &factors) {
  double logs = 0;
  for (double &factor : factors) {
    if (!(factor > 0) || !std::isfinite(factor))
      factor = 1;
    logs += std::log(factor);
  }
  double mean = std::exp(logs / double(factors.size()));
  for (double &factor : factors)
    factor = std::clamp(factor / mean, 1e-4, 1e4);
}

void terse::scaleInput(ScaledInput &input, ArrayRef<double> factors, bool explicitly,
                       SymbolTable &symbols) {
  std::vector<double> inverse;
  for (double factor : factors)
    inverse.push_back(1 / factor);
  if (input.plan) {
    applyFactors(*input.plan, inverse, symbols);
  } else {
    assert(explicitly && "there is no other way");
    Operation *first = input.layers.front()->op.getOperation();
    OpBuilder builder(first);
    builder.setInsertionPointAfterValue(input.value);
    SmallVector<int64_t> shape(typeOf(input.value).getRank() - input.axis, 1);
    shape.front() = factors.size();
    HostTensor tensor = HostTensor::zeros(DType::f32(), shape);
    for (auto [i, factor] : llvm::enumerate(inverse))
      tensor.setFromDouble(i, factor);
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    Value constant = nn::createConstant(builder, first->getLoc(), tensor, type,
                                        getLayerName(first) + ".factors", symbols);
    Value product = nn::BinaryOp::create(builder, first->getLoc(), typeOf(input.value),
                                         nn::BinaryKind::Mul, input.value, constant);
    for (RecoverableLayer *layer : input.layers)
      cast<nn::ContractionLike>(layer->op.getOperation()).getActivationOperand().set(product);
  }
  for (RecoverableLayer *layer : input.layers) {
    // It may have taken the factors of its own outputs in the meantime.
    OpOperand &operand = cast<nn::ContractionLike>(layer->op.getOperation()).getWeightOperand();
    ml_program::GlobalOp global = getConstantGlobal(operand.get());
    replaceConstant(operand, scaleWeight(*layer, *getConstant(operand.get()), factors),
                    global ? global.getSymName().str() : std::string("weight"), symbols);
  }
}

llvm::Expected<ScalingCounts>
terse::scaleInputs(ModuleOp module, std::vector<ScaledInput> &inputs, StringRef pass,
                   bool explicitly,
                   llvm::function_ref<FailureOr<std::vector<double>>(const ScaledInput &)> choose,
                   llvm::DenseMap<Operation *, std::vector<double>> &factors) {
  // Inputs do not depend on each other: factors of outputs are another axis of the weights.
  std::vector<std::vector<double>> chosen(inputs.size());
  LogicalResult all =
      failableParallelForEachN(module.getContext(), 0, inputs.size(), [&](size_t i) {
        if (!inputs[i].plan && !explicitly)
          return success();
        FailureOr<std::vector<double>> result = choose(inputs[i]);
        if (succeeded(result))
          chosen[i] = std::move(*result);
        return success(succeeded(result));
      });
  if (failed(all))
    return makeError("{0}: a layer's weight could not be encoded", pass);
  ScalingCounts counts;
  SymbolTable symbols(module);
  for (auto [input, result] : llvm::zip_equal(inputs, chosen)) {
    Location loc = input.layers.front()->op->getLoc();
    if (!input.plan && !explicitly) {
      counts.blocked += input.layers.size();
      remark::missed(loc, remark::RemarkOpts::name("blocked").category(pass))
          << "the input takes no factors: " << input.reason;
    } else if (result.empty()) {
      counts.kept += input.layers.size();
    } else {
      for (RecoverableLayer *layer : input.layers)
        factors[layer->op.getOperation()] = result;
      scaleInput(input, result, explicitly, symbols);
      counts.scaled += input.layers.size();
    }
  }
  return counts;
}
