//===- Clustering.h - Weighted k-means --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The k centers that minimize sum_i w_i |x_i - nearest center|^2. Results depend on the arguments
// alone: no clock, no threads, no address.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_CLUSTERING_H
#define TERSE_SUPPORT_CLUSTERING_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace terse {

/// Up to this many distinct values clusterScalars is exact.
constexpr int64_t kExactClusteringLimit = 16384;

/// Centers of finite numbers, ascending. `weights` has one positive weight per point, or is empty
/// for weights of one. With fewer distinct points than `count` the last center is repeated; without
/// any points centers are 0.
///
/// Exact by dynamic programming over the sorted points, one layer per center and O(n log n) each by
/// divide and conquer, for the split points are monotone (Wang and Song, Ckmeans.1d.dp, 2011;
/// Gronlund et al., 2017). Beyond kExactClusteringLimit distinct points neighbours are merged first
/// and the centers refined by Lloyd's iteration on all points.
std::vector<float> clusterScalars(llvm::ArrayRef<float> points, llvm::ArrayRef<float> weights,
                                  int64_t count);

/// The same for vectors of `width` numbers that lie one after another; centers ascend
/// lexicographically. k-means++ (Arthur and Vassilvitskii, 2007) from a fixed seed and Lloyd's
/// iteration, on at most 65536 evenly spaced points: a local optimum.
std::vector<float> clusterVectors(llvm::ArrayRef<float> points, int64_t width,
                                  llvm::ArrayRef<float> weights, int64_t count);

} // namespace terse

#endif // TERSE_SUPPORT_CLUSTERING_H
