//===- Peers.h - Other libraries' kernels for the same problem -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries are found when the benchmark runs, by dlopen, through the C interface that they
// promise to keep: nothing is needed to build it.

#ifndef TERSE_BENCHMARKS_KERNELS_PEERS_H
#define TERSE_BENCHMARKS_KERNELS_PEERS_H

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace terse::bench {

enum class Kind { Int8, BF16, Float };

/// `y[m, n] = f(sum over k of x[m, k] * w[n, k])`, or the same with the windows of a convolution
/// (channels last) as rows. Int8: unsigned by signed bytes, times a float for each column, rounded
/// and clamped to unsigned bytes. BF16: sums in f32, the result rounded.
struct Problem {
  Kind kind = Kind::Int8;
  int64_t m = 1, n = 1, k = 1;
  /// Of a convolution; kernel 0 for products of matrices.
  int64_t size = 0, channels = 0, kernel = 0, stride = 1, pad = 0, groups = 1;
  /// Weights come from memory, not from caches.
  bool cold = false;

  bool isConv() const { return kernel != 0; }
  int64_t getOutputSize() const { return (size + 2 * pad - kernel) / stride + 1; }
  int64_t getInputElements() const { return isConv() ? size * size * channels : m * k; }
  int64_t getOutputElements() const { return m * n; }
  int64_t getWeightElements() const { return n * k; }
  double getOperations() const { return 2.0 * double(m) * double(n) * double(k); }
  int64_t getElementBytes() const { return kind == Kind::Int8 ? 1 : kind == Kind::BF16 ? 2 : 4; }
};

/// Operands: `x` as above, `w` as [n, k] or [output channels, channels / groups, kernel, kernel].
struct Operands {
  std::vector<uint8_t> x, w;
  std::vector<float> scale;
};

/// One problem, ready to run on memory of its own.
struct PreparedPeer {
  /// Of the variant, where a library has several.
  std::string name;
  std::function<void()> run;
  const void *result = nullptr;
  /// Its bytes are signed and 128 less than the problem's.
  bool signedBytes = false;
  /// It stops at the 32-bit sums of a product of bytes.
  bool sums = false;
  /// How many times one run computes the problem, on weights of their own each.
  int64_t copies = 1;
  /// What `flush` drops before a cold run.
  const void *weights = nullptr;
  size_t weightBytes = 0;
  std::shared_ptr<void> owner;
};

class Peer {
public:
  virtual ~Peer() = default;
  virtual std::string getName() const = 0;
  virtual void setThreads(int threads) = 0;
  /// Null `run` where the library has nothing for the problem.
  virtual PreparedPeer prepare(const Problem &problem, const Operands &operands) = 0;
};

/// `y[m, n] = sum over k of x[m, k] * w[n, k]` with `x` and `y` in f32 and `w` in few bits.
struct WeightProblem {
  int64_t m = 1, n = 1, k = 1;
  bool cold = false;
  int64_t bits = 0;
  std::vector<float> x;
  /// What the weights were before they were rounded.
  const float *w = nullptr;
  /// Of symmetric formats with one scale for each `block` neighbours: `code * scale`. Else empty.
  int64_t block = 0;
  std::vector<int8_t> codes;
  std::vector<float> scales;
};

/// A library's kernels for weights of about as many bits.
class WeightPeer {
public:
  virtual ~WeightPeer() = default;
  virtual std::string getName() const = 0;
  virtual void setThreads(int threads) = 0;
  /// All that fit. Those that share the problem's codes and scales multiply the same weights; the
  /// others (`ownWeights`) round `w` in their own way.
  struct Prepared : PreparedPeer {
    bool ownWeights = false;
  };
  virtual std::vector<Prepared> prepare(const WeightProblem &problem) = 0;
};

/// `location` is the folder with the libraries of ggml.
std::unique_ptr<WeightPeer> loadGGML(const std::string &location, std::string &error);
/// `location` is the file of onnxruntime's library.
std::unique_ptr<WeightPeer> loadONNXRuntime(const std::string &location, std::string &error);
/// `location` is a library with the functions of PeerPlugin.h.
std::unique_ptr<WeightPeer> loadPlugin(const std::string &location, std::string &error);
/// `location` is the file of XNNPACK's library.
std::unique_ptr<WeightPeer> loadXNNPACKForWeights(const std::string &location, std::string &error);

/// `location` is a file for dlopen. Null, with a reason in `error`, where that fails.
std::unique_ptr<Peer> loadOneDNN(const std::string &location, std::string &error);
std::unique_ptr<Peer> loadBLAS(const std::string &location, std::string &error);
std::unique_ptr<Peer> loadLIBXSMM(const std::string &location, std::string &error);
std::unique_ptr<Peer> loadXNNPACK(const std::string &location, std::string &error);

} // namespace terse::bench

#endif
