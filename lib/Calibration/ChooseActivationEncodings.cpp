//===- ChooseActivationEncodings.cpp - Static integer activations -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strategy half of static quantization. In this order:
//
//   1. observers give their statistics and disappear
//   2. which ops can compute on integers, and why the others cannot
//   3. which values are worth storing as integers: those that such an op reads
//   4. which values share parameters, because ops only move their elements
//   5. a range for each group, and from it scale and zero point
//   6. all of this is written down as choices; nothing else changes
//
//===----------------------------------------------------------------------===//

#include "StaticActivations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Calibration/Passes.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/IR/NNWeights.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/Constants.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/GlobPattern.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_CHOOSEACTIVATIONENCODINGSPASS
#include "terse/Calibration/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

class Chooser {
public:
  Chooser(func::FuncOp function, UniformEncodingAttr encoding, RangeOptions options,
          bool integerIslands, bool unifySums, bool floatResiduals,
          llvm::function_ref<bool(Operation *)> isIncluded)
      : function(function), encoding(encoding), options(options), integerIslands(integerIslands),
        unifySums(unifySums), floatResiduals(floatResiduals), isIncluded(isIncluded) {}

  void run() {
    takeStatistics();
    findEligible();
    findStored();
    joinGroups();
    findRanges();
    writeChoices();
  }

  unsigned numChosen = 0, numKept = 0;

private:
  void takeStatistics();
  void findEligible();
  /// Why `op`, which has an integer form, cannot use it; empty if it can.
  std::string getObstacle(Operation *op);
  std::string getWeightObstacle(nn::ContractionLike op);
  std::string getRecurrentObstacle(nn::WeightedOp op);
  void findStored();
  bool isWanted(Value value);
  void joinGroups();
  void findRanges();
  FloatRange getRange(Value value);
  bool isEligible(Operation *op) const {
    auto it = obstacles.find(op);
    return it != obstacles.end() && it->second.empty();
  }
  StaticAttr makeStatic(FloatRange range, const Twine &origin);
  void writeChoices();
  void chooseConstant(OpOperand &operand);
  void set(OpOperand &operand, Attribute value) {
    ChoiceAttr earlier = ChoiceAttr::get(operand.getOwner());
    if (!earlier || !earlier.lookup(operand.getOperandNumber()))
      ChoiceAttr::set(operand, value);
  }

  func::FuncOp function;
  UniformEncodingAttr encoding;
  RangeOptions options;
  bool integerIslands, unifySums, floatResiduals;
  llvm::function_ref<bool(Operation *)> isIncluded;

  llvm::DenseMap<Value, TensorStatistics> statistics;
  llvm::MapVector<Operation *, std::string> obstacles; ///< Empty for ops that are eligible.
  llvm::DenseMap<Value, bool> wanted;
  llvm::SetVector<Value> stored;
  llvm::EquivalenceClasses<void *> groups;
  llvm::DenseMap<void *, FloatRange> ranges; ///< By the leader of the group.
  llvm::DenseMap<Value, StaticAttr> chosen;
};

} // namespace

void Chooser::takeStatistics() {
  function.walk([&](ObserveOp op) {
    Value input = op.getInput();
    if (StatisticsAttr attr = StatisticsAttr::get(op);
        attr && op.getKind() != ObserverKind::Channel)
      statistics[input] = TensorStatistics::fromAttr(attr, op.getName());
    op.replaceAllUsesWith(input);
    op.erase();
  });
}

/// Whether its parameters are given or follow from the weight; null if there is none.
static EncodingAttrInterface getChosenEncoding(Attribute choice) {
  if (auto given = dyn_cast_or_null<StaticAttr>(choice))
    return given.getEncoding();
  return dyn_cast_or_null<EncodingAttrInterface>(choice);
}

