//===- ModelReport.h - What is stored how, and why -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The coverage manifest of a model: every weight and every op with its encoding,
// its exact size, or the reason why it was left alone. Computed from the module
// alone, so that any compressed file can be asked again later.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_REPORT_MODELREPORT_H
#define TERSE_REPORT_MODELREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace terse {

/// One plain tensor of the weights file.
struct StoredTensor {
  std::string name;
  std::string type;
  uint64_t bits = 0;
  /// Sub-byte elements are packed; the last byte is filled up.
  uint64_t bytes = 0;
};

/// One logical constant of the model.
struct WeightEntry {
  enum class Role { Weight, Table, Bias, Other };

  std::string name;
  Role role = Role::Other;
  /// The first layer that uses it, and the operation's name there.
  std::string layer, op;
  /// The logical tensor, without encoding: `64x32xf32`.
  std::string type;
  uint64_t elements = 0;
  /// Bytes of the logical tensor.
  uint64_t plainBytes = 0;
  /// Empty for a tensor that is stored plainly.
  std::string encoding;
  std::vector<StoredTensor> components;
  uint64_t bits = 0, bytes = 0;
  /// Why it is stored plainly; empty for encoded ones.
  std::string reason;
  /// A weight, a table or another large constant that is stored plainly though no rule decided so.
  bool isGap = false;
};

/// A value that is stored encoded between ops, with parameters that are known ahead of time.
struct ActivationEntry {
  /// The layer that makes it; the argument's name for inputs.
  std::string name;
  std::string type, encoding;
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;
  /// The smallest and largest number that it can hold.
  double low = 0, high = 0;
  /// How the range was found; empty if that is not known.
  std::string method;
};

/// One computation.
struct OpEntry {
  std::string layer, op;
  /// Encodings of its operands and results that have one: `operand 1 = #terse...`.
  std::vector<std::string> encodings;
  /// Why it computes in float on data that are or could be integers; empty for others.
  std::string floatReason;
  /// Whether anything about it is encoded.
  bool isCompressed() const { return !encodings.empty(); }
};

/// What one kind of component takes, over all encoded weights.
struct ComponentShare {
  /// As in the encoding: `values`, `scales`, `scales.values`.
  std::string name;
  /// The element types that occur: `ui4`, or `i4/i8`.
  std::string types;
  uint64_t bits = 0;
};

struct ModelReport {
  std::vector<WeightEntry> weights;
  std::vector<ActivationEntry> activations;
  std::vector<OpEntry> ops;

  /// Sums over encoded weights only, and over all of them.
  uint64_t getEncodedBytes() const;
  uint64_t getEncodedPlainBytes() const;
  uint64_t getBytes() const;
  uint64_t getPlainBytes() const;
  std::vector<const WeightEntry *> getGaps() const;
  /// Encoded weights: their elements, and the bits of each kind of component, which add up to all.
  uint64_t getEncodedElements() const;
  std::vector<ComponentShare> getComponentShares() const;

  llvm::json::Value toJSON() const;
  /// The table for people.
  void print(llvm::raw_ostream &os) const;
};

llvm::StringRef stringify(WeightEntry::Role role);

/// The values that are stored encoded between ops, in the order of the program.
std::vector<ActivationEntry> describeActivations(mlir::ModuleOp module);

/// Why `op` computes in float though its data are integers or could have been; empty otherwise.
std::string getFloatReason(mlir::Operation *op);

/// Describes every constant and op of the module. Globals may be `#ml_program.extern`.
ModelReport reportModel(mlir::ModuleOp module);

} // namespace terse

#endif // TERSE_REPORT_MODELREPORT_H
