//===- Case.h - One case of ONNX's backend tests ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_ONNX_CONFORMANCE_CASE_H
#define TERSE_TOOLS_ONNX_CONFORMANCE_CASE_H

#include "terse/Support/HostTensor.h"

#include <string>
#include <vector>

namespace terse::conformance {

/// Export: what is exported and imported again is interpreted.
enum class Mode { Interpret, Compile, Both, Export };

enum class Status {
  Passed,
  Unsupported, ///< Import (or export) refuses the model with a reason.
  Wrong,       ///< Another result, or an error of a model that was imported.
  Crashed,     ///< A signal, or out of time.
};
const char *getName(Status status);

struct Outcome {
  Status status = Status::Crashed;
  std::string message;
  /// Inputs that were bound to constants, because they determine shapes.
  std::string bound;
};

/// Runs the case in `directory` (model.onnx, test_data_set_*/{input,output}_*.pb) in this process.
Outcome runCase(const std::string &directory, Mode mode);

/// As ONNX's own runner: floats within rtol = `relative` and atol = 1e-7 (for f32 at least one ulp
/// of the largest element), everything else exactly. An empty string, or what differs.
std::string compare(const HostTensor &actual, const HostTensor &expected, double relative = 1e-3);

} // namespace terse::conformance

#endif
