//===- Rounding.h - Rounding weights with an eye on their inputs -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rows of one group of a layer: find levels q for weights w such that
//
//   error(row) = (q - w)^T H (q - w),    H = E[x x^T]
//
// is small. Where the inputs x differ from the float model's, x + d, the best
// weights are w + w E[d x^T] H^-1 (E |w (x + d) - q x|^2 is the error above for these,
// plus a constant), and take the place of w. Rows are independent of each other. Methods keep, for
// each row, the best they have seen: no result is worse than rounding to nearest.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_ROUNDING_H
#define TERSE_LIB_RECOVERY_ROUNDING_H

#include "LayerInputs.h"
#include "terse/Dialect/Terse/IR/ScalarEncoding.h"

namespace terse {

struct RoundingOptions {
  /// lambda, as a share of the mean of the diagonal of H.
  double damping = 0.01;
  /// Columns in the order of their H_kk, largest first.
  bool activationOrder = true;
  /// Whether the bias takes up the mean error: H is then the covariance of the inputs.
  bool centered = false;
  /// Columns between updates of all that follow.
  int64_t block = 128;
  /// Sweeps of coordinate descent behind it.
  unsigned sweeps = 0;
};

/// One group of a layer.
class GroupRounding {
public:
  /// `values` are the weights of the whole layer.
  GroupRounding(const RecoverableLayer &layer, int64_t group, llvm::ArrayRef<float> values,
                const RoundingOptions &options);

  int64_t getRows() const { return rows; }
  int64_t getColumns() const { return columns; }

  /// q = the nearest levels.
  std::vector<float> roundToNearest(const ElementLevels &levels) const;
  /// q by error feedback along the columns (GPTQ).
  std::vector<float> roundWithFeedback(const ElementLevels &levels) const;
  /// Improves `q` by moving single weights to other levels as long as that makes the error less.
  void descend(const ElementLevels &levels, std::vector<float> &q, unsigned sweeps) const;
  /// The error of each row, without damping.
  std::vector<double> getErrors(const std::vector<float> &q) const;

  /// For each row, factors of q that make the error least, one for each of the sets of columns that
  /// `sets` names (by numbers from 0). 1 where there is no better one.
  std::vector<double> fitScales(const std::vector<float> &q, llvm::ArrayRef<int32_t> sets,
                                int64_t numSets) const;

  int64_t getElement(int64_t row, int64_t column) const {
    return layer.matrix.getElement(group, row, column);
  }
  float getWeight(int64_t row, int64_t column) const { return weights[row * stride + column]; }
  int64_t getStride() const { return stride; }
  const std::vector<float> &getWeights() const { return weights; }
  /// H, damped, in rows of getStride() floats.
  const std::vector<float> &getDamped() const { return damped; }

private:
  void forEachShare(llvm::function_ref<void(int64_t, int64_t)> work) const;
  void feedBack(const ElementLevels &levels, std::vector<float> &q, int64_t begin,
                int64_t end) const;
  void descendRow(const ElementLevels &levels, int64_t r, float *row, unsigned sweeps) const;
  /// `root` is R.
  void moveWeights(llvm::ArrayRef<double> root);

  const RecoverableLayer &layer;
  int64_t group, rows, columns, stride;
  RoundingOptions options;
  /// What q is to be near to: the weights, moved so far that they make up for what is wrong with
  /// the inputs. rows x stride, behind the columns 0.
  std::vector<float> weights;
  std::vector<float> originals; ///< The weights as they are.
  std::vector<float> plain, damped;
  std::vector<int64_t> order;
  /// R of P H P^T = R R^T (P: the order), each column divided by its diagonal; empty if H is 0.
  std::vector<float> factor;
};

/// What a method has found for a whole layer: levels for the weight, and perhaps other parameters.
struct RoundedLayer {
  HostTensor weight;
  llvm::SmallVector<HostTensor> parameters;
  /// Mean squared errors of the outputs, summed over channels: of rounding to nearest, and of the
  /// result.
  double nearestError = 0, error = 0;
};

/// Finds levels for a group.
using RoundingMethod =
    llvm::function_ref<std::vector<float>(const GroupRounding &, const ElementLevels &)>;

struct AdaRoundOptions {
  unsigned iterations = 1000;
  double rate = 0.02, regularization = 0.1, warmup = 0.2;
  /// The exponent of the regularization at the beginning and at the end.
  double betaStart = 20, betaEnd = 2;
};

/// q by gradient descent on the choice between the neighbours of each weight (AdaRound).
std::vector<float> learnRounding(const GroupRounding &group, const ElementLevels &levels,
                                 const AdaRoundOptions &options);

struct SearchOptions {
  RoundingOptions rounding;
  /// How many factors of the scales to try, from 1 down to 1 - `shrink`.
  unsigned steps = 1;
  double shrink = 0.5;
  /// How often scales are fitted to the levels, and levels to the scales.
  unsigned refits = 0;
};

/// Rounds all groups of a layer. Fails with a diagnostic if the weight cannot be encoded; null
/// levels (an encoding of other than single elements) have to be excluded before.
mlir::FailureOr<RoundedLayer> roundLayer(const RecoverableLayer &layer,
                                         const SearchOptions &options, RoundingMethod method);

/// Whether the layer's encoding stores elements as levels.
bool hasLevels(const RecoverableLayer &layer);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_ROUNDING_H
