//===- KeepWeights.cpp - Encoded weights that kernels decode --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Conversion/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/BlockProduct.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

namespace terse {
#define GEN_PASS_DEF_CONVERTWEIGHTSTOUKERNELPASS
#define GEN_PASS_DEF_LOWERUKERNELWEIGHTSPASS
#include "terse/Conversion/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// Whether kernels are formed from contractions such as this one.
bool isKernel(nn::ContractionLike op) {
  auto x = typeOf(op.getActivationOperand().get()),
       w = stripEncoding(typeOf(op.getWeightOperand().get()));
  if (!x.getElementType().isF32() || !w.getElementType().isF32() || !w.hasStaticShape() ||
      w.getNumElements() == 0 || x.getRank() < 2)
    return false;
  SmallVector<int64_t> contraction = op.getContractionAxes();
  if (w.getRank() == 2)
    return contraction.size() == 1;
  // Groups and transposed convolutions have other channels.
  return w.getRank() == 4 && contraction.size() == 3 && op.getOutputChannelAxis() == 0 &&
         op.getActivationChannelAxis() == 1 && x.getRank() == 4 &&
         x.getDimSize(1) == w.getDimSize(1);
}

// The attribute of a constant component; null for other values.
Attribute getComponent(Value v) {
  if (ml_program::GlobalOp global = getConstantGlobal(v))
    return global.getValueAttr();
  Attribute value;
  return matchPattern(v, m_Constant(&value)) ? value : Attribute();
}

// Windows of single channels are few elements that are read many times: a format of less than a
// byte is worth decoding when code is made, up to this many elements.
constexpr int64_t kMostWindows = 1 << 16;

// Whether the kernels of `op` read decoded windows, one for each channel.
bool hasSmallWindows(nn::ContractionLike op) {
  auto x = typeOf(op.getActivationOperand().get()),
       w = stripEncoding(typeOf(op.getWeightOperand().get()));
  return x.getElementType().isF32() && w.getElementType().isF32() && w.hasStaticShape() &&
         w.getRank() == 4 && w.getDimSize(1) == 1 && op.getOutputChannelAxis() == 0 &&
         x.getRank() == 4 && x.getDimSize(1) == w.getDimSize(0) &&
         w.getNumElements() <= kMostWindows;
}

struct ConvertWeightsToUKernelPass
    : terse::impl::ConvertWeightsToUKernelPassBase<ConvertWeightsToUKernelPass> {
  using ConvertWeightsToUKernelPassBase::ConvertWeightsToUKernelPassBase;

  // What `assemble` stands for as a constant of floats; null if that is not known, or is stored in
  // whole bytes, which kernels decode as fast as they read floats.
  Value decodeWindows(AssembleOp assemble) {
    EncodingAttrInterface encoding = assemble.getEncoding();
    RankedTensorType logical = stripEncoding(typeOf(assemble));
    std::optional<int64_t> bits = encoding.getBits(logical);
    if (!bits || *bits >= logical.getNumElements() * 8)
      return {};
    SmallVector<HostTensor> components;
    for (Value v : assemble.getComponents()) {
      std::optional<HostTensor> tensor = getConstant(v);
      if (!tensor)
        return {};
      components.push_back(std::move(*tensor));
    }
    FailureOr<HostTensor> decoded =
        encoding.decodeHost(components, logical, [] { return InFlightDiagnostic(); });
    if (failed(decoded))
      return {};
    OpBuilder b(assemble);
    ++numDecoded;
    return nn::ConstantOp::create(b, assemble.getLoc(),
                                  toDenseElements(*decoded, &getContext(), logical));
  }

  // The weights of `assemble`, if all components are constants.
  Value keep(AssembleOp assemble, WeightFormatInterface format, RankedTensorType logical) {
    SmallVector<Attribute> components;
    for (Value v : assemble.getComponents()) {
      components.push_back(getComponent(v));
      if (!isa_and_nonnull<ElementsAttr>(components.back()))
        return {};
    }
    OpBuilder b(assemble);
    ++numKept;
    return WeightsOp::create(b, assemble.getLoc(), logical, format, b.getArrayAttr(components));
  }

  // Integer products are kernels from here on.
  static void buildProduct(BlockProductOp op, Value weights) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    RankedTensorType type = op.getType();
    SmallVector<Value> sizes;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        sizes.push_back(tensor::DimOp::create(b, loc, op.getInput(), d));
    Value init = tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType(), sizes);
    auto kernel = GemmOp::create(
        b, loc, type, op.getInput(), weights, Value(), ValueRange(), init, Value(),
        b.getAffineMapArrayAttr({}), /*lhs_unsigned=*/false, /*rhs_unsigned=*/false,
        /*bounded=*/false, ScheduleAttr(), DecodingAttr(), op.getTransposed(), ChainAttr());
    Block *block = b.createBlock(&kernel.getEpilogue());
    YieldOp::create(b, loc, block->addArgument(type.getElementType(), loc));
    op.getResult().replaceAllUsesWith(kernel.getResult(0));
    op.erase();
  }

  void runOnOperation() override {
    DenseMap<Value, Value> done;
    WalkResult walk = getOperation().walk([&](BlockProductOp op) {
      auto assemble = op.getWeight().getDefiningOp<AssembleOp>();
      auto format = cast<WeightFormatInterface>(Attribute(getEncoding(op.getWeight().getType())));
      Value &known = done[op.getWeight()];
      if (!known && assemble)
        known = keep(assemble, format, stripEncoding(op.getWeight().getType()));
      if (!known)
        return op.emitOpError("expected a constant weight, assembled from constants"),
               WalkResult::interrupt();
      buildProduct(op, known);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    getOperation().walk([&](nn::ContractionLike op) {
      OpOperand &weight = op.getWeightOperand();
      Value encoded = weight.get();
      if (auto decode = encoded.getDefiningOp<terse::DecodeOp>())
        encoded = decode.getInput();
      auto assemble = encoded.getDefiningOp<AssembleOp>();
      if (assemble && hasSmallWindows(op)) {
        Value &known = done[encoded];
        if (!known)
          known = decodeWindows(assemble);
        if (known)
          weight.set(known);
        return;
      }
      if (!assemble || !isKernel(op))
        return;
      auto format = dyn_cast<WeightFormatInterface>(Attribute(assemble.getEncoding()));
      RankedTensorType logical = stripEncoding(typeOf(encoded));
      std::optional<WeightForm> form = format ? format.getForm(logical) : std::nullopt;
      if (!form)
        return;
      // A column has one table.
      if (form->table && llvm::any_of(op.getContractionAxes(), [&](int64_t axis) {
            return form->group[axis] < logical.getDimSize(axis);
          }))
        return;
      Value &known = done[encoded];
      if (!known)
        known = keep(assemble, format, logical);
      if (known)
        weight.set(known);
    });
  }
};

// Whether all of what reads `v` is kernels with unpacked weights.
bool isReadByKernels(Value v) {
  return llvm::all_of(v.getUses(), [](OpOperand &use) {
    Operation *op = use.getOwner();
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return isReadByKernels(op->getResult(0));
    auto kernel = dyn_cast<KernelOpInterface>(op);
    return kernel && !kernel.isDepthwise() && use.getOperandNumber() == 1;
  });
}

struct LowerUKernelWeightsPass : terse::impl::LowerUKernelWeightsPassBase<LowerUKernelWeightsPass> {
  using LowerUKernelWeightsPassBase::LowerUKernelWeightsPassBase;

  void runOnOperation() override {
    SmallVector<WeightsOp> left;
    getOperation().walk([&](WeightsOp op) {
      if (!isReadByKernels(op.getResult()))
        left.push_back(op);
    });
    if (left.empty())
      return;
    for (WeightsOp op : left) {
      OpBuilder b(op);
      SmallVector<Value> components;
      for (Attribute attr : op.getComponents())
        components.push_back(
            nn::ConstantOp::create(b, op.getLoc(), cast<ElementsAttr>(attr)).getResult());
      Value decoded =
          op.getFormat().buildWeights(b, op.getLoc(), typeOf(op.getResult()), components);
      op.getResult().replaceAllUsesWith(decoded);
      op.erase();
    }
    OpPassManager pipeline(ModuleOp::getOperationName());
    pipeline.addPass(createConvertNNToLinalgPass());
    if (failed(runPipeline(pipeline, getOperation())))
      signalPassFailure();
  }
};

} // namespace
