//===- NNBase.td - What the operations of the nn dialect share --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNBASE_TD
#define TERSE_DIALECT_NN_IR_NNBASE_TD

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Dialect/NN/IR/NNDialect.td"
include "terse/Dialect/NN/IR/NNEnums.td"
include "terse/Dialect/NN/IR/NNInterfaces.td"

def NN_Tensor : RankedTensorOf<[AnyType]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
def NN_IndexTensor : RankedTensorOf<[I64, I32]>;
def NN_ShapeTensor : RankedTensorOf<[I64], [HasAnyRankOfPred<[1]>], "1-D tensor of i64">;

// Every op is pure and prints as `nn.op operands attributes : (operands) -> results`.
class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// An op whose result types follow from operands and attributes. Explicit types may refine `?` and carry encodings.
class NN_InferOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([InferTypeOpAdaptorWithIsCompatible], traits)> {
  let extraClassDefinition = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange l, ::mlir::TypeRange r) {
      return ::terse::nn::areCompatibleTypes(l, r);
    }
  }];
}

class NN_KindOp<string mnemonic, list<Trait> traits = []> : NN_InferOp<mnemonic, traits> {
  let assemblyFormat = "`` $kind operands attr-dict `:` functional-type(operands, results)";
}

defvar NN_Elementwise = [DeclareOpInterfaceMethods<NN_ChannelScalable>, DeclareOpInterfaceMethods<NN_ChannelFlow>,
                         DeclareOpInterfaceMethods<NN_CostModel>];
defvar NN_Contraction = [DeclareOpInterfaceMethods<NN_ContractionLike, ["getBiasOperand", "getActivationRowAxes", "hasIntegerForm",
                                                                            "buildIntegerForm"]>,
                         DeclareOpInterfaceMethods<NN_CostModel>];

#endif // TERSE_DIALECT_NN_IR_NNBASE_TD
