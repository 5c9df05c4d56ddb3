//===- PackWeights.cpp - Weights in the order of the kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DecodedWeights.h"
#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

#include <cstring>
#include <map>

namespace terse::ukernel {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// Whether the kernel stores signed left operands with 128 added, for instructions that take them
// unsigned.
bool needsStart(KernelOpInterface op) {
  ISA isa = op.getScheduleAttr().getIsa();
  return (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI) && !op.getLhsUnsigned() &&
         !op.isDepthwise() && !isa_and_nonnull<FloatType>(getSumType(op));
}

// Where weights of a convolution in parts stand in those of its parts, which have channels of
// several groups each.
struct PartOrder {
  int64_t parts, columns, channels, groupColumns, groupChannels;

  // `order` has the weights, of which every column sees its own group alone.
  PartOrder(PackOp op, const WeightOrder &order)
      : parts(op.getParts()), columns(order.n / parts), channels(order.channels),
        groupColumns(std::max<int64_t>(columns, 1)), groupChannels(channels) {
    if (!hasGroups(op))
      return;
    channels = op.getChannels();
    groupColumns = columns / (channels / groupChannels);
  }
  static bool hasGroups(PackOp op) { return op.getChannels() != 0; }
  KernelSizes getSizes(const WeightOrder &order) const {
    if (!order.channels)
      return {order.n, order.k, order.height, order.width};
    return {columns, channels * order.height * order.width, order.height, order.width};
  }
};

HostTensor packHost(const HostTensor &weight, PackOp op, HostTensor *start) {
  WeightOrder order(typeOf(op.getWeight()).getShape(), op.getTransposed());
  PartOrder part(op, order);
  auto type = typeOf(op.getPacked());
  size_t bytes = weight.dtype.getHostBytes();
  HostTensor packed = HostTensor::zeros(weight.dtype, type.getShape());
  const uint8_t *from = weight.getBytes().data();
  uint8_t *to = packed.getMutableBytes().data();
  if (op.getDepthwise()) {
    for (int64_t i = 0; i < order.k; ++i)
      for (int64_t c = 0; c < order.n; ++c)
        std::memcpy(to + (i * order.n + c) * bytes, from + order.at(c, i) * bytes, bytes);
    return packed;
  }
  int64_t columns = op.getSchedule().getColumns(), depth = op.getSchedule().getDepth();
  int64_t groups = type.getDimSize(1), lines = op.getSchedule().getLines();
  int64_t panels = type.getDimSize(0) / part.parts;
  LineGroups group(part.getSizes(order), op.getSchedule());
  // Where element k of the contraction stands in the packed one.
  auto place = [&](int64_t k, int64_t before) {
    if (!order.channels)
      return k;
    int64_t window = k / order.channels, i = window / order.width, j = window % order.width,
            channel = before + k % order.channels;
    if (!lines)
      return window * part.channels + channel;
    return i / lines * group.padded + (j * lines + i % lines) * group.column + channel;
  };
  for (int64_t n = 0; n < order.n; ++n) {
    int64_t sum = 0, inPart = n % part.columns;
    int64_t before = inPart / part.groupColumns * part.groupChannels;
    int64_t panel = n / part.columns * panels + inPart / columns, column = inPart % columns;
    for (int64_t i = 0; i < order.k; ++i) {
      int64_t k = place(i, before);
      int64_t at = ((panel * groups + k / depth) * columns + column) * depth + k % depth;
      const uint8_t *element = from + order.at(n, i) * bytes;
      std::memcpy(to + at * bytes, element, bytes);
      sum += int8_t(*element);
    }
    if (start)
      start->setFromInt(panel * columns + column, -128 * sum);
  }
  return packed;
}

// ukernel.pack as linalg, for weights that are known at run time only.
void lowerPack(RewriterBase &b, PackOp op) {
  Location loc = op.getLoc();
  WeightOrder order(typeOf(op.getWeight()).getShape(), op.getTransposed());
  auto type = typeOf(op.getPacked());
  int64_t columns = op.getSchedule().getColumns(), depth = op.getSchedule().getDepth();
  int64_t lines = op.getSchedule().getLines();
  PartOrder part(op, order);
  KernelSizes sizes = part.getSizes(order);
  LineGroups group(sizes, op.getSchedule());
  AffineMap identity = b.getMultiDimIdentityMap(3);
  SmallVector<utils::IteratorType> parallel(3, utils::IteratorType::parallel);
  auto c = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); };
  Value init = tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  auto div = [&](Value x, int64_t y) { return arith::DivUIOp::create(b, loc, x, c(y)); };
  auto rem = [&](Value x, int64_t y) { return arith::RemUIOp::create(b, loc, x, c(y)); };
  auto fill = [&](OpBuilder &, Location, ValueRange) {
    Value d[3];
    for (int i = 0; i < 3; ++i)
      d[i] = linalg::IndexOp::create(b, loc, i);
    SmallVector<Value> at;
    Value inside;
    if (op.getDepthwise()) {
      at = {d[2], rem(d[1], order.channels), d[0], div(d[1], order.channels)};
    } else {
      Value panel = d[0];
      if (part.parts > 1)
        panel = rem(panel, type.getDimSize(0) / part.parts);
      Value n = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, panel, c(columns)),
                                      div(d[2], depth));
      Value k = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, d[1], c(depth)),
                                      rem(d[2], depth));
      auto less = [&](Value x, int64_t y) {
        return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, c(y));
      };
      if (lines) {
        // A group of lines, then (column, line, channel).
        Value in = rem(k, group.padded), all = div(in, group.column),
              channel = rem(in, group.column), column = div(all, lines);
        Value line = arith::AddIOp::create(
            b, loc, arith::MulIOp::create(b, loc, div(k, group.padded), c(lines)), rem(all, lines));
        Value window = arith::AddIOp::create(
            b, loc, arith::MulIOp::create(b, loc, line, c(order.width)), column);
        k = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, window, c(part.channels)),
                                  channel);
        inside = arith::AndIOp::create(b, loc, less(in, group.elements), less(line, order.height));
        inside = arith::AndIOp::create(b, loc, inside, less(n, sizes.n));
        inside = arith::AndIOp::create(b, loc, inside, less(channel, part.channels));
      } else {
        inside = arith::AndIOp::create(b, loc, less(n, sizes.n), less(k, sizes.k));
      }
      if (PartOrder::hasGroups(op)) {
        // Of the channels of the part, those of the column's group.
        Value channel = rem(k, part.channels);
        Value same =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                  div(channel, part.groupChannels), div(n, part.groupColumns));
        inside = arith::AndIOp::create(b, loc, inside, same);
        Value first = arith::MulIOp::create(b, loc, div(d[0], type.getDimSize(0) / part.parts),
                                            c(part.columns));
        n = arith::AddIOp::create(b, loc, first, n);
        k = arith::AddIOp::create(
            b, loc, arith::MulIOp::create(b, loc, div(k, part.channels), c(part.groupChannels)),
            rem(channel, part.groupChannels));
      }
      n = arith::SelectOp::create(b, loc, inside, n, c(0));
      k = arith::SelectOp::create(b, loc, inside, k, c(0));
      if (order.channels) {
        Value window = div(k, order.channels);
        at = {n, rem(k, order.channels), div(window, order.width), rem(window, order.width)};
      } else if (order.transposed) {
        at = {k, n};
      } else {
        at = {n, k};
      }
    }
    Value v = tensor::ExtractOp::create(b, loc, op.getWeight(), at);
    if (inside)
      v = arith::SelectOp::create(
          b, loc, inside, v,
          arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType())));
    linalg::YieldOp::create(b, loc, v);
  };
  auto build = [&](OpBuilder &inner, Location at, ValueRange args) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    fill(inner, at, args);
  };
  Value packed =
      linalg::GenericOp::create(b, loc, type, ValueRange(), init, identity, parallel, build)
          .getResult(0);
  SmallVector<Value> results{packed};
  if (op.getStart()) {
    auto startType = typeOf(op.getStart());
    Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    Value empty = tensor::EmptyOp::create(b, loc, startType.getShape(), b.getI32Type());
    Value sums = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    auto split = RankedTensorType::get({type.getDimSize(0), type.getDimSize(1), columns, depth},
                                       type.getElementType());
    Value wide = tensor::ExpandShapeOp::create(b, loc, split, packed,
                                               SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    AffineExpr p, q, n, d;
    bindDims(b.getContext(), p, q, n, d);
    SmallVector<utils::IteratorType> iterators{
        utils::IteratorType::parallel, utils::IteratorType::reduction,
        utils::IteratorType::parallel, utils::IteratorType::reduction};
    AffineMap in = AffineMap::get(4, 0, {p, q, n, d}, b.getContext()),
              out = AffineMap::get(4, 0, {p, n}, b.getContext());
    results.push_back(
        linalg::GenericOp::create(
            b, loc, startType, wide, sums, {in, out}, iterators,
            [&](OpBuilder &inner, Location at, ValueRange args) {
              Value x = arith::ExtSIOp::create(inner, at, inner.getI32Type(), args[0]);
              Value f = arith::ConstantOp::create(inner, at, inner.getI32IntegerAttr(-128));
              x = arith::MulIOp::create(inner, at, x, f);
              linalg::YieldOp::create(inner, at,
                                      arith::AddIOp::create(inner, at, args[1], x).getResult());
            })
            .getResult(0));
  }
  b.replaceOp(op, results);
}

