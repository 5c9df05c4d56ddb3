//===- EmitOps.cpp - Short forms of frequent ops ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// Elementwise, contractions, reductions
//===----------------------------------------------------------------------===//

Value Emitter::unary(UnaryKind kind, Value x, double alpha, double beta) {
  return op<nn::UnaryOp>({x}, {attr("kind", nn::UnaryKindAttr::get(context, kind)),
                               attr("alpha", alpha), attr("beta", beta)});
}

Value Emitter::binary(BinaryKind kind, Value l, Value r) {
  return op<nn::BinaryOp>({l, r}, {attr("kind", nn::BinaryKindAttr::get(context, kind))});
}

Value Emitter::compare(CompareKind kind, Value l, Value r) {
  return op<nn::CompareOp>({l, r}, {attr("kind", nn::CompareKindAttr::get(context, kind))});
}

Value Emitter::select(Value c, Value t, Value f) { return op<nn::SelectOp>({c, t, f}); }

Value Emitter::cast(Value x, Type element, bool saturate) {
  if (elementOf(x) == element)
    return x;
  return op<nn::CastOp>({x}, {attr("saturate", saturate)}, {tensor(shapeOf(x), element)});
}

Value Emitter::reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepdims) {
  return op<nn::ReduceOp>({x}, {attr("kind", nn::ReduceKindAttr::get(context, kind)),
                                attr("axes", axes), attr("keepdims", keepdims)});
}

Value Emitter::matmul(Value l, Value r) { return op<nn::MatmulOp>({l, r}); }

Value Emitter::softmax(Value x, int64_t axis, bool log) {
  return op<nn::SoftmaxOp>({x}, {attr("axis", axis), attr("log", log)});
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

// Weights are transposed on the host, whatever their size: import leaves no op that only moves a
// constant.
static HostTensor transposeHost(const HostTensor &x, ArrayRef<int64_t> permutation) {
  std::vector<int64_t> shape, strides = x.getStrides(), step;
  for (int64_t p : permutation) {
    shape.push_back(x.shape[p]);
    step.push_back(strides[p]);
  }
  HostTensor result = HostTensor::zeros(x.dtype, shape);
  size_t width = x.dtype.getHostBytes();
  const uint8_t *from = x.getBytes().data();
  uint8_t *to = result.getMutableBytes().data();
  int64_t rank = shape.size(), count = result.getNumElements();
  SmallVector<int64_t> index(rank, 0);
  int64_t source = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * width, from + source * width, width);
    for (int64_t d = rank - 1; d >= 0; --d) {
      source += step[d];
      if (++index[d] < shape[d])
        break;
      source -= step[d] * shape[d];
      index[d] = 0;
    }
  }
  return result;
}

/// Where the axes of a granularity go.
static Granularity permuteGranularity(const Granularity &granularity,
                                      ArrayRef<int64_t> permutation) {
  Granularity result = granularity;
  if (granularity.axis)
    result.axis = llvm::find(permutation, *granularity.axis) - permutation.begin();
  for (auto [i, axis] : llvm::enumerate(permutation))
    if (!granularity.block.empty())
      result.block[i] = granularity.block[axis];
  return result;
}

/// The same encoding of the transposed tensor, or null for those that import does not make.
static EncodingAttrInterface permuteEncoding(EncodingAttrInterface encoding,
                                             ArrayRef<int64_t> permutation) {
  if (auto uniform = mlir::dyn_cast<UniformEncodingAttr>(encoding)) {
    Granularity g = permuteGranularity(uniform.getGranularity(), permutation);
    return UniformEncodingAttr::get(uniform.getValueType(), g.axis, g.block, uniform.getScale(),
                                    uniform.getAsymmetric(), uniform.getNarrow());
  }
  if (auto small = mlir::dyn_cast<MinifloatEncodingAttr>(encoding)) {
    Granularity g = permuteGranularity(small.getGranularity(), permutation);
    return MinifloatEncodingAttr::get(small.getContext(), small.getValueType(), g.axis, g.block,
                                      small.getScale(),
                                      /*dynamic=*/false, /*fit_rule=*/{});
  }
  return mlir::isa<CastEncodingAttr>(encoding) ? encoding : EncodingAttrInterface();
}