std::string Chooser::getWeightObstacle(nn::ContractionLike op) {
  OpOperand &weight = op.getWeightOperand();
  SymbolTableCollection symbols;
  EncodingAttrInterface stored = getEncoding(weight.get().getType());
  if (!stored && !getConstantSource(weight.get(), symbols))
    return ""; // Data, like the activation.
  Attribute choice;
  if (ChoiceAttr choices = ChoiceAttr::get(op))
    choice = choices.lookup(weight.getOperandNumber());
  if (!stored)
    stored = getChosenEncoding(choice);
  if (!stored)
    return "its weight is not to be stored as integers";
  auto uniform = dyn_cast<UniformEncodingAttr>(stored);
  if (!uniform || uniform.getValueType().getWidth() > 8 || uniform.getScaleEncoding())
    return "its weight is not stored as integers of at most 8 bits with plain scales";
  if (!uniform.getBlock().empty() ||
      (uniform.getAxis() && *uniform.getAxis() != op.getOutputChannelAxis()))
    return "the scale of its weight varies within an output channel";
  int64_t channels =
      cast<RankedTensorType>(weight.get().getType()).getDimSize(op.getOutputChannelAxis());
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (uniform.getAxis() && channels != result.getDimSize(op.getResultChannelAxis()))
    return "the output channels of its weight are not those of the result";
  if (OpOperand *bias = op.getBiasOperand(); bias && !getConstantSource(bias->get(), symbols))
    return "its bias is computed";
  // Summands of at most 255 * 128 stay far from the ends of i32.
  int64_t summands = 1;
  for (int64_t axis : op.getContractionAxes())
    summands *= cast<RankedTensorType>(weight.get().getType()).getDimSize(axis);
  if (summands > (int64_t(1) << 15))
    return llvm::formatv("a sum of {0} products may overflow i32", summands).str();
  return "";
}

/// Both weights of a recurrent layer have to be integers whose scales belong to whole rows.
std::string Chooser::getRecurrentObstacle(nn::WeightedOp op) {
  for (const nn::WeightDescription &weight : op.getWeights()) {
    auto type = cast<RankedTensorType>(weight.operand->get().getType());
    EncodingAttrInterface stored = getEncoding(type);
    if (ChoiceAttr choices = ChoiceAttr::get(op); choices && !stored)
      stored = getChosenEncoding(choices.lookup(weight.operand->getOperandNumber()));
    auto uniform = dyn_cast_or_null<UniformEncodingAttr>(stored);
    if (!uniform || uniform.getValueType().getWidth() > 8 || uniform.getScaleEncoding())
      return "its weights are not stored as integers of at most 8 bits with plain scales";
    SmallVector<int64_t> extents = uniform.getGranularity().getExtents(type.getShape());
    bool isAxis = uniform.getAxis() && *uniform.getAxis() == 1;
    bool isRow = !uniform.getBlock().empty() && extents[1] == 1 && extents[2] == type.getDimSize(2);
    if (!isAxis && !isRow && !uniform.isPerTensor())
      return "the scales of its weights vary within a row";
  }
  return "";
}

std::string Chooser::getObstacle(Operation *op) {
  if (op->getParentOp() != function)
    return "it is not at the top level of the model";
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    if (std::string obstacle = getWeightObstacle(contraction); !obstacle.empty())
      return obstacle;
  if (getForm(op) == nn::IntegerForm::Recurrent)
    if (std::string obstacle = getRecurrentObstacle(cast<nn::WeightedOp>(op)); !obstacle.empty())
      return obstacle;
  for (OpOperand *operand : getDataOperands(op)) {
    Value value = operand->get();
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.getElementType().isF32() || type.getEncoding())
      return "its data is not f32";
    if (!isFloatActivation(value))
      continue; // A constant.
    if (isFusedClamp(op))
      continue; // Reads what is never stored.
    auto it = statistics.find(value);
    if (it == statistics.end())
      return "there are no statistics of its data";
    if (it->second.nonFinite)
      return llvm::formatv("calibration saw {0} values of '{1}' that are no finite numbers",
                           it->second.nonFinite, it->second.name)
          .str();
  }
  return "";
}

