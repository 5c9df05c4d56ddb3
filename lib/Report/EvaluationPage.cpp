//===- EvaluationPage.cpp - The page of an evaluation -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Html.h"
#include "terse/Report/Evaluation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace terse;
using namespace terse::html;

namespace {

class Page {
public:
  Page(const Evaluation &evaluation, llvm::raw_ostream &os) : evaluation(evaluation), os(os) {}
  void write();

private:
  void writeComparison();
  void writeSizes();
  void writeTimes();
  void writeModel(const ModelResult &model);
  void writeCards(const ModelResult &model);
  void writeMethod(const ModelResult &model);
  void writeLayers(const ModelResult &model);
  void writeGroups(llvm::StringRef title, llvm::StringRef column,
                   llvm::ArrayRef<GroupAccuracy> groups);
  void writeHistograms(const ModelResult &model);
  void writeChanges(const ModelResult &model);
  void writeGlossary();

  const ModelResult &getReference() const { return evaluation.models.front(); }
  std::string getName(const ModelResult &model) const;

  const Evaluation &evaluation;
  llvm::raw_ostream &os;
};

/// A percentage with a bar of that length.
std::string meter(double share, const std::string &shown, bool warn = false) {
  return llvm::formatv(
      "<div class=\"meter\"><i{0}><b style=\"width:{1:F1}%\"></b></i><span>{2}</span></div>",
      warn ? " class=\"warn\"" : "", 100 * std::clamp(share, 0.0, 1.0), escape(shown));
}

std::string signedNumber(double value, int digits) {
  std::string text = digits == 1 ? llvm::formatv("{0:F1}", std::fabs(value)).str()
                                 : llvm::formatv("{0:F2}", std::fabs(value)).str();
  return (value < 0 ? "\u2212" : value > 0 ? "+" : "\u00b1") + text;
}

} // namespace

/// The file's name, with its folder where another model has the same.
std::string Page::getName(const ModelResult &model) const {
  llvm::StringRef name = llvm::sys::path::filename(model.path);
  bool isUnique = llvm::count_if(evaluation.models, [&](const ModelResult &other) {
                    return llvm::sys::path::filename(other.path) == name;
                  }) == 1;
  return isUnique ? name.str() : model.path;
}

void Page::writeComparison() {
  const ModelResult &reference = getReference();
  beginSection("Side by side", "The first model is the reference of all others.", os);
  std::vector<std::pair<std::string, Table::Kind>> columns{
      {"model", Table::Kind::Text}, {"bytes", Table::Kind::Number}, {"size", Table::Kind::Number}};
  for (const auto &[name, value] : reference.metrics)
    columns.push_back({name, Table::Kind::Number});
  for (const char *name : {"changed", "output SQNR", "p50 ms", "p90 ms", "p99 ms"})
    columns.push_back({name, Table::Kind::Number});
  Table table(columns);
  for (const ModelResult &model : evaluation.models) {
    bool isReference = &model == &reference;
    table.row();
    table.text(getName(model));
    table.integer(int64_t(model.bytes));
    double ratio = double(model.bytes) / double(std::max<uint64_t>(reference.bytes, 1));
    table.number(ratio, llvm::formatv("{0:F4}x", ratio).str());
    for (const auto &[name, value] : model.metrics)
      table.number(value, llvm::formatv("{0:F4}", value).str());
    if (isReference || model.outputs.empty()) {
      table.empty();
      table.empty();
    } else {
      table.integer(int64_t(model.changed.size()));
      std::optional<double> sqnr = model.outputs.front().second.getSQNR();
      table.number(sqnr.value_or(1e9), formatDecibels(sqnr));
    }
    for (double percent : {50, 90, 99}) {
      double time = model.latencies.getPercentile(percent);
      table.number(time, llvm::formatv("{0:F3}", time).str());
    }
  }
  table.write(os);
  endSection(os);
}

