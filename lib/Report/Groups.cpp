//===- Groups.cpp - Accuracy by class, shares of the loss -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/Evaluation.h"

#include <cmath>
#include <map>

using namespace terse;

std::vector<GroupAccuracy> terse::compareGroups(llvm::ArrayRef<int64_t> groups,
                                                llvm::ArrayRef<int64_t> labels,
                                                llvm::ArrayRef<int64_t> reference,
                                                llvm::ArrayRef<int64_t> predictions) {
  std::map<int64_t, GroupAccuracy> found;
  for (auto [group, label, before, after] : llvm::zip(groups, labels, reference, predictions)) {
    GroupAccuracy &own = found[group];
    own.group = group;
    ++own.samples;
    own.reference += before == label;
    own.hits += after == label;
  }
  std::vector<GroupAccuracy> result;
  for (auto &[group, own] : found)
    result.push_back(own);
  llvm::sort(result, [](const GroupAccuracy &a, const GroupAccuracy &b) {
    return a.getDrop() != b.getDrop() ? a.getDrop() > b.getDrop() : a.group < b.group;
  });
  return result;
}

std::vector<double> terse::getLossShares(llvm::ArrayRef<LayerError> layers) {
  // Infinite noise is so much more than any other that these layers share the loss alone.
  double sum = 0;
  size_t infinite = 0;
  for (const LayerError &layer : layers) {
    double noise = layer.output.noise;
    std::isfinite(noise) ? void(sum += noise) : void(++infinite);
  }
  std::vector<double> shares;
  for (const LayerError &layer : layers) {
    double noise = layer.output.noise;
    if (infinite)
      shares.push_back(std::isfinite(noise) ? 0 : 1 / double(infinite));
    else
      shares.push_back(sum > 0 ? noise / sum : 0);
  }
  return shares;
}
