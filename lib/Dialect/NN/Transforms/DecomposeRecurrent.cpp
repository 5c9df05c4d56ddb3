//===- DecomposeRecurrent.cpp - LSTM, GRU and RNN -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input products of all time steps are one large contraction before the loop; the loop over
// time steps carries the states and the output. The directions run one after the other and write
// their own slices of the output.

#include "NNBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"

using namespace mlir;
using namespace terse::nn;

namespace {

// What all kinds of layers share.
struct Layer {
  Operation *op;
  const RecurrentProducts *products;
  Value x, weight, recurrence, bias, lengths, initialH;
  Direction direction;
  ArrayAttr activations;
  ArrayRef<double> alpha, beta;
  double clip;
  int64_t hidden;
  Type element;

  int64_t directions() const { return direction == Direction::Bidirectional ? 2 : 1; }
  bool runsBackward(int64_t d) const { return direction == Direction::Reverse || d == 1; }
};

template <typename OpTy>
std::optional<Layer> describe(OpTy op, const RecurrentProducts &products, NNBuilder &b) {
  Layer layer;
  layer.op = op;
  layer.products = &products;
  layer.element = computeType(typeOf(op.getX()).getElementType());
  layer.hidden = typeOf(op.getRecurrence()).getDimSize(2);
  // The gates are slices at multiples of the hidden size.
  if (ShapedType::isDynamic(layer.hidden))
    return std::nullopt;
  auto wide = [&](Value v) { return v ? b.cast(v, layer.element) : v; };
  layer.x = wide(products.getInput(op));
  layer.weight = wide(op.getWeight());
  layer.recurrence = wide(op.getRecurrence());
  layer.bias = wide(op.getBias());
  layer.initialH = wide(op.getInitialH());
  layer.lengths = op.getSequenceLengths();
  layer.direction = op.getDirection();
  layer.activations = op.getActivations();
  layer.alpha = op.getActivationAlpha();
  layer.beta = op.getActivationBeta();
  layer.clip = op.getClip().convertToDouble();
  return layer;
}

// Slice `d` of axis 0, that axis dropped.
Value ofDirection(NNBuilder &b, Value v, int64_t d) {
  Value one = typeOf(v).getDimSize(0) == 1 ? v : b.slice(v, 0, d, d + 1);
  SmallVector<Dim> shape = b.dims(one);
  return b.reshape(one, ArrayRef<Dim>(shape).drop_front());
}

// Rows of gates `[first, last)` of a weight, and the product with them.
Value gateRows(NNBuilder &b, const Layer &layer, Value weight, int64_t d, int64_t first,
               int64_t last) {
  return layer.products->getRows(b, weight, d, first * layer.hidden, last * layer.hidden);
}
Value multiply(NNBuilder &b, const Layer &layer, Value x, Value weight, Value bias = {}) {
  return layer.products->multiply(b, layer.op, x, weight, bias);
}

// Activation `index` of direction `d` among `perDirection`, on a clipped argument.
Value activate(NNBuilder &b, const Layer &layer, int64_t index, Value v) {
  if (layer.clip > 0)
    v = b.unary(UnaryKind::Clamp, v, -layer.clip, layer.clip);
  auto at = [&](ArrayRef<double> values) {
    return index < int64_t(values.size()) ? values[index] : 0.0;
  };
  UnaryKind kind = cast<UnaryKindAttr>(layer.activations[index]).getValue();
  if (Value result = layer.products->activate(b, layer.op, kind, v))
    return result;
  return b.unary(kind, v, at(layer.alpha), at(layer.beta));
}

// One step: from the input product of this time step and the states to the new states (the hidden
// state first).
using StepFn = llvm::function_ref<SmallVector<Value>(NNBuilder &, Value, ArrayRef<Value>)>;

// Runs one direction over time: `projected` is [T, B, gates * H], `states` are [B, H]; writes slice
// `d` of `y` and returns y and the last states.
SmallVector<Value> runDirection(NNBuilder &b, const Layer &layer, int64_t d, Value projected,
                                Value lengths, Value y, ArrayRef<Value> states, StepFn step) {
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value count = tensor::DimOp::create(b, layer.x, zero);
  SmallVector<Value> carried{y};
  llvm::append_range(carried, states);
  auto loop = scf::ForOp::create(b, zero, count, one, carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());

  Value t = loop.getInductionVar();
  if (layer.runsBackward(d))
    t = arith::SubIOp::create(b, arith::SubIOp::create(b, count, one), t);
  OpFoldResult i0 = b.getIndexAttr(0), i1 = b.getIndexAttr(1);
  RankedTensorType type = typeOf(projected);
  OpFoldResult batch = tensor::getMixedSize(b, b.getLoc(), projected, 1);
  OpFoldResult width = tensor::getMixedSize(b, b.getLoc(), projected, 2);
  Value input = tensor::ExtractSliceOp::create(
      b, RankedTensorType::get(type.getShape().drop_front(), type.getElementType()), projected,
      ArrayRef<OpFoldResult>{t, i0, i0}, ArrayRef<OpFoldResult>{i1, batch, width},
      ArrayRef<OpFoldResult>{i1, i1, i1});

  SmallVector<Value> old(loop.getRegionIterArgs().drop_front());
  SmallVector<Value> next = step(b, input, old);
  Value output = next[0];
  if (lengths) {
    // Past its end a sequence keeps its states and yields 0.
    Value now = arith::IndexCastOp::create(b, b.getI64Type(), t);
    now = tensor::FromElementsOp::create(b, RankedTensorType::get({}, b.getI64Type()), now);
    Value active = b.compare(CompareKind::Gt, lengths, now);
    output = b.select(active, output, b.scalar(0, layer.element));
    for (auto [n, o] : llvm::zip(next, old))
      n = b.select(active, n, o);
  }
  for (auto [n, o] : llvm::zip(next, old))
    n = b.refine(n, o.getType());
  // The states stay in the buffers they came in: without that, every step would allocate new ones.
  for (auto [n, o] : llvm::zip(next, old))
    n = linalg::CopyOp::create(b, n, o).getResult(0);
  output = b.refine(output, old[0].getType());
  Value written = tensor::InsertSliceOp::create(
      b, output, loop.getRegionIterArgs()[0], ArrayRef<OpFoldResult>{t, b.getIndexAttr(d), i0, i0},
      ArrayRef<OpFoldResult>{i1, i1, batch, b.getIndexAttr(layer.hidden)},
      ArrayRef<OpFoldResult>{i1, i1, i1, i1});
  SmallVector<Value> yields{written};
  llvm::append_range(yields, next);
  scf::YieldOp::create(b, yields);
  return SmallVector<Value>(loop.getResults());
}

// What one direction of a layer needs: the bias of its input product and its step.
struct DirectionPlan {
  Value inputBias;
  std::function<SmallVector<Value>(NNBuilder &, Value, ArrayRef<Value>)> step;
};

SmallVector<Value> runLayer(NNBuilder &b, const Layer &layer, ArrayRef<Value> initialStates,
                            llvm::function_ref<DirectionPlan(int64_t)> plan) {
  Dim batch = b.dim(layer.x, 1);
  int64_t directions = layer.directions();
  Value lengths;
  if (layer.lengths)
    lengths = b.reshape(b.cast(layer.lengths, b.getI64Type()), {b.dim(layer.lengths, 0), Dim(1)});

  SmallVector<Dim> stateShape{batch, Dim(layer.hidden)};
  auto stateType = RankedTensorType::get({batch.size, layer.hidden}, layer.element);
  SmallVector<OpFoldResult> sizes{
      tensor::getMixedSize(b, b.getLoc(), layer.x, 0), b.getIndexAttr(directions),
      tensor::getMixedSize(b, b.getLoc(), layer.x, 1), b.getIndexAttr(layer.hidden)};
  Value y = tensor::EmptyOp::create(b, sizes, layer.element);
  SmallVector<SmallVector<Value>> last(initialStates.size());
  for (int64_t d = 0; d < directions; ++d) {
    SmallVector<Value> states;
    for (Value initial : initialStates) {
      Value state = initial ? ofDirection(b, initial, d)
                            : Value(BroadcastOp::create(b, stateType, b.scalar(0, layer.element),
                                                        b.shapeOperand(stateShape)));
      states.push_back(b.refine(state, stateType));
    }
    DirectionPlan direction = plan(d);
    int64_t gates = typeOf(layer.weight).getDimSize(1) / layer.hidden;
    Value projected = multiply(b, layer, layer.x, gateRows(b, layer, layer.weight, d, 0, gates),
                               direction.inputBias);
    SmallVector<Value> ran =
        runDirection(b, layer, d, projected, lengths, y, states, direction.step);
    y = ran[0];
    for (auto [all, state] : llvm::zip(last, ArrayRef<Value>(ran).drop_front()))
      all.push_back(b.reshape(state, {Dim(1), batch, Dim(layer.hidden)}));
  }
  SmallVector<Value> results{y};
  for (ArrayRef<Value> states : last)
    results.push_back(states.size() == 1 ? states[0] : b.concat(states, 0));
  return results;
}

// Gate `index` of [B, gates * H], or of a [gates * H] vector.
Value gate(NNBuilder &b, const Layer &layer, Value v, int64_t index, int64_t count = 1) {
  return b.slice(v, typeOf(v).getRank() - 1, index * layer.hidden, (index + count) * layer.hidden);
}

// The biases of one direction, input part and recurrent part of `gates` gates each; null without
// bias.
std::pair<Value, Value> biases(NNBuilder &b, const Layer &layer, int64_t d, int64_t gates) {
  if (!layer.bias)
    return {};
  Value all = ofDirection(b, layer.bias, d);
  return {gate(b, layer, all, 0, gates), gate(b, layer, all, gates, gates)};
}

// As DecomposePattern, for the layers that `products` accepts.
template <typename OpTy>
struct DecomposeLayer : OpRewritePattern<OpTy> {
  DecomposeLayer(MLIRContext *context, const RecurrentProducts *products)
      : OpRewritePattern<OpTy>(context), products(*products) {}
  virtual SmallVector<Value> decompose(OpTy op, NNBuilder &b) const = 0;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const final {
    if (!products.accepts(op))
      return rewriter.notifyMatchFailure(op, "its products are computed in another way");
    NNBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> results = decompose(op, b);
    if (results.empty())
      return rewriter.notifyMatchFailure(op, "its sizes are not known");
    for (auto [value, result] : llvm::zip_equal(results, op->getResults()))
      value = b.refine(b.cast(value, typeOf(result).getElementType()), result.getType());
    rewriter.replaceOp(op, results);
    return success();
  }