void Page::writeSizes() {
  // Bytes of all stored tensors by element type; what a weight's components are is in the table of
  // layers.
  std::vector<std::string> kinds;
  std::vector<std::pair<const ModelResult *, std::vector<BarPart>>> bars;
  double most = 0;
  for (const ModelResult &model : evaluation.models) {
    if (!model.storage)
      continue;
    std::vector<double> amounts(kinds.size(), 0);
    double total = 0;
    for (const WeightEntry &weight : model.storage->weights)
      for (const StoredTensor &stored : weight.components) {
        llvm::StringRef type = stored.type;
        type = type.substr(type.rfind('x') + 1);
        bool isScale = !weight.encoding.empty() && &stored != &weight.components.front();
        std::string kind = weight.encoding.empty() ? (type + " plain").str()
                           : isScale               ? "scales, tables"
                                                   : type.str();
        size_t index = llvm::find(kinds, kind) - kinds.begin();
        if (index == kinds.size()) {
          kinds.push_back(kind);
          amounts.push_back(0);
        }
        amounts[index] += double(stored.bytes);
        total += double(stored.bytes);
      }
    std::vector<BarPart> parts;
    for (auto [index, amount] : llvm::enumerate(amounts))
      if (amount > 0)
        parts.push_back(
            {llvm::formatv("{0}: {1}", kinds[index], html::formatBytes(uint64_t(amount))).str(),
             "s" + std::to_string(index % 6), amount});
    most = std::max(most, total);
    bars.push_back({&model, std::move(parts)});
  }
  if (bars.empty())
    return;
  beginSection("Where the bytes are", "All stored tensors, by the type of their elements.", os);
  os << "<div class=\"rows\">\n";
  for (auto &[model, parts] : bars) {
    double total = 0;
    for (const BarPart &part : parts)
      total += part.amount;
    os << "<div class=\"name\">" << escape(getName(*model)) << "</div><div class=\"graph\">";
    drawBar(parts, most, os);
    os << "</div><div class=\"amount\">" << html::formatBytes(uint64_t(total)) << "</div>\n";
  }
  os << "</div>\n<div class=\"legend\">";
  for (auto [index, kind] : llvm::enumerate(kinds))
    os << "<span><i class=\"s" << index % 6 << "\"></i>" << escape(kind) << "</span>";
  os << "</div>\n";
  endSection(os);
}

void Page::writeTimes() {
  double most = 0;
  for (const ModelResult &model : evaluation.models)
    most = std::max(most, std::min(1.1 * model.latencies.getPercentile(99),
                                   3 * model.latencies.getPercentile(50)));
  if (!(most > 0))
    return;
  beginSection("How long a run takes",
               "Every run as a thin mark; the median as a thick one, percentiles 90 and 99 in the "
               "second colour; what takes "
               "longer than the axis stands at its end. Runs of one model after the other, on the "
               "machine that made this page: for comparisons use <code>terse bench</code>.",
               os);
  os << "<div class=\"rows\">\n";
  for (const ModelResult &model : evaluation.models) {
    os << "<div class=\"name\">" << escape(getName(model)) << "</div><div class=\"graph\">";
    drawTimes(model.latencies.milliseconds, most, os);
    os << "</div><div class=\"amount\">"
       << llvm::formatv("p50 {0:F3} ms, p99 {1:F3} ms", model.latencies.getPercentile(50),
                        model.latencies.getPercentile(99))
       << "</div>\n";
  }
  os << "</div>\n<div class=\"legend\"><span>0 ms</span><span>to "
     << llvm::formatv("{0:F3} ms", most) << " at the right end</span></div>\n";
  endSection(os);
}

void Page::writeCards(const ModelResult &model) {
  const ModelResult &reference = getReference();
  std::vector<Card> cards;
  for (auto [own, other] : llvm::zip(model.metrics, reference.metrics)) {
    double points = 100 * (own.second - other.second);
    cards.push_back({own.first, llvm::formatv("{0:F2} %", 100 * own.second).str(),
                     signedNumber(points, 2) + " points", points < 0 ? "bad" : "good"});
  }
  double size = double(model.bytes) / double(std::max<uint64_t>(reference.bytes, 1));
  cards.push_back({"size on disk", llvm::formatv("{0:F1} %", 100 * size).str(),
                   html::formatBytes(model.bytes) + " of " + html::formatBytes(reference.bytes),
                   ""});
  double own = model.latencies.getPercentile(50), other = reference.latencies.getPercentile(50);
  if (own > 0 && other > 0)
    cards.push_back({"median latency", llvm::formatv("{0:F2}x", own / other).str(),
                     llvm::formatv("{0:F3} ms, {1:F3} ms before", own, other).str(), ""});
  if (!model.outputs.empty())
    cards.push_back({"signal to noise", formatDecibels(model.outputs.front().second.getSQNR()),
                     "of the output", ""});
  cards.push_back({"changed predictions", formatCount(int64_t(model.changed.size())),
                   llvm::formatv("{0:F2} % of {1} samples",
                                 100 * double(model.changed.size()) /
                                     double(std::max<int64_t>(evaluation.samples, 1)),
                                 formatCount(evaluation.samples))
                       .str(),
                   ""});
  html::writeCards(cards, os);
}

