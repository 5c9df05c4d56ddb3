//===- TerseOps.td - Ops of the terse dialect -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEOPS_TD
#define TERSE_DIALECT_TERSE_IR_TERSEOPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Dialect/Terse/IR/TerseAttributes.td"
include "terse/Dialect/Terse/IR/TerseDialect.td"
include "terse/Dialect/Terse/IR/TerseEnums.td"

class Terse_Op<string mnemonic, list<Trait> traits = []>
    : Op<TerseDialect, mnemonic, traits>;

def Terse_IsPlain : CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).getEncoding()">;
def Terse_IsEncoded : CPred<"::terse::getEncoding($_self) != nullptr">;

/// A tensor of floats as the network computes with it.
def Terse_FloatTensor : ConfinedType<RankedTensorOf<[F16, BF16, F32, F64]>, [Terse_IsPlain],
                                     "ranked float tensor without encoding",
                                     "::mlir::RankedTensorType">;
/// A tensor that is stored as the components of its encoding.
def Terse_EncodedTensor : ConfinedType<AnyRankedTensor, [Terse_IsEncoded],
                                       "tensor with a terse encoding",
                                       "::mlir::RankedTensorType">;
/// A tensor that may be part of an encoded one.
def Terse_ComponentTensor : ConfinedType<AnyRankedTensor, [Terse_IsPlain],
                                         "ranked tensor without encoding",
                                         "::mlir::RankedTensorType">;

def Terse_EncodeOp : Terse_Op<"encode", [Pure]> {
  let summary = "Encodes a float tensor";
  let description = [{
    Produces the tensor that the result's encoding stores for `input`: rounding
    happens here.

    ```
    components = encoding(result).encode(input, parameters)
    result = assemble(components)
    ```

    `parameters` are the components that the encoding marks as parameters, such
    as scales and zero points, all of them and in order. Without them the
    encoding computes them from `input`. Where constant parameters come from may
    stand as a reason for operand 0 in the op's `terse.choice`.

    Constraints:
    * (C1) The result's type without its encoding is the type of `input`.
    * (C2) No parameters are given, or as many as the encoding has.
    * (C3) Each parameter has the type of its component.
    * (C4) An encoding whose parameters are computed at run time (`dynamic`) is
      given none.

    ```mlir
    // legal
    %0 = terse.encode %x : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8>>
    %1 = terse.encode %x params(%s : tensor<8xf32>)
       : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, axis = 0>>
    // illegal, C1
    %2 = terse.encode %x : tensor<8x4xf32> -> tensor<4x8xf32, #terse.uniform<i8>>
    ```
  }];
  let arguments = (ins Terse_FloatTensor:$input, Variadic<Terse_ComponentTensor>:$parameters);
  let results = (outs Terse_EncodedTensor:$result);
  let assemblyFormat = [{
    $input (`params` `(` $parameters^ `:` type($parameters) `)`)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::terse::EncodingAttrInterface":$encoding,
                   CArg<"::mlir::ValueRange", "{}">:$parameters)>
  ];
  let extraClassDeclaration = [{
    EncodingAttrInterface getEncoding() { return ::terse::getEncoding(getType()); }
  }];
  let hasVerifier = 1;
}

