//===- TerseAttributes.td - Encodings of the terse dialect -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_TD
#define TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"
include "terse/Dialect/Terse/IR/ChoiceAttr.td"
include "terse/Dialect/Terse/IR/FitAttr.td"
include "terse/Dialect/Terse/IR/EncodingBase.td"
include "terse/Dialect/Terse/IR/CodebookEncoding.td"
include "terse/Dialect/Terse/IR/MinifloatEncoding.td"
include "terse/Dialect/Terse/IR/SumEncoding.td"

def Terse_UniformEncodingAttr : Terse_Encoding<"UniformEncoding", "uniform",
                                               ["getScaleGranularity", "hasRunTimeParameters", "isTemplate", "fit"]> {
  let summary = "Integers on an even grid: x = scale * (q - zero point)";
  let description = [{
    Stores a float tensor as integers of 1 to 8, 16 or 32 bits that share a
    scale, and with `zero_point` a zero point, per tensor, per slice of one
    axis or per block.

    ```
    #terse.uniform< value-type
                    (, axis = I | , block = [B0, B1, ...] | TEMPLATE)?
                    (, scale = f32 | f16 | bf16 | f8E8M0FNU | f8E4M3FN | #encoding)?    default f32
                    (, zero_point)? (, narrow)? (, dynamic)? >
    ```

    The value type is `i2`...`i8`, `i16`, `i32` or `si1` for signed and
    `ui1`...`ui8`, `ui16`, `ui32` for unsigned integers (`i1` is the boolean).
    A block `?` spans its whole dimension; where a block does not divide a
    dimension, the last block is shorter. TEMPLATE is `block = N`,
    `nearest_block = N` or `channels = N` (see `#terse.fit`), which is fitted to a
    weight and legal on no tensor.

    Components of a logical tensor of shape D:

    | name | element type | shape |
    |---|---|---|
    | `values` | value type | D |
    | `scales` | scale type | `[]`, `[D[axis]]` or `[ceil(D[d] / block[d]), ...]` |
    | `zero_points`, with `zero_point` | value type | as `scales` |

    An encoded scale contributes its components in the place of `scales`, as
    `scales.values`, `scales.scales`, ...

    ```
    qmin, qmax = range of the value type; narrow: qmin = -qmax
    decode:  x = float(q - z) * s                              in f32, z = 0 without zero_point
    encode:  q = clamp(round_half_even(x / s) + z, qmin, qmax) in f32, NaN gives z
    parameters, where encode computes them, over the finite x of each block:
      symmetric:  s = max|x| / qmax     (unsigned: max(0, max x) / qmax; si1: max|x|)
      zero_point: lo = min(0, min x), hi = max(0, max x)
                  s = (hi - lo) / (qmax - qmin), z = clamp(round_half_even(qmin - lo / s))
      a block of zeros has s = 1
      s is kept within the positive finite values of the scale type and rounded to
      it, half to even (f8E8M0FNU: up), or encoded and decoded again, before it is used
    ```

    Run-time and constant encoding agree in every bit as long as hi - lo is a
    finite f32.

    `dynamic` says that the parameters are computed at run time from the tensor
    itself; without it they may also be given. It changes no component.

    Constraints:
    * (C1) The value type is an integer of 1 to 8, 16 or 32 bits in its one
      spelling (`si1`, `i2`, ..., `ui1`, ...).
    * (C2) At most one of `axis`, `block` and a template is given.
    * (C3) Block sizes are positive or `?`.
    * (C4) The scale is `f32`, `f16`, `bf16`, `f8E8M0FNU`, `f8E4M3FN` or a `terse` encoding.
    * (C5) A `zero_point` needs a value type of at most 16 bits.
    * (C6) `narrow` needs a signed value type of 2 bits or more, and no `zero_point`.
    * (C7) The logical element type is a float of 16, 32 or 64 bits.
    * (C8) `axis` is a dimension of the tensor.
    * (C9) `block` has one entry per dimension of the tensor.
    * (C10) An encoded scale is legal for the tensor of scales.
    * (C11) On a tensor it is no template.

    ```mlir
    tensor<64x100xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>        // legal
    tensor<64x100xf32, #terse.uniform<i4, axis = 2>>                            // illegal, C8
    ```
  }];
  let parameters = (ins
    "::mlir::IntegerType":$valueType,
    OptionalParameter<"std::optional<int64_t>">:$axis,
    OptionalArrayRefParameter<"int64_t">:$block,
    "::mlir::Attribute":$scale,
    "bool":$asymmetric,
    "bool":$narrow,
    "bool":$dynamic,
    OptionalParameter<"::terse::FitAttr">:$fit_rule);
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::IntegerType":$valueType,
        CArg<"std::optional<int64_t>", "std::nullopt">:$axis,
        CArg<"::llvm::ArrayRef<int64_t>", "{}">:$block,
        CArg<"::mlir::Attribute", "{}">:$scale,
        CArg<"bool", "false">:$asymmetric, CArg<"bool", "false">:$narrow,
        CArg<"bool", "false">:$dynamic, CArg<"::terse::FitAttr", "{}">:$fitRule), [{
      if (!scale)
        scale = ::mlir::TypeAttr::get(::mlir::Float32Type::get(valueType.getContext()));
      return $_get(valueType.getContext(), valueType, axis, block, scale, asymmetric, narrow,
                   dynamic, fitRule);
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// A block size that spans its whole dimension; printed `?`.
    static constexpr int64_t kWholeDimension = Granularity::kWholeDimension;

    /// What shares a scale.
    Granularity getGranularity() const { return {getAxis(), getBlock()}; }
    bool isPerTensor() const { return getGranularity().isPerTensor(); }
    bool isSigned() const { return !getValueType().isUnsigned(); }
    int64_t getQMin() const;
    int64_t getQMax() const;

    /// The encoding in the scale slot, or null.
    EncodingAttrInterface getScaleEncoding() const;
    /// The element type in the scale slot; f32 when an encoding stands there.
    ::mlir::FloatType getScaleType() const;
    /// Shape of the scales (and zero points) of a tensor of shape `shape`.
    ::llvm::SmallVector<int64_t> getScaleShape(::llvm::ArrayRef<int64_t> shape) const {
      return getGranularity().getParameterShape(shape);
    }
    /// The extent in every dimension of the block that shares a scale, whatever the granularity.
    ::llvm::SmallVector<int64_t> getBlockExtents(::llvm::ArrayRef<int64_t> shape) const {
      return getGranularity().getExtents(shape);
    }
  }];
}

def Terse_CastEncodingAttr : Terse_Encoding<"CastEncoding", "cast"> {
  let summary = "Each element rounded to a narrower float type";
  let description = [{
    Stores each element in another float type, rounded half to even; values
    beyond its range become infinities.

    ```
    #terse.cast< f16 | bf16 >
    ```

    One component: `values`, of the tensor's shape and the encoding's type.

    Constraints:
    * (C1) The stored type is `f16` or `bf16`.
    * (C2) The logical element type is a float at least as wide as the stored type.

    ```mlir
    tensor<64x32xf32, #terse.cast<bf16>>    // legal
    tensor<64x32xf32, #terse.cast<f32>>     // illegal, C1
    ```
  }];
  let parameters = (ins "::mlir::FloatType":$valueType);
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::FloatType":$valueType), [{
      return $_get(valueType.getContext(), valueType);
    }]>
  ];
  let assemblyFormat = "`<` $valueType `>`";
}

#endif // TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_TD
