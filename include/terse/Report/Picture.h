//===- Picture.h - Pictures for pages ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SVG without sizes of its own colors: style sheets of the page give them, for
// light and dark.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_REPORT_PICTURE_H
#define TERSE_REPORT_PICTURE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace terse {

class TensorStatistics;

/// Counts of values in columns of equal width, and the range that was chosen for them.
struct HistogramPicture {
  std::string name, note;
  double low = 0, high = 0;
  std::vector<uint64_t> counts;
  std::optional<std::pair<double, double>> range;
  /// Share of the values outside of the range, where that was counted.
  std::optional<double> outside;

  /// Columns over all that was seen and the range. Empty counts if nothing was.
  static HistogramPicture from(const TensorStatistics &statistics,
                               std::optional<std::pair<double, double>> range,
                               unsigned columns = 56);
  llvm::json::Value toJSON() const;
};

/// The height of a column is the logarithm of its count; the chosen range is a band with its ends
/// marked.
void drawHistogram(const HistogramPicture &histogram, llvm::raw_ostream &os);

/// A bar of parts with a name and an amount each, `scale` units per whole width.
struct BarPart {
  std::string name, style;
  double amount = 0;
};
void drawBar(llvm::ArrayRef<BarPart> parts, double scale, llvm::raw_ostream &os);

/// Where times lie between 0 and `most`: each as a faint mark, percentiles 50, 90 and 99 as lines.
void drawTimes(llvm::ArrayRef<double> times, double most, llvm::raw_ostream &os);

/// Two lines over the layers in order: dB of the layer alone, and of all up to it. Absent values
/// interrupt a line.
struct DepthPoint {
  std::string name;
  std::optional<double> local, accumulated;
};
void drawDepth(llvm::ArrayRef<DepthPoint> points, llvm::raw_ostream &os);

} // namespace terse

#endif // TERSE_REPORT_PICTURE_H
