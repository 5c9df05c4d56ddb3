//===- NNEnums.td - Enumerated kinds of the nn dialect ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNENUMS_TD
#define TERSE_DIALECT_NN_IR_NNENUMS_TD

include "mlir/IR/EnumAttr.td"
include "terse/Dialect/NN/IR/NNDialect.td"

class NN_Enum<string name, string summary, list<I32EnumCase> cases> : I32Enum<name, summary, cases> {
  let cppNamespace = "::terse::nn";
}

class NN_EnumAttr<EnumInfo info, string name> : EnumAttr<NN_Dialect, info, name>;

def NN_UnaryKind : NN_Enum<"UnaryKind", "elementwise function of one tensor", [
  I32EnumCase<"Abs", 0, "abs">, I32EnumCase<"Neg", 1, "neg">, I32EnumCase<"Sign", 2, "sign">,
  I32EnumCase<"Floor", 3, "floor">, I32EnumCase<"Ceil", 4, "ceil">, I32EnumCase<"Round", 5, "round">,
  I32EnumCase<"Exp", 6, "exp">, I32EnumCase<"Log", 7, "log">, I32EnumCase<"Sqrt", 8, "sqrt">,
  I32EnumCase<"Rsqrt", 9, "rsqrt">, I32EnumCase<"Reciprocal", 10, "reciprocal">,
  I32EnumCase<"Sin", 11, "sin">, I32EnumCase<"Cos", 12, "cos">, I32EnumCase<"Tan", 13, "tan">,
  I32EnumCase<"Asin", 14, "asin">, I32EnumCase<"Acos", 15, "acos">, I32EnumCase<"Atan", 16, "atan">,
  I32EnumCase<"Sinh", 17, "sinh">, I32EnumCase<"Cosh", 18, "cosh">, I32EnumCase<"Tanh", 19, "tanh">,
  I32EnumCase<"Asinh", 20, "asinh">, I32EnumCase<"Acosh", 21, "acosh">, I32EnumCase<"Atanh", 22, "atanh">,
  I32EnumCase<"Erf", 23, "erf">, I32EnumCase<"Not", 24, "not">, I32EnumCase<"BitNot", 25, "bit_not">,
  I32EnumCase<"Relu", 26, "relu">, I32EnumCase<"LeakyRelu", 27, "leaky_relu">,
  I32EnumCase<"Clamp", 28, "clamp">, I32EnumCase<"Sigmoid", 29, "sigmoid">,
  I32EnumCase<"HardSigmoid", 30, "hard_sigmoid">, I32EnumCase<"HardSwish", 31, "hard_swish">,
  I32EnumCase<"Elu", 32, "elu">, I32EnumCase<"Selu", 33, "selu">, I32EnumCase<"Celu", 34, "celu">,
  I32EnumCase<"Softplus", 35, "softplus">, I32EnumCase<"Softsign", 36, "softsign">,
  I32EnumCase<"Gelu", 37, "gelu">, I32EnumCase<"GeluTanh", 38, "gelu_tanh">, I32EnumCase<"Silu", 39, "silu">,
  I32EnumCase<"Mish", 40, "mish">, I32EnumCase<"ThresholdedRelu", 41, "thresholded_relu">,
  I32EnumCase<"Shrink", 42, "shrink">, I32EnumCase<"ScaledTanh", 43, "scaled_tanh">,
  I32EnumCase<"Affine", 44, "affine">, I32EnumCase<"Identity", 45, "identity">]>;
def NN_UnaryKindAttr : NN_EnumAttr<NN_UnaryKind, "unary_kind">;
def NN_UnaryKindArrayAttr : TypedArrayAttrBase<NN_UnaryKindAttr, "array of unary kinds">;

def NN_BinaryKind : NN_Enum<"BinaryKind", "elementwise function of two broadcast tensors", [
  I32EnumCase<"Add", 0, "add">, I32EnumCase<"Sub", 1, "sub">, I32EnumCase<"Mul", 2, "mul">,
  I32EnumCase<"Div", 3, "div">, I32EnumCase<"Pow", 4, "pow">, I32EnumCase<"Mod", 5, "mod">,
  I32EnumCase<"Fmod", 6, "fmod">, I32EnumCase<"Min", 7, "min">, I32EnumCase<"Max", 8, "max">,
  I32EnumCase<"And", 9, "and">, I32EnumCase<"Or", 10, "or">, I32EnumCase<"Xor", 11, "xor">,
  I32EnumCase<"Shl", 12, "shl">, I32EnumCase<"Shr", 13, "shr">, I32EnumCase<"Prelu", 14, "prelu">]>;
def NN_BinaryKindAttr : NN_EnumAttr<NN_BinaryKind, "binary_kind">;

