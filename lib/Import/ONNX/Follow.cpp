//===- Follow.cpp - Sizes and shape computations, symbolically --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without an entry here an op's unknown sizes and elements are just unknown: fresh symbols. So this
// file may be as short as exporters' habits allow.

#include "Emitter.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// Elements of small integer tensors
//===----------------------------------------------------------------------===//

static std::optional<Dims> combine(BinaryKind kind, const Dims &l, const Dims &r, Emitter &e) {
  size_t n = std::max(l.size(), r.size());
  if ((l.size() != n && l.size() != 1) || (r.size() != n && r.size() != 1))
    return std::nullopt;
  Dims result;
  for (size_t i = 0; i < n; ++i) {
    const Dim &a = l[l.size() == 1 ? 0 : i], &b = r[r.size() == 1 ? 0 : i];
    std::optional<Dim> d;
    bool constant = a.isConstant() && b.isConstant();
    switch (kind) {
    case BinaryKind::Add:
      d = Dim::add(a, b);
      break;
    case BinaryKind::Sub:
      d = Dim::sub(a, b);
      break;
    case BinaryKind::Mul:
      d = Dim::mul(a, b);
      break;
    case BinaryKind::Div:
      d = Dim::div(a, b);
      break;
    case BinaryKind::Min:
    case BinaryKind::Max:
      if (a == b)
        d = a;
      else if (constant)
        d = kind == BinaryKind::Min ? std::min(a.getConstant(), b.getConstant())
                                    : std::max(a.getConstant(), b.getConstant());
      break;
    default:
      return std::nullopt;
    }
    result.push_back(d ? *d : e.newUnknown());
  }
  return result;
}

static std::optional<Dims> inferElementsOf(Emitter &e, Operation *op) {
  auto known = [&](unsigned i) { return e.elementsOf(op->getOperand(i)); };
  return llvm::TypeSwitch<Operation *, std::optional<Dims>>(op)
      .Case([&](nn::ShapeOp shape) { return e.dimsOf(shape.getX()); })
      .Case([&](nn::CastOp cast) -> std::optional<Dims> {
        // Narrowing would have to wrap.
        if (!isa<IntegerType>(Emitter::elementOf(cast.getX())) ||
            Emitter::elementOf(cast.getResult()).getIntOrFloatBitWidth() < 32)
          return std::nullopt;
        return known(0);
      })
      .Case([&](nn::ReshapeOp) { return known(0); })
      .Case([&](nn::ConcatOp concat) -> std::optional<Dims> {
        Dims all;
        for (unsigned i = 0; i < concat->getNumOperands(); ++i) {
          std::optional<Dims> part = known(i);
          if (!part)
            return std::nullopt;
          all.append(*part);
        }
        return all;
      })
      .Case([&](nn::GatherOp gather) -> std::optional<Dims> {
        std::optional<Dims> x = known(0);
        const HostTensor *indices = e.findConstant(gather.getIndices());
        if (!x || !indices || indices->getRank() > 1)
          return std::nullopt;
        Dims picked;
        for (int64_t i : indices->toInts()) {
          i += i < 0 ? x->size() : 0;
          if (i < 0 || i >= int64_t(x->size()))
            fail("index " + llvm::Twine(i) + " is outside of a tensor of " +
                 llvm::Twine(x->size()) + " elements");
          picked.push_back((*x)[i]);
        }
        return picked;
      })
      .Case([&](nn::SliceOp slice) -> std::optional<Dims> {
        std::optional<Dims> x = known(0);
        if (!x || Emitter::rankOf(slice.getX()) != 1)
          return std::nullopt;
        int64_t start = slice.getStarts()[0], step = slice.getSteps()[0];
        int64_t count = nn::resolveSlice(x->size(), start, slice.getEnds()[0], step);
        Dims picked;
        for (int64_t i = 0; i < count; ++i)
          picked.push_back((*x)[start + i * step]);
        return picked;
      })
      .Case([&](nn::BroadcastOp broadcast) -> std::optional<Dims> {
        std::optional<Dims> x = known(0);
        if (!x || x->size() != 1)
          return x;
        return Dims(Emitter::typeOf(broadcast.getResult()).getNumElements(), (*x)[0]);
      })
      .Case([&](nn::BinaryOp binary) -> std::optional<Dims> {
        std::optional<Dims> l = known(0), r = known(1);
        if (!l || !r)
          return std::nullopt;
        return combine(binary.getKind(), *l, *r, e);
      })
      .Case([&](nn::CompareOp compare) -> std::optional<Dims> {
        // Only what is certain whatever the unknowns are.
        std::optional<Dims> l = known(0), r = known(1);
        if (!l || !r || l->size() != 1 || r->size() != 1)
          return std::nullopt;
        const Dim &a = (*l)[0], &b = (*r)[0];
        if (a != b && !(a.isConstant() && b.isConstant()))
          return std::nullopt;
        int64_t x = a == b ? 0 : a.getConstant(), y = a == b ? 0 : b.getConstant();
        switch (compare.getKind()) {
        case CompareKind::Eq:
          return Dims{Dim(x == y)};
        case CompareKind::Ne:
          return Dims{Dim(x != y)};
        case CompareKind::Lt:
          return Dims{Dim(x < y)};
        case CompareKind::Le:
          return Dims{Dim(x <= y)};
        case CompareKind::Gt:
          return Dims{Dim(x > y)};
        case CompareKind::Ge:
          return Dims{Dim(x >= y)};
        }
        return std::nullopt;
      })
      .Case([&](nn::SelectOp select) -> std::optional<Dims> {
        const HostTensor *condition = e.findConstant(select.getCondition());
        std::optional<Dims> t = known(1), f = known(2);
        if (!condition || !t || !f)
          return std::nullopt;
        size_t n = Emitter::typeOf(select.getResult()).getNumElements();
        Dims result;
        for (size_t i = 0; i < n; ++i) {
          const Dims &from =
              condition->getAsInt(condition->getNumElements() == 1 ? 0 : i) ? *t : *f;
          result.push_back(from[from.size() == 1 ? 0 : i]);
        }
        return result;
      })
      .Case([&](nn::ReduceOp reduce) -> std::optional<Dims> {
        std::optional<Dims> x = known(0);
        if (!x || reduce.getAxes().size() != 1)
          return std::nullopt;
        std::optional<Dim> total;
        if (reduce.getKind() == ReduceKind::Prod) {
          total = product(*x);
        } else if (reduce.getKind() == ReduceKind::Sum) {
          total = Dim(0);
          for (const Dim &d : *x)
            total = total ? Dim::add(*total, d) : std::nullopt;
        }
        return Dims{total ? *total : e.newUnknown()};
      })
      .Default([](Operation *) { return std::nullopt; });
}