void Chooser::findEligible() {
  llvm::DenseSet<Operation *> sensitive = findSensitive(function.getBody().front()), residuals;
  if (floatResiduals)
    residuals = findResiduals(function.getBody().front());
  for (Operation &op : function.getBody().front()) {
    if (getDataOperands(&op).empty())
      continue;
    bool isIsland =
        getForm(&op) == nn::IntegerForm::Normalize || getForm(&op) == nn::IntegerForm::Recurrent;
    if (!hasIntegerForm(&op) || (isIsland && !integerIslands)) {
      if (auto quantizable = dyn_cast<nn::Quantizable>(op))
        obstacles[&op] = quantizable.getFloatReason();
      continue;
    }
    if (sensitive.contains(&op))
      obstacles[&op] = "rounding errors would grow here";
    else if (residuals.contains(&op))
      obstacles[&op] = "it is part of a residual stream that is kept in float";
    else if (isIncluded(&op))
      obstacles[&op] = getObstacle(&op);
  }
}

/// Whether storing `value` as integers lets some op compute on them.
bool Chooser::isWanted(Value value) {
  if (auto it = wanted.find(value); it != wanted.end())
    return it->second;
  bool result = false;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    auto it = obstacles.find(user);
    if (it == obstacles.end() || !it->second.empty() ||
        !llvm::is_contained(getDataOperands(user), &use))
      continue;
    // What is only moved, to be read in float after all, gains nothing.
    if (getForm(user) == nn::IntegerForm::Move &&
        isa<FloatType>(cast<RankedTensorType>(user->getResult(0).getType()).getElementType()) &&
        !isWanted(user->getResult(0)))
      continue;
    // A clamp that its producer takes over reads nothing that is stored.
    if (isFusedClamp(user) && obstacles.lookup(value.getDefiningOp()).empty() &&
        obstacles.count(value.getDefiningOp()))
      continue;
    result = true;
  }
  return wanted[value] = result;
}

void Chooser::findStored() {
  auto consider = [&](Value value) {
    if (isFloatActivation(value) && isWanted(value) && statistics.count(value) &&
        !isComposed(value, [&](Operation *op) { return isEligible(op); }))
      stored.insert(value);
  };
  for (Value argument : function.getArguments())
    consider(argument);
  for (Operation &op : function.getBody().front())
    for (Value result : op.getResults())
      consider(result);
}

FloatRange Chooser::getRange(Value value) {
  FloatRange range = estimateRange(statistics.lookup(value), options);
  if (Operation *op = value.getDefiningOp())
    if (auto quantizable = dyn_cast<nn::Quantizable>(op))
      if (auto bounds = quantizable.getResultBounds())
        range = {std::max(range.low, bounds->low), std::min(range.high, bounds->high)};
  return cutFlatEnds(value, range, [&](Operation *op) { return isEligible(op); });
}

/// Whether `op` adds or subtracts two stored tensors which only such ops read.
static bool isSumOfOwn(Operation *op, llvm::function_ref<bool(Value)> isStored) {
  auto isSum = [](Operation *user) {
    auto binary = dyn_cast<nn::BinaryOp>(user);
    return binary &&
           llvm::is_contained({nn::BinaryKind::Add, nn::BinaryKind::Sub}, binary.getKind());
  };
  return isSum(op) && llvm::all_of(op->getOperands(), [&](Value value) {
           return isStored(value) && llvm::all_of(value.getUsers(), isSum);
         });
}

void Chooser::joinGroups() {
  for (Value value : stored)
    groups.insert(value.getAsOpaquePointer());
  if (unifySums)
    for (auto &[op, obstacle] : obstacles)
      if (obstacle.empty() && isSumOfOwn(op, [&](Value value) { return stored.contains(value); }))
        groups.unionSets(op->getOperand(0).getAsOpaquePointer(),
                         op->getOperand(1).getAsOpaquePointer());
  for (auto &[op, obstacle] : obstacles) {
    if (!obstacle.empty() || getForm(op) != nn::IntegerForm::Move)
      continue;
    Value result = op->getResult(0);
    SmallVector<OpOperand *> data = getDataOperands(op);
    if (!stored.contains(result)) {
      // Compared or picked from only: its operands share parameters all the same.
      for (OpOperand *operand : llvm::drop_begin(data))
        if (stored.contains(operand->get()) && stored.contains(data.front()->get()))
          groups.unionSets(operand->get().getAsOpaquePointer(),
                           data.front()->get().getAsOpaquePointer());
      continue;
    }
    FloatRange whole = getRange(result);
    for (OpOperand *operand : data) {
      Value value = operand->get();
      if (!stored.contains(value))
        continue;
      FloatRange own = getRange(value);
      bool isReadElsewhere =
          !llvm::all_of(value.getUsers(), [op = op](Operation *user) { return user == op; });
      // Another reader would see half of the precision or less: a requantization costs less.
      if (data.size() > 1 && isReadElsewhere && 2 * (own.high - own.low) < whole.high - whole.low)
        continue;
      groups.unionSets(value.getAsOpaquePointer(), result.getAsOpaquePointer());
    }
  }
}

