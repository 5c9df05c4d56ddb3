//===- FoldLinear.cpp - Two linear layers become one ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One of the two layers multiplies along channels only. The other one stays, windows and all, with
// the product of both weights, in its own layout.
//
//===----------------------------------------------------------------------===//

#include "NNBuilder.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/IR/NNUnfold.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Support/Constants.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNFOLDLINEARPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

/// A contraction without groups whose weight and bias are f32 constants.
struct Layer {
  ContractionLike op;
  HostTensor weight;
  std::optional<HostTensor> bias;
  /// The axes of the weight that channels of the result and of the activation lie along.
  int64_t resultAxis, activationAxis;
  int64_t results, activations;
  /// Weights of one pair of channels.
  int64_t window;
  /// Whether each position of the result depends on the same position of the activation alone.
  bool isPointwise;

  bool takesBias() const { return isa<Biased>(ContractionLike(op).getOperation()); }
  bool isPadded() const {
    auto padded = dyn_cast<ZeroPadded>(ContractionLike(op).getOperation());
    auto isZero = [](int64_t pad) { return pad == 0; };
    return padded && !(llvm::all_of(padded.getZeroPadding().low, isZero) &&
                       llvm::all_of(padded.getZeroPadding().high, isZero));
  }
};

std::optional<Layer> readLayer(Operation *op) {
  auto contraction = dyn_cast<ContractionLike>(op);
  auto unfoldable = dyn_cast<UnfoldableContraction>(op);
  if (!contraction || !unfoldable || !isa<ChannelContraction>(op) || isEncoded(op))
    return std::nullopt;
  std::optional<WeightMatrix> matrix = unfoldable.getWeightMatrix();
  Value weight = contraction.getWeightOperand().get();
  if (!matrix || matrix->groups.size() != 1 || !typeOf(weight).getElementType().isF32() ||
      !typeOf(op->getResult(0)).getElementType().isF32())
    return std::nullopt;
  std::optional<HostTensor> values = getConstant(weight);
  if (!values)
    return std::nullopt;
  Layer layer;
  layer.op = contraction;
  layer.weight = std::move(*values);
  if (OpOperand *bias = contraction.getBiasOperand()) {
    if (!(layer.bias = getConstant(bias->get())))
      return std::nullopt;
  }
  layer.resultAxis = contraction.getOutputChannelAxis();
  layer.activationAxis = contraction.getContractionAxes().front();
  layer.results = layer.weight.shape[layer.resultAxis];
  layer.activations = layer.weight.shape[layer.activationAxis];
  layer.window =
      layer.weight.getNumElements() / std::max<int64_t>(1, layer.results * layer.activations);
  // Asked for a size that strides and padding would change.
  constexpr int64_t kProbe = 7;
  SmallVector<int64_t> shape(typeOf(contraction.getActivationOperand().get()).getRank(), kProbe);
  int64_t positions = 1;
  for (size_t i = 1; i < shape.size(); ++i)
    positions *= kProbe;
  shape[contraction.getActivationChannelAxis()] = layer.activations;
  layer.isPointwise = layer.window == 1 && unfoldable.getNumPositions(shape) == positions;
  return layer;
}

/// Replaces axis `axis` of `tensor`, of size c, by one of size `size`: sum over c of tensor[.., c,
/// ..] * factor(c, i).
HostTensor contractAxis(const HostTensor &tensor, int64_t axis, int64_t size,
                        function_ref<double(int64_t, int64_t)> factor) {
  std::vector<int64_t> shape = tensor.shape;
  int64_t outer = 1, inner = 1, channels = shape[axis];
  for (auto [d, extent] : llvm::enumerate(shape))
    if (int64_t(d) != axis)
      (int64_t(d) < axis ? outer : inner) *= extent;
  shape[axis] = size;
  HostTensor result = HostTensor::zeros(DType::f32(), shape);
  ArrayRef<float> in = tensor.getAs<float>();
  MutableArrayRef<float> out = result.getMutableAs<float>();
  std::vector<double> sums(inner);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < size; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t c = 0; c < channels; ++c) {
        double f = factor(c, i);
        for (int64_t k = 0; k < inner; ++k)
          sums[k] += in[(o * channels + c) * inner + k] * f;
      }
      for (int64_t k = 0; k < inner; ++k)
        out[(o * size + i) * inner + k] = float(sums[k]);
    }
  return result;
}

/// Element (result, activation) of a pointwise layer's matrix.
double getElement(const Layer &layer, int64_t result, int64_t activation) {
  bool resultFirst = layer.resultAxis < layer.activationAxis;
  int64_t index =
      resultFirst ? result * layer.activations + activation : activation * layer.results + result;
  return layer.weight.getAs<float>()[index];
}

class Folder {
public:
  explicit Folder(ModuleOp module) : module(module), symbols(module) {}

  unsigned run() {
    unsigned count = 0;
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<Operation *> ops;
      module.walk([&](ContractionLike op) { ops.push_back(op); });
      for (Operation *op : ops)
        if (fold(op)) {
          // The list may name erased ops now.
          ++count;
          changed = true;
          break;
        }
    }
    return count;
  }

