//===- Clustering.cpp - Weighted k-means ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Clustering.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

using namespace llvm;
using namespace terse;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

namespace {

struct Point {
  double value, weight;
};

/// Sums over ranges of sorted points in constant time.
class RangeSums {
public:
  explicit RangeSums(ArrayRef<Point> points)
      : weight(points.size() + 1, 0), first(points.size() + 1, 0), second(points.size() + 1, 0) {
    // Around the middle of the points differences of sums lose the fewest digits.
    if (!points.empty())
      origin = points[points.size() / 2].value;
    for (auto [i, point] : llvm::enumerate(points)) {
      double x = point.value - origin;
      weight[i + 1] = weight[i] + point.weight;
      first[i + 1] = first[i] + point.weight * x;
      second[i + 1] = second[i] + point.weight * x * x;
    }
  }

  /// The least weighted square error of one center for the points [begin, end).
  double getCost(size_t begin, size_t end) const {
    double w = weight[end] - weight[begin];
    if (w <= 0)
      return 0;
    double s = first[end] - first[begin];
    return std::max(0.0, second[end] - second[begin] - s * s / w);
  }

  double getMean(size_t begin, size_t end) const {
    return origin + (first[end] - first[begin]) / (weight[end] - weight[begin]);
  }

private:
  double origin = 0;
  std::vector<double> weight, first, second;
};

/// Optimal clusters of sorted distinct points: the begin of each one, and the end of the last.
class OptimalClusters {
public:
  OptimalClusters(const RangeSums &sums, size_t size, size_t count)
      : sums(sums), size(size), count(count), best(size + 1), previous(size + 1),
        splits(count, std::vector<uint32_t>(size + 1, 0)) {}

  std::vector<size_t> run() {
    for (size_t end = 0; end <= size; ++end)
      previous[end] = sums.getCost(0, end);
    for (size_t layer = 1; layer < count; ++layer) {
      // `layer + 1` clusters need as many points.
      best.assign(size + 1, std::numeric_limits<double>::infinity());
      solve(layer, layer + 1, size, layer, size - 1);
      std::swap(best, previous);
    }
    std::vector<size_t> bounds(count + 1);
    bounds[count] = size;
    for (size_t layer = count; layer-- > 1;)
      bounds[layer] = splits[layer][bounds[layer + 1]];
    bounds[0] = 0;
    return bounds;
  }

private:
  /// Ends in [low, high], whose best split lies in [from, to].
  void solve(size_t layer, size_t low, size_t high, size_t from, size_t to) {
    if (low > high)
      return;
    size_t middle = low + (high - low) / 2, found = from;
    double cost = std::numeric_limits<double>::infinity();
    for (size_t split = from; split <= std::min(to, middle - 1); ++split) {
      double candidate = previous[split] + sums.getCost(split, middle);
      if (candidate < cost) {
        cost = candidate;
        found = split;
      }
    }
    best[middle] = cost;
    splits[layer][middle] = uint32_t(found);
    if (middle > low)
      solve(layer, low, middle - 1, from, found);
    solve(layer, middle + 1, high, found, to);
  }

  const RangeSums &sums;
  size_t size, count;
  std::vector<double> best, previous;
  std::vector<std::vector<uint32_t>> splits;
};

std::vector<Point> sortAndMerge(ArrayRef<float> points, ArrayRef<float> weights) {
  std::vector<Point> sorted(points.size());
  for (size_t i = 0; i < points.size(); ++i)
    sorted[i] = {double(points[i]), weights.empty() ? 1.0 : double(weights[i])};
  llvm::sort(sorted, [](const Point &a, const Point &b) {
    return std::tie(a.value, a.weight) < std::tie(b.value, b.weight);
  });
  size_t distinct = 0;
  for (const Point &point : sorted) {
    if (distinct && sorted[distinct - 1].value == point.value)
      sorted[distinct - 1].weight += point.weight;
    else
      sorted[distinct++] = point;
  }
  sorted.resize(distinct);
  return sorted;
}

/// Replaces neighbours by their mean so that `limit` points remain.
std::vector<Point> mergeNeighbours(ArrayRef<Point> points, size_t limit) {
  std::vector<Point> merged;
  RangeSums sums(points);
  for (size_t i = 0; i < limit; ++i) {
    size_t begin = points.size() * i / limit, end = points.size() * (i + 1) / limit;
    double weight = 0;
    for (const Point &point : points.slice(begin, end - begin))
      weight += point.weight;
    merged.push_back({sums.getMean(begin, end), weight});
  }
  return merged;
}

/// Lloyd's iteration on sorted points until no point changes its cluster.
void refine(ArrayRef<Point> points, std::vector<double> &centers) {
  RangeSums sums(points);
  std::vector<size_t> bounds, old;
  for (int iteration = 0; iteration < 100; ++iteration) {
    bounds.assign(1, 0);
    for (size_t i = 0; i + 1 < centers.size(); ++i) {
      double middle = (centers[i] + centers[i + 1]) / 2;
      auto at = llvm::partition_point(points, [&](const Point &p) { return p.value <= middle; });
      bounds.push_back(at - points.begin());
    }
    bounds.push_back(points.size());
    if (bounds == old)
      return;
    for (size_t i = 0; i < centers.size(); ++i)
      if (bounds[i] < bounds[i + 1])
        centers[i] = sums.getMean(bounds[i], bounds[i + 1]);
    old = bounds;
  }
}

} // namespace