/// Parameters per block move with their tensor; those of an axis or the tensor are one list.
static Value transposeEncoded(Emitter &e, Value x, ArrayRef<int64_t> permutation) {
  Value encoded = x.getDefiningOp<DecodeOp>().getInput();
  EncodingAttrInterface encoding = permuteEncoding(getEncoding(encoded.getType()), permutation);
  if (!encoding)
    return nullptr;
  SmallVector<Value> components = e.encodedConstant(x);
  for (Value &component : components)
    if (e.rankOf(component) == e.rankOf(x) && e.rankOf(x) > 1)
      component = e.transpose(component, permutation);
  SmallVector<int64_t> shape;
  for (int64_t axis : permutation)
    shape.push_back(e.shapeOf(x)[axis]);
  Value made = e.op<AssembleOp>(components, {},
                                {mlir::RankedTensorType::get(shape, e.elementOf(x), encoding)});
  return e.op<DecodeOp>({made});
}

Value Emitter::transpose(Value x, ArrayRef<int64_t> permutation) {
  bool isIdentity = true;
  for (auto [i, p] : llvm::enumerate(permutation))
    isIdentity &= int64_t(i) == p;
  if (isIdentity && int64_t(permutation.size()) == rankOf(x))
    return x;
  if (const HostTensor *host = findConstant(x)) {
    Ints axes = normalizeAxes(permutation, rankOf(x));
    if (int64_t(axes.size()) != rankOf(x))
      fail("a permutation needs " + llvm::Twine(rankOf(x)) + " axes (got " +
           llvm::Twine(axes.size()) + ")");
    std::string name = constants[x]->name;
    return constant(transposeHost(*host, axes), name);
  }
  if (!encodedConstant(x).empty())
    if (Value transposed = transposeEncoded(*this, x, permutation))
      return transposed;
  return op<nn::TransposeOp>({x}, {attr("permutation", permutation)});
}

Value Emitter::transposeLast(Value x) {
  Ints permutation;
  int64_t rank = rankOf(x);
  if (rank < 2)
    fail("a matrix must have at least two axes");
  for (int64_t i = 0; i < rank - 2; ++i)
    permutation.push_back(i);
  permutation.push_back(rank - 1);
  permutation.push_back(rank - 2);
  return transpose(x, permutation);
}

Value Emitter::shapeVector(Value x) { return op<nn::ShapeOp>({x}); }

Value Emitter::dimsVector(ArrayRef<Dim> dims, ArrayRef<Value> sources, ArrayRef<Value> vectors) {
  SmallVector<Value> pieces;
  for (const Dim &d : dims) {
    if (d.isConstant()) {
      pieces.push_back(ints({d.getConstant()}));
      continue;
    }
    Value piece;
    // An element of a shape vector that the model computes, or a dimension of a tensor.
    for (Value v : vectors)
      if (std::optional<Dims> elements = elementsOf(v); elements && !piece)
        for (size_t i = 0; i < elements->size() && !piece; ++i)
          if ((*elements)[i] == d)
            piece = slice(rankOf(v) == 0 ? unsqueeze(v, {0}) : v, 0, i, i + 1);
    for (Value v : sources)
      for (auto [i, size] : llvm::enumerate(dimsOf(v)))
        if (!piece && size == d)
          piece = slice(shapeVector(v), 0, i, i + 1);
    if (!piece)
      return nullptr;
    pieces.push_back(piece);
  }
  return pieces.size() == 1 ? pieces[0] : concat(pieces, 0);
}

