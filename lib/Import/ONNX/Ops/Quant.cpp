//===- Quant.cpp - Quantization operators -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// QuantizeLinear and DequantizeLinear of f32 tensors with integer grids are terse.encode and
// terse.decode of #terse.uniform, whose components are the ONNX operands; FP8 constants are
// #terse.minifloat. So constant weights stay encoded, and a pair with the same parameters is an
// encoded activation. QLinearConv and QLinearMatMul with constant scales are the layer between
// encoded tensors. Other element types (FP4, f16 scales) and the operators with integer results are
// composed from nn ops: they accumulate in i32, scale once and round half to even, as the ONNX
// reference.

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
  int64_t axis = n.opset >= 13 ? n.attrInt("axis", 1) : 1,
          block = n.opset >= 21 ? n.attrInt("block_size", 0) : 0;
  if (block < 0)
    fail("block_size must not be negative (got " + llvm::Twine(block) + ")");
  bool single =
      e.rankOf(scale) == 0 || (e.rankOf(scale) == 1 && e.shapeOf(scale)[0] == 1 && !block);
  if (single)
    return g;
  g.axis = Emitter::normalizeAxis(axis, e.rankOf(x));
  g.block = block;
  if (!block && e.rankOf(scale) != 1)
    fail("scales of rank " + llvm::Twine(e.rankOf(scale)) + " need a block_size");
  if (block && e.rankOf(scale) != e.rankOf(x))
    fail("with block_size, the scales must have the rank of the input");
  if (!block && e.shapeOf(scale)[0] != e.shapeOf(x)[*g.axis] &&
      !mlir::ShapedType::isDynamic(e.shapeOf(x)[*g.axis]))
    fail("expected " + llvm::Twine(e.shapeOf(x)[*g.axis]) + " scales along axis " +
         llvm::Twine(*g.axis) + " (got " + llvm::Twine(e.shapeOf(scale)[0]) + ")");
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

// Blocks of one axis, as an encoding has them.
static llvm::SmallVector<int64_t> getBlocks(Emitter &e, Value x, const QuantGranularity &g) {
  llvm::SmallVector<int64_t> block;
  if (g.block) {
    block.assign(e.rankOf(x), 1);
    block[*g.axis] = g.block;
  }
  return block;
}

// The encoding that stores f32 `x` as integers of type `value`, or null if there is none.
static UniformEncodingAttr getEncoding(Node &n, Value x, Type value, Value scale, Value zero,
                                       const QuantGranularity &g) {
  Emitter &e = n.e;
  auto integer = mlir::dyn_cast<IntegerType>(value);
  if (!integer || e.elementOf(scale) != e.f32() || integer.getWidth() > (zero ? 16u : 32u) ||
      integer.getWidth() == 1)
    return {};
  if (g.block && !e.hasStaticShape(x))
    return {};
  return UniformEncodingAttr::get(integer, g.block ? std::nullopt : g.axis, getBlocks(e, x, g), {},
                                  zero != nullptr);
}

static Value scalarIfSingle(Emitter &e, Value p, const QuantGranularity &g) {
  return p && !g.axis && e.rankOf(p) == 1 ? e.squeeze(p, {0}) : p;
}

static bool isZero(Emitter &e, Value v) {
  const HostTensor *host = e.findConstant(v);
  if (!host)
    return false;
  for (int64_t value : host->toInts())
    if (value != 0)
      return false;
  return true;
}

// Whether both are the same value, or constants of the same content.
static bool areSame(Emitter &e, Value a, Value b) {
  if (a == b)
    return true;
  const HostTensor *x = e.findConstant(a), *y = e.findConstant(b);
  return x && y && bitwiseEqual(*x, *y);
}

