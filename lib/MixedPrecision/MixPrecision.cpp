//===- MixPrecision.cpp - Choose a format for each layer --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/MixedPrecision/LayerLatency.h"
#include "terse/MixedPrecision/Passes.h"
#include "terse/MixedPrecision/Plan.h"
#include "terse/MixedPrecision/RoundedActivations.h"
#include "terse/Recovery/ChosenWeights.h"
#include "terse/Report/ModelReport.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/GlobPattern.h"

namespace terse {
#define GEN_PASS_DEF_MIXPRECISIONPASS
#include "terse/MixedPrecision/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

namespace {

struct MixPrecisionPass : terse::impl::MixPrecisionPassBase<MixPrecisionPass> {
  using MixPrecisionPassBase::MixPrecisionPassBase;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

private:
  llvm::Error run();
  llvm::Expected<SearchOptions> readOptions();
  llvm::Expected<std::vector<llvm::GlobPattern>> parsePatterns(ArrayRef<std::string> texts);
  llvm::Expected<SensitivityTable> getSensitivities(const Inventory &inventory,
                                                    ArrayRef<Candidate> formats,
                                                    ArrayRef<std::vector<EncodedUnit>> encoded,
                                                    Evaluator *evaluator, bool needsTimes);
  llvm::Error checkFit(const SensitivityTable &table, const Inventory &inventory, bool needsLabels);
  llvm::Error chooseActivations();
  void writeChoices(const Inventory &inventory, ArrayRef<std::vector<EncodedUnit>> encoded,
                    const SearchResult &result);
};

} // namespace

llvm::Expected<SearchOptions> MixPrecisionPass::readOptions() {
  SearchOptions options;
  options.loss = loss;
  options.time = latency;
  options.keepFloat = keepFloat;
  options.maxDrop = maxDrop;
  auto size = Budget::parseSize(maxSize);
  if (!size)
    return makeError("option max-size: {0}", llvm::toString(size.takeError()));
  auto time = Budget::parseTime(maxLatency);
  if (!time)
    return makeError("option max-latency: {0}", llvm::toString(time.takeError()));
  options.size = *size;
  options.latency = *time;
  if (!size->given && !time->given && maxDrop < 0)
    return makeError("mixed precision needs a budget: max-size, max-drop or max-latency (terse "
                     "compress: --max-size 0.15x, "
                     "--max-drop 0.5, --max-latency 0.9x)");
  if (time->given && !time->isRatio && latency == TimeKind::Operations)
    return makeError("option max-latency: '{0}' is a time, and operations have none; give a ratio "
                     "such as 0.9x, or "
                     "latency=measured",
                     maxLatency);
  if (data.empty())
    return makeError("mixed precision measures on data: give inputs and labels with data (terse "
                     "compress: --data DATA.npz "
                     "--labels KEY)");
  if (labels.empty() && (maxDrop >= 0 || loss == LossKind::Metric))
    return makeError(
        "{0} needs labels: give the name of their array with labels (terse compress: --labels KEY)",
        maxDrop >= 0 ? "max-drop" : "loss=metric");
  return options;
}

llvm::Expected<std::vector<llvm::GlobPattern>>
MixPrecisionPass::parsePatterns(ArrayRef<std::string> texts) {
  std::vector<llvm::GlobPattern> patterns;
  for (const std::string &text : texts) {
    auto pattern = llvm::GlobPattern::create(text);
    if (!pattern)
      return makeError("layer pattern '{0}' is malformed: {1}", text,
                       llvm::toString(pattern.takeError()));
    patterns.push_back(std::move(*pattern));
  }
  return std::move(patterns);
}

llvm::Error MixPrecisionPass::checkFit(const SensitivityTable &table, const Inventory &inventory,
                                       bool needsLabels) {
  std::vector<std::string> texts;
  for (const std::string &candidate : candidates)
    texts.push_back(StringRef(candidate).trim().str());
  const char *remedy = "remove the file to measure again";
  if (table.hash != hashWeights(inventory) || table.units.size() != inventory.units.size())
    return makeError("'{0}' has the sensitivities of other weights; {1}", sensitivities.getValue(),
                     remedy);
  if (table.candidates != texts)
    return makeError("'{0}' has the sensitivities of other candidates; {1}",
                     sensitivities.getValue(), remedy);
  if (table.activations != activations)
    return makeError("'{0}' has the sensitivities of other activations; {1}",
                     sensitivities.getValue(), remedy);
  if (needsLabels && !table.hasLabels)
    return makeError("'{0}' was measured without labels; {1}", sensitivities.getValue(), remedy);
  return llvm::Error::success();
}

llvm::Expected<SensitivityTable>
MixPrecisionPass::getSensitivities(const Inventory &inventory, ArrayRef<Candidate> formats,
                                   ArrayRef<std::vector<EncodedUnit>> encoded, Evaluator *evaluator,
                                   bool needsTimes) {
  llvm::Expected<SensitivityTable> table = SensitivityTable();
  bool changed = true;
  if (!sensitivities.empty() && llvm::sys::fs::exists(sensitivities)) {
    table = readSensitivities(sensitivities);
    if (!table)
      return table;
    if (llvm::Error error = checkFit(*table, inventory, loss == LossKind::Metric))
      return std::move(error);
    changed = false;
  } else {
    table = measureSensitivities(inventory, formats, encoded, *evaluator, samples);
    if (!table)
      return table;
    table->data = data;
    table->activations = activations;
  }
  if (needsTimes && !table->hasTimes) {
    if (llvm::Error error = measureTimes(inventory, encoded, *table))
      return std::move(error);
    changed = true;
  }
  if (changed && !sensitivities.empty())
    if (llvm::Error error = writeSensitivities(sensitivities, *table))
      return std::move(error);
  return table;
}

void MixPrecisionPass::writeChoices(const Inventory &inventory,
                                    ArrayRef<std::vector<EncodedUnit>> encoded,
                                    const SearchResult &result) {
  SymbolTable symbols(getOperation());
  for (auto [u, unit] : llvm::enumerate(inventory.units)) {
    const Decision &decision = result.decisions[u];
    ++numUnits;
    numKept += !decision.candidate;
    for (auto [i, constant] : llvm::enumerate(unit.constants)) {
      Attribute choice = decision.candidate
                             ? encoded[*decision.candidate][u].weights[i].choice
                             : Attribute(StringAttr::get(&getContext(), decision.kept));
      const EncodedWeight *weight =
          decision.candidate ? &encoded[*decision.candidate][u].weights[i] : nullptr;
      for (OpOperand *operand : inventory.constants[constant].operands) {
        ChoiceAttr::set(*operand, choice);
        if (weight && weight->replacement)
          replaceConstant(*operand, *weight->replacement, inventory.constants[constant].source.name,
                          symbols);
      }
    }
  }
}

llvm::Error MixPrecisionPass::chooseActivations() {
  OpPassManager pipeline(ModuleOp::getOperationName());
  std::string message;
  llvm::raw_string_ostream os(message);
  if (!activations.empty() && (failed(parsePassPipeline(activations, pipeline, os)) ||
                               failed(runPipeline(pipeline, getOperation()))))
    return makeError("option activations: '{0}' failed {1}", activations.getValue(), message);
  return llvm::Error::success();
}

llvm::Error MixPrecisionPass::run() {
  auto options = readOptions();
  if (!options)
    return options.takeError();
  auto included = parsePatterns(layers);
  if (!included)
    return included.takeError();
  auto excluded = parsePatterns(exceptLayers);
  if (!excluded)
    return excluded.takeError();
  EvaluatorOptions evaluation;
  StringRef number = metric;
  if (!number.consume_front("top") || number.getAsInteger(10, evaluation.k) || evaluation.k < 1)
    return makeError("option metric: expected top1, top5 or topN (got '{0}')", metric.getValue());
  if (samples < 1 || limit < 0)
    return makeError("option samples: expected a positive number (got {0})", samples.getValue());
  evaluation.output = output;
  bool needsAll = maxDrop >= 0;
  evaluation.limit = needsAll ? limit : samples;

  auto isIncluded = [&](StringRef name) {
    auto matches = [&](const llvm::GlobPattern &pattern) { return pattern.match(name); };
    return llvm::any_of(*included, matches) && llvm::none_of(*excluded, matches);
  };
  Inventory inventory = takeInventory(getOperation(), isIncluded);
  std::vector<Candidate> formats;
  std::vector<std::vector<EncodedUnit>> encoded;
  for (const std::string &text : candidates) {
    auto candidate = Candidate::parse(text);
    if (!candidate)
      return candidate.takeError();
    auto units = tryCandidate(getOperation(), inventory, *candidate,
                              calibration.empty() ? data : calibration, activations);
    if (!units)
      return units.takeError();
    formats.push_back(std::move(*candidate));
    encoded.push_back(std::move(*units));
  }
  if (formats.empty())
    return makeError("option candidates: expected at least one format");

  // Nothing has to run where sensitivities are known and no promise is made.
  bool needsTimes = options->latency.given && options->time == TimeKind::Measured;
  if (!needsTimes)
    options->time = TimeKind::Operations; // What can be said without measuring.
  bool isKnown = !sensitivities.empty() && llvm::sys::fs::exists(sensitivities);
  std::optional<Dataset> dataset;
  std::unique_ptr<Evaluator> evaluator;
  if (!isKnown || needsAll || needsTimes) {
    auto opened = Dataset::open(data, labels);
    if (!opened)
      return opened.takeError();
    dataset = std::move(*opened);
    llvm::SetVector<OpOperand *> rounded;
    for (const std::vector<EncodedUnit> &units : encoded)
      for (const EncodedUnit &unit : units)
        for (auto [operand, choice] : unit.others)
          if (isRoundable(*operand, choice))
            rounded.insert(operand);
    auto created = Evaluator::create(getOperation(), inventory, *dataset, evaluation,
                                     rounded.getArrayRef());
    if (!created)
      return created.takeError();
    evaluator = std::move(*created);
  }
  auto table = getSensitivities(inventory, formats, encoded, evaluator.get(), needsTimes);
  if (!table)
    return table.takeError();

  WholeModel whole;
  ModelReport report = reportModel(getOperation());
  whole.plainBytes = report.getPlainBytes();
  whole.otherBytes = report.getBytes();
  for (const Unit &unit : inventory.units) {
    whole.otherBytes -= std::min(whole.otherBytes, unit.plainBytes);
    whole.time += unit.operations;
  }
  if (needsTimes) {
    auto time = measureModelTime(getOperation(), evaluator->getInputs());
    if (!time)
      return time.takeError();
    whole.time = *time;
  }

  auto evaluate = [&](ArrayRef<std::optional<size_t>> picks) -> llvm::Expected<OutputMeasure> {
    for (auto [u, pick] : llvm::enumerate(picks))
      if (llvm::Error error = evaluator->setUnit(u, pick ? &encoded[*pick][u] : nullptr))
        return std::move(error);
    return evaluator->measure();
  };
  auto result = searchFormats(*table, whole, *options, evaluate,
                              needsAll ? evaluator->getFloatMetric() : std::nullopt);
  if (!result)
    return result.takeError();
  writeChoices(inventory, encoded, *result);
  if (llvm::Error error = chooseActivations())
    return error;
  if (plan.empty())
    return llvm::Error::success();
  llvm::json::Value described = describePlan(*table, whole, *options, *result);
  return writeFileAtomically(plan, [&](llvm::raw_ostream &os) {
    os << llvm::formatv("{0:2}\n", described);
    return llvm::Error::success();
  });
}
