//===- Recurrent.cpp - LSTM, GRU and RNN ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One sequence of the batch and one direction at a time, in f64; the results are rounded once.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Elementwise.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace terse;
using namespace terse::reference;

namespace {

using Vector = std::vector<double>;

/// What all recurrent layers have in common.
struct Layer {
  int64_t steps, batch, inputs, directions, gates, hidden;
  Vector x, weight, recurrence, bias, initialH;
  std::vector<int64_t> lengths;
  bool reverse;
  std::vector<nn::UnaryKind> activations;
  llvm::ArrayRef<double> alpha, beta;
  double clip;

  bool runsBackward(int64_t direction) const { return reverse || direction == 1; }

  double activate(int64_t index, double v) const {
    if (clip > 0)
      v = v < -clip ? -clip : v > clip ? clip : v;
    auto at = [&](llvm::ArrayRef<double> values) {
      return index < static_cast<int64_t>(values.size()) ? values[index] : 0.0;
    };
    return applyUnary(activations[index], v, at(alpha), at(beta));
  }

  /// Rows [gate * hidden, (gate + 1) * hidden) of the input weights times x[t, b], plus bias.
  Vector projectInput(int64_t d, int64_t gate, int64_t t, int64_t b) const {
    Vector result(hidden);
    const double *row = x.data() + (t * batch + b) * inputs;
    for (int64_t j = 0; j < hidden; ++j) {
      int64_t unit = d * gates * hidden + gate * hidden + j;
      for (int64_t k = 0; k < inputs; ++k)
        result[j] += weight[unit * inputs + k] * row[k];
      if (!bias.empty())
        result[j] += bias[d * 2 * gates * hidden + gate * hidden + j];
    }
    return result;
  }
  /// The same rows of the recurrent weights times the hidden state, plus recurrent bias.
  Vector projectState(int64_t d, int64_t gate, const Vector &h) const {
    Vector result(hidden);
    for (int64_t j = 0; j < hidden; ++j) {
      int64_t unit = d * gates * hidden + gate * hidden + j;
      for (int64_t k = 0; k < hidden; ++k)
        result[j] += recurrence[unit * hidden + k] * h[k];
      if (!bias.empty())
        result[j] += bias[(d * 2 + 1) * gates * hidden + gate * hidden + j];
    }
    return result;
  }
  /// projectInput + projectState.
  Vector project(int64_t d, int64_t gate, int64_t t, int64_t b, const Vector &h) const {
    Vector result = projectInput(d, gate, t, b), state = projectState(d, gate, h);
    for (int64_t j = 0; j < hidden; ++j)
      result[j] += state[j];
    return result;
  }
};

} // namespace

template <typename Op>
static llvm::Expected<Layer> describe(Op op, OpCall &call, int64_t gates) {
  const HostTensor &x = call[op.getX()], &weight = call[op.getWeight()];
  const HostTensor &recurrence = call[op.getRecurrence()];
  const HostTensor *bias = call.find(op.getBias()), *initialH = call.find(op.getInitialH());
  const HostTensor *lengths = call.find(op.getSequenceLengths());
  if (!x.dtype.isFloat() || !weight.dtype.isFloat() || !recurrence.dtype.isFloat())
    return call.fail("is not defined on integers");

  Layer layer;
  layer.steps = x.shape[0];
  layer.batch = x.shape[1];
  layer.inputs = x.shape[2];
  layer.directions = recurrence.shape[0];
  layer.gates = gates;
  layer.hidden = recurrence.shape[2];
  int64_t d = layer.directions, rows = gates * layer.hidden;
  if (llvm::Error error = call.checkShape(weight, {d, rows, layer.inputs}, "weight"))
    return std::move(error);
  if (llvm::Error error = call.checkShape(recurrence, {d, rows, layer.hidden}, "recurrence"))
    return std::move(error);
  if (llvm::Error error = call.checkShape(bias, {d, 2 * rows}, "bias"))
    return std::move(error);
  if (llvm::Error error = call.checkShape(initialH, {d, layer.batch, layer.hidden}, "initial_h"))
    return std::move(error);
  if (llvm::Error error = call.checkShape(lengths, {layer.batch}, "sequence_lengths"))
    return std::move(error);

  layer.x = load<double>(x);
  layer.weight = load<double>(weight);
  layer.recurrence = load<double>(recurrence);
  if (bias)
    layer.bias = load<double>(*bias);
  layer.initialH = initialH ? load<double>(*initialH) : Vector(d * layer.batch * layer.hidden, 0.0);
  layer.lengths = lengths ? lengths->toInts() : std::vector<int64_t>(layer.batch, layer.steps);
  for (int64_t length : layer.lengths)
    if (length < 0 || length > layer.steps)
      return call.fail("expected sequence lengths in [0, " + llvm::Twine(layer.steps) + "] (got " +
                       llvm::Twine(length) + ")");
  layer.reverse = op.getDirection() == nn::Direction::Reverse;
  for (mlir::Attribute kind : op.getActivations())
    layer.activations.push_back(mlir::cast<nn::UnaryKindAttr>(kind).getValue());
  for (nn::UnaryKind kind : layer.activations)
    if (kind == nn::UnaryKind::Not || kind == nn::UnaryKind::BitNot)
      return call.fail("has '" + nn::stringifyUnaryKind(kind) + "' as an activation");
  layer.alpha = op.getActivationAlpha();
  layer.beta = op.getActivationBeta();
  layer.clip = op.getClip().convertToDouble();
  return layer;
}