Value Emitter::reshape(Value x, ArrayRef<Dim> dims, Value shape) {
  SmallVector<int64_t> sizes = toStatic(dims);
  // A size that comes out negative is an error of the model, not a dynamic dimension.
  for (const Dim &d : dims)
    if (d.isConstant() && d.getConstant() < 0)
      fail("a tensor cannot have a dimension of size " + llvm::Twine(d.getConstant()));
  RankedTensorType type = tensor(sizes, elementOf(x));
  if (typeOf(x) == type && dimsOf(x) == Dims(dims))
    return x;
  if (auto it = constants.find(x); it != constants.end() && type.hasStaticShape()) {
    if (type.getNumElements() != typeOf(x).getNumElements())
      fail("cannot reshape " + formatTensorType(shapeOf(x), toDType(elementOf(x))) + " to " +
           formatTensorType(sizes, toDType(elementOf(x))));
    Constant c = *it->second;
    if (c.host)
      c.host = c.host->reshaped(sizes);
    if (!c.stored)
      return constant(std::move(*c.host), c.name);
    c.stored->shape.assign(sizes.begin(), sizes.end());
    Value v = constant(std::move(*c.stored), c.name);
    constants[v]->host = std::move(c.host);
    return v;
  }
  int64_t unknown = llvm::count_if(sizes, ShapedType::isDynamic);
  // The op takes the remaining size for a single unknown; that is right for any model that is.
  if (unknown <= 1)
    shape = nullptr;
  else if (!shape)
    shape = dimsVector(dims, {x});
  if (unknown > 1 && !shape)
    fail("the sizes of a reshape cannot be expressed by known ones; give the symbolic dimensions a "
         "size");
  Value result = op<nn::ReshapeOp>({x, shape}, {}, {type});
  if (!isConstant(result))
    setDims(result, dims);
  return result;
}

Value Emitter::reshapeTo(Value x, ArrayRef<int64_t> shape) {
  Dims dims;
  for (int64_t d : shape)
    dims.push_back(ShapedType::isDynamic(d) ? newSymbol() : Dim(d));
  return reshape(x, dims);
}

Value Emitter::collapse(Value x, int64_t from, int64_t to) {
  Dims old = dimsOf(x), dims(ArrayRef(old).take_front(from));
  std::optional<Dim> joined = product(ArrayRef(old).slice(from, to - from));
  dims.push_back(joined ? *joined : newSymbol());
  dims.append(old.begin() + to, old.end());
  if (llvm::count_if(dims, [](const Dim &d) { return !d.isConstant(); }) <= 1)
    return reshape(x, dims);
  // The joined size at run time.
  Value shape = shapeVector(x);
  SmallVector<Value> pieces;
  if (from > 0)
    pieces.push_back(slice(shape, 0, 0, from));
  pieces.push_back(reduce(ReduceKind::Prod, slice(shape, 0, from, to), {0}, true));
  if (to < int64_t(old.size()))
    pieces.push_back(slice(shape, 0, to, old.size()));
  return reshape(x, dims, concat(pieces, 0));
}

Value Emitter::unsqueeze(Value x, ArrayRef<int64_t> axes) {
  Dims old = dimsOf(x), dims;
  int64_t rank = old.size() + axes.size();
  Ints sorted = normalizeAxes(axes, rank);
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(llvm::is_contained(sorted, i) ? Dim(1) : old[next++]);
  return reshape(x, dims);
}

Value Emitter::squeeze(Value x, ArrayRef<int64_t> axes) {
  Dims dims;
  Ints sorted = normalizeAxes(axes, rankOf(x));
  for (auto [i, d] : llvm::enumerate(dimsOf(x))) {
    if (!llvm::is_contained(sorted, int64_t(i)))
      dims.push_back(d);
    else if (d.isConstant() && d.getConstant() != 1)
      fail("cannot remove axis " + llvm::Twine(i) + " of size " + llvm::Twine(d.getConstant()));
  }
  return reshape(x, dims);
}