// f32 `x` as an encoded tensor; null where there is no such encoding.
static Value quantize(Node &n, Value x, Value scale, Value zero, Type type,
                      const QuantGranularity &g) {
  Emitter &e = n.e;
  if (isZero(e, zero))
    zero = nullptr;
  UniformEncodingAttr encoding = getEncoding(n, x, type, scale, zero, g);
  if (!encoding)
    return nullptr;
  llvm::SmallVector<Value> operands{x, scalarIfSingle(e, scale, g)};
  if (zero)
    operands.push_back(scalarIfSingle(e, zero, g));
  return e.op<EncodeOp>(operands, {}, {RankedTensorType::get(e.shapeOf(x), e.f32(), encoding)});
}

// The integers of an encoded tensor. Those of a constant are computed now.
static Value integersOf(Emitter &e, Value encoded) {
  auto encode = encoded.getDefiningOp<EncodeOp>();
  std::vector<HostTensor> constants;
  for (Value operand : encode->getOperands())
    if (const HostTensor *host = e.findConstant(operand))
      constants.push_back(*host);
  if (constants.size() == encode->getNumOperands()) {
    auto type = mlir::cast<RankedTensorType>(encoded.getType());
    auto parts = encode.getEncoding().encodeHost(constants.front(), stripEncoding(type),
                                                 llvm::ArrayRef(constants).drop_front(),
                                                 [&] { return mlir::emitError(e.loc); });
    if (succeeded(parts))
      return e.constant(std::move(parts->front()));
  }
  return e.ops<ComponentsOp>({encoded})[0];
}

