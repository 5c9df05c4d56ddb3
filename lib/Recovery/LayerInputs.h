//===- LayerInputs.h - What a layer's weights are multiplied with -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layers whose weights can be rounded with an eye on their inputs, and the
// moments of these inputs: for each group of output channels the matrix
// E[x x^T] and the vector E[x], where x is a column of inputs (im2col). They are all
// that an error of the layer's outputs depends on, for any rounding of its weights:
//
//   E |(W' - W) x|^2 = trace((W' - W) E[x x^T] (W' - W)^T)
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_LAYERINPUTS_H
#define TERSE_LIB_RECOVERY_LAYERINPUTS_H

#include "terse/Dialect/NN/IR/NNUnfold.h"
#include "terse/Recovery/ChosenWeights.h"
#include "llvm/Support/Error.h"

#include <functional>

namespace terse {

/// Sums over columns of inputs of one group.
class InputMoments {
public:
  explicit InputMoments(int64_t columns);

  /// Adds `count` columns of inputs, which lie in rows of `getStride()` floats; what lies behind
  /// the inputs is 0. `wanted` are the inputs that the float model has there, after
  /// expectWanted(), and else null.
  void add(int64_t count, const float *inputs, const float *wanted = nullptr) {
    addRows(0, columns, count, inputs, wanted);
  }
  void expectWanted();

  /// The same for some rows of the matrix, from a multiple of kTile. Calls for different rows may
  /// run in parallel.
  static constexpr int64_t kTile = 32;
  void addRows(int64_t begin, int64_t end, int64_t count, const float *inputs,
               const float *wanted = nullptr);

  int64_t getColumns() const { return columns; }
  int64_t getStride() const { return stride; }
  uint64_t getCount() const { return counts.empty() ? 0 : counts.front(); }
  double getMean(int64_t column) const {
    return getCount() ? sums[column] / double(getCount()) : 0;
  }
  /// E[x_i x_j], with `centered` the covariance.
  double getProduct(int64_t i, int64_t j, bool centered) const;

  /// Whether the float model's inputs were given, too. With d what they have more than x:
  bool hasWanted() const { return !differences.empty(); }
  /// E[x + d]
  double getWantedMean(int64_t column) const;
  /// E[d_i x_j], with `centered` the covariance.
  double getDifference(int64_t i, int64_t j, bool centered) const;

private:
  int64_t columns, stride;
  /// Columns of inputs that were added, by tile of rows.
  std::vector<uint64_t> counts;
  /// The upper triangle of products and all of differences count.
  std::vector<double> sums, products, differenceSums, differences;
};

/// A contraction with a constant weight of its own that is to be encoded.
struct RecoverableLayer {
  ChosenWeight *weight;
  nn::UnfoldableContraction op;
  nn::WeightMatrix matrix;
  /// One per group.
  std::vector<InputMoments> moments;

  mlir::Value getActivation();
  int64_t getNumOutputs() const { return matrix.groups.size() * matrix.rows.size(); }
};

/// The layers among `weights`, in the order of the ops: at the top level of the entry function,
/// with a weight that nothing else reads in this encoding.
std::vector<RecoverableLayer> findLayers(mlir::ModuleOp module, std::vector<ChosenWeight> &weights);

struct GatherOptions {
  std::string data;
  /// At most so many samples; all if 0.
  int64_t samples = 0;
  /// At most so many positions of each sample, evenly spread; all if 0.
  int64_t positions = 0;
  bool interpret = false;
  /// How many groups of consecutive layers there are, each of which sees the inputs that it has
  /// after the ones before have been rounded; with 0, all see the float model's.
  int64_t stages = 0;
};

/// Fills the moments of layers, one stage after another.
class MomentsGatherer {
public:
  /// `layers` are those of `module`, in order.
  static llvm::Expected<std::unique_ptr<MomentsGatherer>>
  create(mlir::ModuleOp module, llvm::MutableArrayRef<RecoverableLayer> layers,
         const GatherOptions &options);
  ~MomentsGatherer();

  int64_t getNumStages() const;
  /// The layers of a stage. Runs the module as it is now, its choices for activations carried out.
  llvm::Expected<llvm::MutableArrayRef<RecoverableLayer>> gather(int64_t stage);

private:
  struct Impl;
  explicit MomentsGatherer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Adds the inputs of one sample to the moments. `sample` only moves the positions that are picked.
void addSample(RecoverableLayer &layer, const HostTensor &activation, int64_t sample,
               int64_t maxPositions);

/// A sample's input of a layer; `wanted` is what the float model has there, if that is another
/// value.
struct SampleInputs {
  const HostTensor *activation, *wanted;
  int64_t index;
};

/// Appends what adds `samples`, in order, to the moments of a layer. The tasks may run in parallel.
using MomentsTask = std::function<void()>;
void addMomentsTasks(RecoverableLayer &layer, llvm::ArrayRef<SampleInputs> samples,
                     int64_t maxPositions, std::vector<MomentsTask> &tasks);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_LAYERINPUTS_H
