//===- Sensitivity.cpp - What each format costs each layer ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Sensitivity.h"

#include "terse/MixedPrecision/RoundedActivations.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace terse;
using namespace terse::mixed;

static bool hasRoundedActivations(const EncodedUnit &encoded) {
  return llvm::any_of(encoded.others,
                      [](const auto &other) { return isRoundable(*other.first, other.second); });
}

llvm::Expected<SensitivityTable>
terse::mixed::measureSensitivities(const Inventory &inventory, llvm::ArrayRef<Candidate> candidates,
                                   llvm::ArrayRef<std::vector<EncodedUnit>> encoded,
                                   Evaluator &evaluator, int64_t samples,
                                   llvm::function_ref<void()> advance) {
  SensitivityTable table;
  table.hash = hashWeights(inventory);
  table.samples = samples > 0 ? std::min(samples, evaluator.size()) : evaluator.size();
  table.hasLabels = evaluator.hasLabels();
  std::optional<double> metric = evaluator.getFloatMetric(table.samples);
  for (const Candidate &candidate : candidates)
    table.candidates.push_back(candidate.text);
  for (auto [u, unit] : llvm::enumerate(inventory.units)) {
    UnitSensitivity &row = table.units.emplace_back();
    row.name = unit.name;
    row.layers = unit.layers;
    row.elements = unit.elements;
    row.plainBytes = unit.plainBytes;
    row.operations = unit.operations;
    for (const std::vector<EncodedUnit> &units : encoded) {
      const EncodedUnit &own = units[u];
      OptionSensitivity &option = row.options.emplace_back();
      option.obstacle = own.obstacle;
      option.bits = own.bits;
      option.bytes = own.bytes;
      option.operations = unit.operations + own.decodeOperations;
      option.isInteger = hasRoundedActivations(own);
      if (own.obstacle.empty()) {
        if (llvm::Error error = evaluator.setUnit(u, &own))
          return std::move(error);
        auto measure = evaluator.measure(table.samples);
        if (!measure)
          return measure.takeError();
        option.noise = measure->noise;
        option.divergence = measure->divergence;
        if (metric)
          option.drop = 100 * (*metric - *measure->metric);
      }
      if (advance)
        advance();
    }
    if (llvm::Error error = evaluator.setUnit(u, nullptr))
      return std::move(error);
  }
  return table;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

llvm::json::Value SensitivityTable::toJSON() const {
  using namespace llvm::json;
  Array rows;
  for (const UnitSensitivity &unit : units) {
    Array options;
    for (const OptionSensitivity &option : unit.options) {
      if (!option.obstacle.empty()) {
        options.push_back(Object{{"obstacle", option.obstacle}});
        continue;
      }
      Object item{{"bits", int64_t(option.bits)},
                  {"bytes", int64_t(option.bytes)},
                  {"operations", int64_t(option.operations)},
                  {"noise", option.noise},
                  {"divergence", option.divergence}};
      if (hasLabels)
        item["drop"] = option.drop;
      if (hasTimes)
        item["nanoseconds"] = int64_t(option.nanoseconds);
      if (!activations.empty())
        item["integer"] = option.isInteger;
      options.push_back(std::move(item));
    }
    Object row{{"name", unit.name},
               {"layers", Array(unit.layers)},
               {"elements", int64_t(unit.elements)},
               {"plain_bytes", int64_t(unit.plainBytes)},
               {"operations", int64_t(unit.operations)},
               {"options", std::move(options)}};
    if (hasTimes)
      row["nanoseconds"] = int64_t(unit.nanoseconds);
    rows.push_back(std::move(row));
  }
  return Object{{"terse_sensitivities", 1},
                {"candidates", Array(candidates)},
                {"activations", activations},
                {"weights", llvm::utohexstr(hash)},
                {"data", data},
                {"samples", samples},
                {"has_labels", hasLabels},
                {"has_times", hasTimes},
                {"units", std::move(rows)}};
}

/// Reads the members of one object; remembers whether all were there.
namespace {
struct Reader {
  const llvm::json::Object *object;
  bool ok = true;

  explicit Reader(const llvm::json::Value &value) : object(value.getAsObject()), ok(object) {}
  uint64_t number(llvm::StringRef key) {
    auto value = ok ? object->getInteger(key) : std::nullopt;
    ok &= value && *value >= 0;
    return ok ? uint64_t(*value) : 0;
  }
  double real(llvm::StringRef key) {
    auto value = ok ? object->getNumber(key) : std::nullopt;
    ok &= value.has_value();
    return ok ? *value : 0;
  }
  std::string text(llvm::StringRef key) {
    auto value = ok ? object->getString(key) : std::nullopt;
    ok &= value.has_value();
    return ok ? value->str() : std::string();
  }
  bool flag(llvm::StringRef key) {
    auto value = ok ? object->getBoolean(key) : std::nullopt;
    ok &= value.has_value();
    return ok && *value;
  }
  const llvm::json::Array &list(llvm::StringRef key) {
    static const llvm::json::Array none;
    const llvm::json::Array *value = ok ? object->getArray(key) : nullptr;
    ok &= value != nullptr;
    return value ? *value : none;
  }
  std::vector<std::string> texts(llvm::StringRef key) {
    std::vector<std::string> result;
    for (const llvm::json::Value &item : list(key)) {
      auto text = item.getAsString();
      ok &= text.has_value();
      result.push_back(text ? text->str() : "");
    }
    return result;
  }
};
} // namespace

llvm::Expected<SensitivityTable> SensitivityTable::fromJSON(const llvm::json::Value &value) {
  Reader root(value);
  SensitivityTable table;
  if (root.number("terse_sensitivities") != 1)
    return makeError("expected sensitivities of version 1");
  table.candidates = root.texts("candidates");
  // Older files do not have it.
  table.activations = root.ok && root.object->get("activations") ? root.text("activations") : "";
  std::string hash = root.text("weights");
  root.ok &= !llvm::StringRef(hash).getAsInteger(16, table.hash);
  table.data = root.text("data");
  table.samples = int64_t(root.number("samples"));
  table.hasLabels = root.flag("has_labels");
  table.hasTimes = root.flag("has_times");
  for (const llvm::json::Value &item : root.list("units")) {
    Reader row(item);
    UnitSensitivity &unit = table.units.emplace_back();
    unit.name = row.text("name");
    unit.layers = row.texts("layers");
    unit.elements = row.number("elements");
    unit.plainBytes = row.number("plain_bytes");
    unit.operations = row.number("operations");
    unit.nanoseconds = table.hasTimes ? row.number("nanoseconds") : 0;
    for (const llvm::json::Value &each : row.list("options")) {
      Reader reader(each);
      OptionSensitivity &option = unit.options.emplace_back();
      if (reader.ok && reader.object->get("obstacle")) {
        option.obstacle = reader.text("obstacle");
      } else {
        option.bits = reader.number("bits");
        option.bytes = reader.number("bytes");
        option.operations = reader.number("operations");
        option.noise = reader.real("noise");
        option.divergence = reader.real("divergence");
        option.drop = table.hasLabels ? reader.real("drop") : 0;
        option.nanoseconds = table.hasTimes ? reader.number("nanoseconds") : 0;
        option.isInteger = !table.activations.empty() && reader.flag("integer");
      }
      row.ok &= reader.ok;
    }
    root.ok &= row.ok && unit.options.size() == table.candidates.size();
  }
  if (!root.ok)
    return makeError("the sensitivities are malformed; measure them again");
  return table;
}

llvm::Error terse::mixed::writeSensitivities(llvm::StringRef path, const SensitivityTable &table) {
  return writeFileAtomically(path, [&](llvm::raw_ostream &os) {
    os << llvm::formatv("{0:2}\n", table.toJSON());
    return llvm::Error::success();
  });
}

llvm::Expected<SensitivityTable> terse::mixed::readSensitivities(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("'{0}': {1}", path, buffer.getError().message());
  auto json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return inFile(path, json.takeError());
  auto table = SensitivityTable::fromJSON(*json);
  if (!table)
    return inFile(path, table.takeError());
  return table;
}
