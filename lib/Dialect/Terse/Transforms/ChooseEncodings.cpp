//===- ChooseEncodings.cpp - Which encoding for which weight ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strategy half of weight compression: looks at every weight operand and
// writes a `#terse.choice`. Nothing else changes; ApplyEncodings.cpp is the
// mechanism.
//
//===----------------------------------------------------------------------===//

#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/DType.h"
#include "llvm/Support/GlobPattern.h"

namespace terse {
#define GEN_PASS_DEF_CHOOSEENCODINGSPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-choose-encodings"

using namespace mlir;
using namespace terse;

namespace {

/// A list of glob patterns over layer names.
class NamePatterns {
public:
  LogicalResult add(ArrayRef<std::string> texts, function_ref<InFlightDiagnostic()> emitError) {
    for (const std::string &text : texts) {
      llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(text);
      if (!pattern)
        return emitError() << "layer pattern '" << text
                           << "' is malformed: " << llvm::toString(pattern.takeError());
      patterns.push_back(std::move(*pattern));
    }
    return success();
  }
  bool match(StringRef name) const {
    return llvm::any_of(patterns, [&](const llvm::GlobPattern &p) { return p.match(name); });
  }

private:
  SmallVector<llvm::GlobPattern> patterns;
};

struct ChooseEncodingsPass : terse::impl::ChooseEncodingsPassBase<ChooseEncodingsPass> {
  using ChooseEncodingsPassBase::ChooseEncodingsPassBase;

  void runOnOperation() override;

private:
  LogicalResult parseOptions();
  /// The encoding that the options describe, relative to a weight's axes.
  EncodingAttrInterface makeTemplate();
  /// The encoding or the reason for a constant weight.
  Attribute decideWeight(const WeightOperand &weight, RankedTensorType type);
  Attribute decideActivation(const WeightOperand &weight, RankedTensorType type);
  /// Encodes both operands of a product of two computed tensors.
  void decideProduct(nn::ContractionLike op, SymbolTableCollection &symbols);
  /// Whether the operand is a constant that nobody has decided about.
  bool isUndecided(OpOperand &operand, SymbolTableCollection &symbols);
  void decide(const WeightOperand &weight);
  /// Notes the reason at large constants that no interface calls a weight, too.
  void skipOthers(Operation *op, SymbolTableCollection &symbols);
  Attribute reason(const Twine &text) { return StringAttr::get(&getContext(), text); }

