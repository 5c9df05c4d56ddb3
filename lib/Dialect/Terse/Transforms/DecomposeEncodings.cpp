//===- DecomposeEncodings.cpp - Encoded tensors to components ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two steps. The first makes explicit where ops that know nothing of encodings
// decode and encode; afterwards encoded tensors are only moved, converted and
// (un)bundled. The second replaces each of them by its components, which is a
// 1:N type conversion.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/ControlFlow/Transforms/StructuralTypeConversions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/DialectConversion.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"

namespace terse {
#define GEN_PASS_DEF_DECOMPOSEENCODINGSPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-decompose-encodings"

using namespace mlir;
using namespace terse;

namespace {

bool isEncoded(Type type) { return getEncoding(type) != nullptr; }

//===----------------------------------------------------------------------===//
// Step 1: explicit decode and encode
//===----------------------------------------------------------------------===//

/// Ops that move encoded tensors as they are, or take them apart. All others compute in float.
bool keepsEncodings(Operation *op) {
  if (isa<EncodeOp, DecodeOp, AssembleOp, ComponentsOp>(op))
    return true;
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return !isa<ShapedType>(select.getCondition().getType());
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return getEncoding(cast.getSource().getType()) == getEncoding(cast.getType());
  return isa<FunctionOpInterface, CallOpInterface, BranchOpInterface, RegionBranchOpInterface,
             RegionBranchTerminatorOpInterface>(op) ||
         op->hasTrait<OpTrait::ReturnLike>();
}

/// The region ops whose types the second step can convert.
bool hasConvertibleRegions(Operation *op) {
  return isa<FunctionOpInterface, scf::ForOp, scf::IfOp, scf::WhileOp>(op);
}

bool hasEncodedBlockArguments(Operation *op) {
  for (Region &region : op->getRegions())
    for (Block &block : region)
      if (llvm::any_of(block.getArgumentTypes(), isEncoded))
        return true;
  return false;
}

/// terse.fake_quant is by definition the pair of its conversions.
void expandFakeQuant(FakeQuantOp op) {
  OpBuilder builder(op);
  Value encoded =
      EncodeOp::create(builder, op.getLoc(), op.getInput(), op.getEncoding(), op.getParameters());
  op.replaceAllUsesWith(DecodeOp::create(builder, op.getLoc(), encoded).getResult());
  op.erase();
}

/// Decodes the encoded operands of `op`; returns how many.
unsigned decodeOperands(Operation *op) {
  OpBuilder builder(op);
  llvm::SmallDenseMap<Value, Value, 4> decoded;
  unsigned count = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isEncoded(operand.get().getType()))
      continue;
    Value &value = decoded[operand.get()];
    if (!value) {
      value = DecodeOp::create(builder, op->getLoc(), operand.get());
      ++count;
    }
    operand.set(value);
  }
  return count;
}

/// Gives the results of `op` their logical types and encodes them after it; returns how many.
unsigned encodeResults(Operation *op) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  unsigned count = 0;
  for (OpResult result : op->getResults()) {
    EncodingAttrInterface encoding = getEncoding(result.getType());
    if (!encoding)
      continue;
    result.setType(getLogicalType(result.getType()));
    auto encode = EncodeOp::create(builder, op->getLoc(), result, encoding);
    result.replaceAllUsesExcept(encode.getResult(), encode);
    ++count;
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Step 2: one value per component
//===----------------------------------------------------------------------===//

struct ConvertAssemble : OpConversionPattern<AssembleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AssembleOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(op, {adaptor.getComponents()});
    return success();
  }
};

struct ConvertComponents : OpConversionPattern<ComponentsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ComponentsOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getInput());
    return success();
  }
};

struct ConvertDecode : OpConversionPattern<DecodeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DecodeOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(
        op, op.getEncoding().buildDecode(rewriter, op.getLoc(), op.getType(), adaptor.getInput()));
    return success();
  }
};

struct ConvertEncode : OpConversionPattern<EncodeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(EncodeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> components = op.getEncoding().buildEncode(
        rewriter, op.getLoc(), adaptor.getInput(), adaptor.getParameters());
    if (failed(components))
      return rewriter.notifyMatchFailure(op, "the encoding cannot be computed at run time");
    rewriter.replaceOpWithMultiple(op, {*components});
    return success();
  }
};

struct ConvertSelect : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> selected;
    for (auto [onTrue, onFalse] : llvm::zip_equal(adaptor.getTrueValue(), adaptor.getFalseValue()))
      selected.push_back(arith::SelectOp::create(
          rewriter, op.getLoc(), llvm::getSingleElement(adaptor.getCondition()), onTrue, onFalse));
    rewriter.replaceOpWithMultiple(op, {selected});
    return success();
  }
};

struct ConvertTensorCast : OpConversionPattern<tensor::CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tensor::CastOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return rewriter.notifyMatchFailure(op, "the result type has no components");
    SmallVector<Value> components;
    for (auto [component, type] : llvm::zip_equal(adaptor.getSource(), types))
      components.push_back(component.getType() == type
                               ? component
                               : tensor::CastOp::create(rewriter, op.getLoc(), type, component));
    rewriter.replaceOpWithMultiple(op, {components});
    return success();
  }
};