def NN_CompareKind : NN_Enum<"CompareKind", "elementwise comparison", [
  I32EnumCase<"Eq", 0, "eq">, I32EnumCase<"Ne", 1, "ne">, I32EnumCase<"Lt", 2, "lt">,
  I32EnumCase<"Le", 3, "le">, I32EnumCase<"Gt", 4, "gt">, I32EnumCase<"Ge", 5, "ge">]>;
def NN_CompareKindAttr : NN_EnumAttr<NN_CompareKind, "compare_kind">;

def NN_ReduceKind : NN_Enum<"ReduceKind", "reduction over axes", [
  I32EnumCase<"Sum", 0, "sum">, I32EnumCase<"Mean", 1, "mean">, I32EnumCase<"Prod", 2, "prod">,
  I32EnumCase<"Max", 3, "max">, I32EnumCase<"Min", 4, "min">, I32EnumCase<"L1", 5, "l1">,
  I32EnumCase<"L2", 6, "l2">, I32EnumCase<"SumSquare", 7, "sum_square">,
  I32EnumCase<"LogSum", 8, "log_sum">, I32EnumCase<"LogSumExp", 9, "log_sum_exp">]>;
def NN_ReduceKindAttr : NN_EnumAttr<NN_ReduceKind, "reduce_kind">;

def NN_PoolKind : NN_Enum<"PoolKind", "what a pooling window computes", [
  I32EnumCase<"Max", 0, "max">, I32EnumCase<"Average", 1, "average">, I32EnumCase<"Lp", 2, "lp">]>;
def NN_PoolKindAttr : NN_EnumAttr<NN_PoolKind, "pool_kind">;

def NN_PadMode : NN_Enum<"PadMode", "what padding is filled with", [
  I32EnumCase<"Constant", 0, "constant">, I32EnumCase<"Edge", 1, "edge">,
  I32EnumCase<"Reflect", 2, "reflect">, I32EnumCase<"Wrap", 3, "wrap">]>;
def NN_PadModeAttr : NN_EnumAttr<NN_PadMode, "pad_mode">;

def NN_ScatterKind : NN_Enum<"ScatterKind", "how a scattered update meets the old element", [
  I32EnumCase<"Replace", 0, "replace">, I32EnumCase<"Add", 1, "add">, I32EnumCase<"Mul", 2, "mul">,
  I32EnumCase<"Max", 3, "max">, I32EnumCase<"Min", 4, "min">]>;
def NN_ScatterKindAttr : NN_EnumAttr<NN_ScatterKind, "scatter_kind">;

def NN_ResizeMode : NN_Enum<"ResizeMode", "interpolation", [
  I32EnumCase<"Nearest", 0, "nearest">, I32EnumCase<"Linear", 1, "linear">, I32EnumCase<"Cubic", 2, "cubic">]>;
def NN_ResizeModeAttr : NN_EnumAttr<NN_ResizeMode, "resize_mode">;

def NN_ResizeCoordinate : NN_Enum<"ResizeCoordinate", "from output to input coordinate", [
  I32EnumCase<"HalfPixel", 0, "half_pixel">, I32EnumCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">,
  I32EnumCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">, I32EnumCase<"AlignCorners", 3, "align_corners">,
  I32EnumCase<"Asymmetric", 4, "asymmetric">, I32EnumCase<"TfCropAndResize", 5, "tf_crop_and_resize">]>;
def NN_ResizeCoordinateAttr : NN_EnumAttr<NN_ResizeCoordinate, "resize_coordinate">;

def NN_ResizeRounding : NN_Enum<"ResizeRounding", "how nearest interpolation picks a neighbour", [
  I32EnumCase<"PreferFloor", 0, "round_prefer_floor">, I32EnumCase<"PreferCeil", 1, "round_prefer_ceil">,
  I32EnumCase<"Floor", 2, "floor">, I32EnumCase<"Ceil", 3, "ceil">]>;
def NN_ResizeRoundingAttr : NN_EnumAttr<NN_ResizeRounding, "resize_rounding">;

def NN_Direction : NN_Enum<"Direction", "direction of a recurrent layer", [
  I32EnumCase<"Forward", 0, "forward">, I32EnumCase<"Reverse", 1, "reverse">,
  I32EnumCase<"Bidirectional", 2, "bidirectional">]>;
def NN_DirectionAttr : NN_EnumAttr<NN_Direction, "direction">;

def NN_CastRounding : NN_Enum<"CastRounding", "rounding of a cast to f8E8M0FNU", [
  I32EnumCase<"Nearest", 0, "nearest">, I32EnumCase<"Up", 1, "up">, I32EnumCase<"Down", 2, "down">]>;
def NN_CastRoundingAttr : NN_EnumAttr<NN_CastRounding, "cast_rounding">;

#endif
