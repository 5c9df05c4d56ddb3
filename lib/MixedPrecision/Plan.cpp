//===- Plan.cpp - The result as data and as a recipe ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Plan.h"
#include "terse/Support/Error.h"

using namespace terse;
using namespace terse::mixed;
using namespace llvm::json;

static llvm::StringRef stringify(LossKind kind) {
  return kind == LossKind::Divergence ? "divergence" : kind == LossKind::Noise ? "noise" : "metric";
}

Value terse::mixed::describePlan(const SensitivityTable &table, const WholeModel &whole,
                                 const SearchOptions &options, const SearchResult &result) {
  Array rows;
  for (auto [unit, decision] : llvm::zip_equal(table.units, result.decisions)) {
    Array list;
    for (const OptionSensitivity &option : unit.options) {
      if (!option.obstacle.empty()) {
        list.push_back(Object{{"obstacle", option.obstacle}});
        continue;
      }
      Object item{{"bytes", int64_t(option.bytes)},
                  {"bits_per_weight", double(option.bits) / double(unit.elements)},
                  {"operations", int64_t(option.operations)},
                  {"noise", option.noise},
                  {"divergence", option.divergence}};
      if (table.hasLabels)
        item["drop"] = option.drop;
      if (table.hasTimes)
        item["nanoseconds"] = int64_t(option.nanoseconds);
      list.push_back(std::move(item));
    }
    Object row{{"name", unit.name},
               {"layers", Array(unit.layers)},
               {"elements", int64_t(unit.elements)},
               {"plain_bytes", int64_t(unit.plainBytes)},
               {"bytes", int64_t(decision.bytes)},
               {"bits_per_weight", 8 * double(decision.bytes) / double(unit.elements)},
               {"loss", decision.loss},
               {"reason", decision.reason},
               {"options", std::move(list)}};
    if (decision.candidate) {
      row["candidate"] = int64_t(*decision.candidate);
      row["format"] = table.candidates[*decision.candidate];
      if (unit.options[*decision.candidate].isInteger)
        row["integer"] = true;
    } else {
      row["format"] = "float";
      row["kept"] = decision.kept;
    }
    rows.push_back(std::move(row));
  }
  Object budgets;
  if (options.size.given)
    budgets["max_size"] = int64_t(options.size.resolve(whole.plainBytes));
  if (options.maxDrop >= 0)
    budgets["max_drop"] = options.maxDrop;
  if (options.latency.given)
    budgets["max_time_ratio"] =
        double(options.latency.resolve(whole.time)) / double(std::max<uint64_t>(whole.time, 1));
  Object plan{{"terse_mixed_precision", 1},
              {"loss", stringify(options.loss)},
              {"time", options.time == TimeKind::Measured ? "measured" : "operations"},
              {"samples", table.samples},
              {"budgets", std::move(budgets)},
              {"plain_bytes", int64_t(whole.plainBytes)},
              {"other_bytes", int64_t(whole.otherBytes)},
              {"bytes", int64_t(result.bytes)},
              {"predicted_loss", result.predictedLoss},
              {"evaluations", int64_t(result.evaluations)},
              {"candidates", Array(table.candidates)},
              {"activations", table.activations},
              {"layers", std::move(rows)}};
  if (whole.time)
    plan["time_ratio"] = double(result.time) / double(whole.time);
  if (result.measured && result.measured->metric) {
    plan["float_metric"] = *result.floatMetric;
    plan["metric"] = *result.measured->metric;
    plan["evaluated_samples"] = result.measured->samples;
  }
  return plan;
}

//===----------------------------------------------------------------------===//
// Recipe
//===----------------------------------------------------------------------===//

/// A scalar of YAML between double quotes.
static std::string quote(llvm::StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      result += llvm::formatv("\\x{0}",
                              llvm::utohexstr(static_cast<unsigned char>(c), /*LowerCase=*/true, 2))
                    .str();
    else
      result += c;
  }
  return result + "\"";
}

/// A pattern that matches this name and no other.
static std::string toPattern(llvm::StringRef name) {
  std::string result;
  for (char c : name) {
    if (llvm::StringRef("*?[]\\{}").contains(c))
      result += '\\';
    result += c;
  }
  return result;
}