/// Functions have a pattern of their own because attributes of arguments and results must follow
/// them to the components.
struct ConvertFunction : OpConversionPattern<func::FuncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(func::FuncOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    FunctionType type = op.getFunctionType();
    TypeConverter::SignatureConversion signature(type.getNumInputs());
    SmallVector<Type> results;
    if (failed(getTypeConverter()->convertSignatureArgs(type.getInputs(), signature)) ||
        failed(getTypeConverter()->convertTypes(type.getResults(), results)))
      return rewriter.notifyMatchFailure(op, "the signature has types without components");

    SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
    op.getAllArgAttrs(argumentAttrs);
    op.getAllResultAttrs(resultAttrs);
    argumentAttrs = spread(type.getInputs(), argumentAttrs);
    resultAttrs = spread(type.getResults(), resultAttrs);

    if (!op.isExternal() &&
        failed(rewriter.convertRegionTypes(&op.getBody(), *getTypeConverter(), &signature)))
      return rewriter.notifyMatchFailure(op, "block arguments have types without components");
    rewriter.modifyOpInPlace(op, [&] {
      op.setType(rewriter.getFunctionType(signature.getConvertedTypes(), results));
      op.setAllArgAttrs(argumentAttrs);
      op.setAllResultAttrs(resultAttrs);
    });
    return success();
  }

private:
  /// One dictionary per component: the same as the encoded value's, with the component's name
  /// appended to its name.
  static SmallVector<DictionaryAttr> spread(TypeRange types, ArrayRef<DictionaryAttr> attrs) {
    SmallVector<DictionaryAttr> result;
    for (auto [type, dictionary] : llvm::zip_equal(types, attrs)) {
      EncodingAttrInterface encoding = getEncoding(type);
      if (!encoding) {
        result.push_back(dictionary);
        continue;
      }
      MLIRContext *context = encoding.getContext();
      for (const EncodingComponent &component :
           encoding.getComponents(stripEncoding(cast<RankedTensorType>(type)))) {
        NamedAttrList list(dictionary);
        if (auto name = dyn_cast_or_null<StringAttr>(list.get("nn.name")))
          list.set("nn.name", StringAttr::get(context, name.getValue() + "." + component.name));
        result.push_back(list.getDictionary(context));
      }
    }
    return result;
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct DecomposeEncodingsPass : terse::impl::DecomposeEncodingsPassBase<DecomposeEncodingsPass> {
  using DecomposeEncodingsPassBase::DecomposeEncodingsPassBase;

  void runOnOperation() override {
    if (failed(makeConversionsExplicit()) || failed(convertToComponents()))
      signalPassFailure();
  }

private:
  /// Step 1. All checks come before the first change.
  LogicalResult makeConversionsExplicit() {
    WalkResult checked = getOperation().walk([](Operation *op) {
      if (hasEncodedBlockArguments(op) && !hasConvertibleRegions(op)) {
        op->emitOpError("passes encoded tensors into its regions, which only func.func, scf.for, "
                        "scf.if and scf.while may do; decode them before it");
        return WalkResult::interrupt();
      }
      EncodingAttrInterface encoding;
      if (auto encode = dyn_cast<EncodeOp>(op))
        encoding = encode.getEncoding();
      else if (auto fakeQuant = dyn_cast<FakeQuantOp>(op))
        encoding = fakeQuant.getEncoding();
      else if (!keepsEncodings(op))
        for (Type type : op->getResultTypes())
          if (EncodingAttrInterface result = getEncoding(type); result && !encoding)
            encoding = result;
      if (encoding && !encoding.isRunTimeEncodable()) {
        op->emitOpError() << "needs a tensor encoded at run time, which " << encoding
                          << " does not support; encode it as a constant";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return failure();

    SmallVector<Operation *> floatOps;
    getOperation().walk([&](Operation *op) {
      if (!keepsEncodings(op))
        floatOps.push_back(op);
    });
    for (Operation *op : floatOps) {
      if (auto fakeQuant = dyn_cast<FakeQuantOp>(op)) {
        expandFakeQuant(fakeQuant);
        continue;
      }
      numImplicitDecodes += decodeOperands(op);
      numImplicitEncodes += encodeResults(op);
    }
    return success();
  }

  /// Step 2.
  LogicalResult convertToComponents() {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    populateEncodingTypeConversions(converter);
    RewritePatternSet patterns(context);
    populateDecomposeEncodingsPatterns(converter, patterns);

    ConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal([&](Operation *op) {
      if (auto function = dyn_cast<func::FuncOp>(op);
          function && !converter.isSignatureLegal(function.getFunctionType()))
        return false;
      return converter.isLegal(op) &&
             llvm::all_of(op->getRegions(), [&](Region &r) { return converter.isLegal(&r); });
    });
    // These have plain types on one side only, or none.
    target.addIllegalOp<EncodeOp, DecodeOp, AssembleOp, ComponentsOp, RequantizeOp>();
    return applyFullConversion(getOperation(), target, std::move(patterns));
  }
};

} // namespace

void terse::populateEncodingTypeConversions(TypeConverter &converter) {
  converter.addConversion([](Type type) { return type; });
  converter.addConversion(
      [](RankedTensorType type, SmallVectorImpl<Type> &components) -> std::optional<LogicalResult> {
        EncodingAttrInterface encoding = getEncoding(type);
        if (!encoding)
          return std::nullopt;
        llvm::append_range(components, getComponentTypes(encoding, stripEncoding(type)));
        return success();
      });
}

void terse::populateDecomposeEncodingsPatterns(const TypeConverter &converter,
                                               RewritePatternSet &patterns) {
  patterns.add<ConvertAssemble, ConvertComponents, ConvertDecode, ConvertEncode, ConvertSelect,
               ConvertTensorCast, ConvertFunction>(converter, patterns.getContext());
  populateDecomposeRequantizePatterns(patterns);
  populateCallOpTypeConversionPattern(patterns, converter);
  populateReturnOpTypeConversionPattern(patterns, converter);
  cf::populateCFStructuralTypeConversions(converter, patterns);
  scf::populateSCFStructuralTypeConversions(converter, patterns);
}
