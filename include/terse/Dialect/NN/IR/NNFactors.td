//===- NNFactors.td - Where factors per channel come from ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNFACTORS_TD
#define TERSE_DIALECT_NN_IR_NNFACTORS_TD

include "mlir/IR/OpBase.td"

def NN_FactorSource : OpInterface<"FactorSource"> {
  let cppNamespace = "::terse::nn";
  let description = [{
    An op whose result can be given factors per channel through some of its operands. `ChannelScalable` says the same of ops
    that scale as all of their operands do; here are the ones where it takes some of them only: one side of a product, the scale
    and bias of a norm; and those that move channels.
  }];
  let methods = [InterfaceMethod<[{
      Ways to multiply the result with positive factors along `axis`, the best one first. Each is a set of operands: all of
      them multiplied with the factors along their axes do it. An axis below 0, or of size 1 where the result's is not, is one
      that broadcasting stretches.
    }], "::llvm::SmallVector<::llvm::SmallVector<::terse::nn::FactorOperand>>", "getFactorOperands",
    (ins "int64_t":$axis)>];
}

def NN_ShapeReader : OpInterface<"ShapeReader"> {
  let cppNamespace = "::terse::nn";
  let description = "An op whose results depend on the shapes of its operands, not on their elements.";
}

#endif // TERSE_DIALECT_NN_IR_NNFACTORS_TD
