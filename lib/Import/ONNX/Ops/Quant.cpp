//===- Quant.cpp - Quantization operators -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// QuantizeLinear and DequantizeLinear of f32 tensors with integer grids are terse.encode and terse.decode of
// #terse.uniform, whose components are the ONNX operands. Other element types (FP8, FP4, f16 scales) are composed from nn
// ops, and so are the integer operators: they accumulate in i32, scale once and round half to even, as the ONNX reference.

#include "Contraction.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"

using namespace terse;
using namespace terse::onnx;
using mlir::FloatType;
using mlir::IntegerType;
using mlir::RankedTensorType;

//===----------------------------------------------------------------------===//
// Scales and zero points
//===----------------------------------------------------------------------===//

namespace {
/// How scales lie over a tensor.
struct QuantGranularity {
  std::optional<int64_t> axis;
  int64_t block = 0;
};
} // namespace

static QuantGranularity getGranularity(Node &n, Value x, Value scale) {
  Emitter &e = n.e;
  QuantGranularity g;
  int64_t axis = n.opset >= 13 ? n.attrInt("axis", 1) : 1, block = n.opset >= 21 ? n.attrInt("block_size", 0) : 0;
  if (block < 0)
    fail("block_size must not be negative (got " + llvm::Twine(block) + ")");
  bool single = e.rankOf(scale) == 0 || (e.rankOf(scale) == 1 && e.shapeOf(scale)[0] == 1 && !block);
  if (single)
    return g;
  g.axis = Emitter::normalizeAxis(axis, e.rankOf(x));
  g.block = block;
  if (!block && e.rankOf(scale) != 1)
    fail("scales of rank " + llvm::Twine(e.rankOf(scale)) + " need a block_size");
  if (block && e.rankOf(scale) != e.rankOf(x))
    fail("with block_size, the scales must have the rank of the input");
  if (!block && e.shapeOf(scale)[0] != e.shapeOf(x)[*g.axis] && !mlir::ShapedType::isDynamic(e.shapeOf(x)[*g.axis]))
    fail("expected " + llvm::Twine(e.shapeOf(x)[*g.axis]) + " scales along axis " + llvm::Twine(*g.axis) + " (got " +
         llvm::Twine(e.shapeOf(scale)[0]) + ")");
  return g;
}

// One value per element of x, or something that broadcasts to it.
static Value expandParameter(Node &n, Value p, Value x, const QuantGranularity &g) {
  Emitter &e = n.e;
  if (!g.axis)
    return e.rankOf(p) == 1 ? e.squeeze(p, {0}) : p;
  if (!g.block)
    return e.alongAxis(p, *g.axis, e.rankOf(x));
  Value wide = e.unsqueeze(p, {*g.axis + 1});
  Dims dims = e.dimsOf(wide);
  dims[*g.axis + 1] = g.block;
  wide = e.collapse(e.broadcastTo(wide, dims, e.dimsVector(dims, {p})), *g.axis, *g.axis + 2);
  // The last block may be shorter.
  return e.slice(wide, *g.axis, 0, e.staticDim(x, *g.axis, "the blocked axis"));
}

// The encoding that stores f32 `x` as integers of type `value`, or null if there is none.
static UniformEncodingAttr getEncoding(Node &n, Value x, Type value, Value scale, Value zero, const QuantGranularity &g) {
  Emitter &e = n.e;
  auto integer = mlir::dyn_cast<IntegerType>(value);
  if (!integer || e.elementOf(scale) != e.f32() || integer.getWidth() > (zero ? 16u : 32u) || integer.getWidth() == 1)
    return {};
  llvm::SmallVector<int64_t> block;
  if (g.block) {
    if (!e.hasStaticShape(x))
      return {};
    block.assign(e.rankOf(x), 1);
    block[*g.axis] = g.block;
  }
  return UniformEncodingAttr::get(integer, g.block ? std::nullopt : g.axis, block, {}, zero != nullptr);
}

