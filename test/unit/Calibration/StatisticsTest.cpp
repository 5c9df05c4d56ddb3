//===- StatisticsTest.cpp - Histograms, files, ranges ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Calibration/Statistics.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace terse;

namespace {

TensorStatistics collect(const std::vector<std::vector<float>> &samples) {
  TensorStatistics statistics;
  statistics.name = "x";
  statistics.hasHistogram = true;
  for (const std::vector<float> &sample : samples)
    statistics.addSample(sample);
  return statistics;
}

std::vector<float> normal(unsigned seed, size_t count, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}

std::string getFile(llvm::ArrayRef<TensorStatistics> tensors) {
  llvm::SmallString<64> path;
  EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("statistics", "json", path));
  EXPECT_FALSE(llvm::errorToBool(writeStatistics(path, tensors)));
  auto buffer = llvm::MemoryBuffer::getFile(path);
  std::string text = (*buffer)->getBuffer().str();
  auto back = readStatistics(path);
  EXPECT_TRUE(bool(back));
  if (back)
    EXPECT_EQ(back->size(), tensors.size());
  EXPECT_TRUE(isStatisticsFile(path));
  llvm::sys::fs::remove(path);
  return text;
}

} // namespace

// Bins hold what an independent count of the same values gives.
TEST(Histogram, counts_as_defined) {
  std::vector<float> values = normal(1, 5000, 3.0f);
  TensorStatistics statistics = collect({values});
  double width = statistics.histogram.getWidth();
  float largest = 0;
  for (float value : values)
    largest = std::max(largest, std::fabs(value));
  EXPECT_LT(largest, width * Histogram::kBins);
  EXPECT_GE(largest, width * Histogram::kBins / 2);
  for (int64_t bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    auto inBin = [&](float value) {
      return value >= double(bin) * width && value < double(bin + 1) * width;
    };
    ASSERT_EQ(statistics.histogram.getCount(bin),
              size_t(std::count_if(values.begin(), values.end(), inBin)))
        << bin;
  }
}

// The order of samples, how they are cut, and what is merged with what do not matter.
TEST(Histogram, is_a_function_of_the_set_of_values) {
  std::vector<float> small = normal(2, 1000, 1e-3f), large = normal(3, 1000, 100.0f),
                     tiny{-1e-44f, 1e-44f, 0.0f, -0.0f};
  TensorStatistics forward = collect({tiny, small, large}),
                   backward = collect({large, small, tiny});
  TensorStatistics merged = collect({small});
  merged.merge(collect({large}));
  merged.merge(collect({tiny}));
  EXPECT_EQ(forward.histogram.getExponent(), backward.histogram.getExponent());
  EXPECT_EQ(forward.histogram.getExponent(), merged.histogram.getExponent());
  for (int64_t bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    ASSERT_EQ(forward.histogram.getCount(bin), backward.histogram.getCount(bin)) << bin;
    ASSERT_EQ(forward.histogram.getCount(bin), merged.histogram.getCount(bin)) << bin;
  }
  EXPECT_EQ(forward.min, backward.min);
  EXPECT_EQ(forward.max, merged.max);
  EXPECT_EQ(merged.samples, 3u);
  EXPECT_EQ(merged.elements, 2004u);
}

TEST(Histogram, ends_of_f32) {
  float largest = std::numeric_limits<float>::max(),
        smallest = std::numeric_limits<float>::denorm_min();
  TensorStatistics statistics = collect({{smallest, -smallest, largest, -largest}});
  EXPECT_EQ(statistics.histogram.getCount(0), 1u);
  EXPECT_EQ(statistics.histogram.getCount(-1), 1u);
  EXPECT_EQ(statistics.histogram.getCount(Histogram::kBins - 1), 1u);
  EXPECT_EQ(statistics.histogram.getCount(-Histogram::kBins), 1u);
}

TEST(TensorStatistics, counts_what_is_not_finite) {
  float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  TensorStatistics statistics = collect({{nan, inf, -inf}, {1.0f, nan, 3.0f}});
  EXPECT_EQ(statistics.nonFinite, 4u);
  EXPECT_EQ(statistics.elements, 6u);
  EXPECT_EQ(statistics.min, 1.0);
  EXPECT_EQ(statistics.max, 3.0);
  EXPECT_EQ(statistics.averageMin, 1.0);
}