  /// What every weight gets, once it is fitted to it.
  EncodingAttrInterface weightTemplate;
  Type activationValueType;
};

} // namespace

static Type parseElementType(MLIRContext *context, StringRef name) {
  std::optional<DType> dtype = DType::parse(name);
  if (!dtype || dtype->isBool())
    return {};
  if (dtype->isInteger()) {
    auto signedness = dtype->isUnsignedInteger() ? IntegerType::Unsigned
                      : dtype->getBits() == 1    ? IntegerType::Signed
                                                 : IntegerType::Signless;
    return IntegerType::get(context, dtype->getBits(), signedness);
  }
  if (*dtype == DType::f32())
    return Float32Type::get(context);
  if (*dtype == DType::f16())
    return Float16Type::get(context);
  if (*dtype == DType::bf16())
    return BFloat16Type::get(context);
  return {};
}

EncodingAttrInterface ChooseEncodingsPass::makeTemplate() {
  MLIRContext *context = &getContext();
  Location loc = getOperation().getLoc();
  if (!format.empty()) {
    // A printed pipeline spells out the defaults, which say nothing.
    if (weightType != "i8" || granularity != EncodingGranularity::Channel || blockSize != 32 ||
        scaleType != "f32" || zeroPoint || narrow) {
      emitError(loc) << "option format: expected none of weight-type, granularity, block-size, "
                        "scale-type, zero-point and narrow beside it; say it within '"
                     << format << "'";
      return {};
    }
    std::string message;
    Attribute parsed;
    {
      ScopedDiagnosticHandler handler(context, [&](Diagnostic &diag) {
        message += (message.empty() ? "" : "; ") + diag.str();
        return success();
      });
      parsed = parseAttribute(format, context);
    }
    auto encoding = dyn_cast_or_null<EncodingAttrInterface>(parsed);
    if (!encoding)
      emitError(loc) << "option format: expected an encoding such as '#terse.uniform<i4, block = "
                        "32>' (got '"
                     << format << "')" << (message.empty() ? "" : ": ") << message;
    return encoding;
  }

  Type valueType = parseElementType(context, weightType);
  if (isa_and_nonnull<Float16Type, BFloat16Type>(valueType))
    return CastEncodingAttr::get(cast<FloatType>(valueType));
  if (!isa_and_nonnull<IntegerType>(valueType)) {
    emitError(loc) << "option weight-type: expected i2 to i8, ui1 to ui8, si1, f16 or bf16 (got '"
                   << weightType << "'); other formats are chosen with option format";
    return {};
  }
  auto scaleFloatType = dyn_cast_or_null<FloatType>(parseElementType(context, scaleType));
  if (!scaleFloatType) {
    emitError(loc) << "option scale-type: expected f32, f16 or bf16 (got '" << scaleType << "')";
    return {};
  }
  if (blockSize <= 0) {
    emitError(loc) << "option block-size: expected a positive number (got " << blockSize.getValue()
                   << ")";
    return {};
  }
  FitAttr fit;
  if (granularity == EncodingGranularity::Channel)
    fit = FitAttr::get(context, FitKind::Channels, 1);
  else if (granularity == EncodingGranularity::Block)
    fit = FitAttr::get(context, FitKind::NearestBlock, blockSize);
  return UniformEncodingAttr::get(cast<IntegerType>(valueType), std::nullopt, {},
                                  TypeAttr::get(scaleFloatType), zeroPoint, narrow,
                                  /*dynamic=*/false, fit);
}

LogicalResult ChooseEncodingsPass::parseOptions() {
  weightTemplate = makeTemplate();
  if (!weightTemplate)
    return failure();
  activationValueType = parseElementType(&getContext(), activationType);
  if (!isa_and_nonnull<IntegerType, Float16Type, BFloat16Type>(activationValueType))
    return emitError(getOperation().getLoc())
           << "option activation-type: expected i2 to i8, ui1 to ui8, si1, f16 or bf16 (got '"
           << activationType << "')";
  return success();
}

Attribute ChooseEncodingsPass::decideWeight(const WeightOperand &weight, RankedTensorType type) {
  if (!skip.empty())
    return reason(skip);
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type.getElementType()))
    return reason("element type is not a float");
  if (type.getNumElements() == 0)
    return reason("has no elements");
  if (type.getNumElements() < minElements)
    return reason("fewer than " + Twine(minElements) + " elements");

  EncodingAttrInterface encoding =
      weightTemplate.fit(type, {weight.channelAxes, weight.contractionAxes});
  std::string message;
  auto legal = [&] {
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diag) {
      message = diag.str();
      return success();
    });
    return encoding.verifyEncoding(type.getShape(), type.getElementType(),
                                   [&] { return emitError(getOperation().getLoc()); });
  };
  if (failed(legal()))
    return reason("does not fit: " + message);
  // An encoding that is no gain is not chosen: tiny tensors can weigh more with their scales.
  std::optional<int64_t> bits = encoding.getBits(type);
  if (bits && *bits >= type.getNumElements() * int64_t(type.getElementTypeBitWidth()))
    return reason("would not become smaller");
  return encoding;
}

Attribute ChooseEncodingsPass::decideActivation(const WeightOperand &weight,
                                                RankedTensorType type) {
  if (auto value = dyn_cast<FloatType>(activationValueType))
    return CastEncodingAttr::get(value);
  SmallVector<int64_t> block;
  if (activations == ActivationGranularity::Row) {
    // One scale per position whose sums are separate. A contraction over several weight axes slides
    // over space, so that only the batch stays apart.
    bool spatial = weight.contractionAxes.size() > 1;
    block.assign(type.getRank(), spatial ? UniformEncodingAttr::kWholeDimension : 1);
    block[spatial ? 0 : weight.activationChannelAxis] =
        spatial ? 1 : UniformEncodingAttr::kWholeDimension;
  }
  auto unsignedType = cast<IntegerType>(activationValueType).isUnsigned();
  return UniformEncodingAttr::get(cast<IntegerType>(activationValueType), std::nullopt, block,
                                  TypeAttr::get(Float32Type::get(&getContext())),
                                  /*asymmetric=*/unsignedType, /*narrow=*/false, /*dynamic=*/true);
}