static Value scalarIfSingle(Emitter &e, Value p, const QuantGranularity &g) {
  return p && !g.axis && e.rankOf(p) == 1 ? e.squeeze(p, {0}) : p;
}

//===----------------------------------------------------------------------===//
// QuantizeLinear, DequantizeLinear
//===----------------------------------------------------------------------===//

static std::pair<double, double> getRange(Type type) {
  auto integer = mlir::cast<IntegerType>(type);
  double size = std::ldexp(1.0, integer.getWidth() - (integer.isUnsigned() ? 0 : 1));
  return {integer.isUnsigned() ? 0 : -size, size - 1};
}

// clamp(round(x) + zero) as `type`, in f32: all values that matter are exact there.
static Value roundTo(Emitter &e, Value x, Value zero, Type type) {
  Value q = e.cast(e.unary(UnaryKind::Round, x), e.f32());
  if (zero)
    q = e.add(q, e.cast(zero, e.f32()));
  auto [low, high] = getRange(type);
  return e.cast(e.unary(UnaryKind::Clamp, q, low, high), type);
}

static void convertQuantizeLinear(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), scale = n.in(1), zero = n.opt(2);
  QuantGranularity g = getGranularity(n, x, scale);
  bool saturate = n.opset >= 19 ? n.attrBool("saturate", true) : true;
  int64_t dtype = n.opset >= 21 ? n.attrInt("output_dtype", 0) : 0, precision = n.opset >= 23 ? n.attrInt("precision", 0) : 0;
  Type type = zero ? e.elementOf(zero) : dtype ? n.elementType(dtype) : Type(IntegerType::get(e.context, 8, IntegerType::Unsigned));
  if (!precision && e.elementOf(x) == e.f32()) {
    if (UniformEncodingAttr encoding = getEncoding(n, x, type, scale, zero, g)) {
      llvm::SmallVector<Value> operands{x, scalarIfSingle(e, scale, g)};
      if (zero)
        operands.push_back(scalarIfSingle(e, zero, g));
      Value encoded = e.op<EncodeOp>(operands, {}, {RankedTensorType::get(e.shapeOf(x), e.f32(), encoding)});
      n.set(0, e.ops<ComponentsOp>({encoded})[0]);
      return;
    }
  }
  Type compute = precision ? n.elementType(precision) : e.elementOf(scale);
  if (!precision && (e.elementOf(x) == e.f32() || !mlir::isa<FloatType>(compute)))
    compute = e.f32();
  if (!mlir::isa<FloatType>(compute))
    fail("precision must be a float type");
  Value s = expandParameter(n, scale, x, g), z = zero ? expandParameter(n, zero, x, g) : Value();
  Value q = e.div(e.cast(x, compute), e.cast(s, compute));
  if (mlir::isa<IntegerType>(type)) {
    n.set(0, roundTo(e, q, z, type));
    return;
  }
  // Float grids have no zero point worth the name; it is 0 by the operator's text.
  n.set(0, e.cast(q, type, saturate));
}

static void convertDequantizeLinear(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), scale = n.in(1), zero = n.opt(2);
  QuantGranularity g = getGranularity(n, x, scale);
  int64_t dtype = n.opset >= 23 ? n.attrInt("output_dtype", 0) : 0;
  Type type = dtype ? n.elementType(dtype) : e.elementOf(scale);
  if (type == e.f32()) {
    if (UniformEncodingAttr encoding = getEncoding(n, x, e.elementOf(x), scale, zero, g)) {
      llvm::SmallVector<Value> operands{x, scalarIfSingle(e, scale, g)};
      if (zero)
        operands.push_back(scalarIfSingle(e, zero, g));
      Value encoded = e.op<AssembleOp>(operands, {}, {RankedTensorType::get(e.shapeOf(x), e.f32(), encoding)});
      n.set(0, e.op<DecodeOp>({encoded}));
      return;
    }
  }
  Value s = e.cast(expandParameter(n, scale, x, g), e.f32()), v = e.cast(x, e.f32());
  if (zero)
    v = e.sub(v, e.cast(expandParameter(n, zero, x, g), e.f32()));
  n.set(0, e.cast(e.mul(v, s), type));
}

