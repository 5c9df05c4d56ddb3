//===- Shape.cpp - ONNX operators that make and change shapes ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

#include <cmath>

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

//===----------------------------------------------------------------------===//
// Constants and sizes
//===----------------------------------------------------------------------===//

static void convertConstant(Node &n) {
  if (Value v = n.has("value") ? n.attrTensor("value") : Value())
    n.set(0, v);
  else if (n.has("value_float"))
    n.set(0, n.e.scalar(n.attrFloat("value_float"), n.e.f32()));
  else if (n.has("value_int"))
    n.set(0, n.e.intScalar(n.attrInt("value_int"), n.e.i64()));
  else if (auto ints = n.attrInts("value_ints"))
    n.set(0, n.e.ints(*ints));
  else if (auto floats = n.attrFloats("value_floats"))
    n.set(0, n.e.constant(HostTensor::from<float>({int64_t(floats->size())}, *floats)));
  else
    fail("strings and sparse tensors are not supported");
}

static void convertShape(Node &n) {
  Value x = n.in(0);
  int64_t rank = n.e.rankOf(x), start = n.attrInt("start", 0), end = n.attrInt("end", rank);
  auto clamp = [&](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + rank : v, 0, rank); };
  start = clamp(start);
  end = std::max(start, clamp(end));
  Value shape = n.e.shapeVector(x);
  n.set(0, start == 0 && end == rank ? shape : n.e.slice(shape, 0, start, end));
}

static void convertSize(Node &n) {
  Value shape = n.e.shapeVector(n.in(0));
  n.set(0, n.e.rankOf(n.in(0)) ? n.e.reduce(ReduceKind::Prod, shape, {0}, false)
                               : n.e.intScalar(1, n.e.i64()));
}

// The sizes that a shape vector stands for.
static Dims getShapeElements(Node &n, Value shape, const char *what) {
  if (n.e.rankOf(shape) != 1 || !n.e.elementOf(shape).isSignlessInteger(64))
    fail(llvm::Twine(what) + " must be a 1-D tensor of int64");
  std::optional<Dims> elements = n.e.elementsOf(shape);
  if (!elements)
    fail(llvm::Twine(what) +
         " has no known number of elements; bind the input that determines it as a constant");
  return *elements;
}

static void convertConstantOfShape(Node &n) {
  Value value = n.has("value") ? n.attrTensor("value") : n.e.zero(n.e.f32());
  if (n.e.typeOf(value).getNumElements() != 1)
    fail("value must have one element");
  value = n.e.reshape(value, {});
  n.set(0, n.e.broadcastTo(value, getShapeElements(n, n.in(0), "input"), n.in(0)));
}

static void convertEyeLike(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  if (e.rankOf(x) != 2)
    fail("expected a matrix (got rank " + llvm::Twine(e.rankOf(x)) + ")");
  Type element = n.has("dtype") ? n.elementType(n.attrInt("dtype")) : e.elementOf(x);
  Value rows = e.unsqueeze(e.iotaOfDim(x, 0, e.i64()), {1}), columns = e.iotaOfDim(x, 1, e.i64());
  Value diagonal = e.add(rows, e.intScalar(n.attrInt("k", 0), e.i64()));
  n.set(0, e.cast(e.compare(CompareKind::Eq, diagonal, columns), element));
}