  const RecurrentProducts &products;
};

struct DecomposeLstm : DecomposeLayer<LstmOp> {
  using DecomposeLayer::DecomposeLayer;
  SmallVector<Value> decompose(LstmOp op, NNBuilder &b) const override {
    std::optional<Layer> described = describe(op, products, b);
    if (!described)
      return {};
    Layer &layer = *described;
    Value initialC = op.getInitialC() ? b.cast(op.getInitialC(), layer.element) : Value();
    Value peepholes = op.getPeepholes() ? b.cast(op.getPeepholes(), layer.element) : Value();
    bool inputForget = op.getInputForget();
    auto plan = [&](int64_t d) {
      auto [inputBias, recurrentBias] = biases(b, layer, d, 4);
      DirectionPlan result{inputBias ? b.add(inputBias, recurrentBias) : Value(), {}};
      Value recurrence = gateRows(b, layer, layer.recurrence, d, 0, 4);
      Value peephole = peepholes ? ofDirection(b, peepholes, d) : Value();
      result.step = [=, &layer](NNBuilder &b, Value input,
                                ArrayRef<Value> states) -> SmallVector<Value> {
        Value cell = states[1], gates = b.add(input, multiply(b, layer, states[0], recurrence));
        // Gates stand in the order i, o, f, c; peepholes i, o, f.
        auto gateOf = [&](int64_t index, int64_t function, Value watched) {
          Value v = gate(b, layer, gates, index);
          if (peephole && watched)
            v = b.add(v, b.mul(watched, gate(b, layer, peephole, index)));
          return activate(b, layer, 3 * d + function, v);
        };
        Value in = gateOf(0, 0, cell);
        Value forget = inputForget ? b.unary(UnaryKind::Affine, in, -1.0, 1.0) : gateOf(2, 0, cell);
        Value next = b.add(b.mul(forget, cell), b.mul(in, gateOf(3, 1, {})));
        Value out = gateOf(1, 0, next);
        return {b.mul(out, activate(b, layer, 3 * d + 2, next)), next};
      };
      return result;
    };
    return runLayer(b, layer, {layer.initialH, initialC}, plan);
  }
};

struct DecomposeGru : DecomposeLayer<GruOp> {
  using DecomposeLayer::DecomposeLayer;
  SmallVector<Value> decompose(GruOp op, NNBuilder &b) const override {
    std::optional<Layer> described = describe(op, products, b);
    if (!described)
      return {};
    Layer &layer = *described;
    bool linearBeforeReset = op.getLinearBeforeReset();
    auto plan = [&](int64_t d) {
      DirectionPlan result;
      auto [inputBias, recurrentBias] = biases(b, layer, d, 3);
      Value resetBias;
      if (inputBias && linearBeforeReset) {
        // The recurrent bias of the hidden gate is under the reset gate.
        resetBias = gate(b, layer, recurrentBias, 2);
        result.inputBias =
            b.concat({b.add(gate(b, layer, inputBias, 0, 2), gate(b, layer, recurrentBias, 0, 2)),
                      gate(b, layer, inputBias, 2)},
                     0);
      } else if (inputBias) {
        result.inputBias = b.add(inputBias, recurrentBias);
      }
      Value gateWeight = gateRows(b, layer, layer.recurrence, d, 0, 2);
      Value hiddenWeight = gateRows(b, layer, layer.recurrence, d, 2, 3);
      result.step = [=, &layer](NNBuilder &b, Value input,
                                ArrayRef<Value> states) -> SmallVector<Value> {
        Value h = states[0];
        Value gates = b.add(gate(b, layer, input, 0, 2), multiply(b, layer, h, gateWeight));
        Value update = activate(b, layer, 2 * d, gate(b, layer, gates, 0));
        Value reset = activate(b, layer, 2 * d, gate(b, layer, gates, 1));
        Value recurrent = linearBeforeReset
                              ? b.mul(reset, multiply(b, layer, h, hiddenWeight, resetBias))
                              : multiply(b, layer, b.mul(reset, h), hiddenWeight);
        Value hidden = activate(b, layer, 2 * d + 1, b.add(gate(b, layer, input, 2), recurrent));
        return {
            b.add(b.mul(b.unary(UnaryKind::Affine, update, -1.0, 1.0), hidden), b.mul(update, h))};
      };
      return result;
    };
    return runLayer(b, layer, {layer.initialH}, plan);
  }
};

struct DecomposeRnn : DecomposeLayer<RnnOp> {
  using DecomposeLayer::DecomposeLayer;
  SmallVector<Value> decompose(RnnOp op, NNBuilder &b) const override {
    std::optional<Layer> described = describe(op, products, b);
    if (!described)
      return {};
    Layer &layer = *described;
    auto plan = [&](int64_t d) {
      auto [inputBias, recurrentBias] = biases(b, layer, d, 1);
      DirectionPlan result{inputBias ? b.add(inputBias, recurrentBias) : Value(), {}};
      Value recurrence = gateRows(b, layer, layer.recurrence, d, 0, 1);
      result.step = [=, &layer](NNBuilder &b, Value input,
                                ArrayRef<Value> states) -> SmallVector<Value> {
        return {activate(b, layer, d, b.add(input, multiply(b, layer, states[0], recurrence)))};
      };
      return result;
    };
    return runLayer(b, layer, {layer.initialH}, plan);
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// RecurrentProducts
//===----------------------------------------------------------------------===//

bool RecurrentProducts::accepts(Operation *op) const { return !isEncoded(op); }

Value RecurrentProducts::getInput(Operation *op) const { return op->getOperand(0); }

Value RecurrentProducts::getRows(ImplicitLocOpBuilder &b, Value weight, int64_t direction,
                                 int64_t first, int64_t last) const {
  NNBuilder nb(b.getLoc(), b);
  Value rows = ofDirection(nb, weight, direction);
  return first == 0 && last == typeOf(rows).getDimSize(0) ? rows : nb.slice(rows, 0, first, last);
}

Value RecurrentProducts::multiply(ImplicitLocOpBuilder &b, Operation *, Value x, Value weight,
                                  Value bias) const {
  return NNBuilder(b.getLoc(), b).linear(x, weight, bias);
}

void terse::nn::populateDecomposeRecurrentPatterns(RewritePatternSet &patterns,
                                                   const RecurrentProducts *products) {
  static const RecurrentProducts plain;
  patterns.add<DecomposeLstm, DecomposeGru, DecomposeRnn>(patterns.getContext(),
                                                          products ? products : &plain);
}
