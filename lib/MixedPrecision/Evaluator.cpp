//===- Evaluator.cpp - Outputs with other weights ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/RoundedActivations.h"
#include "terse/MixedPrecision/Sensitivity.h"
#include "terse/Support/Error.h"
#include "llvm/Support/Parallel.h"

#include <mutex>

using namespace terse;
using namespace terse::mixed;

llvm::Expected<std::unique_ptr<Evaluator>>
Evaluator::create(mlir::ModuleOp module, const Inventory &inventory, const Dataset &data,
                  const EvaluatorOptions &options, llvm::ArrayRef<mlir::OpOperand *> rounded) {
  auto external = externalizeWeights(module, inventory, rounded);
  if (!external)
    return external.takeError();
  // Samples run in parallel, each in one thread: nothing has to wait for anything.
  CompileOptions compile;
  compile.parallel = false;
  auto model = SwappableModel::create(*external->module, external->symbols, compile);
  if (!model)
    return model.takeError();
  std::unique_ptr<Evaluator> result(new Evaluator(inventory, data, options, rounded));
  result->grids.assign(rounded.size(), getGrid(nullptr));
  result->model = std::move(*model);
  if (llvm::Error error = result->runReference())
    return std::move(error);
  return result;
}

llvm::Error Evaluator::runReference() {
  ModelSignature signature{model->getInputs().drop_back(grids.size()).vec(),
                           model->getOutputs().vec()};
  auto bound = data.bind(signature);
  if (!bound)
    return bound.takeError();
  arrays = std::move(*bound);
  if (signature.outputs.empty())
    return makeError("the model has no outputs");
  if (!options.output.empty()) {
    while (scoreOutput < signature.outputs.size() &&
           signature.outputs[scoreOutput].name != options.output)
      ++scoreOutput;
    if (scoreOutput == signature.outputs.size())
      return makeError("the model has no output '{0}'", options.output);
  }
  count = options.limit > 0 ? std::min(options.limit, data.size()) : data.size();
  batch = getBatchSize(signature, options.batch);
  auto all = runAll(count);
  if (!all)
    return all.takeError();
  outputs = std::move(*all);
  for (const std::vector<HostTensor> &results : outputs) {
    auto own = getScores(results);
    if (!own)
      return own.takeError();
    probabilities &= areProbabilities(*own);
    scores.push_back(std::move(*own));
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<std::vector<HostTensor>>> Evaluator::runAll(int64_t samples) {
  if (llvm::Error error = model->refresh())
    return std::move(error);
  size_t batches = llvm::divideCeil(samples, batch);
  std::vector<std::vector<HostTensor>> results(batches);
  std::mutex mutex;
  std::optional<llvm::Error> failed;
  llvm::parallelFor(0, batches, [&](size_t i) {
    std::vector<HostTensor> inputs = Dataset::slice(arrays, int64_t(i) * batch, batch);
    llvm::append_range(inputs, grids);
    auto own = model->run(inputs);
    if (own) {
      results[i] = std::move(*own);
      return;
    }
    std::lock_guard<std::mutex> lock(mutex);
    if (failed)
      llvm::consumeError(own.takeError());
    else
      failed.emplace(own.takeError());
  });
  if (failed)
    return std::move(*failed);
  return std::move(results);
}

llvm::Expected<Scores> Evaluator::getScores(llvm::ArrayRef<HostTensor> results) const {
  const HostTensor &output = results[scoreOutput];
  if (output.shape.empty() || output.shape[0] != batch || output.getNumElements() == 0)
    return makeError("output '{0}' ({1}) has no scores per sample; name another with output",
                     model->getOutputs()[scoreOutput].name, output.getTypeString());
  return Scores::from(output);
}

llvm::Error Evaluator::setUnit(size_t unit, const EncodedUnit *encoded) {
  for (auto [i, constant] : llvm::enumerate(inventory.units[unit].constants))
    if (llvm::Error error = model->set(constant, encoded ? encoded->weights[i].decoded
                                                         : inventory.constants[constant].values))
      return error;
  for (auto [operand, grid] : llvm::zip_equal(rounded, grids)) {
    if (!llvm::is_contained(inventory.units[unit].ops, operand->getOwner()))
      continue;
    grid = getGrid(nullptr);
    if (encoded)
      for (auto [other, choice] : encoded->others)
        if (other == operand && isRoundable(*operand, choice))
          grid = getGrid(choice);
  }
  return llvm::Error::success();
}

std::optional<double> Evaluator::getFloatMetric(int64_t samples) const {
  if (!data.hasLabels())
    return std::nullopt;
  int64_t total = samples > 0 ? std::min(samples, count) : count, hits = 0;
  for (int64_t sample = 0; sample < total; ++sample)
    hits += isAmongBest(scores[sample / batch].row(sample % batch), data.getLabels()[sample],
                        options.k);
  return double(hits) / double(total);
}

llvm::Expected<OutputMeasure> Evaluator::measure(int64_t samples) {
  OutputMeasure result;
  result.samples = samples > 0 ? std::min(samples, count) : count;
  Distortion distortion;
  int64_t hits = 0;
  auto all = runAll(result.samples);
  if (!all)
    return all.takeError();
  for (auto [at, results] : llvm::enumerate(*all)) {
    int64_t first = int64_t(at) * batch;
    for (auto [reference, output] : llvm::zip(outputs[at], results))
      if (output.dtype.isFloat())
        distortion.add(reference, output);
    auto own = getScores(results);
    if (!own)
      return own.takeError();
    for (int64_t i = 0; i < batch && first + i < result.samples; ++i) {
      llvm::ArrayRef<float> row = own->row(i), reference = scores[at].row(i);
      result.divergence += getDivergence(reference, row, probabilities);
      result.changed += getPrediction(row) != getPrediction(reference);
      if (data.hasLabels())
        hits += isAmongBest(row, data.getLabels()[first + i], options.k);
    }
  }
  // So large a ratio is as good as infinite, and can be written to a file.
  result.noise = std::min(distortion.getRatio(), 1e9);
  result.divergence /= double(result.samples);
  if (data.hasLabels())
    result.metric = double(hits) / double(result.samples);
  return result;
}
