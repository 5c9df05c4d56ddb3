//===- ExpandUKernels.cpp - Kernels as functions of vector code -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelCode.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/ADT/StringMap.h"

namespace terse {
#define GEN_PASS_DEF_EXPANDUKERNELSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
struct ExpandUKernelsPass : terse::impl::ExpandUKernelsPassBase<ExpandUKernelsPass> {
  using ExpandUKernelsPassBase::ExpandUKernelsPassBase;

  // What two ops must share to share a function: everything but the operands' names.
  static std::string describe(KernelOpInterface op) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << op->getName() << ' ' << op->getPropertiesAsAttribute();
    for (Type type : op->getOperandTypes())
      os << ' ' << type;
    Block &block = op.getEpilogue().front();
    for (Operation &inner : block) {
      os << ' ' << inner.getName() << ' ' << inner.getAttrDictionary();
      for (Type type : inner.getResultTypes())
        os << ' ' << type;
      for (Value v : inner.getOperands()) {
        Attribute constant;
        if (auto arg = dyn_cast<BlockArgument>(v))
          os << " a" << arg.getArgNumber();
        else if (matchPattern(v, m_Constant(&constant)))
          os << ' ' << constant;
        else
          os << " r" << std::distance(block.begin(), v.getDefiningOp()->getIterator());
      }
    }
    return text;
  }

  // Kernels read and write vectors along the innermost dimension: other buffers are copied.
  static void makeContiguous(OpBuilder &b, KernelOpInterface op) {
    Location loc = op.getLoc();
    for (OpOperand &operand : op->getOpOperands()) {
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
      bool written = cast<DestinationStyleOpInterface>(op.getOperation()).isDpsInit(&operand);
      if (!written)
        linalg::CopyOp::create(b, loc, old, buffer);
      operand.set(buffer);
      b.setInsertionPointAfter(op);
      if (written)
        linalg::CopyOp::create(b, loc, buffer, old);
      memref::DeallocOp::create(b, loc, buffer);
    }
  }

  struct Builders {
    void (*build)(KernelCode &, Value begin, Value end);
    Value (*count)(KernelCode &);
  };
  static Builders chooseBuilders(KernelOpInterface op) {
    if (op.isDepthwise() && op.getScheduleAttr().getIsa() == ISA::AVX512VNNI)
      return {buildDepthwiseDotKernel, countDepthwiseDotItems};
    if (op.isDepthwise())
      return {buildDepthwiseKernel, countDepthwiseItems};
    if (op.getScheduleAttr().getIsa() == ISA::AMXInt8)
      return {buildTileKernel, countTileItems};
    if (isStreamKernel(op))
      return {buildStreamKernel, countStreamItems};
    if (cast<MemRefType>(op.getRhs().getType()).getElementType().isF32())
      return {buildFloatKernel, countFloatItems};
    return {buildMatrixKernel, countMatrixItems};
  }

  // `name(operands..., begin, end)`.
  func::FuncOp createFunction(OpBuilder &b, KernelOpInterface op, StringRef name) {
    Location loc = op.getLoc();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(getOperation().getBody());
    SmallVector<Type> types(op->getOperandTypes());
    types.append(2, b.getIndexType());
    auto function = func::FuncOp::create(b, loc, name, b.getFunctionType(types, {}));
    function.setPrivate();
    // Its code in place of the call would only make one large function of many.
    function->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
    Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    IRMapping mapping;
    mapping.map(op->getOperands(), block->getArguments().drop_back(2));
    // Its epilogue may use constants of the other function; it goes away below.
    Operation *inside = b.clone(*op.getOperation(), mapping);
    Value begin = block->getArguments().end()[-2], end = block->getArguments().end()[-1];
    KernelCode code(b, cast<KernelOpInterface>(inside), hasFMA);
    chooseBuilders(op).build(code, begin, end);
    func::ReturnOp::create(b, loc);
    inside->erase();
    return function;
  }

  // A function around `kernel` that a loader may call for several ranges at once.
  func::FuncOp createParallel(OpBuilder &b, func::FuncOp kernel) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(kernel);
    auto function = func::FuncOp::create(b, kernel.getLoc(), (kernel.getName() + "_parallel").str(),
                                         kernel.getFunctionType());
    function.setPrivate();
    function->setAttr(cpu::kParallelAttr, b.getUnitAttr());
    Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    func::CallOp::create(b, kernel.getLoc(), kernel, block->getArguments());
    func::ReturnOp::create(b, kernel.getLoc());
    return function;
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<KernelOpInterface> ops;
    module.walk([&](KernelOpInterface op) { ops.push_back(op); });
    struct Functions {
      func::FuncOp serial, parallel;
    };
    llvm::StringMap<Functions> functions;
    for (KernelOpInterface op : ops) {
      auto rhs = dyn_cast<MemRefType>(op.getRhs().getType());
      if (!rhs || rhs.getRank() != 3 || !op.getScheduleAttr()) {
        op->emitOpError("expected buffers, a schedule and packed weights");
        return signalPassFailure();
      }
      OpBuilder b(op);
      makeContiguous(b, op);
      b.setInsertionPoint(op);
      Location loc = op.getLoc();
      Functions &function = functions[describe(op)];
      if (!function.serial)
        function.serial =
            createFunction(b, op, ("ukernel_" + llvm::Twine(functions.size() - 1)).str());
      KernelCode code(b, op, hasFMA);
      SmallVector<Value> args(op->getOperands());
      args.push_back(code.c(0));
      args.push_back(chooseBuilders(op).count(code));
      auto call = [&](func::FuncOp callee) { func::CallOp::create(b, loc, callee, args); };
      // The work of one row of the result, and how many rows there are.
      int64_t perRow = getSizes(op).n * getSizes(op).k;
      auto type = cast<MemRefType>(op.getInit().getType());
      int64_t work =
          type.hasStaticShape() ? type.getNumElements() * getSizes(op).k : ShapedType::kDynamic;
      if (parallelWork < 0 || (!ShapedType::isDynamic(work) && work < parallelWork)) {
        call(function.serial);
      } else {
        if (!function.parallel)
          function.parallel = createParallel(b, function.serial);
        if (!ShapedType::isDynamic(work)) {
          call(function.parallel);
        } else {
          Value total = code.mul(code.countRows(), perRow);
          code.branch(
              code.less(total, code.c(parallelWork)), [&] { call(function.serial); },
              [&] { call(function.parallel); });
        }
      }
      op->erase();
    }
  }
};
} // namespace
