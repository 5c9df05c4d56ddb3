//===- EqualizeLayers.cpp - Cross-layer equalization ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pairs are found first, then all factors are computed without touching the module; at the end
// every layer's weight and bias are written once.
//
//===----------------------------------------------------------------------===//

#include "NNBuilder.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Support/Constants.h"
#include "llvm/ADT/MapVector.h"

#include <algorithm>
#include <cmath>

namespace terse::nn {
#define GEN_PASS_DEF_NNEQUALIZELAYERSPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

/// A contraction, its weight, and the factors that its channels have been given so far.
struct Layer {
  ContractionLike op;
  HostTensor weight;
  /// The largest |w| of each pair of channels that meet, and which they are.
  struct Magnitude {
    int64_t activation, result;
    double value;
  };
  std::vector<Magnitude> magnitudes;
  std::vector<double> activationScale, resultScale;
};

/// Two layers and the clamps between them.
struct Pair {
  Layer *first, *second = nullptr;
  SmallVector<Operation *> clamps;
  /// The axis of the channels in the results of the clamps.
  SmallVector<int64_t> clampAxes;
  std::vector<double> scale;
};

/// Calls `visit` with the position of each element of `shape`, in order.
void forEachElement(ArrayRef<int64_t> shape, function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, index);
    for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];)
      index[d] = 0;
  }
}

class Equalizer {
public:
  Equalizer(ModuleOp module, ClampScaling clamps)
      : module(module), symbols(module), clamps(clamps) {}

  unsigned run(unsigned iterations) {
    module.walk([&](ContractionLike op) { findPair(op); });
    for (unsigned i = 0; i < iterations && update(); ++i)
      ;
    for (Pair &pair : pairs)
      scaleClamps(pair);
    for (auto &[op, layer] : layers)
      if (layer)
        write(*layer);
    return pairs.size();
  }

private:
  /// The layer of `op`, or null if its weight is no constant of its own.
  Layer *getLayer(ContractionLike op) {
    auto [it, isNew] = layers.try_emplace(op);
    if (isNew)
      it->second = readLayer(op);
    return it->second.get();
  }

  std::unique_ptr<Layer> readLayer(ContractionLike op) {
    auto channels = dyn_cast<ChannelContraction>(op.getOperation());
    Value weight = op.getWeightOperand().get();
    if (!channels || isEncoded(op) || !weight.hasOneUse() ||
        !typeOf(weight).getElementType().isF32())
      return nullptr;
    std::optional<HostTensor> tensor = getConstant(weight);
    if (!tensor)
      return nullptr;
    auto layer = std::make_unique<Layer>();
    layer->op = op;
    ArrayRef<float> values = tensor->getAs<float>();
    llvm::DenseMap<std::pair<int64_t, int64_t>, size_t> positions;
    int64_t activations = 0, results = 0;
    bool isFinite = true;
    forEachElement(tensor->shape, [&](int64_t i, ArrayRef<int64_t> index) {
      int64_t a = channels.getActivationChannel(index), r = channels.getResultChannel(index);
      auto [it, isNew] = positions.try_emplace({a, r}, layer->magnitudes.size());
      if (isNew)
        layer->magnitudes.push_back({a, r, 0});
      double &largest = layer->magnitudes[it->second].value;
      largest = std::max(largest, double(std::fabs(values[i])));
      isFinite &= std::isfinite(values[i]);
      activations = std::max(activations, a + 1);
      results = std::max(results, r + 1);
    });
    if (!isFinite)
      return nullptr;
    layer->activationScale.assign(activations, 1);
    layer->resultScale.assign(results, 1);
    layer->weight = std::move(*tensor);
    return layer;
  }