void terse::onnx::inferElements(Emitter &e, Operation *op) {
  if (op->getNumResults() != 1)
    return;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape() || type.getRank() > 1 || type.getNumElements() > 64 ||
      !isa<IntegerType>(type.getElementType()))
    return;
  std::optional<Dims> elements = inferElementsOf(e, op);
  if (elements && int64_t(elements->size()) == type.getNumElements())
    e.setElements(op->getResult(0), *elements);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

// Sizes of tensors that broadcast: the one that is not 1, if they can only be the same.
static Dims broadcastDims(Emitter &e, ValueRange operands, size_t rank) {
  Dims result(rank, Dim(1));
  for (Value v : operands) {
    Dims dims = e.dimsOf(v);
    if (dims.size() > rank)
      return {};
    for (size_t i = 0; i < dims.size(); ++i) {
      Dim &r = result[rank - dims.size() + i];
      const Dim &d = dims[i];
      if (r == Dim(1))
        r = d;
      else if (d != Dim(1) && d != r)
        r = d.isConstant() ? d : r.isConstant() ? r : e.newSymbol();
    }
  }
  return result;
}

void terse::onnx::inferDims(Emitter &e, Operation *op) {
  if (llvm::all_of(op->getResultTypes(),
                   [](Type t) { return cast<RankedTensorType>(t).hasStaticShape(); }))
    return;
  Value result = op->getResult(0);
  auto first = [&] { return e.dimsOf(op->getOperand(0)); };
  llvm::TypeSwitch<Operation *>(op)
      .Case<nn::UnaryOp, nn::CastOp, nn::BitcastOp, nn::BatchNormOp, nn::LayerNormOp, nn::RmsNormOp,
            nn::GroupNormOp, nn::InstanceNormOp, nn::SoftmaxOp, nn::CumulativeOp,
            nn::RotaryEmbeddingOp, nn::ScatterElementsOp, nn::ScatterNDOp, nn::ReverseSequenceOp>(
          [&](Operation *) { e.setDims(result, first()); })
      .Case<nn::BinaryOp, nn::CompareOp, nn::SelectOp>([&](Operation *) {
        Dims dims = broadcastDims(e, op->getOperands(), Emitter::rankOf(result));
        if (!dims.empty())
          e.setDims(result, dims);
      })
      .Case([&](nn::LinearOp) {
        Dims dims = first();
        dims.back() = e.dimsOf(op->getOperand(1))[0];
        e.setDims(result, dims);
      })
      .Case([&](nn::MatmulOp) {
        Dims l = first(), r = e.dimsOf(op->getOperand(1)), dims;
        Dim m = l[l.size() - 2], n = r.back();
        size_t rank = Emitter::rankOf(result);
        dims.assign(rank, Dim(1));
        for (const Dims *from : {&l, &r})
          for (size_t i = 0; i + 2 < from->size(); ++i) {
            Dim &d = dims[rank - from->size() + i];
            if (d == Dim(1))
              d = (*from)[i];
            else if ((*from)[i] != Dim(1) && (*from)[i] != d)
              d = e.newSymbol();
          }
        dims[rank - 2] = m;
        dims[rank - 1] = n;
        e.setDims(result, dims);
      })
      .Case<nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp, nn::MaxPoolIndicesOp>([&](Operation *) {
        for (Value r : op->getResults()) {
          Dims dims = e.dimsOf(r);
          dims[0] = first()[0];
          // A window of one element in unit steps changes nothing.
          auto conv = dyn_cast<nn::ConvOp>(op);
          for (size_t i = 2; conv && i < dims.size(); ++i) {
            int64_t k = Emitter::shapeOf(conv.getWeight())[i], n = dims.size() - 2,
                    d = conv.getDilations()[i - 2];
            if (!ShapedType::isDynamic(k) && conv.getStrides()[i - 2] == 1 &&
                conv.getPads()[i - 2] + conv.getPads()[i - 2 + n] == (k - 1) * d)
              dims[i] = first()[i];
          }
          e.setDims(r, dims);
        }
      })
      .Case([&](nn::TransposeOp transpose) {
        Dims x = first(), dims;
        for (int64_t p : transpose.getPermutation())
          dims.push_back(x[p]);
        e.setDims(result, dims);
      })
      .Case([&](nn::SliceOp slice) {
        Dims dims = first();
        for (size_t i = 0; i < dims.size(); ++i)
          if (slice.getStarts()[i] != 0 || slice.getSteps()[i] != 1 ||
              slice.getEnds()[i] < std::numeric_limits<int32_t>::max())
            dims[i] = e.newSymbol();
        e.setDims(result, dims);
      })
      .Case([&](nn::ConcatOp concat) {
        Dims dims = first();
        std::optional<Dim> total = Dim(0);
        for (Value v : concat.getInputs())
          total = total ? Dim::add(*total, e.dimsOf(v)[concat.getAxis()]) : std::nullopt;
        dims[concat.getAxis()] = total ? *total : e.newSymbol();
        e.setDims(result, dims);
      })
      .Case([&](nn::PadOp pad) {
        Dims dims = first();
        for (size_t i = 0; i < dims.size(); ++i)
          if (pad.getLow()[i] != 0 || pad.getHigh()[i] != 0)
            dims[i] = e.newSymbol();
        e.setDims(result, dims);
      })
      .Case<nn::ReduceOp, nn::ArgReduceOp>([&](Operation *) {
        auto reduce = dyn_cast<nn::ReduceOp>(op);
        auto arg = dyn_cast<nn::ArgReduceOp>(op);
        Ints axes = reduce ? Ints(reduce.getAxes()) : Ints{int64_t(arg.getAxis())};
        bool keep = reduce ? reduce.getKeepdims() : arg.getKeepdims();
        Dims dims;
        for (auto [i, d] : llvm::enumerate(first()))
          if (!llvm::is_contained(axes, int64_t(i)))
            dims.push_back(d);
          else if (keep)
            dims.push_back(1);
        e.setDims(result, dims);
      })
      .Case([&](nn::GatherOp gather) {
        Dims x = first(), indices = e.dimsOf(gather.getIndices()),
             dims(ArrayRef(x).take_front(gather.getAxis()));
        dims.append(indices);
        dims.append(x.begin() + gather.getAxis() + 1, x.end());
        e.setDims(result, dims);
      })
      .Case([&](nn::EmbeddingOp embedding) {
        Dims dims = e.dimsOf(embedding.getIndices());
        dims.push_back(e.dimsOf(embedding.getTable())[1]);
        e.setDims(result, dims);
      })
      .Case([&](nn::GatherElementsOp gather) { e.setDims(result, e.dimsOf(gather.getIndices())); })
      .Case([&](nn::AttentionOp attention) {
        Dims dims = first();
        dims.back() = e.dimsOf(attention.getV()).back();
        e.setDims(result, dims);
      })
      .Case<nn::LstmOp, nn::GruOp, nn::RnnOp>([&](Operation *) {
        Dims x = first();
        int64_t directions = Emitter::shapeOf(result)[1], hidden = Emitter::shapeOf(result)[3];
        if (ShapedType::isDynamic(directions) || ShapedType::isDynamic(hidden))
          return;
        e.setDims(result, {x[0], Dim(directions), x[1], Dim(hidden)});
        for (Value r : op->getResults().drop_front())
          e.setDims(r, {Dim(directions), x[1], Dim(hidden)});
      });
}