/// Runs every sequence in every direction: `step(d, t, b, states)` makes the new states, the hidden
/// state first. `initial` and the results after the first have one tensor per state.
template <typename Step>
static void runLayer(const Layer &layer, OpCall &call, llvm::ArrayRef<Vector> initial, Step step) {
  int64_t hidden = layer.hidden;
  // Steps beyond a sequence's length yield 0.
  Vector y(layer.steps * layer.directions * layer.batch * hidden, 0.0);
  std::vector<Vector> last(initial.begin(), initial.end());
  for (int64_t d = 0; d < layer.directions; ++d)
    for (int64_t b = 0; b < layer.batch; ++b) {
      int64_t offset = (d * layer.batch + b) * hidden;
      std::vector<Vector> states;
      for (const Vector &state : initial)
        states.emplace_back(state.begin() + offset, state.begin() + offset + hidden);
      for (int64_t i = 0; i < layer.lengths[b]; ++i) {
        int64_t t = layer.runsBackward(d) ? layer.lengths[b] - 1 - i : i;
        states = step(d, t, b, states);
        std::copy(states[0].begin(), states[0].end(),
                  y.begin() + ((t * layer.directions + d) * layer.batch + b) * hidden);
      }
      for (auto [all, state] : llvm::zip(last, states))
        std::copy(state.begin(), state.end(), all.begin() + offset);
    }
  store(y, call.result(0));
  for (auto [i, state] : llvm::enumerate(last))
    store(state, call.result(i + 1));
}

static llvm::Error evalLstm(nn::LstmOp op, OpCall &call) {
  llvm::Expected<Layer> described = describe(op, call, 4);
  if (!described)
    return described.takeError();
  Layer &layer = *described;
  int64_t hidden = layer.hidden;
  const HostTensor *initialC = call.find(op.getInitialC());
  const HostTensor *peepholes = call.find(op.getPeepholes());
  if (llvm::Error error =
          call.checkShape(initialC, {layer.directions, layer.batch, hidden}, "initial_c"))
    return error;
  if (llvm::Error error = call.checkShape(peepholes, {layer.directions, 3 * hidden}, "peepholes"))
    return error;
  Vector cells = initialC ? load<double>(*initialC) : Vector(layer.initialH.size(), 0.0);
  Vector peephole = peepholes ? load<double>(*peepholes) : Vector(layer.directions * 3 * hidden, 0);

  runLayer(layer, call, {layer.initialH, cells},
           [&](int64_t d, int64_t t, int64_t b, const std::vector<Vector> &states) {
             const Vector &h = states[0], &c = states[1];
             // Gates stand in the order i, o, f, c; peepholes i, o, f.
             Vector in = layer.project(d, 0, t, b, h), out = layer.project(d, 1, t, b, h);
             Vector forget = layer.project(d, 2, t, b, h), cell = layer.project(d, 3, t, b, h);
             Vector nextH(hidden), nextC(hidden);
             const double *p = peephole.data() + d * 3 * hidden;
             for (int64_t j = 0; j < hidden; ++j) {
               double i = layer.activate(3 * d, in[j] + p[j] * c[j]);
               double f = op.getInputForget()
                              ? 1 - i
                              : layer.activate(3 * d, forget[j] + p[2 * hidden + j] * c[j]);
               nextC[j] = f * c[j] + i * layer.activate(3 * d + 1, cell[j]);
               double o = layer.activate(3 * d, out[j] + p[hidden + j] * nextC[j]);
               nextH[j] = o * layer.activate(3 * d + 2, nextC[j]);
             }
             return std::vector<Vector>{nextH, nextC};
           });
  return llvm::Error::success();
}

static llvm::Error evalGru(nn::GruOp op, OpCall &call) {
  llvm::Expected<Layer> described = describe(op, call, 3);
  if (!described)
    return described.takeError();
  Layer &layer = *described;
  int64_t hidden = layer.hidden;
  runLayer(layer, call, {layer.initialH},
           [&](int64_t d, int64_t t, int64_t b, const std::vector<Vector> &states) {
             const Vector &h = states[0];
             Vector update = layer.project(d, 0, t, b, h), reset = layer.project(d, 1, t, b, h);
             for (int64_t j = 0; j < hidden; ++j) {
               update[j] = layer.activate(2 * d, update[j]);
               reset[j] = layer.activate(2 * d, reset[j]);
             }
             // The reset gate applies to the state before its projection, or to what comes out.
             Vector operand = h;
             if (!op.getLinearBeforeReset())
               for (int64_t j = 0; j < hidden; ++j)
                 operand[j] *= reset[j];
             Vector input = layer.projectInput(d, 2, t, b);
             Vector recurrent = layer.projectState(d, 2, operand);
             Vector next(hidden);
             for (int64_t j = 0; j < hidden; ++j) {
               double gate = op.getLinearBeforeReset() ? reset[j] : 1;
               double n = layer.activate(2 * d + 1, input[j] + gate * recurrent[j]);
               next[j] = (1 - update[j]) * n + update[j] * h[j];
             }
             return std::vector<Vector>{next};
           });
  return llvm::Error::success();
}

static llvm::Error evalRnn(nn::RnnOp op, OpCall &call) {
  llvm::Expected<Layer> described = describe(op, call, 1);
  if (!described)
    return described.takeError();
  Layer &layer = *described;
  runLayer(layer, call, {layer.initialH},
           [&](int64_t d, int64_t t, int64_t b, const std::vector<Vector> &states) {
             Vector next = layer.project(d, 0, t, b, states[0]);
             for (double &v : next)
               v = layer.activate(d, v);
             return std::vector<Vector>{next};
           });
  return llvm::Error::success();
}

void reference::registerRecurrent(KernelTable &table) {
  table.add<nn::LstmOp>(evalLstm);
  table.add<nn::GruOp>(evalGru);
  table.add<nn::RnnOp>(evalRnn);
}