void Chooser::findRanges() {
  for (Value value : stored) {
    FloatRange own = getRange(value);
    void *leader = *groups.findLeader(value.getAsOpaquePointer());
    auto [it, inserted] = ranges.try_emplace(leader, own);
    if (!inserted)
      it->second = {std::min(it->second.low, own.low), std::max(it->second.high, own.high)};
  }
}

StaticAttr Chooser::makeStatic(FloatRange range, const Twine &origin) {
  MLIRContext *context = encoding.getContext();
  numerics::QuantRange grid{encoding.getQMin(), encoding.getQMax()};
  numerics::QuantParams parameters =
      encoding.getAsymmetric()
          ? numerics::chooseAsymmetric(float(range.low), float(range.high), grid)
          : numerics::chooseSymmetric(float(std::max(-range.low, range.high)), grid);
  auto scalar = [&](Type type) { return RankedTensorType::get({}, type); };
  SmallVector<Attribute> values{
      DenseElementsAttr::get(scalar(Float32Type::get(context)), parameters.scale)};
  if (encoding.getAsymmetric()) {
    IntegerType type = encoding.getValueType();
    values.push_back(
        DenseElementsAttr::get(scalar(type), APInt(type.getWidth(), uint64_t(parameters.zeroPoint),
                                                   /*isSigned=*/true, /*implicitTrunc=*/true)));
  }
  return StaticAttr::get(context, encoding, values, StringAttr::get(context, origin));
}

/// Constants that take part as data: with the parameters of what they are moved with, or in 16 bits
/// of their own.
void Chooser::chooseConstant(OpOperand &operand) {
  Operation *op = operand.getOwner();
  std::optional<HostTensor> tensor = getConstant(operand.get());
  if (!tensor)
    return;
  if (getForm(op) == nn::IntegerForm::Move) {
    if (StaticAttr shared = chosen.lookup(op->getResult(0)))
      set(operand, shared);
    return;
  }
  numerics::FiniteRange range;
  for (float value : tensor->toFloats())
    range.add(value);
  MLIRContext *context = op->getContext();
  auto wide = UniformEncodingAttr::get(IntegerType::get(context, 16));
  float scale = numerics::chooseSymmetric(range.absMax(), {wide.getQMin(), wide.getQMax()}).scale;
  auto type = RankedTensorType::get({}, Float32Type::get(context));
  set(operand, StaticAttr::get(context, wide, {Attribute(DenseElementsAttr::get(type, scale))},
                               StringAttr()));
}

