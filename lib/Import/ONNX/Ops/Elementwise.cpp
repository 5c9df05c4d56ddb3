//===- Elementwise.cpp - Elementwise ONNX operators -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"

#include <limits>

using namespace terse;
using namespace terse::onnx;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

template <UnaryKind kind>
static void convertUnary(Node &n) {
  n.set(0, n.e.unary(kind, n.in(0)));
}

static void convertIdentity(Node &n) { n.set(0, n.in(0)); }

static void convertElu(Node &n) {
  n.set(0, n.e.unary(UnaryKind::Elu, n.in(0), n.attrFloat("alpha", 1)));
}

static void convertCelu(Node &n) {
  n.set(0, n.e.unary(UnaryKind::Celu, n.in(0), n.attrFloat("alpha", 1)));
}

static void convertSelu(Node &n) {
  double alpha = n.attrFloat("alpha", 1.67326319217681884765625),
         gamma = n.attrFloat("gamma", 1.05070102214813232421875);
  n.set(0, n.e.unary(UnaryKind::Selu, n.in(0), alpha, gamma));
}

static void convertLeakyRelu(Node &n) {
  n.set(0, n.e.unary(UnaryKind::LeakyRelu, n.in(0), n.attrFloat("alpha", 0.01f)));
}

static void convertThresholdedRelu(Node &n) {
  n.set(0, n.e.unary(UnaryKind::ThresholdedRelu, n.in(0), n.attrFloat("alpha", 1)));
}

static void convertHardSigmoid(Node &n) {
  n.set(0, n.e.unary(UnaryKind::HardSigmoid, n.in(0), n.attrFloat("alpha", 0.2f),
                     n.attrFloat("beta", 0.5)));
}

static void convertSwish(Node &n) {
  n.set(0, n.e.unary(UnaryKind::Silu, n.in(0), n.attrFloat("alpha", 1)));
}

static void convertSwiGLU(Node &n) {
  n.set(0, n.e.mul(n.e.unary(UnaryKind::Silu, n.in(0), n.attrFloat("alpha", 1)), n.in(1)));
}