// Runs over parts of the data, merged in their order, are the run over all of it, byte for byte;
// also where the window of the moving averages has moved on.
TEST(TensorStatistics, parts_merge_to_the_whole) {
  std::vector<std::vector<float>> samples;
  for (unsigned i = 0; i < 1500; ++i)
    samples.push_back(normal(i, 5, 1.0f + float(i % 7)));
  std::string whole = getFile(collect(samples));
  for (std::vector<size_t> cuts : {std::vector<size_t>{1}, {700}, {3, 4, 1200}, {1024}, {1499}}) {
    TensorStatistics merged = collect({});
    size_t begin = 0;
    cuts.push_back(samples.size());
    for (size_t end : cuts) {
      merged.merge(collect({samples.begin() + begin, samples.begin() + end}));
      begin = end;
    }
    EXPECT_TRUE(getFile(merged) == whole) << cuts.size();
  }
}

// Means of channels, too: numbers of very different sizes, samples without a finite value in some
// channel, and parts merged in any order.
TEST(TensorStatistics, means_of_channels_depend_on_no_order) {
  auto see = [](TensorStatistics &statistics, unsigned i) {
    std::vector<float> sample = normal(i, 12, std::pow(10.0f, float(i % 17) - 8));
    if (i % 3 == 0)
      std::fill_n(sample.begin() + 4, 4, std::nanf(""));
    statistics.addSample(sample);
    statistics.addChannels(sample, 1, 3, 4);
  };
  auto run = [&](unsigned begin, unsigned end) {
    TensorStatistics statistics;
    statistics.name = "x";
    for (unsigned i = begin; i < end; ++i)
      see(statistics, i);
    return statistics;
  };
  std::string whole = getFile(run(0, 200));
  for (unsigned cut : {1u, 3u, 99u, 150u, 199u}) {
    TensorStatistics parts = run(0, cut);
    parts.merge(run(cut, 200));
    EXPECT_TRUE(getFile(parts) == whole) << cut;
    TensorStatistics backward = run(cut, 200);
    backward.merge(run(0, cut));
    for (auto [one, other] : llvm::zip_equal(backward.channels, parts.channels)) {
      EXPECT_EQ(one.mean, other.mean);
      EXPECT_EQ(one.absMean, other.absMean);
      EXPECT_TRUE(one.sum.getTerms() == other.sum.getTerms());
    }
  }
  EXPECT_NE(whole.find("\"channel_sums\":[[200,"), std::string::npos);
  EXPECT_NE(whole.find(",[133,"), std::string::npos);
}

// The first files had means only, which are weighted by samples.
TEST(TensorStatistics, merges_means_without_sums) {
  TensorStatistics first, second;
  first.addSample({1.0f, 3.0f});
  first.addChannels({1.0f, 3.0f}, 1, 1, 2);
  first.channels.front() = {1, 3, 2, 2};
  first.hasChannelSums = false;
  second.addSample({-4.0f, 4.0f});
  second.addChannels({-4.0f, 4.0f}, 1, 1, 2);
  first.merge(second);
  EXPECT_EQ(first.channels.front().mean, 1.0);
  EXPECT_EQ(first.channels.front().absMean, 3.0);
  EXPECT_FALSE(first.hasChannelSums);
}

TEST(TensorStatistics, moving_average) {
  TensorStatistics statistics = collect({{0.0f, 1.0f}, {0.0f, 2.0f}, {-1.0f, 0.0f}});
  EXPECT_DOUBLE_EQ(statistics.averageMax, (1 + 0.01 * (2 - 1)) + 0.01 * (0 - (1 + 0.01)));
  EXPECT_DOUBLE_EQ(statistics.averageMin, -0.01);
}

TEST(TensorStatistics, channels) {
  TensorStatistics statistics;
  std::vector<float> sample{1, 2, -3, 4, 5, -6}; // [1, 3, 2]
  statistics.addSample(sample);
  statistics.addChannels(sample, 1, 3, 2);
  ASSERT_EQ(statistics.channels.size(), 3u);
  EXPECT_EQ(statistics.channels[1].min, -3.0);
  EXPECT_EQ(statistics.channels[1].mean, 0.5);
  EXPECT_EQ(statistics.channels[1].absMean, 3.5);
  EXPECT_EQ(statistics.channels[2].max, 5.0);
}

TEST(Files, round_trip_to_the_byte) {
  TensorStatistics statistics = collect({normal(4, 100, 1.0f), {0.1f}});
  statistics.addChannels(normal(4, 100, 1.0f), 1, 4, 25);
  std::string first = getFile({statistics, collect({{0.0f}})});
  mlir::MLIRContext context;
  context.loadDialect<TerseDialect>();
  TensorStatistics back = TensorStatistics::fromAttr(statistics.toAttr(&context), "x");
  // The attribute has the averages that these give.
  back.recent = statistics.recent;
  back.hasChannelSums = true;
  for (auto [channel, seen] : llvm::zip_equal(back.channels, statistics.channels)) {
    channel.samples = seen.samples;
    channel.sum = seen.sum;
    channel.absSum = seen.absSum;
  }
  EXPECT_TRUE(first == getFile({back, collect({{0.0f}})}));
}

