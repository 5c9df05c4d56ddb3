//===- Candidates.h - Formats that mixed precision tries --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_CANDIDATES_H
#define TERSE_MIXEDPRECISION_CANDIDATES_H

#include "terse/MixedPrecision/Units.h"

namespace terse::mixed {

/// A format that a weight may get: what terse-choose-encodings takes, and passes that improve the
/// choice or the rounding of the chosen weights. Written `FORMAT | PASS | PASS`, for example
/// `#terse.uniform<i4, block = 32> | terse-search-scales`.
struct Candidate {
  std::string text, format;
  std::vector<std::string> passes;

  static llvm::Expected<Candidate> parse(llvm::StringRef text);
};

/// One constant in one format.
struct EncodedWeight {
  /// What its operands' `terse.choice` becomes: an encoding or `#terse.static`.
  mlir::Attribute choice;
  /// Storage of all components, as `terse inspect` counts it.
  uint64_t bits = 0, bytes = 0;
  HostTensor decoded;
  /// What a pass of the candidate has put in the place of the weight, such as other roundings;
  /// absent if it left it alone.
  std::optional<HostTensor> replacement;
};

/// A unit in one format.
struct EncodedUnit {
  /// Why the format is none for it; empty if it is.
  std::string obstacle;
  std::vector<EncodedWeight> weights; ///< In the order of the unit's constants.
  /// What was chosen for other operands of its ops: activations and biases.
  std::vector<std::pair<mlir::OpOperand *, mlir::Attribute>> others;
  uint64_t bits = 0, bytes = 0;
  /// Elementary operations of decoding all weights once.
  uint64_t decodeOperations = 0;
};

/// Encodes and decodes every unit in the format. The module is not changed. `data` is for passes
/// that learn from data; `activations` are passes that choose for activations once the weights'
/// formats stand there, if any.
llvm::Expected<std::vector<EncodedUnit>> tryCandidate(mlir::ModuleOp module,
                                                      const Inventory &inventory,
                                                      const Candidate &candidate,
                                                      llvm::StringRef data,
                                                      llvm::StringRef activations);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_CANDIDATES_H
