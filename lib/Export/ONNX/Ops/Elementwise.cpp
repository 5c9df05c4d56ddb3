//===- Elementwise.cpp - Elementwise ops as ONNX operators ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

#include "terse/Import/ONNXTypes.h"
#include "terse/Support/MLIRBridge.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::onnx;
using nn::BinaryKind;
using nn::CompareKind;
using nn::UnaryKind;

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// Operators of one operand without parameters; null for the others.
static const char *getPlainUnary(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Abs:
    return "Abs";
  case UnaryKind::Neg:
    return "Neg";
  case UnaryKind::Sign:
    return "Sign";
  case UnaryKind::Floor:
    return "Floor";
  case UnaryKind::Ceil:
    return "Ceil";
  case UnaryKind::Round:
    return "Round";
  case UnaryKind::Exp:
    return "Exp";
  case UnaryKind::Log:
    return "Log";
  case UnaryKind::Sqrt:
    return "Sqrt";
  case UnaryKind::Reciprocal:
    return "Reciprocal";
  case UnaryKind::Sin:
    return "Sin";
  case UnaryKind::Cos:
    return "Cos";
  case UnaryKind::Tan:
    return "Tan";
  case UnaryKind::Asin:
    return "Asin";
  case UnaryKind::Acos:
    return "Acos";
  case UnaryKind::Atan:
    return "Atan";
  case UnaryKind::Sinh:
    return "Sinh";
  case UnaryKind::Cosh:
    return "Cosh";
  case UnaryKind::Tanh:
    return "Tanh";
  case UnaryKind::Asinh:
    return "Asinh";
  case UnaryKind::Acosh:
    return "Acosh";
  case UnaryKind::Atanh:
    return "Atanh";
  case UnaryKind::Erf:
    return "Erf";
  case UnaryKind::Not:
    return "Not";
  case UnaryKind::BitNot:
    return "BitwiseNot";
  case UnaryKind::Relu:
    return "Relu";
  case UnaryKind::Sigmoid:
    return "Sigmoid";
  case UnaryKind::HardSwish:
    return "HardSwish";
  case UnaryKind::Softplus:
    return "Softplus";
  case UnaryKind::Softsign:
    return "Softsign";
  case UnaryKind::Gelu:
    return "Gelu";
  case UnaryKind::Mish:
    return "Mish";
  case UnaryKind::Identity:
    return "Identity";
  default:
    return nullptr;
  }
}

static void exportUnary(nn::UnaryOp op, Exporter &e) {
  std::string x = e.name(op.getX());
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  Type element = Exporter::elementOf(op.getX());
  if (const char *plain = getPlainUnary(op.getKind()))
    return e.emit(plain, {x});
  switch (op.getKind()) {
  case UnaryKind::LeakyRelu:
    return e.emit("LeakyRelu", {x}, {{"alpha", alpha}});
  case UnaryKind::Elu:
    return e.emit("Elu", {x}, {{"alpha", alpha}});
  case UnaryKind::Celu:
    return e.emit("Celu", {x}, {{"alpha", alpha}});
  case UnaryKind::Selu:
    return e.emit("Selu", {x}, {{"alpha", alpha}, {"gamma", beta}});
  case UnaryKind::HardSigmoid:
    return e.emit("HardSigmoid", {x}, {{"alpha", alpha}, {"beta", beta}});
  case UnaryKind::ThresholdedRelu:
    return e.emit("ThresholdedRelu", {x}, {{"alpha", alpha}});
  case UnaryKind::Shrink:
    return e.emit("Shrink", {x}, {{"lambd", alpha}, {"bias", beta}});
  case UnaryKind::GeluTanh:
    return e.emit("Gelu", {x}, {{"approximate", "tanh"}});
  case UnaryKind::Clamp: {
    auto bound = [&](double value) {
      return std::isinf(value) ? std::string() : e.scalar(value, element);
    };
    return e.emit("Clip", {x, bound(alpha), bound(beta)});
  }
  case UnaryKind::Rsqrt:
    return e.emit("Reciprocal", {e.mainStep("Sqrt", {x})});
  case UnaryKind::Silu: {
    std::string scaled = alpha == 1 ? x : e.step("Mul", {x, e.scalar(alpha, element)});
    return e.emit("Mul", {x, e.mainStep("Sigmoid", {scaled})});
  }
  case UnaryKind::ScaledTanh: {
    std::string inner = e.mainStep("Tanh", {e.step("Mul", {x, e.scalar(beta, element)})});
    return e.emit("Mul", {inner, e.scalar(alpha, element)});
  }
  case UnaryKind::Affine:
    return e.emit("Add",
                  {e.mainStep("Mul", {x, e.scalar(alpha, element)}), e.scalar(beta, element)});
  default:
    failExport("ONNX opset 21 has no operator for '" + nn::stringifyUnaryKind(op.getKind()) + "'");
  }
}

//===----------------------------------------------------------------------===//
// Two operands and more
//===----------------------------------------------------------------------===//