TEST(Files, malformed_files_are_errors) {
  for (const char *text :
       {"", "{}", "[]", "{\"terse_statistics\":2,\"tensors\":[]}",
        "{\"terse_statistics\":1,\"tensors\":[{}]}",
        "{\"terse_statistics\":1,\"tensors\":[{\"name\":\"x\",\"samples\":1,\"elements\":1,\"non_"
        "finite\":0,"
        "\"range\":[0,1,0,1],\"exponent\":0,\"first\":2047,\"counts\":[1,1]}]}"}) {
    llvm::SmallString<64> path;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("statistics", "json", path));
    std::error_code code;
    llvm::raw_fd_ostream(path, code) << text;
    auto result = readStatistics(path);
    EXPECT_FALSE(bool(result)) << text;
    llvm::consumeError(result.takeError());
    llvm::sys::fs::remove(path);
  }
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

TEST(Ranges, hold_zero_and_what_was_seen) {
  FloatRange range = estimateRange(collect({{1.0f, 3.0f}}), {RangeMethod::MinMax});
  EXPECT_EQ(range.low, 0.0);
  EXPECT_EQ(range.high, 3.0);
  range = estimateRange(collect({{-1.0f, 3.0f}}),
                        {RangeMethod::MinMax, 99.99, 254, /*symmetric=*/true});
  EXPECT_EQ(range.low, -3.0);
  EXPECT_EQ(range.high, 3.0);
}

TEST(Ranges, degenerate_values_are_defined_for_every_method) {
  for (RangeMethod method : {RangeMethod::MinMax, RangeMethod::MovingAverage,
                             RangeMethod::Percentile, RangeMethod::KL, RangeMethod::MSE}) {
    FloatRange zeros = estimateRange(collect({{0.0f, 0.0f}}), {method});
    EXPECT_EQ(zeros.low, 0.0);
    EXPECT_EQ(zeros.high, 0.0);
    FloatRange constant = estimateRange(collect({{-2.0f, -2.0f}}), {method});
    EXPECT_LE(constant.low, -1.5) << int(method);
    EXPECT_EQ(constant.high, 0.0);
    FloatRange none = estimateRange(collect({}), {method});
    EXPECT_EQ(none.high, 0.0);
    FloatRange bad = estimateRange(collect({{std::nanf("")}}), {method});
    EXPECT_EQ(bad.high, 0.0);
  }
}

TEST(Ranges, one_outlier) {
  std::vector<float> values = normal(5, 20000, 1.0f);
  values.push_back(1000.0f);
  TensorStatistics statistics = collect({values});
  EXPECT_EQ(estimateRange(statistics, {RangeMethod::MinMax}).high, 1000.0);
  FloatRange cut = estimateRange(statistics, {RangeMethod::Percentile, 99.9});
  EXPECT_LT(cut.high, 10.0);
  EXPECT_GT(cut.high, 2.0);
}

/// The mean squared error of a grid over the range, on the values themselves.
static double getError(const std::vector<float> &values, FloatRange range) {
  double scale = (range.high - range.low) / 255, zero = std::nearbyint(-range.low / scale), sum = 0;
  for (float value : values) {
    double q = std::clamp(std::nearbyint(value / scale) + zero, 0.0, 255.0);
    sum += ((q - zero) * scale - value) * ((q - zero) * scale - value);
  }
  return sum / double(values.size());
}

TEST(Ranges, least_squares_is_near_an_exhaustive_search) {
  std::vector<float> values = normal(6, 20000, 1.0f);
  for (size_t i = 0; i < 20; ++i)
    values.push_back(i % 2 ? 9.0f : -12.0f);
  FloatRange found = estimateRange(collect({values}), {RangeMethod::MSE});
  double best = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= 60; ++i)
    for (int j = 1; j <= 60; ++j)
      best = std::min(best, getError(values, {-12.0 * i / 60, 9.0 * j / 60}));
  EXPECT_LE(getError(values, found), 1.05 * best);
  EXPECT_LT(getError(values, found), getError(values, {-12.0, 9.0}));
}

TEST(Ranges, divergence_cuts_a_long_tail_but_not_a_plateau) {
  std::vector<float> plateau, tail = normal(7, 50000, 1.0f);
  for (int i = 0; i < 50000; ++i)
    plateau.push_back(float(i) / 50000);
  tail.push_back(60.0f);
  EXPECT_GT(estimateRange(collect({plateau}), {RangeMethod::KL}).high, 0.9);
  EXPECT_LT(estimateRange(collect({tail}), {RangeMethod::KL}).high, 30.0);
}
