//===- NNDialect.td - The nn dialect ------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNDIALECT_TD
#define TERSE_DIALECT_NN_IR_NNDIALECT_TD

include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::terse::nn";
  let summary = "What a neural network computes, on ranked tensors";
  let description = [{
    A closed set of value-semantics operations on ranked tensors, dynamic dimensions allowed. Convolutions and pools
    are channels-first. Element types: `f64 f32 f16 bf16`, the 8- and 4-bit floats, `i1` (boolean), signless `iN`
    (signed integers) and `uiN` (unsigned integers). Arithmetic on floats narrower than `f32` is done in `f32` and
    rounded once, half to even. Integer arithmetic wraps; integer division truncates.

    A tensor's *encoding* (how it is stored) is not the business of an op here: every op is defined on the logical
    values of its operands, and type inference ignores encodings.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  // The model's own names of inputs and outputs: `nn.name` on function arguments and results.
  let discardableAttrs = (ins "::mlir::StringAttr":$name);
}

#endif