static void convertDynamicQuantizeLinear(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  Ints axes;
  for (int64_t i = 0; i < e.rankOf(x); ++i)
    axes.push_back(i);
  auto u8 = IntegerType::get(e.context, 8, IntegerType::Unsigned);
  Value zero = e.zero(e.f32());
  Value high = e.binary(BinaryKind::Max, e.reduce(ReduceKind::Max, x, axes, false), zero),
        low = e.binary(BinaryKind::Min, e.reduce(ReduceKind::Min, x, axes, false), zero);
  Value scale = e.binary(BinaryKind::Div, e.sub(high, low), 255.0);
  Value point = e.cast(e.unary(UnaryKind::Round, e.unary(UnaryKind::Clamp, e.div(e.unary(UnaryKind::Neg, low), scale), 0, 255)), u8);
  auto encoding = UniformEncodingAttr::get(u8, std::nullopt, {}, {}, /*asymmetric=*/true);
  Value encoded = e.op<EncodeOp>({x, scale, point}, {}, {RankedTensorType::get(e.shapeOf(x), e.f32(), encoding)});
  n.set(0, e.ops<ComponentsOp>({encoded})[0]);
  n.set(1, scale);
  n.set(2, point);
}

//===----------------------------------------------------------------------===//
// Integer contractions
//===----------------------------------------------------------------------===//

static bool isZero(Emitter &e, Value v) {
  const HostTensor *host = e.findConstant(v);
  if (!host)
    return false;
  for (int64_t value : host->toInts())
    if (value != 0)
      return false;
  return true;
}

// x - zero in i32; x itself where zero is 0 and `keepNarrow` allows it. `axis`: of x, for a vector of zero points.
static Value centered(Emitter &e, Value x, Value zero, int64_t axis, bool keepNarrow) {
  bool none = !zero || isZero(e, zero);
  if (none && keepNarrow)
    return x;
  Value wide = e.cast(x, e.i32());
  if (none)
    return wide;
  Value z = e.cast(zero, e.i32());
  if (e.rankOf(z) == 1)
    z = e.shapeOf(z)[0] == 1 ? e.squeeze(z, {0}) : e.alongAxis(z, axis, e.rankOf(x));
  return e.sub(wide, z);
}

static Value integerMatMul(Emitter &e, Value a, Value aZero, Value b, Value bZero) {
  bool narrow = e.elementOf(a) == e.elementOf(b) && (!aZero || isZero(e, aZero)) && (!bZero || isZero(e, bZero));
  // Per row of a, per column of b.
  Value l = centered(e, a, aZero, std::max<int64_t>(e.rankOf(a) - 2, 0), narrow),
        r = centered(e, b, bZero, e.rankOf(b) - 1, narrow);
  return emitMatMul(e, l, r);
}

static Value integerConv(Node &n, Value x, Value xZero, Value w, Value wZero, Value bias) {
  Emitter &e = n.e;
  Ints kernel;
  for (int64_t i = 2; i < e.rankOf(w); ++i)
    kernel.push_back(e.staticDim(w, i, "the size of the kernel"));
  Window window = getWindow(n, x, kernel);
  bool narrow = e.elementOf(x) == e.elementOf(w) && (!xZero || isZero(e, xZero)) && (!wZero || isZero(e, wZero));
  // Padding stands for the number 0, so the zero point goes first.
  return e.op<nn::ConvOp>({centered(e, x, xZero, 1, narrow), centered(e, w, wZero, 0, narrow), bias},
                          {e.attr("strides", window.strides), e.attr("pads", window.pads),
                           e.attr("dilations", window.dilations), e.attr("groups", n.attrInt("group", 1))});
}

