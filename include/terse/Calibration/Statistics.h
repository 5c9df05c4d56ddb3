//===- Statistics.h - What is known of a tensor's values -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streaming statistics of the tensors that calibration observes. Memory is that
// of one histogram per tensor, whatever the amount of data.
//
// Everything but the moving averages is a function of the set of samples: order,
// batches and threads cannot change it. Moving averages take samples in the order of the
// data, and merged ones go on where the others end: however the samples are cut
// into runs, statistics merged in their order have the same bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_CALIBRATION_STATISTICS_H
#define TERSE_CALIBRATION_STATISTICS_H

#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Support/ExactSum.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace terse {

/// Counts of values in bins of equal width, a power of two: bin i holds the x with
/// floor(x / 2^exponent) = i, and -kBins <= i < kBins. The width is the smallest at which all
/// values fit, so that it follows from the largest magnitude: growing merges pairs of bins,
/// exactly.
class Histogram {
public:
  static constexpr int64_t kBins = 2048;
  /// The width that stands for "only zeros so far".
  static constexpr int64_t kMinExponent = -160;

  Histogram() : counts(2 * kBins) {}

  /// Adds finite values, the largest magnitude of which is `absMax`.
  void add(llvm::ArrayRef<float> values, float absMax);
  void merge(const Histogram &other);
  int64_t getExponent() const { return exponent; }
  double getWidth() const;
  uint64_t getCount(int64_t bin) const { return counts[bin + kBins]; }
  void setExponent(int64_t value) { exponent = value; }
  void addCount(int64_t bin, uint64_t count) { counts[bin + kBins] += count; }

private:
  void growTo(int64_t wanted);
  int64_t exponent = kMinExponent;
  std::vector<uint64_t> counts;
};

/// Means are those of the samples' means, so that each sample weighs the same, whatever its size.
struct ChannelStatistics {
  double min = 0, max = 0, mean = 0, absMean = 0;
  /// What the means are made of, so that they do not depend on how the samples were cut into runs:
  /// samples with a finite value, and the sums of their means.
  uint64_t samples = 0;
  ExactSum sum, absSum;

  /// Adds what others of the same channel have seen; their means follow from their sums.
  void add(const ChannelStatistics &other);
};

/// Statistics of one observed value.
class TensorStatistics {
public:
  std::string name;
  uint64_t samples = 0, elements = 0, nonFinite = 0;
  /// Of finite values; 0 without any.
  double min = 0, max = 0;
  /// Moving averages of each sample's smallest and largest value, over the last kWindow samples:
  /// the first one as it is, then average += kMomentum * (value - average).
  double averageMin = 0, averageMax = 0;
  /// Of those samples, in order; what the averages follow from.
  std::vector<std::pair<float, float>> recent;
  Histogram histogram;
  bool hasHistogram = false;
  /// Along the observed axis; empty unless asked for.
  std::vector<ChannelStatistics> channels;
  /// Whether the channels have their sums; attributes and the first files have only the means.
  bool hasChannelSums = true;

  static constexpr double kMomentum = 0.01;
  static constexpr size_t kWindow = 1024;

  /// Adds one sample.
  void addSample(llvm::ArrayRef<float> values);
  /// Adds one sample's slices along an axis: element `(outer, channel, inner)`.
  void addChannels(llvm::ArrayRef<float> values, int64_t outer, int64_t channelCount,
                   int64_t inner);
  /// Adds what `other` has seen after this one.
  void merge(const TensorStatistics &other);

  StatisticsAttr toAttr(mlir::MLIRContext *context) const;
  static TensorStatistics fromAttr(StatisticsAttr attr, llvm::StringRef name);

private:
  void addExtremes(llvm::ArrayRef<std::pair<float, float>> extremes);
};

/// Files of statistics, JSON; docs/Calibration.md describes them. The same statistics give the same
/// bytes.
llvm::Error writeStatistics(llvm::StringRef path, llvm::ArrayRef<TensorStatistics> tensors);
llvm::Expected<std::vector<TensorStatistics>> readStatistics(llvm::StringRef path);
/// Whether a file looks like one of statistics.
bool isStatisticsFile(llvm::StringRef path);

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

/// How a range is chosen for the values that were seen.
enum class RangeMethod { MinMax, MovingAverage, Percentile, KL, MSE };

struct RangeOptions {
  RangeMethod method = RangeMethod::Percentile;
  /// For Percentile: the share in percent that remains on each side that is cut.
  double percentile = 99.99;
  /// Steps of the grid that the range gets: 2^bits - 1.
  int64_t steps = 255;
  /// Whether the grid is symmetric around zero.
  bool symmetric = false;
};

struct FloatRange {
  double low = 0, high = 0;
};

/// The range, which holds 0 and is no larger than what was seen (and 0).
///
/// Percentile cuts each side at the percentile of all values. MSE minimizes the mean squared error
/// of rounding and clamping the histogram. KL minimizes the Kullback-Leibler divergence of the
/// histogram after rounding (Migacz, "8-bit inference with TensorRT", 2017).
FloatRange estimateRange(const TensorStatistics &statistics, const RangeOptions &options);

llvm::StringRef stringifyRangeMethod(RangeMethod method);

} // namespace terse

#endif // TERSE_CALIBRATION_STATISTICS_H
