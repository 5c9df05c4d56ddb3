//===- Outline.cpp - Code as functions over ranges of work ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Outline.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "terse/Codegen/CPU/Passes.h"

using namespace mlir;
using namespace terse;

std::string terse::describeForOutlining(Operation *op, TypeRange types) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName() << ' ' << op->getPropertiesAsAttribute() << ' '
     << op->getDiscardableAttrDictionary();
  for (Type type : types)
    os << ' ' << type;
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      os << " |";
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
    }
  return text;
}

func::FuncOp terse::createOutlinedFunction(OpBuilder &b, Location loc, StringRef name,
                                           FunctionType type) {
  auto function = func::FuncOp::create(b, loc, name, type);
  function.setPrivate();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  return function;
}

Value terse::forgetSizes(OpBuilder &b, Location loc, Value v) {
  auto type = dyn_cast<MemRefType>(v.getType());
  if (!type || !type.getLayout().isIdentity())
    return v;
  auto open =
      MemRefType::get(SmallVector<int64_t>(type.getRank(), ShapedType::kDynamic),
                      type.getElementType(), MemRefLayoutAttrInterface(), type.getMemorySpace());
  return type == open ? v : memref::CastOp::create(b, loc, open, v).getResult();
}

func::FuncOp OutlinedFunctions::get(Operation *op, TypeRange types, BuildBody build) {
  return get(op->getLoc(), types, describeForOutlining(op, types),
             [&](OpBuilder &b, ValueRange args, Value begin, Value end) {
               // Its regions may use constants of the other function; it goes away below.
               Operation *inside = b.clone(*op);
               // One by one: where two operands are one value, as in place, other callers may pass
               // two.
               inside->setOperands(args);
               build(b, inside, begin, end);
               inside->erase();
             });
}

func::FuncOp OutlinedFunctions::get(Location loc, TypeRange types, StringRef text,
                                    BuildRange build) {
  func::FuncOp &function = functions[text];
  if (function)
    return function;
  OpBuilder b(module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  SmallVector<Type> arguments(types);
  arguments.append(2, b.getIndexType());
  function = createOutlinedFunction(b, loc, prefix + std::to_string(functions.size() - 1),
                                    b.getFunctionType(arguments, {}));
  // Its code in place of the call would only make one large function of many.
  // Vectors that registers cannot hold lie in aligned places, which must be known in advance.
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline", "stackrealign"}));
  Block *block = function.addEntryBlock();
  b.setInsertionPointToStart(block);
  ValueRange all = block->getArguments();
  build(b, all.drop_back(2), all.end()[-2], all.end()[-1]);
  b.setInsertionPointToEnd(block);
  func::ReturnOp::create(b, loc);
  return function;
}

func::FuncOp OutlinedFunctions::getParallel(func::FuncOp function) {
  func::FuncOp &around = parallel[function.getName()];
  if (around)
    return around;
  OpBuilder b(function.getContext());
  b.setInsertionPointAfter(function);
  around = createOutlinedFunction(b, function.getLoc(), (function.getName() + "_parallel").str(),
                                  function.getFunctionType());
  around->setAttr(cpu::kParallelAttr, b.getUnitAttr());
  Block *block = around.addEntryBlock();
  b.setInsertionPointToStart(block);
  func::CallOp::create(b, function.getLoc(), function, block->getArguments());
  func::ReturnOp::create(b, function.getLoc());
  return around;
}