static void convertGelu(Node &n) {
  std::string approximate = n.attrString("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    fail("approximate must be 'none' or 'tanh' (got '" + approximate + "')");
  n.set(0, n.e.unary(approximate == "tanh" ? UnaryKind::GeluTanh : UnaryKind::Gelu, n.in(0)));
}

static void convertShrink(Node &n) {
  n.set(0,
        n.e.unary(UnaryKind::Shrink, n.in(0), n.attrFloat("lambd", 0.5), n.attrFloat("bias", 0)));
}

static void convertIsNaN(Node &n) { n.set(0, n.e.compare(CompareKind::Ne, n.in(0), n.in(0))); }

static void convertIsInf(Node &n) {
  Value x = n.in(0);
  bool negative = n.attrBool("detect_negative", true),
       positive = n.attrBool("detect_positive", true);
  auto is = [&](double value) { return n.e.compare(CompareKind::Eq, x, value); };
  if (negative && positive)
    n.set(0, n.e.binary(BinaryKind::Or, is(kInfinity), is(-kInfinity)));
  else if (negative || positive)
    n.set(0, is(positive ? kInfinity : -kInfinity));
  else // x < x holds nowhere.
    n.set(0, n.e.compare(CompareKind::Lt, x, x));
}

static void convertDropout(Node &n) {
  n.ignore("seed");
  n.ignore("ratio");
  bool training = n.opset >= 12 && n.opt(2) && n.e.getInt(n.in(2), "training_mode") != 0;
  if (training && (!n.opt(1) || n.e.getDouble(n.in(1), "ratio") != 0))
    fail("training mode is not supported; only inference is");
  n.set(0, n.in(0));
  if (n.wants(1))
    n.set(1, n.e.broadcastLike(n.e.intScalar(1, n.e.i1()), n.in(0)));
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

static void convertClip6(Node &n) {
  double low = n.attrFloat("min", std::numeric_limits<float>::lowest()),
         high = n.attrFloat("max", std::numeric_limits<float>::max());
  n.set(0, n.e.unary(UnaryKind::Clamp, n.in(0), low, high));
}

static void convertClip(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), low = n.opt(1), high = n.opt(2);
  // The bounds are scalars; some exporters give them shape [1].
  for (Value *bound : {&low, &high})
    if (*bound && e.rankOf(*bound) == 1)
      *bound = e.squeeze(*bound, {0});
  if (e.isFloat(x) && (!low || e.isConstant(low)) && (!high || e.isConstant(high))) {
    n.set(0, e.unary(UnaryKind::Clamp, x, low ? e.getDouble(low, "min") : -kInfinity,
                     high ? e.getDouble(high, "max") : kInfinity));
    return;
  }
  if (low)
    x = e.binary(BinaryKind::Max, x, low);
  n.set(0, high ? e.binary(BinaryKind::Min, x, high) : x);
}

//===----------------------------------------------------------------------===//
// Two and more operands
//===----------------------------------------------------------------------===//

template <BinaryKind kind>
static void convertBinary(Node &n) {
  n.set(0, n.e.binary(kind, n.in(0), n.in(1)));
}

template <CompareKind kind>
static void convertCompare(Node &n) {
  n.set(0, n.e.compare(kind, n.in(0), n.in(1)));
}

template <BinaryKind kind>
static void convertVariadic(Node &n) {
  Value result = n.in(0);
  for (size_t i = 1; i < n.numInputs(); ++i)
    result = n.e.binary(kind, result, n.in(i));
  n.set(0, result);
}

static void convertMean(Node &n) {
  convertVariadic<BinaryKind::Add>(n);
  n.set(0, n.e.binary(BinaryKind::Div, n.getResults()[0], double(n.numInputs())));
}

static void convertMod(Node &n) {
  bool fmod = n.attrBool("fmod", false);
  if (!fmod && n.e.isFloat(n.in(0)))
    fail("floating-point operands need fmod = 1");
  n.set(0, n.e.binary(fmod ? BinaryKind::Fmod : BinaryKind::Mod, n.in(0), n.in(1)));
}

static void convertBitShift(Node &n) {
  std::string direction = n.attrString("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    fail("direction must be 'LEFT' or 'RIGHT' (got '" + direction + "')");
  n.set(0, n.e.binary(direction == "LEFT" ? BinaryKind::Shl : BinaryKind::Shr, n.in(0), n.in(1)));
}

static void convertWhere(Node &n) { n.set(0, n.e.select(n.in(0), n.in(1), n.in(2))); }

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static Value castTo(Node &n, Value x, Type element) {
  bool saturate = n.opset >= 19 ? n.attrBool("saturate", true) : true;
  nn::CastRounding rounding = nn::CastRounding::Up;
  if (n.opset >= 24) {
    std::string mode = n.attrString("round_mode", "up");
    if (mode == "nearest")
      rounding = nn::CastRounding::Nearest;
    else if (mode == "down")
      rounding = nn::CastRounding::Down;
    else if (mode != "up")
      fail("round_mode must be 'up', 'down' or 'nearest' (got '" + mode + "')");
  }
  if (n.e.elementOf(x) == element)
    return x;
  // To integers of less than a byte floats wrap around (nn.cast saturates): low bits of the
  // truncated value.
  auto integer = mlir::dyn_cast<mlir::IntegerType>(element);
  if (integer && integer.getWidth() > 1 && integer.getWidth() < 8 && n.e.isFloat(x))
    x = n.e.cast(x, n.e.i32());
  return n.e.op<nn::CastOp>(
      {x},
      {n.e.attr("saturate", saturate),
       n.e.attr("rounding", nn::CastRoundingAttr::get(n.e.context, rounding))},
      {n.e.tensor(n.e.shapeOf(x), element)});
}

static void convertCast(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  Type to = n.elementType(n.attrInt("to"));
  // Weights that are kept in 16 bits stay so.
  bool isHalf = e.elementOf(x).isF16() || e.elementOf(x).isBF16();
  if (to == e.f32() && isHalf && e.isConstant(x) && e.rankOf(x) >= 2) {
    auto encoding = CastEncodingAttr::get(mlir::cast<mlir::FloatType>(e.elementOf(x)));
    Value encoded =
        e.op<AssembleOp>({x}, {}, {mlir::RankedTensorType::get(e.shapeOf(x), to, encoding)});
    n.ignore("saturate");
    n.ignore("round_mode");
    n.set(0, e.op<DecodeOp>({encoded}));
    return;
  }
  n.set(0, castTo(n, x, to));
}

static void convertCastLike(Node &n) { n.set(0, castTo(n, n.in(0), n.e.elementOf(n.in(1)))); }

static void convertBitCast(Node &n) {
  Value x = n.in(0);
  Type to = n.elementType(n.attrInt("to"));
  // A bool is a byte of 0 or 1.
  if (n.e.isBool(x) && mlir::isa<mlir::IntegerType>(to) && to.getIntOrFloatBitWidth() == 8) {
    n.set(0, n.e.cast(x, to));
    return;
  }
  n.set(0, n.e.elementOf(x) == to
               ? x
               : n.e.op<nn::BitcastOp>({x}, {}, {n.e.tensor(n.e.shapeOf(x), to)}));
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void terse::onnx::registerElementwiseOps(OpTable &t) {
  t.add("Abs", {6, 13}, convertUnary<UnaryKind::Abs>);
  t.add("Acos", {7, 22}, convertUnary<UnaryKind::Acos>);
  t.add("Acosh", {9, 22}, convertUnary<UnaryKind::Acosh>);
  t.add("Asin", {7, 22}, convertUnary<UnaryKind::Asin>);
  t.add("Asinh", {9, 22}, convertUnary<UnaryKind::Asinh>);
  t.add("Atan", {7, 22}, convertUnary<UnaryKind::Atan>);
  t.add("Atanh", {9, 22}, convertUnary<UnaryKind::Atanh>);
  t.add("Ceil", {6, 13}, convertUnary<UnaryKind::Ceil>);
  t.add("Cos", {7, 22}, convertUnary<UnaryKind::Cos>);
  t.add("Cosh", {9, 22}, convertUnary<UnaryKind::Cosh>);
  t.add("Erf", {9, 13}, convertUnary<UnaryKind::Erf>);
  t.add("Exp", {6, 13}, convertUnary<UnaryKind::Exp>);
  t.add("Floor", {6, 13}, convertUnary<UnaryKind::Floor>);
  t.add("HardSwish", {14, 22}, convertUnary<UnaryKind::HardSwish>);
  t.add("Log", {6, 13}, convertUnary<UnaryKind::Log>);
  t.add("Mish", {18, 22}, convertUnary<UnaryKind::Mish>);
  t.add("Neg", {6, 13}, convertUnary<UnaryKind::Neg>);
  t.add("Not", {1}, convertUnary<UnaryKind::Not>);
  t.add("BitwiseNot", {18}, convertUnary<UnaryKind::BitNot>);
  t.add("Reciprocal", {6, 13}, convertUnary<UnaryKind::Reciprocal>);
  t.add("Relu", {6, 13, 14}, convertUnary<UnaryKind::Relu>);
  t.add("Round", {11, 22}, convertUnary<UnaryKind::Round>);
  t.add("Sigmoid", {6, 13}, convertUnary<UnaryKind::Sigmoid>);
  t.add("Sign", {9, 13}, convertUnary<UnaryKind::Sign>);
  t.add("Sin", {7, 22}, convertUnary<UnaryKind::Sin>);
  t.add("Sinh", {9, 22}, convertUnary<UnaryKind::Sinh>);
  t.add("Softplus", {1, 22}, convertUnary<UnaryKind::Softplus>);
  t.add("Softsign", {1, 22}, convertUnary<UnaryKind::Softsign>);
  t.add("Sqrt", {6, 13}, convertUnary<UnaryKind::Sqrt>);
  t.add("Tan", {7, 22}, convertUnary<UnaryKind::Tan>);
  t.add("Tanh", {6, 13}, convertUnary<UnaryKind::Tanh>);
  t.add("Identity", {1, 13, 14, 16, 19, 21, 23, 24, 25}, convertIdentity, "tensors only");
  t.add("Elu", {6, 22}, convertElu);
  t.add("Celu", {12, 28}, convertCelu);
  t.add("Selu", {6, 22}, convertSelu);
  t.add("LeakyRelu", {6, 16}, convertLeakyRelu);
  t.add("ThresholdedRelu", {10, 22}, convertThresholdedRelu);
  t.add("HardSigmoid", {6, 22}, convertHardSigmoid);
  t.add("Swish", {24}, convertSwish);
  t.add("SwiGLU", {28}, convertSwiGLU);
  t.add("Gelu", {20}, convertGelu);
  t.add("Shrink", {9}, convertShrink);
  t.add("IsNaN", {9, 13, 20}, convertIsNaN);
  t.add("IsInf", {10, 20}, convertIsInf);
  t.add("Dropout", {7, 10, 12, 13, 22}, convertDropout, "inference only");
  t.add("Clip", {6}, convertClip6);
  t.add("Clip", {11, 12, 13}, convertClip);

  t.add("Add", {7, 13, 14}, convertBinary<BinaryKind::Add>);
  t.add("Sub", {7, 13, 14}, convertBinary<BinaryKind::Sub>);
  t.add("Mul", {7, 13, 14}, convertBinary<BinaryKind::Mul>);
  t.add("Div", {7, 13, 14}, convertBinary<BinaryKind::Div>);
  t.add("Pow", {7, 12, 13, 15}, convertBinary<BinaryKind::Pow>);
  t.add("And", {7}, convertBinary<BinaryKind::And>);
  t.add("Or", {7}, convertBinary<BinaryKind::Or>);
  t.add("Xor", {7}, convertBinary<BinaryKind::Xor>);
  t.add("BitwiseAnd", {18}, convertBinary<BinaryKind::And>);
  t.add("BitwiseOr", {18}, convertBinary<BinaryKind::Or>);
  t.add("BitwiseXor", {18}, convertBinary<BinaryKind::Xor>);
  t.add("BitShift", {11}, convertBitShift);
  t.add("Mod", {10, 13}, convertMod);
  t.add("PRelu", {7, 9, 16}, convertBinary<BinaryKind::Prelu>);
  t.add("Equal", {7, 11, 13, 19}, convertCompare<CompareKind::Eq>, "no strings");
  t.add("Greater", {7, 9, 13}, convertCompare<CompareKind::Gt>);
  t.add("GreaterOrEqual", {12, 16}, convertCompare<CompareKind::Ge>);
  t.add("Less", {7, 9, 13}, convertCompare<CompareKind::Lt>);
  t.add("LessOrEqual", {12, 16}, convertCompare<CompareKind::Le>);
  t.add("Max", {6, 8, 12, 13}, convertVariadic<BinaryKind::Max>);
  t.add("Min", {6, 8, 12, 13}, convertVariadic<BinaryKind::Min>);
  t.add("Sum", {6, 8, 13}, convertVariadic<BinaryKind::Add>);
  t.add("Mean", {6, 8, 13}, convertMean);
  t.add("Where", {9, 16}, convertWhere);
  t.add("Cast", {6, 9, 13, 19, 21, 23, 24, 25}, convertCast, "no strings");
  t.add("CastLike", {15, 19, 21, 23, 24, 25}, convertCastLike, "no strings");
  t.add("BitCast", {26}, convertBitCast, "element types of equal width");
}