def Terse_DecodeOp : Terse_Op<"decode", [Pure, InferTypeOpAdaptor]> {
  let summary = "Decodes an encoded tensor";
  let description = [{
    Produces the float tensor that `input` stands for.

    ```
    result = encoding(input).decode(components(input))
    ```

    Constraints:
    * (C1) The result's type is the input's without its encoding.

    ```mlir
    // legal; the result is tensor<8x4xf32>
    %0 = terse.decode %w : tensor<8x4xf32, #terse.uniform<i8>>
    // illegal: the operand has no encoding
    %1 = terse.decode %x : tensor<8x4xf32>
    ```
  }];
  let arguments = (ins Terse_EncodedTensor:$input);
  let results = (outs Terse_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let extraClassDeclaration = [{
    EncodingAttrInterface getEncoding() { return ::terse::getEncoding(getInput().getType()); }
  }];
}

def Terse_AssembleOp : Terse_Op<"assemble", [Pure]> {
  let summary = "Bundles components to an encoded tensor";
  let description = [{
    Produces the encoded tensor that is stored as `components`. It moves no data
    and rounds nothing.

    Constraints:
    * (C1) As many components are given as the result's encoding has.
    * (C2) Each has the type that the encoding gives for the result's shape.

    ```mlir
    // legal
    %0 = terse.assemble %values, %scales : (tensor<8x4xi8>, tensor<8xf32>)
       -> tensor<8x4xf32, #terse.uniform<i8, axis = 0>>
    // illegal, C2: one scale per tensor is tensor<f32>
    %1 = terse.assemble %values, %scales : (tensor<8x4xi8>, tensor<8xf32>)
       -> tensor<8x4xf32, #terse.uniform<i8>>
    ```
  }];
  let arguments = (ins Variadic<Terse_ComponentTensor>:$components);
  let results = (outs Terse_EncodedTensor:$result);
  let assemblyFormat = "$components attr-dict `:` functional-type($components, $result)";
  let extraClassDeclaration = [{
    EncodingAttrInterface getEncoding() { return ::terse::getEncoding(getType()); }
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Terse_ComponentsOp : Terse_Op<"components", [
    Pure, InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Unbundles an encoded tensor";
  let description = [{
    Produces the components that `input` is stored as, in the encoding's order.
    `components(assemble(c...))` is `c...`.

    Constraints:
    * (C1) The results' types are those of the encoding's components.

    ```mlir
    // legal; the results are tensor<8x4xi8> and tensor<f32>
    %values, %scales = terse.components %w : tensor<8x4xf32, #terse.uniform<i8>>
    // illegal: this encoding has two components
    %0 = terse.components %w : tensor<8x4xf32, #terse.uniform<i8>>
    ```
  }];
  let arguments = (ins Terse_EncodedTensor:$input);
  let results = (outs Variadic<Terse_ComponentTensor>:$components);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let extraClassDeclaration = [{
    EncodingAttrInterface getEncoding() { return ::terse::getEncoding(getInput().getType()); }
  }];
  let hasFolder = 1;
}

def Terse_ObserveOp : Terse_Op<"observe", [
    NoMemoryEffect, AllTypesMatch<["input", "result"]>]> {
  let summary = "Marks a value whose statistics calibration gathers";
  let description = [{
    Returns `input`. An instrumented build records the statistic `kind` of it
    under `name`, which comes from the imported model and stays the same when
    the graph around it changes; `terse-calibrate` writes it as `terse.statistics`
    on the op. The op is not speculatable: moving it out of a branch would change
    what is counted.

    Constraints:
    * (C1) `name` is not empty.
    * (C2) `axis` is given for the kinds `channel` and `second_moment`, and for
      no other.
    * (C3) `axis` is a dimension of `input`.

    ```mlir
    // legal
    %0 = terse.observe %x "conv1/input" min_max : tensor<1x3x8x8xf32>
    %1 = terse.observe %x "conv1/input" channel axis = 1 : tensor<1x3x8x8xf32>
    // illegal, C3
    %2 = terse.observe %x "conv1/input" channel axis = 4 : tensor<1x3x8x8xf32>
    ```
  }];
  let arguments = (ins Terse_FloatTensor:$input, StrAttr:$name, Terse_ObserverKindAttr:$kind,
                       OptionalAttr<I64Attr>:$axis);
  let results = (outs Terse_FloatTensor:$result);
  let assemblyFormat = "$input $name `` $kind (`axis` `=` $axis^)? attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Terse_FakeQuantOp : Terse_Op<"fake_quant", [
    Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "Sends a float tensor through an encoding";
  let description = [{
    Produces what is left of `input` after storing it in `encoding`. For training
    its derivative is that of the identity within the encoding's range
    (the straight-through estimator); that is why it is an op of its own and not
    the pair that defines it.

    ```
    result = decode(encode(input, parameters))
    ```

    Constraints:
    * (C1) `encoding` is legal for the type of `input`.
    * (C2) No parameters are given, or as many as the encoding has.
    * (C3) Each parameter has the type of its component.
    * (C4) An encoding whose parameters are computed at run time (`dynamic`) is
      given none.

    ```mlir
    // legal
    %0 = terse.fake_quant #terse.uniform<i8> %x : tensor<8x4xf32>
    // illegal, C1
    %1 = terse.fake_quant #terse.uniform<i8, axis = 2> %x : tensor<8x4xf32>
    ```
  }];
  let arguments = (ins Terse_FloatTensor:$input, Variadic<Terse_ComponentTensor>:$parameters,
                       EncodingAttrInterface:$encoding);
  let results = (outs Terse_FloatTensor:$result);
  let assemblyFormat = [{
    $encoding $input (`params` `(` $parameters^ `:` type($parameters) `)`)? attr-dict
    `:` type($input)
  }];
  let hasVerifier = 1;
}

def Terse_RequantizeOp : Terse_Op<"requantize", [Pure, AttrSizedOperandSegments]> {
  let summary = "Rounds a scaled sum of integers to narrow integers";
  let description = [{
    Produces the integers that stand for a sum of integer tensors, each with its
    own scale: how results of integer arithmetic become integers of the next
    tensor's scale. Multipliers and zero point broadcast to the inputs, inputs to
    each other, trailing axes aligned.

    ```
    f32 multipliers:  y = f32(input_0) * multiplier_0 + f32(input_1) * multiplier_1 + ...
                      each product and each sum rounded to f32, from left to right
                      q = clamp(round_half_even(y) + zero_point, low, high)
    i32 multipliers:  y = (input_0 * multiplier_0 + ...) * 2^(shift - 31)      exact
                      q = clamp(round_half_even(y) + zero_point, low, high)
    ```

    The first form is the definition of requantization (Numerics/Requantize.h),
    the second one is for targets without floating point. NaN, which only a
    multiplier of NaN or infinity gives, becomes the zero point. `low` and `high`
    may be narrower than the result's type: so a ReLU costs nothing.

    Constraints:
    * (C1) Inputs and result are integers; inputs of at most 32 bits, the result of at most 16.
    * (C2) There is one multiplier per input, all f32 or all i32.
    * (C3) `shift` (i32, from -30 to 30) is given exactly with i32 multipliers.
    * (C4) `zero_point` has the element type of the result.
    * (C5) `low` <= `high`, both within the result's type.
    * (C6) The operands broadcast to the result's shape.

    ```mlir
    // legal
    %q = terse.requantize %acc scales(%m : tensor<8x1x1xf32>) zero_point(%z : tensor<ui8>) clamp(3, 255)
       : (tensor<1x8x4x4xi32>) -> tensor<1x8x4x4xui8>
    // illegal, C5
    %q = terse.requantize %acc scales(%m : tensor<f32>) clamp(0, 300) : (tensor<4xi32>) -> tensor<4xui8>
    ```
  }];
  let arguments = (ins Variadic<Terse_ComponentTensor>:$inputs,
                       Variadic<Terse_ComponentTensor>:$multipliers,
                       Optional<Terse_ComponentTensor>:$shift,
                       Optional<Terse_ComponentTensor>:$zero_point, I64Attr:$low, I64Attr:$high);
  let results = (outs Terse_ComponentTensor:$result);
  let assemblyFormat = [{
    $inputs `scales` `(` $multipliers `:` type($multipliers) `)`
    (`shift` `(` $shift^ `:` type($shift) `)`)?
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    `clamp` `(` $low `,` $high `)` attr-dict `:` functional-type($inputs, $result)
  }];
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_TERSE_IR_TERSEOPS_TD