  /// Follows the result of `op` to the one contraction that reads it.
  void findPair(ContractionLike op) {
    Layer *first = getLayer(op);
    OpOperand *bias = op.getBiasOperand();
    if (!first ||
        (bias && !(typeOf(bias->get()).getElementType().isF32() && getConstant(bias->get()))))
      return;
    Pair pair{first};
    Value value = op->getResult(0);
    int64_t axis = op.getResultChannelAxis();
    while (value.hasOneUse()) {
      OpOperand &use = *value.use_begin();
      Operation *user = use.getOwner();
      if (auto next = dyn_cast<ContractionLike>(user)) {
        if (&next.getActivationOperand() != &use || next.getActivationChannelAxis() != axis)
          return;
        pair.second = getLayer(next);
        if (!pair.second || pair.second->activationScale.size() != first->resultScale.size())
          return;
        pair.scale.assign(first->resultScale.size(), 1);
        pairs.push_back(std::move(pair));
        return;
      }
      auto flow = dyn_cast<ChannelFlow>(user);
      std::optional<int64_t> next =
          flow ? flow.getResultAxisFor(use.getOperandNumber(), axis) : std::nullopt;
      if (!next || isEncoded(user))
        return;
      if (isUpperBound(user) && clamps != ClampScaling::Keep) {
        pair.clamps.push_back(user);
        pair.clampAxes.push_back(*next);
      } else if (!commutes(use, axis)) {
        return;
      }
      axis = *next;
      value = user->getResult(0);
    }
  }

  /// A clamp between 0 and a number.
  static bool isUpperBound(Operation *op) {
    auto quantizable = dyn_cast<Quantizable>(op);
    std::optional<Interval> bounds = quantizable ? quantizable.getClampBounds() : std::nullopt;
    return bounds && bounds->low == 0 && std::isfinite(bounds->high) && bounds->high > 0;
  }

