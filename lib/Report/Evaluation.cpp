//===- Evaluation.cpp - What eval finds out ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/Evaluation.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;

static std::string formatSQNR(const Distortion &distortion) {
  std::optional<double> value = distortion.getSQNR();
  return value ? llvm::formatv("{0:F1} dB", *value).str() : "equal";
}

static llvm::json::Array toJSON(llvm::ArrayRef<std::pair<std::string, Distortion>> list) {
  llvm::json::Array result;
  for (const auto &[name, distortion] : list) {
    llvm::json::Object item{{"name", name}, {"equal", distortion.noise == 0}};
    if (std::optional<double> value = distortion.getSQNR())
      item["sqnr_db"] = *value;
    result.push_back(std::move(item));
  }
  return result;
}

static llvm::json::Object describe(const Distortion &distortion) {
  llvm::json::Object item{{"equal", distortion.noise == 0}};
  if (std::optional<double> value = distortion.getSQNR())
    item["sqnr_db"] = *value;
  return item;
}

static llvm::json::Array toJSON(llvm::ArrayRef<LayerError> layers) {
  llvm::json::Array list;
  for (auto [layer, share] : llvm::zip(layers, getLossShares(layers)))
    list.push_back(llvm::json::Object{{"name", layer.name},
                                      {"local", describe(layer.local)},
                                      {"accumulated", describe(layer.accumulated)},
                                      {"output", describe(layer.output)},
                                      {"loss_share", share}});
  return list;
}

static llvm::json::Array toJSON(llvm::ArrayRef<GroupAccuracy> groups) {
  llvm::json::Array list;
  for (const GroupAccuracy &group : groups)
    list.push_back(llvm::json::Object{{"group", group.group},
                                      {"samples", group.samples},
                                      {"reference_hits", group.reference},
                                      {"hits", group.hits},
                                      {"drop", group.getDrop()}});
  return list;
}

static llvm::json::Array toJSON(llvm::ArrayRef<HistogramPicture> histograms) {
  llvm::json::Array list;
  for (const HistogramPicture &histogram : histograms)
    list.push_back(histogram.toJSON());
  return list;
}

/// What is known of the inside of a model.
static void addInside(const ModelResult &model, llvm::json::Object &item) {
  using namespace llvm::json;
  item["layers"] = ::toJSON(model.layers);
  if (!model.classes.empty())
    item["classes"] = ::toJSON(model.classes);
  if (!model.slices.empty())
    item["slices"] = ::toJSON(model.slices);
  if (model.storage)
    item["storage"] = model.storage->toJSON();
  Array weights, activations;
  for (const WeightError &weight : model.weights) {
    Object entry = describe(weight.distortion);
    entry["name"] = weight.name;
    weights.push_back(std::move(entry));
  }
  for (const ActivationUse &use : model.activations)
    activations.push_back(Object{{"name", use.name},
                                 {"seen", int64_t(use.seen)},
                                 {"below", int64_t(use.below)},
                                 {"above", int64_t(use.above)}});
  item["weight_sqnr"] = std::move(weights);
  item["saturation"] = std::move(activations);
  item["activation_histograms"] = ::toJSON(model.activationHistograms);
  item["weight_histograms"] = ::toJSON(model.weightHistograms);
  if (model.manifest.getAsObject())
    item["manifest"] = model.manifest;
}

