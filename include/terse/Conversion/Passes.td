//===- Passes.td - Conversions between dialects -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_PASSES_TD
#define TERSE_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalgPass : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower nn ops to linalg on tensors";
  let description = [{
    Every `nn` op becomes `linalg`, `tensor`, `scf`, `arith` and `math` ops, and every tensor takes its storage type:

    | element type | storage |
    |---|---|
    | `f64 f32 f16 bf16`, `i1` | itself |
    | `iN`, `uiN` with 8 bits or more | `iN` |
    | integers of less than 8 bits | `i8`, sign- or zero-extended |
    | 8-, 6- and 4-bit floats | `i8`, the bit pattern |

    `ml_program.global`s of sub-byte elements become byte tensors of the same, packed data; reading one unpacks.
    Requires: no encoded tensors (`terse-decompose-encodings`), no composite ops (`nn-decompose`).
    Ensures: no `nn` op and no unsigned, sub-byte or small-float element type is left.
    Numerics: floats narrower than `f32` compute in `f32` and round once; integers wrap; integer division by zero gives 0.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::ml_program::MLProgramDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif
