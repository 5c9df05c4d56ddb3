//===- Evaluation.cpp - What eval finds out ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluation.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace terse;
using namespace terse::tool;

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

llvm::json::Value Evaluation::toJSON() const {
  using namespace llvm::json;
  Array list;
  for (const ModelResult &model : models) {
    Object item{{"model", model.path},
                {"runs_as", model.kind},
                {"file_bytes", int64_t(model.bytes)},
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
      item["tensor_sqnr"] = ::toJSON(model.tensors);
    }
    list.push_back(std::move(item));
  }
  return Object{{"terse_evaluation", 1},
                {"data", data},
                {"samples", samples},
                {"traced_samples", tracedSamples},
                {"models", std::move(list)}};
}

//===----------------------------------------------------------------------===//
// Table and page
//===----------------------------------------------------------------------===//

/// Rows of cells; the first row is the header.
static std::vector<std::vector<std::string>> makeTable(const Evaluation &evaluation) {
  std::vector<std::vector<std::string>> rows(1, {"model", "bytes", "size"});
  for (const auto &[name, value] : evaluation.models.front().metrics)
    rows[0].push_back(name);
  llvm::append_range(rows[0],
                     std::vector<std::string>{"changed", "output SQNR", "p50 ms", "p90 ms", "p99 ms"});
  for (const ModelResult &model : evaluation.models) {
    std::vector<std::string> row{model.path, std::to_string(model.bytes)};
    row.push_back(llvm::formatv(
        "{0:F4}x", double(model.bytes) / double(evaluation.models.front().bytes)));
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
    if (!model.tensors.empty()) {
      os << "SQNR of tensors of " << model.path << ", " << tracedSamples << " samples:\n";
      for (const auto &[name, distortion] : model.tensors)
        os << "  " << name << ": " << formatSQNR(distortion) << "\n";
    }
  }
}

static std::string escape(llvm::StringRef text) {
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::printHTMLEscaped(text, os);
  return result;
}

void Evaluation::printHTML(llvm::raw_ostream &os) const {
  os << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>terse eval</title>\n"
        "<style>body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}"
        "td,th{border:1px solid #bbb;padding:.3em .6em;text-align:right}"
        "td:first-child,th:first-child{text-align:left}</style></head><body>\n"
     << "<h1>Evaluation</h1>\n<p>" << samples << " samples of " << escape(data) << "</p>\n<table>\n";
  bool header = true;
  for (const auto &row : makeTable(*this)) {
    os << "<tr>";
    for (const std::string &cell : row)
      os << (header ? "<th>" : "<td>") << escape(cell) << (header ? "</th>" : "</td>");
    os << "</tr>\n";
    header = false;
  }
  os << "</table>\n";
  for (const ModelResult &model : llvm::ArrayRef(models).drop_front()) {
    os << "<h2>" << escape(model.path) << "</h2>\n<h3>Changed predictions</h3>\n<table>\n"
       << "<tr><th>sample</th><th>label</th><th>" << escape(models.front().path)
       << "</th><th>this model</th></tr>\n";
    for (const ChangedPrediction &change : model.changed)
      os << "<tr><td>" << change.index << "</td><td>"
         << (labels.empty() ? std::string("-") : std::to_string(labels[change.index])) << "</td><td>"
         << change.reference << "</td><td>" << change.prediction << "</td></tr>\n";
    os << "</table>\n<h3>Signal to quantization noise</h3>\n<table>\n"
       << "<tr><th>tensor</th><th>SQNR</th></tr>\n";
    for (const auto *list : {&model.outputs, &model.tensors})
      for (const auto &[name, distortion] : *list)
        os << "<tr><td>" << escape(name) << "</td><td>" << formatSQNR(distortion) << "</td></tr>\n";
    os << "</table>\n";
  }
  os << "</body></html>\n";
}