static void convertRange(Node &n) {
  Emitter &e = n.e;
  Value start = n.in(0), limit = n.in(1), delta = n.in(2);
  for (Value *v : {&start, &limit, &delta})
    if (e.rankOf(*v) == 1)
      *v = e.squeeze(*v, {0});
  const HostTensor *s = e.findConstant(start), *d = e.findConstant(delta);
  int64_t size = ShapedType::kDynamic;
  if (s && d && e.isConstant(limit)) {
    double first = s->getAsDouble(0), step = d->getAsDouble(0), last = e.getDouble(limit, "limit");
    if (!(step != 0))
      fail("delta must not be 0");
    double count = std::ceil((last - first) / step);
    if (!(count < double(1ll << 40)))
      fail("the range is too long");
    size = count > 0 ? int64_t(count) : 0;
  }
  Value result =
      e.op<nn::RangeOp>({start, limit, delta}, {}, {e.tensor({size}, e.elementOf(start))});
  // From 0 to a size in unit steps, its length is that size.
  std::optional<Dims> elements = e.elementsOf(limit);
  if (!e.isConstant(result) && s && d && !e.isFloat(start) && s->getAsInt(0) == 0 &&
      d->getAsInt(0) == 1 && elements)
    e.setDims(result, {(*elements)[0]});
  n.set(0, result);
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

// The conventions of Reshape at run time: 0 is the old size, -1 what remains of the number of
// elements.
static Value resolveShape(Emitter &e, Value x, Value shape, bool allowZero) {
  int64_t rank = e.shapeOf(shape)[0], oldRank = e.rankOf(x);
  Value old = e.shapeVector(x), sizes = shape;
  if (!allowZero) {
    Value aligned = oldRank >= rank
                        ? e.slice(old, 0, 0, rank)
                        : e.pad(nn::PadMode::Constant, old, nullptr, {0}, {rank - oldRank});
    sizes = e.select(e.compare(CompareKind::Eq, shape, 0.0), aligned, shape);
  }
  Value inferred = e.compare(CompareKind::Eq, shape, -1.0);
  Value known =
      e.reduce(ReduceKind::Prod, e.select(inferred, e.intScalar(1, e.i64()), sizes), {0}, true);
  // An empty tensor has no -1 to infer.
  known = e.binary(BinaryKind::Max, known, e.intScalar(1, e.i64()));
  Value rest = e.div(e.reduce(ReduceKind::Prod, old, {0}, true), known);
  return e.select(inferred, rest, sizes);
}

static void convertReshape(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), shape = n.in(1);
  bool allowZero = n.opset >= 14 && n.attrBool("allowzero", false);
  Dims asked = getShapeElements(n, shape, "shape"), old = e.dimsOf(x), dims;
  int inferred = -1;
  if (!llvm::all_of(asked, [](const Dim &d) { return d == Dim(-1) || d.isSize(); })) {
    // Values from anywhere; what is known of the result is its rank.
    for (auto [i, d] : llvm::enumerate(asked))
      dims.push_back(d.isConstant() && d.getConstant() > 0 ? d : e.newSymbol());
    n.set(0, e.reshape(x, dims, resolveShape(e, x, shape, allowZero)));
    return;
  }
  for (auto [i, d] : llvm::enumerate(asked)) {
    if (d == Dim(-1)) {
      if (inferred >= 0)
        fail("shape has more than one -1");
      inferred = i;
      dims.push_back(1);
    } else if (d == Dim(0) && !allowZero) {
      if (i >= old.size())
        fail("shape element " + llvm::Twine(i) + " is 0 but the input has no such dimension");
      dims.push_back(old[i]);
    } else {
      dims.push_back(d);
    }
  }
  Value remaining;
  if (inferred >= 0) {
    std::optional<Dim> total = product(old), others = product(dims), rest;
    if (total && others) {
      rest = Dim::div(*total, *others);
      if (total->isConstant() && others->isConstant() &&
          (!rest || rest->getConstant() * others->getConstant() != total->getConstant()))
        fail("cannot divide " + llvm::Twine(total->getConstant()) + " elements by " +
             llvm::Twine(others->getConstant()));
    }
    bool othersKnown = llvm::all_of(dims, [](const Dim &d) { return d.isConstant(); });
    if (!rest && !othersKnown) {
      Value known = e.reduce(ReduceKind::Prod, e.dimsVector(dims, {x}, {shape}), {0}, true);
      remaining = e.div(e.reduce(ReduceKind::Prod, e.shapeVector(x), {0}, true), known);
    }
    dims[inferred] = rest ? *rest : e.newSymbol();
  }
  Value runtime;
  if (llvm::count_if(dims, [](const Dim &d) { return !d.isConstant(); }) > 1) {
    // The conventions resolved: 0 is the old size, -1 what remains of the number of elements.
    llvm::SmallVector<Value> pieces;
    for (auto [i, d] : llvm::enumerate(dims)) {
      Value piece = int(i) == inferred && remaining ? remaining : e.dimsVector({d}, {x}, {shape});
      if (!piece && int(i) == inferred) {
        Dims others(dims);
        others[i] = 1;
        Value known = e.reduce(ReduceKind::Prod, e.dimsVector(others, {x}, {shape}), {0}, true);
        piece = e.div(e.reduce(ReduceKind::Prod, e.shapeVector(x), {0}, true), known);
      }
      pieces.push_back(piece);
    }
    runtime = e.concat(pieces, 0);
  }
  n.set(0, e.reshape(x, dims, runtime));
}

static void convertFlatten(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x), axis = n.attrInt("axis", 1);
  if (axis < -rank || axis > rank)
    fail("axis " + llvm::Twine(axis) + " is out of range");
  axis += axis < 0 ? rank : 0;
  x = e.collapse(x, axis, rank);
  n.set(0, e.collapse(x, 0, axis));
}

// `axes` became an input with opset 13.
static std::optional<Ints> getAxes(Node &n) {
  if (n.opset < 13)
    return n.attrInts("axes");
  if (!n.opt(1))
    return std::nullopt;
  return n.e.getInts(n.opt(1), "axes");
}

