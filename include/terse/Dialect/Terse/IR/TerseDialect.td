//===- TerseDialect.td - The terse dialect ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEDIALECT_TD
#define TERSE_DIALECT_TERSE_IR_TERSEDIALECT_TD

include "mlir/IR/DialectBase.td"

def TerseDialect : Dialect {
  let name = "terse";
  let cppNamespace = "::terse";
  let summary = "Compressed tensors: encodings and the ops that enter and leave them";
  let description = [{
    A compressed tensor keeps its logical type and gains an *encoding attribute*:

    ```mlir
    tensor<4096x4096xf32, #terse.uniform<i4, block = [1, 128], scale = f16>>
    ```

    Ops are written on logical values, so an op of the `nn` dialect does not
    change when its weight becomes 4-bit. An encoded tensor is stored as its
    *components*, plain tensors such as integer values and scales. Components
    are SSA values or entries of the weights file, never attributes inside the
    type; static, run-time, learned and nested parameters are thus the same
    thing. docs/Dialects/Terse/RationaleTerse.md gives the reasons.

    `terse.decode(terse.encode(x))` is not `x`, and nothing folds it to `x`:
    the loss is what this compiler is about.
  }];
  let dependentDialects = ["::terse::nn::NNDialect"];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_TERSEDIALECT_TD