/// Splits a pipeline at commas outside of brackets and quotes.
static std::vector<std::string> splitPipeline(llvm::StringRef pipeline) {
  if (pipeline.consume_front("builtin.module("))
    pipeline.consume_back(")");
  std::vector<std::string> passes(1);
  int depth = 0;
  char quote = 0;
  for (char c : pipeline) {
    if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    else if (llvm::StringRef("{(<[").contains(c))
      ++depth;
    else if (llvm::StringRef("})>]").contains(c))
      --depth;
    else if (c == ',' && depth == 0) {
      passes.emplace_back();
      continue;
    }
    passes.back() += c;
  }
  return passes;
}

void Page::writeMethod(const ModelResult &model) {
  beginSection("What was asked, what was done", "", os);
  os << "<dl class=\"facts\">\n";
  const llvm::json::Object *manifest = model.manifest.getAsObject();
  if (manifest)
    if (auto recipe = manifest->getString("recipe"))
      os << "<dt>recipe</dt><dd>" << escape(*recipe) << "</dd>\n";
  os << "<dt>model</dt><dd>" << escape(model.path) << "</dd>\n<dt>reference</dt><dd>"
     << escape(getReference().path) << "</dd>\n<dt>runs as</dt><dd>" << escape(model.kind)
     << ", batch " << model.batch << "</dd>\n";
  if (model.codeBytes)
    os << "<dt>machine code</dt><dd>" << html::formatBytes(model.codeBytes) << ", "
       << html::formatBytes(getReference().codeBytes) << " of the reference</dd>\n";
  if (model.storage) {
    const ModelReport &storage = *model.storage;
    size_t encoded =
        llvm::count_if(storage.weights, [](const WeightEntry &w) { return !w.encoding.empty(); });
    os << "<dt>weights</dt><dd>" << encoded << " of " << storage.weights.size()
       << " tensors encoded, " << html::formatBytes(storage.getEncodedBytes()) << " of "
       << html::formatBytes(storage.getEncodedPlainBytes()) << "; all weights "
       << html::formatBytes(storage.getBytes()) << "</dd>\n";
    if (uint64_t elements = storage.getEncodedElements()) {
      uint64_t bits = 0;
      std::string terms;
      for (const ComponentShare &share : storage.getComponentShares()) {
        bits += share.bits;
        terms += llvm::formatv("{0}{1:F4} {2} ({3})", terms.empty() ? "" : " + ",
                               double(share.bits) / double(elements), share.name, share.types)
                     .str();
      }
      os << "<dt>bits per weight</dt><dd>"
         << llvm::formatv("{0:F4}", double(bits) / double(elements)) << " = " << escape(terms)
         << "</dd>\n";
    }
    if (!storage.activations.empty())
      os << "<dt>activations</dt><dd>" << storage.activations.size()
         << " stored as integers between layers</dd>\n";
    size_t gaps = storage.getGaps().size();
    if (gaps)
      os << "<dt>gaps</dt><dd class=\"bad\">" << gaps
         << " weights that no rule decided about</dd>\n";
  }
  if (manifest)
    if (const llvm::json::Object *mixed = manifest->getObject("mixed_precision"))
      if (auto bytes = mixed->getInteger("bytes"))
        os << "<dt>mixed precision</dt><dd>formats per layer, found by a search over "
           << (mixed->getArray("candidates") ? mixed->getArray("candidates")->size() : 0)
           << " formats on " << mixed->getInteger("samples").value_or(0) << " samples; "
           << formatCount(*bytes) << " bytes of weights</dd>\n";
  os << "</dl>\n";
  if (manifest)
    if (auto pipeline = manifest->getString("pipeline")) {
      os << "<h3>Passes</h3>\n<ol class=\"passes\">\n";
      for (const std::string &pass : splitPipeline(*pipeline))
        os << "<li><code>" << escape(pass) << "</code></li>\n";
      os << "</ol>\n";
    }
  if (model.storage) {
    std::string islands;
    for (const OpEntry &op : model.storage->ops)
      if (!op.floatReason.empty())
        islands += "<li><code>" + escape(op.op) + "</code> " + escape(op.layer) + ": " +
                   escape(op.floatReason) + "</li>\n";
    if (!islands.empty())
      os << "<h3>Float islands</h3>\n<ul class=\"plain\">\n" << islands << "</ul>\n";
  }
  endSection(os);
}