// round(acc * factor + zero) as the type of zero.
static Value requantize(Emitter &e, Value acc, Value factor, Value zero, Type type) {
  Value scaled = e.mul(e.cast(acc, e.f32()), factor);
  scaled = e.add(scaled, e.cast(zero, e.f32()));
  auto [low, high] = getRange(type);
  return e.cast(e.unary(UnaryKind::Clamp, e.unary(UnaryKind::Round, scaled), low, high), type);
}

static Value toScalar(Emitter &e, Value v) { return e.rankOf(v) == 1 && e.shapeOf(v)[0] == 1 ? e.squeeze(v, {0}) : v; }

static void requireInteger(Emitter &e, std::initializer_list<Value> values) {
  for (Value v : values)
    if (!mlir::isa<IntegerType>(e.elementOf(v)) || e.elementOf(v).getIntOrFloatBitWidth() > 8)
      fail("only integers of 8 bits are supported");
}

static void convertMatMulInteger(Node &n) {
  requireInteger(n.e, {n.in(0), n.in(1)});
  n.set(0, integerMatMul(n.e, n.in(0), n.opt(2), n.in(1), n.opt(3)));
}

static void convertConvInteger(Node &n) {
  requireInteger(n.e, {n.in(0), n.in(1)});
  n.set(0, integerConv(n, n.in(0), n.opt(2), n.in(1), n.opt(3), nullptr));
}

static void convertQLinearMatMul(Node &n) {
  Emitter &e = n.e;
  Value a = n.in(0), aScale = n.in(1), b = n.in(3), bScale = n.in(4), yScale = n.in(6), yZero = n.in(7);
  requireInteger(e, {a, b, yZero});
  Value acc = integerMatMul(e, a, n.in(2), b, n.in(5));
  // A scale per row of a, per column of b, per row of y.
  auto spread = [&](Value s, int64_t axis) {
    s = toScalar(e, e.cast(s, e.f32()));
    return e.rankOf(s) == 1 ? e.alongAxis(s, axis, e.rankOf(acc)) : s;
  };
  int64_t rank = e.rankOf(acc);
  Value factor = e.div(e.mul(spread(aScale, std::max<int64_t>(rank - 2, 0)), spread(bScale, rank - 1)),
                       spread(yScale, std::max<int64_t>(rank - 2, 0)));
  // Scales of 16 bits multiply in 16 bits.
  if (Type narrow = e.elementOf(aScale); narrow != e.f32() && narrow == e.elementOf(yScale))
    factor = e.cast(e.cast(factor, narrow), e.f32());
  Value zero = toScalar(e, yZero);
  if (e.rankOf(zero) == 1)
    zero = e.alongAxis(zero, std::max<int64_t>(rank - 2, 0), rank);
  n.set(0, requantize(e, acc, factor, zero, e.elementOf(yZero)));
}

static void convertQLinearConv(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), w = n.in(3), yZero = n.in(7);
  requireInteger(e, {x, w, yZero});
  Value acc = integerConv(n, x, toScalar(e, n.in(2)), w, n.in(5), n.opt(8));
  Value wScale = toScalar(e, n.in(4));
  if (e.rankOf(wScale) == 1)
    wScale = e.alongAxis(wScale, 1, e.rankOf(acc));
  Value factor = e.div(e.mul(toScalar(e, n.in(1)), wScale), toScalar(e, n.in(6)));
  n.set(0, requantize(e, acc, factor, toScalar(e, yZero), e.elementOf(yZero)));
}

void terse::onnx::registerQuantOps(OpTable &t) {
  t.add("QuantizeLinear", {10, 13, 19, 21, 23, 24, 25}, convertQuantizeLinear);
  t.add("DequantizeLinear", {10, 13, 19, 21, 23, 24, 25}, convertDequantizeLinear);
  t.add("DynamicQuantizeLinear", {11}, convertDynamicQuantizeLinear);
  t.add("MatMulInteger", {10}, convertMatMulInteger);
  t.add("ConvInteger", {10}, convertConvInteger);
  t.add("QLinearMatMul", {10, 21}, convertQLinearMatMul, "integers only");
  t.add("QLinearConv", {10}, convertQLinearConv);
}