static void convertSqueeze(Node &n) {
  Value x = n.in(0);
  std::optional<Ints> axes = getAxes(n);
  if (!axes) {
    axes.emplace();
    for (int64_t i = 0; i < n.e.rankOf(x); ++i)
      if (n.e.staticDim(x, i, "without axes, the shape of the input") == 1)
        axes->push_back(i);
  }
  n.set(0, n.e.squeeze(x, *axes));
}

static void convertUnsqueeze(Node &n) {
  std::optional<Ints> axes = getAxes(n);
  if (!axes)
    fail("axes are missing");
  n.set(0, n.e.unsqueeze(n.in(0), *axes));
}

static void convertExpand(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), shape = n.in(1);
  Dims asked = getShapeElements(n, shape, "shape"), old = e.dimsOf(x);
  size_t rank = std::max(asked.size(), old.size());
  Dims dims(rank, Dim(1));
  llvm::SmallVector<Value> pieces(rank);
  bool anyDynamic = false;
  for (size_t i = 0; i < rank; ++i) {
    // Both ways: a 1 on either side gives way. Two unknowns: the larger one.
    bool hasOld = i + old.size() >= rank, hasAsked = i + asked.size() >= rank;
    size_t oldAt = i + old.size() - rank, askedAt = i + asked.size() - rank;
    Dim o = hasOld ? old[oldAt] : Dim(1), a = hasAsked ? asked[askedAt] : Dim(1);
    if (o == Dim(1) || a == o || (a.isConstant() && a != Dim(1)))
      dims[i] = a;
    else if (a == Dim(1) || o.isConstant())
      dims[i] = o;
    else {
      dims[i] = e.newSymbol();
      pieces[i] = e.binary(BinaryKind::Max, e.slice(e.shapeVector(x), 0, oldAt, oldAt + 1),
                           e.slice(shape, 0, askedAt, askedAt + 1));
    }
    anyDynamic |= !dims[i].isConstant();
  }
  if (!anyDynamic) {
    n.set(0, e.broadcastTo(x, dims));
    return;
  }
  for (size_t i = 0; i < rank; ++i)
    if (!pieces[i])
      pieces[i] = e.dimsVector({dims[i]}, {x}, {shape});
  n.set(0, e.broadcastTo(x, dims, e.concat(pieces, 0)));
}

