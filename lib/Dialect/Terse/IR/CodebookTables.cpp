//===- CodebookTables.cpp - The entries of codebooks ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/CodebookTables.h"
#include "terse/Numerics/Float.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace terse;

/// Quantiles of the normal distribution with an exact zero, as published with QLoRA.
static constexpr float kNF4[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

SmallVector<float> terse::getFixedEntries(FixedTable table, unsigned bits) {
  SmallVector<float> entries;
  switch (table) {
  case FixedTable::NF4:
    entries.assign(std::begin(kNF4), std::end(kNF4));
    break;
  case FixedTable::FP4:
    for (uint16_t pattern = 0; pattern < 16; ++pattern)
      entries.push_back(numerics::decodeFloat(numerics::FloatKind::F4E2M1FN, pattern) / 6.0f);
    break;
  case FixedTable::PowersOfTwo: {
    int count = (1 << (bits - 1)) - 1;
    for (int k = 0; k < count; ++k)
      entries.push_back(-std::ldexp(1.0f, -k));
    entries.push_back(0.0f);
    for (int k = count - 1; k >= 0; --k)
      entries.push_back(std::ldexp(1.0f, -k));
    break;
  }
  case FixedTable::Binary:
    entries = {1.0f, -1.0f}; // Zero becomes the first of them.
    break;
  case FixedTable::Ternary:
    entries = {-1.0f, 0.0f, 1.0f};
    break;
  }
  return entries;
}

bool terse::isFixedTableWidth(FixedTable table, unsigned bits) {
  switch (table) {
  case FixedTable::NF4:
  case FixedTable::FP4:
    return bits == 4;
  case FixedTable::PowersOfTwo:
    return bits >= 2 && bits <= 8;
  case FixedTable::Binary:
    return bits == 1;
  case FixedTable::Ternary:
    return bits == 2;
  }
  llvm_unreachable("unknown table");
}

float terse::chooseCodebookScale(std::optional<FixedTable> table, MutableArrayRef<float> values) {
  for (float &value : values)
    value = std::fabs(value);
  if (table == FixedTable::Ternary)
    llvm::sort(values, std::greater<float>());
  double sum = 0, best = 0, scale = 0;
  float largest = 0;
  for (auto [i, value] : llvm::enumerate(values)) {
    sum += value;
    largest = std::max(largest, value);
    // The error of keeping the k largest ones at their mean is sum(x^2) - sum_k^2 / k.
    double gain = sum * sum / double(i + 1);
    if (table == FixedTable::Ternary && gain > best) {
      best = gain;
      scale = sum / double(i + 1);
    }
  }
  if (!table || (table != FixedTable::Ternary && table != FixedTable::Binary))
    scale = largest;
  else if (table == FixedTable::Binary && !values.empty())
    scale = sum / double(values.size());
  return scale == 0 ? 1.0f : float(scale);
}

NearestEntry::NearestEntry(ArrayRef<float> entries, int64_t width)
    : entries(entries), width(width) {
  if (width != 1)
    return;
  for (auto [i, entry] : llvm::enumerate(entries))
    sorted.push_back({entry, i});
  llvm::sort(sorted); // -0 and 0 are equal, so that the index decides.
  sorted.erase(llvm::unique(sorted, [](auto &a, auto &b) { return a.first == b.first; }),
               sorted.end());
}

int64_t NearestEntry::find(ArrayRef<float> x) const {
  auto number = [](float value) { return std::isnan(value) ? 0.0 : double(value); };
  if (width != 1) {
    int64_t best = 0;
    double bestDistance = std::numeric_limits<double>::infinity();
    for (int64_t k = 0, e = entries.size() / width; k < e; ++k) {
      double distance = 0;
      for (int64_t i = 0; i < width; ++i) {
        double delta = number(x[i]) - entries[k * width + i];
        distance += delta * delta;
      }
      if (distance < bestDistance) {
        bestDistance = distance;
        best = k;
      }
    }
    return best;
  }
  double value = number(x.front());
  auto above = llvm::lower_bound(
      sorted, value, [](const auto &entry, double wanted) { return entry.first < wanted; });
  if (above == sorted.end())
    return sorted.back().second;
  if (above == sorted.begin())
    return above->second;
  auto below = std::prev(above);
  double up = above->first - value, down = value - below->first;
  if (up == down)
    return std::min(above->second, below->second);
  return up < down ? above->second : below->second;
}