Value Emitter::appendOnes(Value x, int64_t count) {
  Dims dims = dimsOf(x);
  dims.append(std::max<int64_t>(count, 0), Dim(1));
  return reshape(x, dims);
}

Value Emitter::alongAxis(Value x, int64_t axis, int64_t rank) {
  if (rankOf(x) != 1)
    fail("expected a 1-D tensor (got rank " + llvm::Twine(rankOf(x)) + ")");
  if (axis < 0 || axis >= rank)
    fail("a 1-D tensor along axis " + llvm::Twine(axis) + " does not fit a tensor of rank " +
         llvm::Twine(rank));
  Dims dims(rank, Dim(1));
  dims[axis] = dimsOf(x)[0];
  return reshape(x, dims);
}

Value Emitter::broadcastTo(Value x, ArrayRef<Dim> dims, Value shape) {
  SmallVector<int64_t> sizes = toStatic(dims);
  for (const Dim &d : dims)
    if (d.isConstant() && d.getConstant() < 0)
      fail("a tensor cannot have a dimension of size " + llvm::Twine(d.getConstant()));
  RankedTensorType type = tensor(sizes, elementOf(x));
  if (typeOf(x) == type && dimsOf(x) == Dims(dims))
    return x;
  if (type.hasStaticShape())
    shape = nullptr;
  else if (!shape && !(shape = dimsVector(dims, {x})))
    fail("the sizes of a broadcast cannot be expressed by known ones; give the symbolic dimensions "
         "a size");
  Value result = op<nn::BroadcastOp>({x, shape}, {}, {type});
  if (!isConstant(result))
    setDims(result, dims);
  return result;
}

Value Emitter::broadcastLike(Value x, Value like) {
  Dims dims = dimsOf(like);
  if (typeOf(like).hasStaticShape())
    return broadcastTo(x, dims);
  if (dimsOf(x) == dims)
    return x;
  return broadcastTo(x, dims, shapeVector(like));
}

Value Emitter::slice(Value x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  int64_t rank = rankOf(x);
  Ints starts(rank, 0), ends(rank, std::numeric_limits<int64_t>::max()), steps(rank, 1);
  starts[axis] = start;
  ends[axis] = end;
  steps[axis] = step;
  return op<nn::SliceOp>({x}, {attr("starts", starts), attr("ends", ends), attr("steps", steps)});
}

Value Emitter::concat(ArrayRef<Value> values, int64_t axis) {
  if (values.size() == 1)
    return values[0];
  return op<nn::ConcatOp>(values, {attr("axis", axis)});
}

Value Emitter::gather(Value x, Value indices, int64_t axis) {
  return op<nn::GatherOp>({x, indices}, {attr("axis", axis)});
}

Value Emitter::pad(nn::PadMode mode, Value x, Value value, ArrayRef<int64_t> low,
                   ArrayRef<int64_t> high) {
  bool none = llvm::all_of(low, [](int64_t p) { return p == 0; }) &&
              llvm::all_of(high, [](int64_t p) { return p == 0; });
  if (none)
    return x;
  return op<nn::PadOp>({x, value}, {attr("mode", nn::PadModeAttr::get(context, mode)),
                                    attr("low", low), attr("high", high)});
}

Value Emitter::iota(int64_t size, Type element) {
  HostTensor host = HostTensor::zeros(toDType(element), {size});
  for (int64_t i = 0; i < size; ++i)
    host.setFromInt(i, i);
  return constant(std::move(host));
}

Value Emitter::iotaOfDim(Value like, int64_t axis, Type element) {
  Dim d = dimsOf(like)[axis];
  // Constants are for small tables.
  if (d.isConstant() && d.getConstant() <= (1 << 16))
    return iota(d.getConstant(), element);
  Value shape = d.isConstant() ? Value() : slice(shapeVector(like), 0, axis, axis + 1);
  Value result =
      op<nn::IotaOp>({shape}, {attr("axis", int64_t(0))}, {tensor({d.asStatic()}, element)});
  setDims(result, {d});
  return result;
}