static void convertTile(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  Ints repeats = e.getInts(n.in(1), "repeats");
  int64_t rank = e.rankOf(x);
  if (int64_t(repeats.size()) != rank)
    fail("expected one repeat per axis (got " + llvm::Twine(repeats.size()) + " for " +
         llvm::Twine(rank) + ")");
  // Axis by axis: [.., d, ..] -> [.., 1, d, ..] -> [.., r, d, ..] -> [.., r * d, ..].
  for (int64_t i = 0; i < rank; ++i) {
    if (repeats[i] < 0)
      fail("repeats must not be negative (got " + llvm::Twine(repeats[i]) + ")");
    if (repeats[i] == 1)
      continue;
    Value wide = e.unsqueeze(x, {i});
    Dims dims = e.dimsOf(wide);
    dims[i] = repeats[i];
    x = e.collapse(e.broadcastTo(wide, dims, e.dimsVector(dims, {x})), i, i + 2);
  }
  n.set(0, x);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static void checkImage(Node &n, Value x) {
  if (n.e.rankOf(x) != 4)
    fail("expected a tensor of rank 4 (got " + llvm::Twine(n.e.rankOf(x)) + ")");
}

static void convertDepthToSpace(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  checkImage(n, x);
  int64_t block = n.attrInt("blocksize"), channels = e.staticDim(x, 1, "the number of channels");
  std::string mode = n.opset >= 11 ? n.attrString("mode", "DCR") : "DCR";
  if (mode != "DCR" && mode != "CRD")
    fail("mode must be 'DCR' or 'CRD' (got '" + mode + "')");
  if (block < 1 || block > (1 << 20) || channels % (block * block))
    fail("blocksize^2 must divide the number of channels (got " + llvm::Twine(block) + " for " +
         llvm::Twine(channels) + ")");
  Dims d = e.dimsOf(x);
  Dim c = channels / (block * block);
  bool dcr = mode == "DCR";
  Value v = e.reshape(x, dcr ? Dims{d[0], block, block, c, d[2], d[3]}
                             : Dims{d[0], c, block, block, d[2], d[3]});
  v = e.transpose(v, dcr ? Ints{0, 3, 4, 1, 5, 2} : Ints{0, 1, 4, 2, 5, 3});
  v = e.collapse(v, 4, 6);
  n.set(0, e.collapse(v, 2, 4));
}

static void convertSpaceToDepth(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  checkImage(n, x);
  int64_t block = n.attrInt("blocksize"), height = e.staticDim(x, 2, "the height"),
          width = e.staticDim(x, 3, "the width");
  if (block < 1 || height % block || width % block)
    fail("blocksize must divide height and width (got " + llvm::Twine(block) + ")");
  Dims d = e.dimsOf(x);
  Value v = e.reshape(x, {d[0], d[1], height / block, block, width / block, block});
  v = e.transpose(v, {0, 3, 5, 1, 2, 4});
  n.set(0, e.collapse(v, 1, 4));
}

// A transposed convolution whose weight is the identity: every input channel is one tap of the
// kernel and goes to its place.
static void convertCol2Im(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  Ints image = e.getInts(n.in(1), "image_shape"), kernel = e.getInts(n.in(2), "block_shape");
  size_t spatial = image.size();
  Ints dilations = n.attrInts("dilations").value_or(Ints(spatial, 1)),
       strides = n.attrInts("strides").value_or(Ints(spatial, 1)),
       pads = n.attrInts("pads").value_or(Ints(2 * spatial, 0));
  if (kernel.size() != spatial || dilations.size() != spatial || strides.size() != spatial ||
      pads.size() != 2 * spatial || spatial < 1 || spatial > 3 || e.rankOf(x) != 3)
    fail("image_shape, block_shape and the attributes must agree in rank, and the input must have "
         "rank 3");
  int64_t taps = 1, columns = e.staticDim(x, 1, "dimension 1");
  Dims d = e.dimsOf(x), split{d[0], Dim(1), Dim(1)};
  auto inLimits = [](int64_t v) { return v >= 1 && v <= (1 << 24); };
  for (size_t i = 0; i < spatial; ++i) {
    if (!inLimits(kernel[i]) || !inLimits(strides[i]) || !inLimits(dilations[i]) ||
        !inLimits(image[i]))
      fail("sizes, strides and dilations must be positive");
    taps *= std::min<int64_t>(kernel[i], 1 << 17);
    split.push_back(nn::getWindowedSize(image[i], kernel[i], strides[i], pads[i], pads[i + spatial],
                                        dilations[i], false));
  }
  if (taps > 4096 || columns % taps)
    fail("dimension 1 must be a multiple of the block size");
  split[1] = columns / taps;
  split[2] = taps;
  Value grid = e.collapse(e.reshape(x, split), 0, 2);
  Ints weightShape{taps, 1};
  weightShape.append(kernel);
  HostTensor weight = HostTensor::zeros(e.toDType(e.elementOf(x)), weightShape);
  for (int64_t t = 0; t < taps; ++t)
    weight.setFromDouble(t * taps + t, 1);
  Value whole = e.op<nn::ConvTransposeOp>(
      {grid, e.constant(std::move(weight))},
      {e.attr("strides", strides), e.attr("pads", Ints(2 * spatial, 0)),
       e.attr("dilations", dilations), e.attr("output_padding", Ints(spatial, 0)),
       e.attr("groups", int64_t(1))});
  // Negative padding takes the padding of the image away again.
  Ints low(2, 0), high(2, 0);
  Dims out{d[0], Dim(columns / taps)};
  for (size_t i = 0; i < spatial; ++i) {
    low.push_back(-pads[i]);
    high.push_back(image[i] + pads[i] - e.shapeOf(whole)[2 + i]);
    out.push_back(image[i]);
  }
  n.set(0, e.reshape(e.pad(nn::PadMode::Constant, whole, nullptr, low, high), out));
}

void terse::onnx::registerShapeOps(OpTable &t) {
  t.add("Constant", {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, convertConstant,
        "no strings, no sparse tensors");
  t.add("Shape", {1, 13, 15, 19, 21, 23, 24, 25}, convertShape);
  t.add("Size", {1, 13, 19, 21, 23, 24, 25}, convertSize);
  t.add("ConstantOfShape", {9, 20, 21, 23, 24, 25}, convertConstantOfShape);
  t.add("EyeLike", {9, 22}, convertEyeLike);
  t.add("Range", {11}, convertRange);
  t.add("Reshape", {5, 13, 14, 19, 21, 23, 24, 25}, convertReshape);
  t.add("Flatten", {1, 9, 11, 13, 21, 23, 24, 25}, convertFlatten);
  t.add("Squeeze", {1, 11, 13, 21, 23, 24, 25}, convertSqueeze, "constant axes");
  t.add("Unsqueeze", {1, 11, 13, 21, 23, 24, 25}, convertUnsqueeze, "constant axes");
  t.add("Expand", {8, 13}, convertExpand);
  t.add("Tile", {6, 13}, convertTile, "constant repeats");
  t.add("DepthToSpace", {1, 11, 13}, convertDepthToSpace);
  t.add("SpaceToDepth", {1, 13}, convertSpaceToDepth, "static height and width");
  t.add("Col2Im", {18}, convertCol2Im, "constant shapes");
}
