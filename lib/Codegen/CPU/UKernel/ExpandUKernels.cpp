//===- ExpandUKernels.cpp - Kernels as functions of vector code -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Outline.h"
#include "AttentionKernel.h"
#include "Chain.h"
#include "KernelCode.h"
#include "QuantizeRowsKernel.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_EXPANDUKERNELSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Numbers to round that are not worth a call.
static constexpr int64_t kFewNumbers = 1024;
// Multiply-adds that take as long as rounding a number.
static constexpr int64_t kNumberWork = 5;

namespace {
/// What makes the code of a kernel.
struct Builders {
  void (*build)(KernelCode &, Value begin, Value end);
  Value (*count)(KernelCode &);
  // Null where items are no blocks of rows.
  KernelBlocks (*blocks)(KernelCode &) = nullptr;
};
} // namespace

static Builders chooseBuilders(KernelOpInterface op) {
  if (isDepthwiseDotKernel(op))
    return {buildDepthwiseDotKernel, countDepthwiseDotItems, getDepthwiseDotBlocks};
  if (op.isDepthwise())
    return {buildDepthwiseKernel, countDepthwiseItems, getDepthwiseBlocks};
  if (isBlockProduct(op))
    return {buildDotKernel, countDotItems};
  if (isStreamKernel(op))
    return {buildStreamKernel, countStreamItems};
  if (ISA isa = op.getScheduleAttr().getIsa(); isa == ISA::AMXInt8 || isa == ISA::AMXBF16)
    return {buildTileKernel, countTileItems};
  if (isFewRowsKernel(op))
    return {buildFewRowsKernel, countFewRowsItems};
  if (mlir::isa<FloatType>(getSumType(op)))
    return {buildFloatKernel, countFloatItems, getFloatBlocks};
  return {buildMatrixKernel, countMatrixItems, getMatrixBlocks};
}

