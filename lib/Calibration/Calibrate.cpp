//===- Calibrate.cpp - Gather the statistics of observers -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Calibration/Calibration.h"
#include "terse/Calibration/Passes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/ModelIO/ModelFile.h"

namespace terse {
#define GEN_PASS_DEF_CALIBRATEPASS
#include "terse/Calibration/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

struct CalibratePass : terse::impl::CalibratePassBase<CalibratePass> {
  using CalibratePassBase::CalibratePassBase;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error run() {
    if (data.empty() == from.empty())
      return llvm::createStringError(
          "terse-calibrate needs either data to run the model on or statistics of an earlier run "
          "(terse compress: --data CALIB.npz or --statistics FILE)");
    auto function = findEntryFunction(getOperation());
    if (!function)
      return function.takeError();
    SmallVector<ObserveOp> observers;
    for (auto observe : function->getOps<ObserveOp>())
      if (observe.getKind() != ObserverKind::SecondMoment)
        observers.push_back(observe);
    // Observers of one name are one entry: a histogram and channels of the same value.
    std::vector<TensorStatistics> tensors;
    SmallVector<size_t> entries;
    for (ObserveOp observe : observers) {
      auto it = llvm::find_if(
          tensors, [&](const TensorStatistics &t) { return t.name == observe.getName(); });
      if (it == tensors.end()) {
        tensors.emplace_back().name = observe.getName().str();
        it = std::prev(tensors.end());
      }
      it->hasHistogram |= observe.getKind() == ObserverKind::Histogram;
      entries.push_back(it - tensors.begin());
    }
    if (llvm::Error error = data.empty() ? load(tensors) : gather(observers, entries, tensors))
      return error;
    for (auto [observe, entry] : llvm::zip(observers, entries))
      observe->setDiscardableAttr(StatisticsAttr::kAttrName, tensors[entry].toAttr(&getContext()));
    return output.empty() ? llvm::Error::success() : writeStatistics(output, tensors);
  }

  llvm::Error gather(ArrayRef<ObserveOp> observers, ArrayRef<size_t> entries,
                     std::vector<TensorStatistics> &tensors) {
    auto opened = CalibrationData::open(getOperation(), data);
    if (!opened)
      return opened.takeError();
    auto values =
        llvm::map_to_vector(observers, [](ObserveOp op) -> Value { return op.getInput(); });
    auto count = observeValues(getOperation(), values, **opened, samples, interpret,
                               [&](size_t i, const HostTensor &tensor) {
                                 ObserveOp observe = observers[i];
                                 TensorStatistics &statistics = tensors[entries[i]];
                                 llvm::ArrayRef<float> elements = tensor.getAs<float>();
                                 if (observe.getKind() != ObserverKind::Channel) {
                                   statistics.addSample(elements);
                                   return;
                                 }
                                 int64_t outer = 1, inner = 1, axis = *observe.getAxis();
                                 for (auto [d, size] : llvm::enumerate(tensor.shape))
                                   (int64_t(d) < axis ? outer : inner) *=
                                       int64_t(d) == axis ? 1 : size;
                                 statistics.addChannels(elements, outer, tensor.shape[axis], inner);
                               });
    if (!count)
      return count.takeError();
    numSamples += *count;
    return llvm::Error::success();
  }

  llvm::Error load(std::vector<TensorStatistics> &tensors) {
    std::vector<std::vector<TensorStatistics>> files;
    for (const std::string &path : from) {
      auto file = readStatistics(path);
      if (!file)
        return file.takeError();
      files.push_back(std::move(*file));
    }
    for (TensorStatistics &tensor : tensors) {
      for (auto [path, file] : llvm::zip(from, files)) {
        auto it =
            llvm::find_if(file, [&](const TensorStatistics &t) { return t.name == tensor.name; });
        if (it == file.end())
          return llvm::createStringError(
              "'" + path + "' has no statistics of '" + tensor.name +
              "': it was made for another model or recipe; calibrate again with --data");
        tensor.merge(*it);
      }
    }
    return llvm::Error::success();
  }
};

} // namespace