// The tensor that integers of f32 numbers stand for; null where there is no such encoding. What
// QuantizeLinear has made with the same parameters is that again.
static Value dequantize(Node &n, Value q, Value scale, Value zero, const QuantGranularity &g) {
  Emitter &e = n.e;
  if (isZero(e, zero))
    zero = nullptr;
  Value s = scalarIfSingle(e, scale, g), z = scalarIfSingle(e, zero, g);
  if (auto components = q.getDefiningOp<ComponentsOp>())
    if (auto encode = components.getInput().getDefiningOp<EncodeOp>();
        encode && q == components.getResult(0)) {
      auto parameters = encode.getParameters();
      if (parameters.size() == (z ? 2u : 1u) && areSame(e, parameters[0], s) &&
          (!z || areSame(e, parameters[1], z)) &&
          encode.getEncoding() == getEncoding(n, q, e.elementOf(q), scale, zero, g))
        return encode.getResult();
    }
  UniformEncodingAttr uniform = getEncoding(n, q, e.elementOf(q), scale, zero, g);
  // Scales that are kept in 16 bits stay so.
  if (llvm::SmallVector<Value> narrow = e.encodedConstant(scale); uniform && narrow.size() == 1) {
    uniform = UniformEncodingAttr::get(
        uniform.getValueType(), uniform.getAxis(), uniform.getBlock(),
        mlir::TypeAttr::get(e.elementOf(narrow[0])), uniform.getAsymmetric());
    s = scalarIfSingle(e, narrow[0], g);
  }
  mlir::Attribute encoding = uniform;
  bool isSmallFloat = mlir::isa<mlir::Float8E4M3FNType, mlir::Float8E5M2Type>(e.elementOf(q));
  if (isSmallFloat && !zero && e.isConstant(q) && e.isConstant(s) && e.elementOf(scale) == e.f32())
    encoding = MinifloatEncodingAttr::get(e.context, mlir::cast<FloatType>(e.elementOf(q)),
                                          g.block ? std::nullopt : g.axis, getBlocks(e, q, g),
                                          mlir::TypeAttr::get(e.f32()), /*dynamic=*/false, {});
  if (!encoding)
    return nullptr;
  llvm::SmallVector<Value> operands{q, s};
  if (z)
    operands.push_back(z);
  return e.op<AssembleOp>(operands, {}, {RankedTensorType::get(e.shapeOf(q), e.f32(), encoding)});
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
  int64_t dtype = n.opset >= 21 ? n.attrInt("output_dtype", 0) : 0,
          precision = n.opset >= 23 ? n.attrInt("precision", 0) : 0;
  Type type = zero    ? e.elementOf(zero)
              : dtype ? n.elementType(dtype)
                      : Type(IntegerType::get(e.context, 8, IntegerType::Unsigned));
  if (!precision && e.elementOf(x) == e.f32()) {
    if (Value encoded = quantize(n, x, scale, zero, type, g)) {
      n.set(0, integersOf(e, encoded));
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
    if (Value encoded = dequantize(n, x, scale, zero, g)) {
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
  Value point =
      e.cast(e.unary(UnaryKind::Round,
                     e.unary(UnaryKind::Clamp, e.div(e.unary(UnaryKind::Neg, low), scale), 0, 255)),
             u8);
  auto encoding = UniformEncodingAttr::get(u8, std::nullopt, {}, {}, /*asymmetric=*/true);
  Value encoded = e.op<EncodeOp>({x, scale, point}, {},
                                 {RankedTensorType::get(e.shapeOf(x), e.f32(), encoding)});
  n.set(0, e.ops<ComponentsOp>({encoded})[0]);
  n.set(1, scale);
  n.set(2, point);
}

//===----------------------------------------------------------------------===//
// Integer contractions
//===----------------------------------------------------------------------===//

// x - zero in i32; x itself where zero is 0 and `keepNarrow` allows it. `axis`: of x, for a vector
// of zero points.
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
  bool narrow = e.elementOf(a) == e.elementOf(b) && (!aZero || isZero(e, aZero)) &&
                (!bZero || isZero(e, bZero));
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
  bool narrow = e.elementOf(x) == e.elementOf(w) && (!xZero || isZero(e, xZero)) &&
                (!wZero || isZero(e, wZero));
  // Padding stands for the number 0, so the zero point goes first.
  return e.op<nn::ConvOp>(
      {centered(e, x, xZero, 1, narrow), centered(e, w, wZero, 0, narrow), bias},
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

static Value toScalar(Emitter &e, Value v) {
  return e.rankOf(v) == 1 && e.shapeOf(v)[0] == 1 ? e.squeeze(v, {0}) : v;
}

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

//===----------------------------------------------------------------------===//
// Layers between encoded tensors
//===----------------------------------------------------------------------===//

namespace {
/// An integer operand with its parameters, which are constants.
struct StoredOperand {
  Value q, scale, zero;
};
} // namespace

static bool isSingle(Emitter &e, Value v) { return !v || e.typeOf(v).getNumElements() == 1; }

// Whether the parameters are constants in f32; those of a weight may lie along an axis.
static bool hasKnownParameters(Emitter &e, const StoredOperand &x) {
  return e.isConstant(x.scale) && (!x.zero || e.isConstant(x.zero)) &&
         e.elementOf(x.scale) == e.f32();
}

// The floats that `x` stands for, its parameters along `axis`.
static Value floatsOf(Node &n, const StoredOperand &x, int64_t axis) {
  QuantGranularity g;
  if (!isSingle(n.e, x.scale))
    g.axis = axis;
  Value encoded = dequantize(n, x.q, x.scale, x.zero, g);
  return encoded ? n.e.op<DecodeOp>({encoded}) : Value();
}

// A zero point for all channels is one for each, where scales are.
static void spreadZero(Emitter &e, StoredOperand &w) {
  if (w.zero && isSingle(e, w.zero) && !isSingle(e, w.scale)) {
    const HostTensor *zero = e.findConstant(w.zero);
    HostTensor all = HostTensor::zeros(zero->dtype, e.findConstant(w.scale)->shape);
    for (int64_t i = 0; i < all.getNumElements(); ++i)
      all.setFromInt(i, zero->getAsInt(0));
    w.zero = e.constant(std::move(all));
  }
}

// The bias of a layer at the scale of its products.
static Value floatBias(Node &n, Value bias, const StoredOperand &x, const StoredOperand &w) {
  Emitter &e = n.e;
  HostTensor scale = *e.findConstant(w.scale);
  float factor = e.findConstant(x.scale)->toFloats().front();
  for (float &value : scale.getMutableAs<float>())
    value *= factor;
  return floatsOf(n, {bias, e.constant(std::move(scale)), nullptr}, 0);
}

// QLinearConv as a convolution of encoded tensors; null if its parameters are not known.
static Value convOfEncoded(Node &n, const StoredOperand &x, StoredOperand w, const StoredOperand &y,
                           Value bias) {
  Emitter &e = n.e;
  if (!hasKnownParameters(e, x) || !hasKnownParameters(e, w) || !hasKnownParameters(e, y) ||
      !isSingle(e, x.scale) || !isSingle(e, x.zero) || !isSingle(e, y.scale) ||
      !isSingle(e, y.zero) || !e.isConstant(w.q))
    return nullptr;
  spreadZero(e, w);
  Value xf = floatsOf(n, x, 1), wf = floatsOf(n, w, 0),
        bf = bias ? floatBias(n, bias, x, w) : Value();
  if (!xf || !wf || (bias && !bf))
    return nullptr;
  Ints kernel;
  for (int64_t i = 2; i < e.rankOf(wf); ++i)
    kernel.push_back(e.staticDim(wf, i, "the size of the kernel"));
  Window window = getWindow(n, xf, kernel);
  Value result = e.op<nn::ConvOp>({xf, wf, bf},
                                  {e.attr("strides", window.strides), e.attr("pads", window.pads),
                                   e.attr("dilations", window.dilations),
                                   e.attr("groups", n.attrInt("group", 1))});
  return integersOf(e, quantize(n, result, y.scale, y.zero, e.elementOf(y.zero), {}));
}

// QLinearMatMul with a weight, likewise.
static Value matMulOfEncoded(Node &n, const StoredOperand &a, StoredOperand b,
                             const StoredOperand &y) {
  Emitter &e = n.e;
  if (!hasKnownParameters(e, a) || !hasKnownParameters(e, b) || !hasKnownParameters(e, y) ||
      !isSingle(e, a.scale) || !isSingle(e, a.zero) || !isSingle(e, y.scale) ||
      !isSingle(e, y.zero) || !e.isConstant(b.q) || e.rankOf(b.q) != 2 || e.isConstant(a.q))
    return nullptr;
  spreadZero(e, b);
  Value af = floatsOf(n, a, 0), bf = floatsOf(n, b, 1);
  if (!af || !bf)
    return nullptr;
  Value result = emitMatMul(e, af, bf);
  return integersOf(e, quantize(n, result, y.scale, y.zero, e.elementOf(y.zero), {}));
}

static void convertQLinearMatMul(Node &n) {
  Emitter &e = n.e;
  Value a = n.in(0), aScale = n.in(1), b = n.in(3), bScale = n.in(4), yScale = n.in(6),
        yZero = n.in(7);
  requireInteger(e, {a, b, yZero});
  if (Value y = matMulOfEncoded(n, {a, aScale, n.in(2)}, {b, bScale, n.in(5)},
                                {nullptr, yScale, yZero})) {
    n.set(0, y);
    return;
  }
  Value acc = integerMatMul(e, a, n.in(2), b, n.in(5));
  // A scale per row of a, per column of b, per row of y.
  auto spread = [&](Value s, int64_t axis) {
    s = toScalar(e, e.cast(s, e.f32()));
    return e.rankOf(s) == 1 ? e.alongAxis(s, axis, e.rankOf(acc)) : s;
  };
  int64_t rank = e.rankOf(acc);
  Value factor =
      e.div(e.mul(spread(aScale, std::max<int64_t>(rank - 2, 0)), spread(bScale, rank - 1)),
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
  if (Value y = convOfEncoded(n, {x, n.in(1), n.in(2)}, {w, n.in(4), n.in(5)},
                              {nullptr, n.in(6), yZero}, n.opt(8))) {
    n.set(0, y);
    return;
  }
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