  /// Whether scales of the channels of one operand pass through, whatever the others are.
  static bool commutes(OpOperand &use, int64_t axis) {
    Operation *op = use.getOwner();
    auto scalable = dyn_cast<ChannelScalable>(op);
    return scalable && scalable.commutesWithChannelScale(axis) &&
           llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
             return &operand == &use || matchPattern(operand.get(), m_AnyZeroFloat());
           });
  }

  /// The median of the ranges to come, of channels that have weights on both sides; 0 if none has.
  static double getTypicalRange(ArrayRef<double> r1, ArrayRef<double> r2) {
    std::vector<double> ranges;
    for (auto [a, b] : llvm::zip_equal(r1, r2))
      if (a != 0 && b != 0)
        ranges.push_back(std::sqrt(a * b));
    if (ranges.empty())
      return 0;
    auto middle = ranges.begin() + ranges.size() / 2;
    std::nth_element(ranges.begin(), middle, ranges.end());
    return *middle;
  }

  /// One round over all pairs; whether a factor still changed.
  bool update() {
    bool changed = false;
    for (Pair &pair : pairs) {
      size_t count = pair.scale.size();
      std::vector<double> r1(count, 0), r2(count, 0);
      auto magnitude = [](const Layer &layer, const Layer::Magnitude &m) {
        return m.value * layer.activationScale[m.activation] * layer.resultScale[m.result];
      };
      for (const Layer::Magnitude &m : pair.first->magnitudes)
        r1[m.result] = std::max(r1[m.result], magnitude(*pair.first, m));
      for (const Layer::Magnitude &m : pair.second->magnitudes)
        r2[m.activation] = std::max(r2[m.activation], magnitude(*pair.second, m));
      double typical = getTypicalRange(r1, r2);
      for (size_t i = 0; i < count; ++i) {
        double s = std::sqrt(r1[i] / r2[i]);
        // A constant channel, and one that nothing reads: the other side's weights should not stand
        // out.
        if (r1[i] == 0 || r2[i] == 0)
          s = typical == 0 || r1[i] == r2[i] ? 1 : r1[i] == 0 ? typical / r2[i] : r1[i] / typical;
        pair.first->resultScale[i] /= s;
        pair.second->activationScale[i] *= s;
        pair.scale[i] *= s;
        changed |= std::fabs(s - 1) > 1e-3;
      }
    }
    return changed;
  }

  void scaleClamps(const Pair &pair) {
    for (auto [op, axis] : llvm::zip_equal(pair.clamps, pair.clampAxes)) {
      OpBuilder at(op);
      NNBuilder b(op->getLoc(), at);
      Value result = b.unary(UnaryKind::Relu, op->getOperand(0));
      if (clamps == ClampScaling::PerChannel) {
        RankedTensorType type = typeOf(op->getResult(0));
        SmallVector<int64_t> shape(type.getRank() - axis, 1);
        shape.front() = pair.scale.size();
        double bound = cast<Quantizable>(op).getClampBounds()->high;
        HostTensor bounds = HostTensor::zeros(DType::f32(), shape);
        for (auto [i, s] : llvm::enumerate(pair.scale))
          bounds.setFromDouble(i, bound / s);
        auto boundsType = RankedTensorType::get(shape, b.getF32Type());
        result = b.binary(BinaryKind::Min, result,
                          createConstant(b, b.getLoc(), bounds, boundsType, "bounds", symbols));
      }
      op->getResult(0).replaceAllUsesWith(b.refine(result, op->getResult(0).getType()));
      op->erase();
    }
  }

  /// Gives the op new constants with the factors in them.
  void write(Layer &layer) {
    auto isOne = [](double s) { return s == 1; };
    if (llvm::all_of(layer.activationScale, isOne) && llvm::all_of(layer.resultScale, isOne))
      return;
    auto channels = cast<ChannelContraction>(layer.op.getOperation());
    HostTensor weight = HostTensor::zeros(layer.weight.dtype, layer.weight.shape);
    MutableArrayRef<float> scaled = weight.getMutableAs<float>();
    ArrayRef<float> values = layer.weight.getAs<float>();
    forEachElement(weight.shape, [&](int64_t i, ArrayRef<int64_t> index) {
      scaled[i] = float(values[i] * layer.activationScale[channels.getActivationChannel(index)] *
                        layer.resultScale[channels.getResultChannel(index)]);
    });
    replace(layer.op.getWeightOperand(), weight);
    OpOperand *biasOperand = layer.op.getBiasOperand();
    if (!biasOperand || llvm::all_of(layer.resultScale, isOne))
      return;
    HostTensor bias = *getConstant(biasOperand->get());
    for (auto [i, value] : llvm::enumerate(bias.getMutableAs<float>()))
      value = float(value * layer.resultScale[i]);
    replace(*biasOperand, bias);
  }

  /// The operand becomes a new constant; the old one goes, and its name is free, when nothing else
  /// reads it.
  void replace(OpOperand &operand, const HostTensor &tensor) {
    Value old = operand.get();
    std::string name = "weight";
    if (ml_program::GlobalOp global = getConstantGlobal(old)) {
      name = global.getSymName().str();
      if (old.hasOneUse() && global.isPrivate()) {
        operand.drop();
        old.getDefiningOp()->erase();
        old = Value();
        if (SymbolTable::symbolKnownUseEmpty(global, &module.getBodyRegion()))
          symbols.erase(global);
      }
    }
    OpBuilder b(operand.getOwner());
    auto type = RankedTensorType::get(tensor.shape, b.getF32Type());
    operand.set(createConstant(b, operand.getOwner()->getLoc(), tensor, type, name, symbols));
    if (old && old.use_empty())
      old.getDefiningOp()->erase();
  }

  ModuleOp module;
  SymbolTable symbols;
  ClampScaling clamps;
  llvm::MapVector<Operation *, std::unique_ptr<Layer>> layers;
  std::vector<Pair> pairs;
};

struct NNEqualizeLayersPass : nn::impl::NNEqualizeLayersPassBase<NNEqualizeLayersPass> {
  using Base::Base;

  void runOnOperation() override {
    numEqualized += Equalizer(getOperation(), clamps).run(iterations);
  }
};

} // namespace
