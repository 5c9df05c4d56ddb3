//===- CheckOps.td - Expectations about values --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REFERENCE_CHECK_CHECKOPS_TD
#define TERSE_REFERENCE_CHECK_CHECKOPS_TD

include "mlir/IR/OpBase.td"

def CheckDialect : Dialect {
  let name = "check";
  let cppNamespace = "::terse::check";
  let summary = "Expectations that the interpreter evaluates, so that a test of numbers is one file";
}

// Not pure: an expectation must survive dead code elimination.
class Check_Op<string mnemonic> : Op<CheckDialect, mnemonic> {
  let hasVerifier = 1;
}

def Check_ExpectEqOp : Check_Op<"expect_eq"> {
  let summary = "Expects two tensors to be equal";
  let description = [{
    Interpretation fails unless both tensors have the same shape and equal elements. NaN equals NaN, and -0 equals 0.
    (C1) element types are equal.
    ```mlir
    check.expect_eq %y, %expected : tensor<2xf32>, tensor<2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$actual, AnyRankedTensor:$expected);
  let assemblyFormat = "$actual `,` $expected attr-dict `:` type($actual) `,` type($expected)";
}

def Check_ExpectCloseOp : Check_Op<"expect_close"> {
  let summary = "Expects two float tensors to agree within a tolerance";
  let description = [{
    Interpretation fails unless both tensors have the same shape and every pair of elements satisfies
    `|actual - expected| <= atol + rtol * |expected|` or is equal (NaN to NaN, infinity to the same infinity).
    (C1) element types are equal floats.
    ```mlir
    check.expect_close %y, %expected {rtol = 1.0e-5} : tensor<2xf32>, tensor<2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$actual, AnyRankedTensor:$expected, DefaultValuedAttr<F64Attr, "1.0e-6">:$atol,
                       DefaultValuedAttr<F64Attr, "1.0e-6">:$rtol);
  let assemblyFormat = "$actual `,` $expected attr-dict `:` type($actual) `,` type($expected)";
}

#endif