struct PackWeightsPass : terse::ukernel::impl::PackWeightsPassBase<PackWeightsPass> {
  using PackWeightsPassBase::PackWeightsPassBase;

  // Channels of the left operand that a part of a grouped convolution sees; 0 of others.
  static int64_t getPartChannels(KernelOpInterface op) {
    auto conv = dyn_cast<ConvOp>(op.getOperation());
    if (!conv)
      return 0;
    int64_t channels = cast<ShapedType>(conv.getLhs().getType()).getShape().back();
    return typeOf(conv.getRhs()).getDimSize(1) == channels ? 0 : channels / op.getParts();
  }

  static void insertPack(RewriterBase &b, KernelOpInterface op) {
    // Once for all iterations of a loop.
    Operation *at = op;
    for (auto loop = dyn_cast<LoopLikeOpInterface>(at->getParentOp());
         loop && loop.isDefinedOutsideOfLoop(op.getRhs());
         loop = dyn_cast<LoopLikeOpInterface>(at->getParentOp()))
      at = loop;
    b.setInsertionPoint(at);
    ScheduleAttr schedule = op.getScheduleAttr();
    auto weight = typeOf(op.getRhs());
    KernelSizes sizes = getSizes(op);
    SmallVector<int64_t> shape = getPackedShape(sizes, schedule, op.getParts());
    Type element = weight.getElementType();
    if (op.isDepthwise()) {
      shape = {weight.getDimSize(2), weight.getDimSize(3) * weight.getDimSize(1), sizes.n};
    } else if (DecodingAttr decoding = op.getDecodingAttr()) {
      shape = WeightLayout(sizes, schedule, decoding).getShape();
      element = b.getI8Type();
    }
    Type start;
    if (needsStart(op))
      start = RankedTensorType::get({shape[0], schedule.getColumns()}, b.getI32Type());
    auto gemm = dyn_cast<GemmOp>(op.getOperation());
    auto pack =
        PackOp::create(b, op.getLoc(), RankedTensorType::get(shape, element), start, op.getRhs(),
                       schedule, op.getDecodingAttr(), gemm && gemm.getRhsTransposed(),
                       op.isDepthwise(), op.getParts(), getPartChannels(op));
    b.modifyOpInPlace(op, [&] {
      op->setOperand(1, pack.getPacked());
      if (gemm)
        gemm.setRhsTransposed(false);
      if (pack.getStart())
        setStart(op, pack.getStart());
    });
  }
  static void setStart(KernelOpInterface op, Value start) {
    if (auto gemm = dyn_cast<GemmOp>(op.getOperation()))
      gemm.getStartMutable().assign(start);
    else if (auto conv = dyn_cast<ConvOp>(op.getOperation()))
      conv.getStartMutable().assign(start);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter b(&getContext());
    SmallVector<KernelOpInterface> kernels;
    module.walk([&](KernelOpInterface op) {
      if (op.getScheduleAttr() && isa<RankedTensorType>(op.getRhs().getType()) &&
          typeOf(op.getRhs()).getRank() != 3)
        kernels.push_back(op);
    });
    for (KernelOpInterface op : kernels)
      insertPack(b, op);
    if (!fold)
      return;
    SmallVector<PackOp> packs;
    module.walk([&](PackOp op) { packs.push_back(op); });
    SymbolTable symbols(module);
    // Equal weights in equal order are one global.
    std::map<std::tuple<Operation *, const void *, const void *, bool, bool, bool, int64_t>,
             std::pair<std::string, std::string>>
        done;
    for (PackOp op : packs) {
      b.setInsertionPoint(op);
      Value weight = op.getWeight();
      while (Operation *def = weight.getDefiningOp()) {
        if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(def))
          break;
        weight = def->getOperand(0);
      }
      Operation *source = weight.getDefiningOp();
      ml_program::GlobalOp global = getConstantGlobal(weight);
      std::optional<HostTensor> tensor = source ? getConstant(weight) : std::nullopt;
      auto weights = dyn_cast_or_null<WeightsOp>(source);
      if (!tensor && !weights) {
        lowerPack(b, op);
        continue;
      }
      auto &names =
          done[{global ? global.getOperation() : source, op.getSchedule().getAsOpaquePointer(),
                Attribute(op.getDecodingAttr()).getAsOpaquePointer(), op.getTransposed(),
                op.getDepthwise(), bool(op.getStart()), int64_t(op.getParts())}];
      Location loc = op.getLoc();
      auto read = [&](StringRef name, Type type) {
        return ml_program::GlobalLoadConstOp::create(b, loc, type,
                                                     SymbolRefAttr::get(&getContext(), name))
            .getResult();
      };
      if (names.first.empty()) {
        std::optional<HostTensor> start;
        if (op.getStart())
          start = HostTensor::zeros(DType::si(32), typeOf(op.getStart()).getShape());
        HostTensor packed;
        if (weights) {
          FailureOr<HostTensor> bytes = packDecoded(weights, op);
          if (failed(bytes))
            return signalPassFailure();
          packed = std::move(*bytes);
        } else {
          packed = packHost(*tensor, op, start ? &*start : nullptr);
        }
        numPacked += packed.getBytes().size();
        auto create = [&](const HostTensor &value, Type type, StringRef suffix) {
          std::string name =
              ((global ? global.getSymName() : StringRef("constant")) + suffix).str();
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToEnd(module.getBody());
          auto data = toDenseResource(value, name, &getContext());
          auto made = ml_program::GlobalOp::create(b, loc, name, type, /*is_mutable=*/false, data,
                                                   b.getStringAttr("private"));
          b.setInsertionPoint(made);
          made->remove();
          symbols.insert(made);
          return made.getSymName().str();
        };
        names.first = create(packed, op.getPacked().getType(), ".packed");
        if (start)
          names.second = create(*start, op.getStart().getType(), ".start");
      }
      SmallVector<Value> results{read(names.first, op.getPacked().getType())};
      if (op.getStart())
        results.push_back(read(names.second, op.getStart().getType()));
      b.replaceOp(op, results);
    }
  }
};
} // namespace