void Page::writeLayers(const ModelResult &model) {
  if (!model.storage && model.layers.empty())
    return;
  beginSection("Layers",
               "<b>Alone</b>: this layer compressed, its inputs those of the float model. "
               "<b>Accumulated</b>: all layers before it "
               "compressed too. <b>Share of the loss</b>: of the noise that layers, each alone, "
               "bring to the model\u2019s output. "
               "<b>Saturated</b>: values beyond the range of the layer\u2019s result. A click on a "
               "heading sorts.",
               os);
  std::vector<double> shares = getLossShares(model.layers);
  std::vector<DepthPoint> points;
  for (const LayerError &layer : model.layers)
    if (layer.local.noise != 0) // What only hands on the errors of others says nothing new.
      points.push_back({layer.name, layer.local.getSQNR(), layer.accumulated.getSQNR()});
  if (points.size() > 1) {
    drawDepth(points, os);
    os << "<div class=\"legend\"><span><i class=\"s0\"></i>SQNR accumulated, dB</span><span><i "
          "class=\"s1\"></i>SQNR alone, dB</span>"
          "<span>layers that add errors, from input to output</span></div>\n<div "
          "style=\"height:16px\"></div>\n";
  }
  Table table({{"layer", Table::Kind::Text},
               {"weight", Table::Kind::Text},
               {"stored as", Table::Kind::Text},
               {"bits", Table::Kind::Number},
               {"bytes", Table::Kind::Number},
               {"weight SQNR", Table::Kind::Number},
               {"alone", Table::Kind::Number},
               {"accumulated", Table::Kind::Number},
               {"share of the loss", Table::Kind::Picture},
               {"saturated", Table::Kind::Number}});
  auto addErrors = [&](size_t index) {
    const LayerError &layer = model.layers[index];
    for (const Distortion *distortion : {&layer.local, &layer.accumulated}) {
      std::optional<double> value = distortion->getSQNR();
      table.number(value.value_or(1e9), formatDecibels(value));
    }
    table.picture(shares[index],
                  meter(shares[index], llvm::formatv("{0:F1} %", 100 * shares[index]).str()));
  };
  auto addSaturation = [&](llvm::StringRef name) {
    auto use =
        llvm::find_if(model.activations, [&](const ActivationUse &u) { return u.name == name; });
    if (use == model.activations.end())
      return table.empty();
    table.number(use->getSaturation(), llvm::formatv("{0:F3} %", 100 * use->getSaturation()).str());
  };
  auto findLayer = [&](llvm::StringRef name) {
    return size_t(llvm::find_if(model.layers, [&](const LayerError &l) { return l.name == name; }) -
                  model.layers.begin());
  };
  llvm::StringSet<> listed;
  auto addWeight = [&](const WeightEntry &weight, size_t index) {
    table.row();
    table.text(weight.layer);
    table.text(weight.name + " " + weight.type);
    llvm::StringRef encoding = weight.encoding;
    encoding.consume_front("#terse.");
    table.text(weight.encoding.empty() ? "plain: " + weight.reason : encoding.str());
    double bits = weight.elements ? double(weight.bits) / double(weight.elements) : 0;
    table.number(bits, llvm::formatv("{0:F3}", bits).str());
    table.integer(int64_t(weight.bytes));
    auto error =
        llvm::find_if(model.weights, [&](const WeightError &w) { return w.name == weight.name; });
    if (error == model.weights.end()) {
      table.empty();
    } else {
      std::optional<double> value = error->distortion.getSQNR();
      table.number(value.value_or(1e9), formatDecibels(value));
    }
    if (index < model.layers.size() && listed.insert(weight.layer).second) {
      addErrors(index);
    } else {
      table.empty();
      table.empty();
      table.empty();
    }
    addSaturation(weight.layer);
  };
  auto isListed = [](const WeightEntry &weight) {
    return weight.role != WeightEntry::Role::Bias && !weight.layer.empty() &&
           (weight.role != WeightEntry::Role::Other || !weight.encoding.empty());
  };
  auto getSaturated = [&](llvm::StringRef name) {
    return llvm::any_of(model.activations,
                        [&](const ActivationUse &use) { return use.name == name; });
  };
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    if (model.storage)
      for (const WeightEntry &weight : model.storage->weights)
        if (isListed(weight) && weight.layer == layer.name)
          addWeight(weight, index);
    if (listed.contains(layer.name) || (layer.local.noise == 0 && !getSaturated(layer.name)))
      continue;
    table.row();
    table.text(layer.name);
    for (int column = 0; column < 5; ++column)
      table.empty();
    addErrors(index);
    addSaturation(layer.name);
  }
  if (model.storage)
    for (const WeightEntry &weight : model.storage->weights)
      if (isListed(weight) && findLayer(weight.layer) == model.layers.size())
        addWeight(weight, model.layers.size());
  if (table.isEmpty())
    os << "<p class=\"note\">No layer has a weight that is stored in another format, and none "
          "differs.</p>\n";
  else
    table.write(os);
  endSection(os);
}

