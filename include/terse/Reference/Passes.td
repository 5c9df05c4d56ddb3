//===- Passes.td - Passes of the interpreter ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REFERENCE_PASSES_TD
#define TERSE_REFERENCE_PASSES_TD

include "mlir/Pass/PassBase.td"

def InterpretPass : Pass<"terse-interpret", "::mlir::ModuleOp"> {
  let summary = "Run the functions of a module in the reference interpreter";
  let description = [{
    Runs every function that takes no arguments, in their order, and fails with a diagnostic at the op that fails:
    an expectation of the `check` dialect that is not met, an index out of range, an op without a definition. Changes
    nothing and prints nothing else.

    Functions with arguments are not run; declarations are not either.
    ```mlir
    func.func @add() {
      %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
      %y = nn.binary add %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %expected = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
      check.expect_eq %y, %expected : tensor<2xf32>, tensor<2xf32>
      return
    }
    ```
  }];
  let options = [
    Option<"f64Accumulation", "f64-accumulation", "bool", "true",
           "Contractions of f32 and narrower floats accumulate in f64 (otherwise in f32)">
  ];
  let statistics = [Statistic<"numFunctions", "functions", "Number of functions run">];
}

#endif