bool ChooseEncodingsPass::isUndecided(OpOperand &operand, SymbolTableCollection &symbols) {
  // Earlier rules and persons come first.
  ChoiceAttr earlier = ChoiceAttr::get(operand.getOwner());
  if (earlier && earlier.lookup(operand.getOperandNumber()))
    return false;
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  return type && !getEncoding(type) && type.hasStaticShape() &&
         getConstantSource(operand.get(), symbols);
}

void ChooseEncodingsPass::decide(const WeightOperand &weight) {
  Attribute decision =
      decideWeight(weight, cast<RankedTensorType>(weight.operand->get().getType()));
  ChoiceAttr::set(*weight.operand, decision);
  if (!isa<EncodingAttrInterface>(decision)) {
    ++numKept;
    return;
  }
  ++numChosen;
  if (activations == ActivationGranularity::None || !weight.activation)
    return;
  auto type = dyn_cast<RankedTensorType>(weight.activation->get().getType());
  if (!type || !isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type.getElementType()))
    return;
  // Rounding pays where integers are multiplied: of windows that is with a scale per channel.
  auto uniform = dyn_cast<UniformEncodingAttr>(decision);
  bool isFloat = uniform && weight.contractionAxes.size() > 1 && !uniform.getBlock().empty();
  ChoiceAttr::set(*weight.activation,
                  isFloat ? reason("products of windows with blocks of weights are of floats")
                          : decideActivation(weight, type));
}

void ChooseEncodingsPass::decideProduct(nn::ContractionLike op, SymbolTableCollection &symbols) {
  OpOperand &left = op.getActivationOperand(), &right = op.getWeightOperand();
  SmallVector<int64_t> contracted = op.getContractionAxes();
  if (!op.hasIntegerForm() || contracted.size() != 1 || op.getBiasOperand())
    return;
  ChoiceAttr earlier = ChoiceAttr::get(op);
  for (OpOperand *operand : {&left, &right}) {
    auto type = dyn_cast<RankedTensorType>(operand->get().getType());
    if (!type || !isa<Float16Type, BFloat16Type, Float32Type>(type.getElementType()) ||
        type.getEncoding() || getConstantSource(operand->get(), symbols) ||
        (earlier && earlier.lookup(operand->getOperandNumber())))
      return;
  }
  WeightOperand product;
  product.contractionAxes = contracted;
  product.activationChannelAxis = op.getActivationChannelAxis();
  ChoiceAttr::set(left, decideActivation(product, cast<RankedTensorType>(left.get().getType())));
  // A row of the left operand meets what the contraction leaves of the right one: its columns.
  product.activationChannelAxis = contracted.front();
  ChoiceAttr::set(right, decideActivation(product, cast<RankedTensorType>(right.get().getType())));
  ++numProducts;
}

void ChooseEncodingsPass::skipOthers(Operation *op, SymbolTableCollection &symbols) {
  if (isa<AssembleOp>(op))
    return; // Its operands are parts of a weight.
  SmallVector<OpOperand *> biases = getBiasOperands(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isSizeable(operand.get().getType()) && !llvm::is_contained(biases, &operand) &&
        isUndecided(operand, symbols)) {
      ChoiceAttr::set(operand, reason(skip));
      ++numKept;
    }
}

void ChooseEncodingsPass::runOnOperation() {
  NamePatterns included, excluded;
  auto error = [&] { return emitError(getOperation().getLoc()); };
  if (failed(parseOptions()) || failed(included.add(layers, error)) ||
      failed(excluded.add(exceptLayers, error)))
    return signalPassFailure();

  SymbolTableCollection symbols;
  getOperation().walk([&](Operation *op) {
    std::string layer = getLayerName(op);
    if (!included.match(layer) || excluded.match(layer))
      return; // Left to a later rule.
    SmallVector<WeightOperand> weights = getWeightOperands(op);
    for (const WeightOperand &weight : weights)
      if (isUndecided(*weight.operand, symbols))
        decide(weight);
    if (!skip.empty())
      skipOthers(op, symbols);
    else if (auto contraction = dyn_cast<nn::ContractionLike>(op);
             contraction && products && activations != ActivationGranularity::None)
      decideProduct(contraction, symbols);
  });
}