private:
  /// Folds `op` into the only layer that reads it.
  bool fold(Operation *op) {
    Value value = op->getResult(0);
    if (!value.hasOneUse())
      return false;
    OpOperand &use = *value.use_begin();
    auto next = dyn_cast<ContractionLike>(use.getOwner());
    if (!next || &next.getActivationOperand() != &use || next->getBlock() != op->getBlock())
      return false;
    std::optional<Layer> first = readLayer(op);
    if (!first || first->op.getResultChannelAxis() != next.getActivationChannelAxis())
      return false;
    std::optional<Layer> second = readLayer(next);
    if (!second || second->activations != first->results ||
        second->op.getResultChannelAxis() != second->op.getActivationChannelAxis())
      return false;
    bool keepsFirst = second->isPointwise && canKeep(*first, *first, *second);
    bool keepsSecond = !keepsFirst && first->isPointwise && canKeep(*second, *first, *second) &&
                       !(first->bias && second->isPadded()) &&
                       first->op.getActivationChannelAxis() == first->op.getResultChannelAxis();
    if (!keepsFirst && !keepsSecond)
      return false;
    // Products per position, which both layers have about as many of; strides of the second one
    // only make it less.
    int64_t window = std::max(first->window, second->window);
    int64_t before = first->results * first->activations * first->window +
                     second->results * second->activations * second->window;
    if (second->results * first->activations * window > before)
      return false;
    replace(*first, *second, keepsFirst);
    return true;
  }

  static bool canKeep(const Layer &kept, const Layer &first, const Layer &second) {
    return kept.takesBias() || (!first.bias && !second.bias);
  }

  void replace(Layer &first, Layer &second, bool keepsFirst) {
    Layer &kept = keepsFirst ? first : second;
    HostTensor weight =
        keepsFirst ? contractAxis(first.weight, first.resultAxis, second.results,
                                  [&](int64_t c, int64_t o) { return getElement(second, o, c); })
                   : contractAxis(second.weight, second.activationAxis, first.activations,
                                  [&](int64_t c, int64_t i) { return getElement(first, c, i); });
    std::optional<HostTensor> bias = getBias(first, second);

    OpBuilder b(second.op);
    Operation *merged = b.clone(*kept.op.getOperation());
    merged->setLoc(second.op->getLoc());
    auto op = cast<ContractionLike>(merged);
    op.getActivationOperand().set(first.op.getActivationOperand().get());
    merged->getResult(0).setType(second.op->getResult(0).getType());
    std::string name = "folded";
    if (ml_program::GlobalOp global = getConstantGlobal(kept.op.getWeightOperand().get()))
      name = global.getSymName().str();
    b.setInsertionPoint(merged);
    auto constant = [&](const HostTensor &tensor, StringRef text) {
      return createConstant(b, merged->getLoc(), tensor,
                            RankedTensorType::get(tensor.shape, b.getF32Type()), text, symbols);
    };
    op.getWeightOperand().set(constant(weight, name));
    if (bias)
      cast<Biased>(merged).setBias(constant(*bias, name + ".bias"));
    second.op->getResult(0).replaceAllUsesWith(merged->getResult(0));
    for (Operation *old : {second.op.getOperation(), first.op.getOperation()}) {
      SmallVector<Value> operands(old->getOperands());
      old->erase();
      for (Value operand : operands)
        eraseConstant(operand);
    }
  }

  /// b2 + sum over c and the window of w2[o, c, k] b1[c].
  static std::optional<HostTensor> getBias(const Layer &first, const Layer &second) {
    if (!first.bias)
      return second.bias;
    std::vector<double> sums(second.results, 0);
    if (second.bias)
      sums = second.bias->toDoubles();
    auto channels = cast<ChannelContraction>(ContractionLike(second.op).getOperation());
    ArrayRef<float> values = second.weight.getAs<float>();
    SmallVector<int64_t> index(second.weight.shape.size(), 0);
    for (float value : values) {
      sums[channels.getResultChannel(index)] +=
          double(value) * first.bias->getAsDouble(channels.getActivationChannel(index));
      for (size_t d = index.size(); d-- > 0 && ++index[d] == second.weight.shape[d];)
        index[d] = 0;
    }
    HostTensor bias = HostTensor::zeros(DType::f32(), {second.results});
    for (auto [i, sum] : llvm::enumerate(sums))
      bias.setFromDouble(i, sum);
    return bias;
  }

  void eraseConstant(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.use_empty() ||
        !(op->hasTrait<OpTrait::ConstantLike>() || isa<ml_program::GlobalLoadConstOp>(op)))
      return;
    ml_program::GlobalOp global = getConstantGlobal(value);
    op->erase();
    if (global && global.isPrivate() &&
        SymbolTable::symbolKnownUseEmpty(global, &module.getBodyRegion()))
      symbols.erase(global);
  }

  ModuleOp module;
  SymbolTable symbols;
};

struct NNFoldLinear : nn::impl::NNFoldLinearPassBase<NNFoldLinear> {
  void runOnOperation() override { numFolded += Folder(getOperation()).run(); }
};

} // namespace
