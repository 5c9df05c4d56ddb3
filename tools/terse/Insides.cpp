//===- Insides.cpp - What a page shows of a model's inside ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Insides.h"
#include "Artifact.h"

#include "terse/Calibration/Statistics.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace terse;
using namespace terse::tool;

llvm::Expected<std::vector<int64_t>> tool::readSlices(const Dataset &data, llvm::StringRef name) {
  const HostTensor *tensor = data.find(name);
  if (!tensor)
    return makeError("'{0}': there is no array '{1}' for --slices", data.getPath(), name);
  if (!data.hasLabels())
    return makeError("--slices shows accuracy: give --labels too");
  if (tensor->dtype.isFloat() || tensor->getNumElements() != data.size())
    return makeError("'{0}': array '{1}' is {2}; slices are one integer per sample", data.getPath(),
                     name, tensor->getTypeString());
  return tensor->toInts();
}

/// Loads a model whose options have been checked where it is run.
static llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
load(Session &session, llvm::StringRef path, const ModelOptions &options) {
  auto parsed = options.parse();
  if (!parsed)
    return parsed.takeError();
  std::set<std::string> used; // That all are used somewhere has been checked.
  parsed->used = &used;
  return session.load(path, *parsed);
}

llvm::Error tool::describeStorage(ModelResult &result, const ModelOptions &options) {
  Session session;
  auto module = load(session, result.path, options);
  if (!module)
    return module.takeError();
  result.storage = reportModel(**module);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

static TensorStatistics count(llvm::StringRef name, const HostTensor &tensor) {
  TensorStatistics statistics;
  statistics.name = name.str();
  statistics.hasHistogram = true;
  statistics.addSample(tensor.toFloats());
  return statistics;
}

/// Compares every encoded weight with the constant of its name in the reference.
static void compareWeights(mlir::ModuleOp reference, mlir::ModuleOp module, ModelResult &result,
                           bool pictures) {
  llvm::StringSet<> biases;
  for (const WeightEntry &weight : result.storage->weights)
    if (weight.role == WeightEntry::Role::Bias)
      biases.insert(weight.name);
  // Small constants have no symbol, but a name all the same.
  mlir::SymbolTableCollection symbols;
  llvm::StringMap<mlir::Value> originals;
  reference.walk([&](mlir::Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (ConstantSource source = getConstantSource(operand, symbols))
        originals.try_emplace(source.name, operand);
  });
  llvm::StringSet<> seen;
  module.walk([&](AssembleOp assemble) {
    auto type = mlir::cast<mlir::RankedTensorType>(assemble.getType());
    EncodingAttrInterface encoding = assemble.getEncoding();
    std::vector<HostTensor> components;
    llvm::StringRef base;
    std::string source;
    for (auto [value, info] :
         llvm::zip(assemble.getComponents(), encoding.getComponents(stripEncoding(type)))) {
      std::optional<HostTensor> tensor = getConstant(value, &symbols);
      if (!tensor)
        return; // Computed.
      if (components.empty()) {
        source = getConstantSource(value, symbols).name;
        base = source;
        base.consume_back("." + info.name);
      }
      components.push_back(std::move(*tensor));
    }
    if (base.empty() || !seen.insert(base).second || !type.hasStaticShape())
      return;
    auto decoded =
        encoding.decodeHost(components, stripEncoding(type), [&] { return assemble.emitError(); });
    if (mlir::failed(decoded))
      return;
    std::optional<HostTensor> original;
    if (mlir::Value value = originals.lookup(base))
      original = getConstant(value, &symbols);
    bool isSame = original && original->shape == decoded->shape;
    if (isSame) {
      WeightError &error = result.weights.emplace_back();
      error.name = base.str();
      error.distortion.add(*original, *decoded);
    }
    if (!pictures || decoded->getNumElements() == 0 || biases.contains(base))
      return;
    TensorStatistics stored = count(base, *decoded);
    HistogramPicture picture = HistogramPicture::from(isSame ? count(base, *original) : stored,
                                                      std::make_pair(stored.min, stored.max));
    if (!isSame)
      picture.note = "as stored: the reference has no weight of this name and shape";
    result.weightHistograms.push_back(std::move(picture));
  });
}

//===----------------------------------------------------------------------===//
// Activations and layers
//===----------------------------------------------------------------------===//

namespace {
/// Counts the values of encoded activations.
class ActivationCounter {
public:
  explicit ActivationCounter(const ModelReport &report) {
    for (const ActivationEntry &entry : report.activations) {
      if (entry.scales.size() != 1 ||
          llvm::any_of(items, [&](const Item &i) { return i.entry->name == entry.name; }))
        continue;
      Item &item = items.emplace_back();
      item.entry = &entry;
      item.use.name = item.statistics.name = entry.name;
      item.statistics.hasHistogram = true;
    }
  }

  void see(llvm::StringRef name, const HostTensor &tensor) {
    for (Item &item : items) {
      if (item.entry->name != name || tensor.dtype != DType::f32())
        continue;
      item.statistics.addSample(tensor.getAs<float>());
      // What rounds to an end of the range is within it.
      double half = 0.5 * double(item.entry->scales.front());
      for (float value : tensor.getAs<float>()) {
        item.use.below += value < item.entry->low - half;
        item.use.above += value > item.entry->high + half;
      }
      item.use.seen += tensor.getNumElements();
    }
  }

  void finish(ModelResult &result, bool pictures) {
    for (Item &item : items) {
      if (item.use.seen == 0)
        continue;
      if (pictures) {
        HistogramPicture picture = HistogramPicture::from(
            item.statistics, std::make_pair(item.entry->low, item.entry->high));
        picture.outside = item.use.getSaturation();
        result.activationHistograms.push_back(std::move(picture));
      }
      result.activations.push_back(std::move(item.use));
    }
  }

private:
  struct Item {
    const ActivationEntry *entry;
    ActivationUse use;
    TensorStatistics statistics;
  };
  std::vector<Item> items;
};
} // namespace

llvm::Error tool::lookInside(const ModelResult &reference, ModelResult &result, const Dataset &data,
                             const InsideOptions &options) {
  if (isArtifactPath(result.path))
    return llvm::Error::success();
  Session session;
  auto module = load(session, result.path, options.model);
  if (!module)
    return module.takeError();
  result.storage = reportModel(**module);
  if (isArtifactPath(reference.path))
    return llvm::Error::success();
  auto original = load(session, reference.path, options.model);
  if (!original)
    return original.takeError();
  compareWeights(**original, **module, result, options.pictures);
  if (options.samples == 0)
    return llvm::Error::success();
  ActivationCounter counter(*result.storage);
  CompileOptions compile;
  compile.cacheFolder = getDefaultCacheFolder();
  auto layers = measureLayerErrors(
      **original, **module, data, options.samples,
      [&](llvm::StringRef name, const HostTensor &tensor) { counter.see(name, tensor); }, compile);
  if (!layers) {
    note("'" + result.path +
         "': errors of layers are not measured: " + llvm::toString(layers.takeError()));
    return llvm::Error::success();
  }
  result.layers = std::move(*layers);
  counter.finish(result, options.pictures);
  return llvm::Error::success();
}

llvm::Expected<llvm::json::Value> tool::readManifest(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("'{0}': {1}", path, buffer.getError().message());
  auto json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return inFile(path, json.takeError());
  llvm::json::Object *object = json->getAsObject();
  if (!object || !object->getInteger("terse_manifest"))
    return makeError("'{0}': not a manifest, as terse compress --manifest writes it", path);
  // What is stored how stands in the page anyway, taken from the model itself.
  for (const char *key : {"weights", "activations", "ops", "totals"})
    object->erase(key);
  return std::move(*json);
}
