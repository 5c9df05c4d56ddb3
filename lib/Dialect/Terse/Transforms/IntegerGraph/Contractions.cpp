//===- Contractions.cpp - Contractions of stored integers -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

#include "terse/Support/Constants.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

/// The sum over all contraction axes of a weight, per output channel.
static std::vector<int64_t> sumPerChannel(const HostTensor &weight, int64_t channelAxis) {
  std::vector<int64_t> sums(weight.shape[channelAxis]), values = weight.toInts();
  int64_t inner = 1;
  for (size_t d = channelAxis + 1; d < weight.shape.size(); ++d)
    inner *= weight.shape[d];
  for (size_t i = 0; i < values.size(); ++i)
    sums[(int64_t(i) / inner) % weight.shape[channelAxis]] += values[i];
  return sums;
}

LogicalResult Converter::convertContraction(nn::ContractionLike contraction, std::string &reason) {
  StaticTensor x = getStaticTensor(contraction.getActivationOperand().get());
  StaticTensor w = getStaticTensor(contraction.getWeightOperand().get());
  if (!isIntegerData(x))
    return fail(reason,
                "the activation is not stored as integers of at most 8 bits with one scale");
  if (!w || w.encoding.getValueType().getWidth() > 8)
    return fail(reason, "the weight is not stored as integers of at most 8 bits");
  if (!contraction.hasIntegerForm())
    return fail(reason, "the op has no integer form");
  int64_t channelAxis = contraction.getOutputChannelAxis();
  int64_t channels = typeOf(op->getResult(0)).getDimSize(contraction.getResultChannelAxis());
  if (w.encoding.getAxis() &&
      (*w.encoding.getAxis() != channelAxis || int64_t(w.scales.size()) != channels))
    return fail(reason, "the scale of the weight is not that of the result's channels");
  if (!typeOf(op->getResult(0)).getElementType().isF32())
    return fail(reason, "the result is not f32");

  OpOperand *biasOperand = contraction.getBiasOperand();
  std::vector<int64_t> bias;
  if (biasOperand) {
    StaticTensor stored = getStaticTensor(biasOperand->get());
    auto assemble = stored ? stored.encoded.getDefiningOp<AssembleOp>() : AssembleOp();
    std::optional<HostTensor> values =
        assemble ? getConstant(assemble.getComponents().front()) : std::nullopt;
    if (!values || stored.encoding.getAsymmetric() || stored.scales.size() != w.scales.size())
      return fail(reason, "the bias is not stored at the scale of the products");
    for (auto [own, weightScale] : llvm::zip(stored.scales, w.scales))
      if (own != weightScale * x.scale())
        return fail(reason, "the bias is not stored at the scale of the products");
    bias = values->toInts();
  }

  auto weightStored = w.encoded.getDefiningOp<AssembleOp>();
  std::optional<HostTensor> weights =
      weightStored ? getConstant(weightStored.getComponents().front()) : std::nullopt;
  auto padded = dyn_cast<nn::ZeroPadded>(op);
  SmallVector<int64_t> axes = contraction.getContractionAxes();
  // Zeros that an op puts between or around elements are numbers; as integers they would have to be
  // zx.
  bool readsOnlyStored = padded || axes.size() == 1;
  bool foldZero = x.zeroPoint() != 0 && weights && !w.hasZeroPoints() && readsOnlyStored &&
                  !ShapedType::isDynamic(channels) && weights->shape[channelAxis] == channels;
  if (foldZero) {
    bias.resize(channels);
    for (auto [sum, b] : llvm::zip(sumPerChannel(*weights, channelAxis), bias))
      b -= x.zeroPoint() * sum;
  }

  // The largest sum: with and without the zero point folded.
  int64_t summands = 1;
  for (int64_t axis : axes) {
    int64_t size = typeOf(contraction.getWeightOperand().get()).getDimSize(axis);
    if (ShapedType::isDynamic(size) && axes.size() == 1)
      size = typeOf(contraction.getActivationOperand().get())
                 .getDimSize(contraction.getActivationChannelAxis());
    if (ShapedType::isDynamic(size) ||
        (size && summands > std::numeric_limits<int32_t>::max() / size))
      return fail(reason, "the number of summands is not known");
    summands *= size;
  }
  int64_t largestBias = 0;
  for (int64_t b : bias)
    largestBias = std::max(largestBias, std::abs(b));
  if (summands * 255 * (w.hasZeroPoints() || !weights ? 255 : 128) + largestBias >
      std::numeric_limits<int32_t>::max())
    return fail(reason, "a sum of " + Twine(summands) + " products may overflow i32");
  if (!bias.empty() && !isa<nn::Biased>(op) && int64_t(bias.size()) != channels)
    return fail(reason, "the op takes no bias");

  ResultUse use = findUse(/*absorbClamps=*/true);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  Value activation = getStoredValues(builder, loc, x), weight = getStoredValues(builder, loc, w);
  bool padsExplicitly = false;
  if (foldZero && padded) {
    nn::Padding padding = padded.getZeroPadding();
    auto isPad = [](int64_t count) { return count != 0; };
    padsExplicitly = llvm::any_of(padding.low, isPad) || llvm::any_of(padding.high, isPad);
    if (padsExplicitly) {
      Value zero = constant(x.encoding.getValueType(), {}, ArrayRef<int64_t>{x.zeroPoint()});
      activation = nn::PadOp::create(builder, loc, nn::PadMode::Constant, activation, zero,
                                     padding.low, padding.high);
    }
  } else if (!foldZero) {
    activation = center(x, activation);
  }
  Value acc = contraction.buildIntegerForm(builder, activation, center(w, weight));
  if (padsExplicitly) {
    size_t rank = typeOf(activation).getRank();
    nn::Padding none{SmallVector<int64_t>(rank, 0), SmallVector<int64_t>(rank, 0)};
    (void)cast<nn::ZeroPadded>(acc.getDefiningOp()).setZeroPadding(none);
  }
  if (!bias.empty()) {
    Type i32 = builder.getI32Type();
    if (auto biased = dyn_cast<nn::Biased>(acc.getDefiningOp())) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(biased);
      biased.setBias(constant(i32, {int64_t(bias.size())}, ArrayRef<int64_t>(bias)));
    } else {
      acc = nn::BinaryOp::create(
          builder, loc, acc.getType(), nn::BinaryKind::Add, acc,
          constant(i32, getChannelShape(contraction, channels), ArrayRef<int64_t>(bias)));
    }
  }
  Term term{acc, w.scales, {}};
  for (float &factor : term.factors)
    factor = x.scale() * factor;
  if (term.factors.size() > 1)
    term.factorShape = getChannelShape(contraction, channels);
  finish(use, {term});
  return success();
}