std::vector<float> terse::clusterScalars(ArrayRef<float> points, ArrayRef<float> weights,
                                         int64_t count) {
  if (points.empty())
    return std::vector<float>(count, 0.0f);
  std::vector<Point> sorted = sortAndMerge(points, weights);
  std::vector<double> centers;
  if (int64_t(sorted.size()) <= count) {
    for (const Point &point : sorted)
      centers.push_back(point.value);
  } else {
    bool exact = int64_t(sorted.size()) <= kExactClusteringLimit;
    std::vector<Point> merged = exact ? sorted : mergeNeighbours(sorted, kExactClusteringLimit);
    RangeSums sums(merged);
    std::vector<size_t> bounds = OptimalClusters(sums, merged.size(), count).run();
    for (int64_t i = 0; i < count; ++i)
      centers.push_back(sums.getMean(bounds[i], bounds[i + 1]));
    if (!exact)
      refine(sorted, centers);
  }
  centers.resize(count, centers.back());
  return std::vector<float>(centers.begin(), centers.end());
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

namespace {

/// SplitMix64: the same numbers everywhere.
class Random {
public:
  /// In [0, 1).
  double next() {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return double((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

private:
  uint64_t state = 1;
};

class VectorClusters {
public:
  VectorClusters(ArrayRef<float> all, int64_t width, ArrayRef<float> allWeights, int64_t count)
      : width(width), count(count) {
    constexpr int64_t kMaxPoints = 65536;
    int64_t total = all.size() / width;
    size = std::min(total, kMaxPoints);
    for (int64_t i = 0; i < size; ++i) {
      int64_t at = total * i / size;
      points.insert(points.end(), all.begin() + at * width, all.begin() + (at + 1) * width);
      weights.push_back(allWeights.empty() ? 1.0 : double(allWeights[at]));
    }
  }

  std::vector<float> run() {
    seed();
    for (int iteration = 0; iteration < 50 && improve(); ++iteration)
      ;
    // Ascending, so that equal tables look equal.
    std::vector<int64_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    auto center = [&](int64_t k) { return ArrayRef<double>(centers).slice(k * width, width); };
    llvm::sort(order, [&](int64_t a, int64_t b) {
      auto [left, right] = std::mismatch(center(a).begin(), center(a).end(), center(b).begin());
      return left == center(a).end() ? a < b : *left < *right;
    });
    std::vector<float> result;
    for (int64_t k : order)
      for (double x : center(k))
        result.push_back(float(x));
    return result;
  }

private:
  double getDistance(int64_t point, int64_t center) const {
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) {
      double delta = points[point * width + i] - centers[center * width + i];
      sum += delta * delta;
    }
    return sum;
  }

  void addCenter(int64_t point) {
    for (int64_t i = 0; i < width; ++i)
      centers.push_back(points[point * width + i]);
  }

  /// k-means++: each next center is a point, with a probability proportional to its weighted square
  /// distance from those so far.
  void seed() {
    Random random;
    std::vector<double> distance(size, std::numeric_limits<double>::infinity());
    int64_t chosen = 0;
    for (int64_t k = 0; k < count; ++k) {
      addCenter(chosen);
      double total = 0;
      for (int64_t p = 0; p < size; ++p) {
        distance[p] = std::min(distance[p], getDistance(p, k));
        total += weights[p] * distance[p];
      }
      double target = random.next() * total;
      chosen = 0;
      for (int64_t p = 0; p < size; ++p) {
        if (distance[p] == 0)
          continue;
        chosen = p;
        target -= weights[p] * distance[p];
        if (target < 0)
          break;
      }
    }
  }

  /// One step of Lloyd's iteration; false if no point changed its cluster.
  bool improve() {
    bool changed = assigned.empty();
    assigned.resize(size, -1);
    std::vector<double> sums(count * width, 0), total(count, 0);
    for (int64_t p = 0; p < size; ++p) {
      int64_t best = 0;
      double bestDistance = std::numeric_limits<double>::infinity();
      for (int64_t k = 0; k < count; ++k) {
        double distance = getDistance(p, k);
        if (distance < bestDistance) {
          bestDistance = distance;
          best = k;
        }
      }
      changed |= assigned[p] != best;
      assigned[p] = best;
      total[best] += weights[p];
      for (int64_t i = 0; i < width; ++i)
        sums[best * width + i] += weights[p] * points[p * width + i];
    }
    // A center without points stays where it is.
    for (int64_t k = 0; k < count; ++k)
      for (int64_t i = 0; i < width && total[k] > 0; ++i)
        centers[k * width + i] = sums[k * width + i] / total[k];
    return changed;
  }

  int64_t width, count, size = 0;
  std::vector<double> points, weights, centers;
  std::vector<int64_t> assigned;
};

} // namespace

std::vector<float> terse::clusterVectors(ArrayRef<float> points, int64_t width,
                                         ArrayRef<float> weights, int64_t count) {
  if (points.empty())
    return std::vector<float>(count * width, 0.0f);
  return VectorClusters(points, width, weights, count).run();
}