llvm::json::Value Evaluation::toJSON() const {
  using namespace llvm::json;
  Array list;
  for (const ModelResult &model : models) {
    Object item{{"model", model.path},
                {"runs_as", model.kind},
                {"file_bytes", int64_t(model.bytes)},
                {"code_bytes", int64_t(model.codeBytes)},
                {"size_ratio", double(model.bytes) / double(models.front().bytes)},
                {"batch", model.batch},
                {"latency", model.latencies.toJSON()},
                {"predictions", Array(model.predictions)}};
    Object metrics;
    for (const auto &[name, value] : model.metrics)
      metrics[name] = value;
    if (!model.metrics.empty())
      item["metrics"] = std::move(metrics);
    if (&model != &models.front()) {
      Array changed;
      for (const ChangedPrediction &change : model.changed) {
        Object entry{{"index", change.index},
                     {"reference", change.reference},
                     {"prediction", change.prediction}};
        if (!labels.empty())
          entry["label"] = labels[change.index];
        changed.push_back(std::move(entry));
      }
      item["changed_predictions"] = std::move(changed);
      item["output_sqnr"] = ::toJSON(model.outputs);
      addInside(model, item);
    }
    list.push_back(std::move(item));
  }
  Object result{{"terse_evaluation", 1},
                {"data", data},
                {"samples", samples},
                {"traced_samples", tracedSamples},
                {"models", std::move(list)}};
  if (!sliceName.empty())
    result["slices_by"] = sliceName;
  return result;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

/// Rows of cells; the first row is the header.
static std::vector<std::vector<std::string>> makeTable(const Evaluation &evaluation) {
  std::vector<std::vector<std::string>> rows(1, {"model", "bytes", "size"});
  for (const auto &[name, value] : evaluation.models.front().metrics)
    rows[0].push_back(name);
  llvm::append_range(
      rows[0], std::vector<std::string>{"changed", "output SQNR", "p50 ms", "p90 ms", "p99 ms"});
  for (const ModelResult &model : evaluation.models) {
    std::vector<std::string> row{model.path, std::to_string(model.bytes)};
    row.push_back(
        llvm::formatv("{0:F4}x", double(model.bytes) / double(evaluation.models.front().bytes)));
    for (const auto &[name, value] : model.metrics)
      row.push_back(llvm::formatv("{0:F4}", value));
    bool isReference = &model == &evaluation.models.front();
    row.push_back(isReference ? "-" : std::to_string(model.changed.size()));
    row.push_back(isReference || model.outputs.empty() ? "-"
                                                       : formatSQNR(model.outputs.front().second));
    for (double percent : {50, 90, 99})
      row.push_back(llvm::formatv("{0:F3}", model.latencies.getPercentile(percent)));
    rows.push_back(std::move(row));
  }
  return rows;
}

void Evaluation::print(llvm::raw_ostream &os) const {
  std::vector<std::vector<std::string>> rows = makeTable(*this);
  std::vector<size_t> widths(rows[0].size());
  for (const auto &row : rows)
    for (auto [width, cell] : llvm::zip(widths, row))
      width = std::max(width, cell.size());
  os << samples << " samples of " << data << "\n";
  for (const auto &row : rows) {
    for (auto [index, cell] : llvm::enumerate(row)) {
      size_t padding = widths[index] - cell.size();
      if (index == 0)
        (os << cell).indent(padding);
      else
        os.indent(2 + padding) << cell;
    }
    os << "\n";
  }

  constexpr size_t kShown = 20;
  for (const ModelResult &model : llvm::ArrayRef(models).drop_front()) {
    if (!model.changed.empty()) {
      os << "changed predictions of " << model.path << ":";
      for (const ChangedPrediction &change : llvm::ArrayRef(model.changed).take_front(kShown)) {
        os << " " << change.index << ":" << change.reference << "->" << change.prediction;
        if (!labels.empty())
          os << "(label " << labels[change.index] << ")";
      }
      if (model.changed.size() > kShown)
        os << " and " << model.changed.size() - kShown << " more";
      os << "\n";
    }
    if (!model.layers.empty()) {
      os << "SQNR of layers of " << model.path << ", " << tracedSamples
         << " samples: alone, accumulated, share of the loss\n";
      for (auto [layer, share] : llvm::zip(model.layers, getLossShares(model.layers)))
        os << "  " << layer.name << ": " << formatSQNR(layer.local) << ", "
           << formatSQNR(layer.accumulated) << llvm::formatv(", {0:F1} %\n", 100 * share);
    }
    if (!model.slices.empty()) {
      const GroupAccuracy &worst = model.slices.front();
      os << llvm::formatv("worst slice of {0}: {1} {2}, {3:F1} points lost on {4} samples\n",
                          model.path, sliceName, worst.group, worst.getDrop(), worst.samples);
    }
  }
}