std::optional<ChainStage> ChainStage::get(KernelOpInterface op) {
  auto rhs = dyn_cast<MemRefType>(op.getRhs().getType());
  if (!rhs || rhs.getRank() != 3 || !op.getScheduleAttr() || op.getParts() != 1 ||
      op.getMagnitudes() || mayBeOneRow(op) || !chooseBuilders(op).blocks)
    return std::nullopt;
  for (Value v : {op.getLhs(), op.getInit()}) {
    auto type = cast<MemRefType>(v.getType());
    if (type.getRank() != 4 || !type.getLayout().isIdentity() || type.getDimSize(0) == 0 ||
        llvm::any_of(type.getShape().drop_front(), [](int64_t d) { return d < 1; }))
      return std::nullopt;
  }
  // Others are copied to where vectors run along the last dimension.
  for (Value v : op->getOperands()) {
    auto type = cast<MemRefType>(v.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (type.getRank() > 0 &&
        (failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1))
      return std::nullopt;
  }
  OpBuilder b(op.getContext());
  KernelCode code(b, op, /*hasFMA=*/true, /*fetchesStreams=*/true);
  return ChainStage{op, chooseBuilders(op).blocks(code)};
}

namespace {
struct ExpandUKernelsPass : terse::impl::ExpandUKernelsPassBase<ExpandUKernelsPass> {
  using ExpandUKernelsPassBase::ExpandUKernelsPassBase;

  // Kernels read and write vectors along the innermost dimension: other buffers are copied.
  static void makeContiguous(OpBuilder &b, Operation *op, MutableArrayRef<OpOperand> operands) {
    Location loc = op->getLoc();
    auto kernel = dyn_cast<KernelOpInterface>(op);
    for (OpOperand &operand : operands) {
      auto type = cast<MemRefType>(operand.get().getType());
      SmallVector<int64_t> strides;
      int64_t offset;
      if (type.getRank() == 0 ||
          (succeeded(type.getStridesAndOffset(strides, offset)) && strides.back() == 1))
        continue;
      auto plain = MemRefType::get(type.getShape(), type.getElementType());
      b.setInsertionPoint(op);
      SmallVector<Value> sizes;
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (type.isDynamicDim(d))
          sizes.push_back(memref::DimOp::create(b, loc, operand.get(), d));
      Value old = operand.get(),
            buffer = memref::AllocOp::create(b, loc, plain, sizes, b.getI64IntegerAttr(64));
      bool written = cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
      if (!written || (kernel && old == kernel.getMagnitudes()))
        linalg::CopyOp::create(b, loc, old, buffer);
      operand.set(buffer);
      b.setInsertionPointAfter(op);
      if (written)
        linalg::CopyOp::create(b, loc, buffer, old);
      memref::DeallocOp::create(b, loc, buffer);
    }
  }

  // The part of `v` from element `from` on along `dim`, of `size` elements.
  static Value takePart(OpBuilder &b, Location loc, Value v, int64_t dim, Value from,
                        int64_t size) {
    int64_t rank = cast<MemRefType>(v.getType()).getRank();
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)), steps(rank, b.getIndexAttr(1)),
        sizes = memref::getMixedSizes(b, loc, v);
    offsets[dim] = from;
    sizes[dim] = b.getIndexAttr(size);
    return memref::SubViewOp::create(b, loc, v, offsets, sizes, steps);
  }

  // A convolution in parts as a loop over convolutions of parts of the channels.
  static void splitParts(ConvOp op) {
    int64_t parts = op.getParts();
    if (parts == 1)
      return;
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto c = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); };
    auto loop = scf::ForOp::create(b, loc, c(0), c(parts), c(1));
    b.setInsertionPointToStart(loop.getBody());
    auto take = [&](Value v, int64_t dim) {
      int64_t size = cast<MemRefType>(v.getType()).getDimSize(dim) / parts;
      Value from = arith::MulIOp::create(b, loc, loop.getInductionVar(), c(size));
      return takePart(b, loc, v, dim, from, size);
    };
    auto part = cast<ConvOp>(b.clone(*op));
    part.setParts(1);
    part.getLhsMutable().assign(take(op.getLhs(), 3));
    part.getRhsMutable().assign(take(op.getRhs(), 0));
    part.getInitMutable().assign(take(op.getInit(), 3));
    if (op.getStart())
      part.getStartMutable().assign(take(op.getStart(), 0));
    for (auto [i, attr] : llvm::enumerate(op.getExtraMaps()))
      for (auto [dim, e] : llvm::enumerate(cast<AffineMapAttr>(attr).getValue().getResults()))
        if (e == b.getAffineDimExpr(3))
          part.getExtrasMutable()[i].assign(take(op.getExtras()[i], dim));
    part->moveBefore(loop.getBody()->getTerminator());
    op.erase();
  }

  // The function of `op` over ranges of items.
  func::FuncOp getFunction(OutlinedFunctions &functions, KernelOpInterface op, Builders builders) {
    func::FuncOp serial = functions.get(
        op, op->getOperandTypes(),
        [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
          KernelCode body(inner, cast<KernelOpInterface>(inside), hasFMA, fetchesStreams);
          builders.build(body, begin, end);
          body.finishMagnitudes();
        });
    // A call, of memcpy in place of a loop, would have the tile registers set up again.
    if (ISA isa = op.getScheduleAttr().getIsa(); isa == ISA::AMXInt8 || isa == ISA::AMXBF16)
      serial->setAttr(
          "passthrough",
          Builder(op.getContext()).getStrArrayAttr({"noinline", "stackrealign", "no-builtins"}));
    return serial;
  }

  // Calls `serial`, or threads that share its items, the last of `args`, where there is enough
  // work, which is `known` or only computed.
  void callForWork(OutlinedFunctions &functions, VectorCode &code, ValueRange args,
                   func::FuncOp serial, Value work, std::optional<int64_t> known,
                   int64_t leastWork) {
    auto call = [&](func::FuncOp callee) { func::CallOp::create(code.b, code.loc, callee, args); };
    if (leastWork < 0 || (known && *known < leastWork))
      return call(serial);
    func::FuncOp parallel = functions.getParallel(serial);
    if (known)
      return call(parallel);
    code.branch(
        code.less(work, code.c(leastWork)), [&] { call(serial); }, [&] { call(parallel); });
  }

  // Calls the function of `builders` at the place of `code`. `work`: multiply-adds, dynamic if not
  // known, and `perRow` those of a row of the result.
  void emit(OutlinedFunctions &functions, KernelCode &code, Builders builders, int64_t work,
            int64_t perRow) {
    func::FuncOp serial = getFunction(functions, code.op, builders);
    SmallVector<Value> args(code.op->getOperands());
    args.append({code.c(0), builders.count(code)});
    if (ShapedType::isDynamic(work))
      return callForWork(functions, code, args, serial, code.mul(code.countRows(), perRow),
                         std::nullopt, parallelWork);
    callForWork(functions, code, args, serial, Value(), work, parallelWork);
  }

  void emitQuantizeRows(OutlinedFunctions &functions, QuantizeRowsOp op) {
    OpBuilder b(op);
    VectorCode code(b, op.getLoc(), hasFMA);
    Value items = countQuantizeRowsItems(code, op), work = countQuantizeRowsWork(code, op);
    // In a range that threads share already, or for a few rows, a call is not worth it.
    std::optional<int64_t> known;
    if (auto type = cast<MemRefType>(op.getX().getType()); type.hasStaticShape())
      known = type.getNumElements();
    if (op->getParentOfType<func::FuncOp>().isPrivate() || (known && *known < kFewNumbers)) {
      buildQuantizeRows(code, op, vectorBytes, code.c(0), items);
    } else {
      for (OpOperand &operand : op->getOpOperands())
        operand.set(forgetSizes(b, op.getLoc(), operand.get()));
      func::FuncOp serial = functions.get(
          op, op->getOperandTypes(),
          [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
            VectorCode body(inner, inside->getLoc(), hasFMA);
            buildQuantizeRows(body, cast<QuantizeRowsOp>(inside), vectorBytes, begin, end);
          });
      SmallVector<Value> args(op->getOperands());
      args.append({code.c(0), items});
      callForWork(functions, code, args, serial, work, known,
                  parallelWork < 0 ? parallelWork : parallelWork / kNumberWork);
    }
    op.erase();
  }

  // A call of a function over strips, which calls those of the kernels.
  LogicalResult emitChain(OutlinedFunctions &kernels, OutlinedFunctions &chains, ChainOp chain) {
    OpBuilder b(chain);
    Location loc = chain.getLoc();
    SmallVector<ChainStage> stages;
    SmallVector<Value> args;
    int64_t perSample = 0, rows = chain.getRows(), slots = chain.getSlots();
    for (auto op : chain.getBody().getOps<KernelOpInterface>()) {
      std::optional<ChainStage> stage = ChainStage::get(op);
      if (!stage)
        return op->emitOpError("expected a kernel that computes rows of known images in blocks");
      stage->function = getFunction(kernels, op, chooseBuilders(op));
      stages.push_back(*stage);
      for (Value v : op->getOperands())
        if (v.getParentBlock() != &chain.getBody().front())
          args.push_back(v);
      ArrayRef<int64_t> shape = cast<MemRefType>(op.getInit().getType()).getShape();
      perSample += ShapedType::getNumElements(shape.drop_front()) * getSizes(op).k;
    }
    if (auto type = cast<MemRefType>(chain.getScratch().getType());
        !type.hasStaticShape() || type.getNumElements() < getScratchBytes(stages, rows, slots))
      return chain.emitOpError("expected scratch of ")
             << getScratchBytes(stages, rows, slots) << " bytes (got " << type << ")";
    // The stages' operands in the caller, or in a function with `args` as arguments.
    auto setOperands = [&](ValueRange from) {
      for (ChainStage &stage : stages) {
        stage.operands.clear();
        for (Value v : stage.op->getOperands()) {
          bool between = v.getParentBlock() == &chain.getBody().front();
          stage.operands.push_back(between ? Value() : from.front());
          from = between ? from : from.drop_front();
        }
      }
    };
    args.push_back(chain.getScratch());
    std::string text = std::to_string(rows) + " " + std::to_string(slots);
    for (ChainStage &stage : stages)
      text += " " + stage.function.getName().str();
    func::FuncOp serial =
        chains.get(loc, ValueRange(args).getTypes(), text,
                   [&](OpBuilder &inner, ValueRange from, Value begin, Value end) {
                     setOperands(from);
                     VectorCode code(inner, loc, hasFMA);
                     buildChain(code, stages, rows, from.back(), slots, begin, end);
                   });
    setOperands(args);
    VectorCode code(b, loc, hasFMA);
    clearSlots(code, chain.getScratch(), slots);
    Value samples = code.size(stages.back().op.getInit(), 0), work = code.mul(samples, perSample);
    std::optional<int64_t> known;
    if (std::optional<int64_t> count = getConstantIntValue(samples))
      known = *count * perSample;
    args.append({code.c(0), countStrips(code, stages.back(), rows)});
    callForWork(chains, code, args, serial, work, known, parallelWork);
    chain.erase();
    return success();
  }

  void emitAttention(OutlinedFunctions &functions, AttentionOp op) {
    OpBuilder b(op);
    // Other operands are packed, or read element by element.
    makeContiguous(b, op, op->getOpOperands().drop_front(3));
    b.setInsertionPoint(op);
    VectorCode code(b, op.getLoc(), hasFMA);
    func::FuncOp serial = functions.get(
        op, op->getOperandTypes(),
        [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
          VectorCode body(inner, inside->getLoc(), hasFMA);
          buildAttentionKernel(body, cast<AttentionOp>(inside), vectorBytes, begin, end);
        });
    Value work = countAttentionWork(code, op);
    SmallVector<Value> args(op->getOperands());
    args.append({code.c(0), countAttentionItems(code, op, vectorBytes)});
    callForWork(functions, code, args, serial, work, getConstantIntValue(work), parallelWork);
    op.erase();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OutlinedFunctions attention(module, "attention_");
    SmallVector<AttentionOp> attentions;
    module.walk([&](AttentionOp op) { attentions.push_back(op); });
    for (AttentionOp op : attentions)
      emitAttention(attention, op);
    OutlinedFunctions rounding(module, "quantize_rows_");
    SmallVector<QuantizeRowsOp> roundings;
    module.walk([&](QuantizeRowsOp op) { roundings.push_back(op); });
    for (QuantizeRowsOp op : roundings)
      emitQuantizeRows(rounding, op);
    SmallVector<ConvOp> convolutions;
    module.walk([&](ConvOp op) { convolutions.push_back(op); });
    for (ConvOp op : convolutions)
      splitParts(op);
    OutlinedFunctions functions(module, "ukernel_"), row(module, "ukernel_row_"),
        rows(module, "ukernel_rows_"), strips(module, "chain_");
    SmallVector<ChainOp> chains;
    module.walk([&](ChainOp op) { chains.push_back(op); });
    for (ChainOp op : chains)
      if (failed(emitChain(functions, strips, op)))
        return signalPassFailure();
    SmallVector<KernelOpInterface> ops;
    module.walk([&](KernelOpInterface op) { ops.push_back(op); });
    for (KernelOpInterface op : ops) {
      auto rhs = dyn_cast<MemRefType>(op.getRhs().getType());
      if (!rhs || rhs.getRank() != 3 || !op.getScheduleAttr()) {
        op->emitOpError("expected buffers, a schedule and packed weights");
        return signalPassFailure();
      }
      OpBuilder b(op);
      makeContiguous(b, op, op->getOpOperands());
      b.setInsertionPoint(op);
      KernelCode code(b, op, hasFMA, fetchesStreams);
      // The work of one row of the result, and of all.
      int64_t perRow = getSizes(op).n * getSizes(op).k;
      auto type = cast<MemRefType>(op.getInit().getType());
      int64_t work =
          type.hasStaticShape() ? type.getNumElements() * getSizes(op).k : ShapedType::kDynamic;
      auto many = [&] { emit(functions, code, chooseBuilders(op), work, perRow); };
      // In front of other code: that for one row, and for at most `most`.
      auto one = [&](Builders builders, llvm::function_ref<void()> others) {
        code.branch(
            code.compare(arith::CmpIPredicate::eq, code.countRows(), code.c(1)),
            [&] { emit(row, code, builders, perRow, perRow); }, others);
      };
      auto few = [&](int64_t most, Builders builders) {
        code.branch(
            code.compare(arith::CmpIPredicate::ule, code.countRows(), code.c(most)),
            [&] { emit(rows, code, builders, work, perRow); }, many);
      };
      if (isBlockProduct(op) && !type.hasStaticShape())
        few(op.getScheduleAttr().getRows(), {buildFewDotKernel, countFewDotItems});
      else if (!mayBeOneRow(op))
        many();
      else if (!op.getDecodingAttr())
        one({buildStreamKernel, countStreamItems}, many);
      else
        one({buildOneRowKernel, countOneRowItems}, [&] {
          few(getMostFewRows(op), {buildFewRowsKernel, countFewRowsItems});
        });
      op->erase();
    }
  }
};
} // namespace