void Chooser::writeChoices() {
  MLIRContext *context = function.getContext();
  for (Value value : stored) {
    const TensorStatistics &seen = statistics[value];
    FloatRange range = ranges.lookup(*groups.findLeader(value.getAsOpaquePointer()));
    std::string origin;
    llvm::raw_string_ostream(origin)
        << stringifyRangeMethod(options.method) << " of " << seen.samples << " samples of '"
        << seen.name << "'"
        << llvm::format(" in [%.4g, %.4g]: [%.4g, %.4g]", double(seen.min), double(seen.max),
                        double(range.low), double(range.high));
    chosen[value] = makeStatic(range, origin);
  }
  for (auto &[op, obstacle] : obstacles) {
    SmallVector<OpOperand *> data = getDataOperands(op);
    bool reads =
        llvm::any_of(data, [&](OpOperand *operand) { return stored.contains(operand->get()); });
    if (!obstacle.empty()) {
      ++numKept;
      if (!reads) // What reads integers decodes them; the reason is for those that could have.
        set(*data.front(), StringAttr::get(context, "float: " + obstacle));
      continue;
    }
    if (!reads)
      continue;
    ++numChosen;
    for (OpOperand *operand : data)
      if (!isFloatActivation(operand->get()))
        chooseConstant(*operand);
    if (auto contraction = dyn_cast<nn::ContractionLike>(op))
      if (OpOperand *bias = contraction.getBiasOperand()) {
        Attribute choice =
            ChoiceAttr::get(op)
                ? ChoiceAttr::get(op).lookup(contraction.getWeightOperand().getOperandNumber())
                : Attribute();
        auto weight = dyn_cast_or_null<UniformEncodingAttr>(getChosenEncoding(choice));
        if (!weight)
          weight = dyn_cast_or_null<UniformEncodingAttr>(
              getEncoding(contraction.getWeightOperand().get().getType()));
        bool perChannel = weight && weight.getAxis();
        set(*bias,
            ProductAttr::get(context, UniformEncodingAttr::get(
                                          IntegerType::get(context, 32),
                                          perChannel ? std::optional<int64_t>(0) : std::nullopt)));
      }
  }
  // Every reader of a stored value reads the integers; what computes in float decodes them, so that
  // no value exists twice.
  for (Value value : stored)
    for (OpOperand &use : value.getUses())
      set(use, chosen[value]);
}

namespace {

struct ChooseActivationEncodingsPass
    : terse::impl::ChooseActivationEncodingsPassBase<ChooseActivationEncodingsPass> {
  using ChooseActivationEncodingsPassBase::ChooseActivationEncodingsPassBase;

  LogicalResult parse(ArrayRef<std::string> texts, SmallVectorImpl<llvm::GlobPattern> &patterns) {
    for (const std::string &text : texts) {
      auto pattern = llvm::GlobPattern::create(text);
      if (!pattern)
        return emitError(getOperation().getLoc())
               << "layer pattern '" << text
               << "' is malformed: " << llvm::toString(pattern.takeError());
      patterns.push_back(std::move(*pattern));
    }
    return success();
  }

  void runOnOperation() override {
    SmallVector<llvm::GlobPattern> included, excluded;
    if (failed(parse(layers, included)) || failed(parse(exceptLayers, excluded)))
      return signalPassFailure();
    auto dtype = DType::parse(activationType);
    if (!dtype || !dtype->isInteger() || dtype->isBool() || dtype->getBits() < 4 ||
        dtype->getBits() > 8) {
      emitError(getOperation().getLoc())
          << "option activation-type: expected i4 to i8 or ui4 to ui8 (got '" << activationType
          << "')";
      return signalPassFailure();
    }
    if (symmetric && dtype->isUnsignedInteger()) {
      emitError(getOperation().getLoc())
          << "option symmetric: expected a signed activation-type (got '" << activationType << "')";
      return signalPassFailure();
    }
    if (!(percentile > 50 && percentile <= 100)) {
      emitError(getOperation().getLoc())
          << "option percentile: expected more than 50 and at most 100 (got "
          << percentile.getValue() << ")";
      return signalPassFailure();
    }
    auto type = IntegerType::get(&getContext(), dtype->getBits(),
                                 dtype->isUnsignedInteger() ? IntegerType::Unsigned
                                                            : IntegerType::Signless);
    auto encoding = UniformEncodingAttr::get(type, std::nullopt, {}, {}, /*asymmetric=*/!symmetric,
                                             /*narrow=*/false);
    RangeOptions options{method, percentile,
                         encoding.getQMax() - encoding.getQMin() - (symmetric ? 1 : 0), symmetric};
    auto isIncluded = [&](Operation *op) {
      std::string layer = getLayerName(op);
      auto matches = [&](const llvm::GlobPattern &pattern) { return pattern.match(layer); };
      return llvm::any_of(included, matches) && llvm::none_of(excluded, matches);
    };
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration())
        continue;
      Chooser chooser(function, encoding, options, integerIslands, unifySums, floatResiduals,
                      isIncluded);
      chooser.run();
      numChosen += chooser.numChosen;
      numKept += chooser.numKept;
    }
  }
};

} // namespace