static void exportBinary(nn::BinaryOp op, Exporter &e) {
  Names inputs{e.name(op.getLhs()), e.name(op.getRhs())};
  Type element = Exporter::elementOf(op.getLhs());
  bool isBool = element.isSignlessInteger(1);
  switch (op.getKind()) {
  case BinaryKind::Add:
    return e.emit("Add", inputs);
  case BinaryKind::Sub:
    return e.emit("Sub", inputs);
  case BinaryKind::Mul:
    return e.emit("Mul", inputs);
  case BinaryKind::Div:
    return e.emit("Div", inputs);
  case BinaryKind::Pow:
    return e.emit("Pow", inputs);
  case BinaryKind::Mod:
    return e.emit("Mod", inputs);
  case BinaryKind::Fmod:
    return e.emit("Mod", inputs, {{"fmod", true}});
  case BinaryKind::Min:
    return e.emit("Min", inputs);
  case BinaryKind::Max:
    return e.emit("Max", inputs);
  case BinaryKind::And:
    return e.emit(isBool ? "And" : "BitwiseAnd", inputs);
  case BinaryKind::Or:
    return e.emit(isBool ? "Or" : "BitwiseOr", inputs);
  case BinaryKind::Xor:
    return e.emit(isBool ? "Xor" : "BitwiseXor", inputs);
  case BinaryKind::Prelu:
    return e.emit("PRelu", inputs);
  case BinaryKind::Shl:
  case BinaryKind::Shr:
    if (!element.isUnsignedInteger())
      failExport("ONNX shifts unsigned integers only");
    return e.emit("BitShift", inputs,
                  {{"direction", op.getKind() == BinaryKind::Shl ? "LEFT" : "RIGHT"}});
  }
}

static void exportCompare(nn::CompareOp op, Exporter &e) {
  Names inputs{e.name(op.getLhs()), e.name(op.getRhs())};
  switch (op.getKind()) {
  case CompareKind::Eq:
    return e.emit("Equal", inputs);
  case CompareKind::Ne:
    return e.emit("Not", {e.mainStep("Equal", inputs)});
  case CompareKind::Lt:
    return e.emit("Less", inputs);
  case CompareKind::Le:
    return e.emit("LessOrEqual", inputs);
  case CompareKind::Gt:
    return e.emit("Greater", inputs);
  case CompareKind::Ge:
    return e.emit("GreaterOrEqual", inputs);
  }
}

static void exportSelect(nn::SelectOp op, Exporter &e) {
  e.emit("Where", {e.name(op.getCondition()), e.name(op.getOnTrue()), e.name(op.getOnFalse())});
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// Floats without a type in ONNX are stored as their bit patterns; a table of all of them decodes.
static void exportDecodingCast(nn::CastOp op, Exporter &e) {
  DType from = *toDType(Exporter::elementOf(op.getX()));
  int64_t count = int64_t(1) << from.getBits();
  HostTensor patterns = HostTensor::zeros(from, {count});
  for (int64_t i = 0; i < count; ++i)
    patterns.getMutableAs<uint8_t>()[i] = uint8_t(i);
  Type element = Exporter::elementOf(op.getResult());
  std::optional<DType> to = toDType(element);
  if (!to || !to->isFloat())
    failExport("ONNX opset 21 has no " + from.getName());
  std::string table = e.constant(patterns.convertTo(*to), "table_" + from.getName());
  std::string index = e.step("Cast", {e.name(op.getX())}, {{"to", getOnnxType(DType::i32())}});
  e.emit("Gather", {table, index});
}

static void exportCast(nn::CastOp op, Exporter &e) {
  Type from = Exporter::elementOf(op.getX()), to = Exporter::elementOf(op.getResult());
  if (Exporter::isCode(from))
    return exportDecodingCast(op, e);
  if (Exporter::isCode(to))
    failExport("ONNX opset 21 cannot round to " + toDType(to)->getName() +
               " at run time; leave the activations in another format");
  std::string x = e.name(op.getX());
  if (DType narrow = *toDType(to); Exporter::toStored(narrow) != narrow) {
    // Stored in a byte: what the narrow type would do to numbers beyond its range has to be done
    // before.
    if (!isa<FloatType>(from))
      failExport("ONNX opset 21 cannot cut integers to " + narrow.getName());
    double size = std::ldexp(1.0, narrow.getBits() - (narrow.isUnsignedInteger() ? 0 : 1));
    x = e.step("Clip", {x, e.scalar(narrow.isUnsignedInteger() ? 0 : -size, from),
                        e.scalar(size - 1, from)});
  }
  Attrs attributes{{"to", Exporter::onnxTypeOf(to)}};
  if (toDType(to)->isSmallFloat() && toDType(to)->getBits() == 8 && !op.getSaturate())
    attributes.push_back({"saturate", false});
  e.emit("Cast", {x}, attributes);
}

void terse::onnx::addElementwise(HandlerTable &t) {
  t.add<nn::UnaryOp>(exportUnary);
  t.add<nn::BinaryOp>(exportBinary);
  t.add<nn::CompareOp>(exportCompare);
  t.add<nn::SelectOp>(exportSelect);
  t.add<nn::CastOp>(exportCast);
}