void Page::writeGroups(llvm::StringRef title, llvm::StringRef column,
                       llvm::ArrayRef<GroupAccuracy> groups) {
  if (groups.empty())
    return;
  const GroupAccuracy &worst = groups.front();
  std::string note =
      "Largest losses first. A group of few samples loses or gains much by one of them.";
  if (worst.getDrop() > 0)
    note = llvm::formatv("Worst: {0} {1} loses {2:F1} points on {3} samples. ", column, worst.group,
                         worst.getDrop(), worst.samples)
               .str() +
           note;
  beginSection(title, note, os);
  Table table({{column.str(), Table::Kind::Number},
               {"samples", Table::Kind::Number},
               {"reference", Table::Kind::Number},
               {"this model", Table::Kind::Picture},
               {"points", Table::Kind::Number}});
  for (const GroupAccuracy &group : groups) {
    double before = double(group.reference) / double(group.samples),
           after = double(group.hits) / double(group.samples);
    table.row();
    table.number(double(group.group), std::to_string(group.group));
    table.integer(group.samples);
    table.number(before, llvm::formatv("{0:F1} %", 100 * before).str());
    table.picture(after,
                  meter(after, llvm::formatv("{0:F1} %", 100 * after).str(), group.getDrop() > 0));
    table.number(-group.getDrop(), signedNumber(-group.getDrop(), 1));
  }
  table.write(os);
  endSection(os);
}

void Page::writeHistograms(const ModelResult &model) {
  auto writeGrid = [&](llvm::StringRef title, const char *note,
                       llvm::ArrayRef<HistogramPicture> histograms) {
    if (histograms.empty())
      return;
    beginSection(title, note, os);
    constexpr size_t kOpen = 24;
    os << "<div class=\"grid\">\n";
    for (const HistogramPicture &histogram : histograms.take_front(kOpen))
      drawHistogram(histogram, os);
    os << "</div>\n";
    if (histograms.size() > kOpen) {
      os << "<details><summary>" << histograms.size() - kOpen
         << " more</summary>\n<div class=\"grid\">\n";
      for (const HistogramPicture &histogram : histograms.drop_front(kOpen))
        drawHistogram(histogram, os);
      os << "</div></details>\n";
    }
    endSection(os);
  };
  writeGrid("Activations and their ranges",
            "Values between layers as the data made them; heights are logarithms of counts. The "
            "shaded band is the range "
            "that is stored, columns in the second colour lie beyond it.",
            model.activationHistograms);
  writeGrid(
      "Weights and their ranges",
      "Weights before compression; the band is what the encoding can hold, over all of its scales.",
      model.weightHistograms);
}

