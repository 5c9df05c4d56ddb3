//===- Recurrent.cpp - LSTM, GRU and RNN ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

#include "terse/Import/ONNXTypes.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;
using nn::UnaryKind;

namespace {
struct Activation {
  const char *name;
  bool takesAlpha, takesBeta;
};
} // namespace

static Activation describe(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Sigmoid:
    return {"Sigmoid", false, false};
  case UnaryKind::Tanh:
    return {"Tanh", false, false};
  case UnaryKind::Relu:
    return {"Relu", false, false};
  case UnaryKind::Softsign:
    return {"Softsign", false, false};
  case UnaryKind::Softplus:
    return {"Softplus", false, false};
  case UnaryKind::LeakyRelu:
    return {"LeakyRelu", true, false};
  case UnaryKind::ThresholdedRelu:
    return {"ThresholdedRelu", true, false};
  case UnaryKind::Elu:
    return {"Elu", true, false};
  case UnaryKind::Affine:
    return {"Affine", true, true};
  case UnaryKind::ScaledTanh:
    return {"ScaledTanh", true, true};
  case UnaryKind::HardSigmoid:
    return {"HardSigmoid", true, true};
  default:
    failExport("ONNX's recurrent layers have no activation '" + nn::stringifyUnaryKind(kind) + "'");
  }
}

template <typename OpTy>
static Attrs getCommonAttrs(OpTy op) {
  Names names;
  std::vector<float> alphas, betas;
  for (auto [i, attr] : llvm::enumerate(op.getActivations())) {
    Activation activation = describe(cast<nn::UnaryKindAttr>(attr).getValue());
    names.push_back(activation.name);
    auto at = [&, i = i](ArrayRef<double> values) {
      return i < values.size() ? float(values[i]) : 0.0f;
    };
    if (activation.takesAlpha)
      alphas.push_back(at(op.getActivationAlpha()));
    if (activation.takesBeta)
      betas.push_back(at(op.getActivationBeta()));
  }
  Attrs attributes{{"direction", nn::stringifyDirection(op.getDirection())},
                   {"hidden_size", Exporter::typeOf(op.getRecurrence()).getDimSize(2)},
                   {"activations", names}};
  if (!alphas.empty())
    attributes.push_back({"activation_alpha", alphas});
  if (!betas.empty())
    attributes.push_back({"activation_beta", betas});
  if (double clip = op.getClip().convertToDouble(); clip > 0)
    attributes.push_back({"clip", clip});
  return attributes;
}

/// ONNX has lengths in 32 bits.
static std::string lengthsOf(Exporter &e, Value lengths) {
  std::string name = e.name(lengths);
  if (!lengths || Exporter::elementOf(lengths).isSignlessInteger(32))
    return name;
  return e.step("Cast", {name}, {{"to", getOnnxType(DType::i32())}});
}

static void exportLstm(nn::LstmOp op, Exporter &e) {
  Attrs attributes = getCommonAttrs(op);
  attributes.push_back({"input_forget", op.getInputForget()});
  e.emit("LSTM",
         {e.name(op.getX()), e.name(op.getWeight()), e.name(op.getRecurrence()),
          e.name(op.getBias()), lengthsOf(e, op.getSequenceLengths()), e.name(op.getInitialH()),
          e.name(op.getInitialC()), e.name(op.getPeepholes())},
         attributes);
}

static void exportGru(nn::GruOp op, Exporter &e) {
  Attrs attributes = getCommonAttrs(op);
  attributes.push_back({"linear_before_reset", op.getLinearBeforeReset()});
  e.emit("GRU",
         {e.name(op.getX()), e.name(op.getWeight()), e.name(op.getRecurrence()),
          e.name(op.getBias()), lengthsOf(e, op.getSequenceLengths()), e.name(op.getInitialH())},
         attributes);
}

static void exportRnn(nn::RnnOp op, Exporter &e) {
  e.emit("RNN",
         {e.name(op.getX()), e.name(op.getWeight()), e.name(op.getRecurrence()),
          e.name(op.getBias()), lengthsOf(e, op.getSequenceLengths()), e.name(op.getInitialH())},
         getCommonAttrs(op));
}

void terse::onnx::addRecurrent(HandlerTable &t) {
  t.add<nn::LstmOp>(exportLstm);
  t.add<nn::GruOp>(exportGru);
  t.add<nn::RnnOp>(exportRnn);
}