llvm::Expected<std::string> terse::mixed::writeRules(const Value &value) {
  const Object *plan = value.getAsObject();
  const Array *candidates = plan ? plan->getArray("candidates") : nullptr;
  const Array *rows = plan ? plan->getArray("layers") : nullptr;
  if (!candidates || !rows)
    return makeError("this is no plan of mixed precision");
  std::string text;
  llvm::raw_string_ostream os(text);
  auto writeRule = [&](std::optional<int64_t> candidate, std::optional<llvm::StringRef> kept,
                       llvm::StringRef body) {
    bool any = false;
    for (const Value &each : *rows) {
      const Object &row = *each.getAsObject();
      if (row.getInteger("candidate") != candidate || row.getString("kept") != kept)
        continue;
      if (!any)
        os << "  - terse-choose-encodings:\n      " << body << "\n      layers:\n";
      any = true;
      os << "        # " << *row.getString("reason") << "\n";
      for (const Value &layer : *row.getArray("layers"))
        os << "        - " << quote(toPattern(*layer.getAsString())) << "\n";
    }
    return any;
  };
  // Passes that improve choices see those that stand there already: formats with such passes come
  // first.
  for (bool withPasses : {true, false})
    for (auto [index, each] : llvm::enumerate(*candidates)) {
      auto candidate = Candidate::parse(*each.getAsString());
      if (!candidate)
        return candidate.takeError();
      if (candidate->passes.empty() == withPasses)
        continue;
      if (writeRule(int64_t(index), std::nullopt, "format: " + quote(candidate->format)))
        for (const std::string &pass : candidate->passes)
          os << "  - " << quote(pass) << "\n";
    }
  std::vector<llvm::StringRef> reasons;
  for (const Value &each : *rows)
    if (auto kept = each.getAsObject()->getString("kept");
        kept && !llvm::is_contained(reasons, *kept))
      reasons.push_back(*kept);
  for (llvm::StringRef kept : reasons)
    writeRule(std::nullopt, kept, "skip: " + quote(kept));
  if (auto activations = plan->getString("activations"); activations && !activations->empty())
    os << "  - " << quote(*activations) << "\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

void terse::mixed::printPlan(const Value &value, llvm::raw_ostream &os) {
  const Object &plan = *value.getAsObject();
  const Array &candidates = *plan.getArray("candidates"), &rows = *plan.getArray("layers");
  bool isMetric = *plan.getString("loss") == "metric", isNoise = *plan.getString("loss") == "noise";
  os << "mixed precision: what each format costs alone ("
     << (isMetric  ? "points of the metric that are lost"
         : isNoise ? "SQNR of the output in dB"
                   : "divergence of the output distribution in nats")
     << ", " << *plan.getInteger("samples") << " samples)\n";
  for (auto [c, candidate] : llvm::enumerate(candidates))
    os << "  (" << c + 1 << ") " << *candidate.getAsString() << "\n";
  size_t width = 5;
  for (const Value &each : rows)
    width = std::max(width, std::min<size_t>(each.getAsObject()->getString("name")->size(), 40));
  os << "layer";
  os.indent(width - 5) << "    weights";
  for (size_t c = 0; c < candidates.size(); ++c)
    os << llvm::formatv("{0,10}", llvm::formatv("({0})", c + 1).str());
  os << "   bits  chosen\n";
  for (const Value &each : rows) {
    const Object &row = *each.getAsObject();
    llvm::StringRef name = *row.getString("name");
    os << name;
    os.indent(name.size() < width ? width - name.size() : 0)
        << llvm::formatv("{0,11}", *row.getInteger("elements"));
    for (const Value &option : *row.getArray("options")) {
      const Object &item = *option.getAsObject();
      std::string cell = "-";
      if (!item.get("obstacle")) {
        double noise = *item.getNumber("noise");
        cell = isMetric  ? llvm::formatv("{0:F2}", *item.getNumber("drop")).str()
               : isNoise ? (noise > 0 ? llvm::formatv("{0:F1}", -10 * std::log10(noise)).str()
                                      : std::string("equal"))
                         : llvm::formatv("{0:e2}", *item.getNumber("divergence")).str();
      }
      os << llvm::formatv("{0,10}", cell);
    }
    auto candidate = row.getInteger("candidate");
    os << llvm::formatv("{0,7:F3}  {1}{2}\n", *row.getNumber("bits_per_weight"),
                        candidate ? llvm::formatv("({0})", *candidate + 1).str()
                                  : std::string("float"),
                        row.get("integer") ? " on integers" : "");
  }
  os << llvm::formatv("weights: {0} of {1} bytes, {2:F4}x", *plan.getInteger("bytes"),
                      *plan.getInteger("plain_bytes"),
                      double(*plan.getInteger("bytes")) /
                          double(std::max<int64_t>(1, *plan.getInteger("plain_bytes"))));
  if (auto time = plan.getNumber("time_ratio"))
    os << llvm::formatv("; expected time {0:F3}x ({1})", *time, *plan.getString("time"));
  os << "\n";
}