void Page::writeChanges(const ModelResult &model) {
  int64_t worse = 0, better = 0;
  for (const ChangedPrediction &change : model.changed)
    if (!evaluation.labels.empty()) {
      worse += change.reference == evaluation.labels[change.index];
      better += change.prediction == evaluation.labels[change.index];
    }
  std::string note;
  if (!evaluation.labels.empty() && !model.changed.empty())
    note = llvm::formatv("{0} right answers became wrong, {1} wrong ones right, {2} stayed wrong. "
                         "The index counts samples "
                         "from 0 along the first axis of the data.",
                         worse, better, int64_t(model.changed.size()) - worse - better)
               .str();
  beginSection("Changed predictions", note, os);
  if (model.changed.empty()) {
    os << "<p class=\"note\">All " << formatCount(evaluation.samples)
       << " predictions are those of the reference.</p>\n";
    endSection(os);
    return;
  }
  bool labelled = !evaluation.labels.empty();
  std::vector<std::pair<std::string, Table::Kind>> columns{{"sample", Table::Kind::Number}};
  if (labelled)
    columns.push_back({"label", Table::Kind::Number});
  columns.push_back({"reference", Table::Kind::Number});
  columns.push_back({"this model", Table::Kind::Number});
  if (labelled)
    columns.push_back({"change", Table::Kind::Text});
  Table table(columns);
  auto plain = [&](int64_t value) { table.number(double(value), std::to_string(value)); };
  for (const ChangedPrediction &change : model.changed) {
    table.row();
    plain(change.index);
    if (labelled)
      plain(evaluation.labels[change.index]);
    plain(change.reference);
    plain(change.prediction);
    if (labelled) {
      int64_t label = evaluation.labels[change.index];
      table.text(change.reference == label    ? "became wrong"
                 : change.prediction == label ? "became right"
                                              : "stayed wrong");
    }
  }
  table.write(os);
  endSection(os);
}

void Page::writeModel(const ModelResult &model) {
  writeMethod(model);
  writeLayers(model);
  writeGroups("Accuracy by class", "class", model.classes);
  writeGroups(("Accuracy by " + llvm::Twine(evaluation.sliceName)).str(), evaluation.sliceName,
              model.slices);
  writeHistograms(model);
  writeChanges(model);
}

void Page::writeGlossary() {
  os << "<footer>\n<dl>\n<dt>SQNR</dt><dd>10 log10 of the sum of squares of the reference over "
        "that of the difference, in dB: 20 "
        "dB more is a tenth of the error. \u201cequal\u201d means no difference in any bit.</dd>\n"
        "<dt>Bits</dt><dd>Storage of values, scales and tables over the number of weights, "
        "exact.</dd>\n"
        "<dt>Layers</dt><dd>Measured on "
     << evaluation.tracedSamples << " of " << formatCount(evaluation.samples)
     << " samples. Layers whose scale a method changes, such as equalization, differ from the "
        "reference by that, not by "
        "an error.</dd>\n</dl>\n</footer>\n";
}

void Page::write() {
  std::string title =
      evaluation.models.size() == 2 ? getName(evaluation.models.back()) : "Evaluation";
  beginPage(title + " \u2013 Terse", os);
  os << "<header>\n<p class=\"eyebrow\">Terse compression report</p>\n<h1>" << escape(title)
     << "</h1>\n<p class=\"lead\">" << formatCount(evaluation.samples) << " samples of "
     << escape(evaluation.data) << ", compared with " << escape(getReference().path)
     << "</p>\n</header>\n";
  if (evaluation.models.size() == 2)
    writeCards(evaluation.models.back());
  writeComparison();
  writeSizes();
  writeTimes();
  for (const ModelResult &model : llvm::ArrayRef(evaluation.models).drop_front()) {
    if (evaluation.models.size() > 2) {
      os << "<h2 class=\"model\">" << escape(getName(model)) << "</h2>\n";
      writeCards(model);
    }
    writeModel(model);
  }
  writeGlossary();
  endPage(os);
}

void Evaluation::printHTML(llvm::raw_ostream &os) const { Page(*this, os).write(); }
