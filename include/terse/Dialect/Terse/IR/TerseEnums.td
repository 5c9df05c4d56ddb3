//===- TerseEnums.td - Enumerations of the terse dialect --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEENUMS_TD
#define TERSE_DIALECT_TERSE_IR_TERSEENUMS_TD

include "mlir/IR/EnumAttr.td"
include "terse/Dialect/Terse/IR/TerseDialect.td"

def Terse_ObserverMinMax : I32EnumAttrCase<"MinMax", 0, "min_max">;
def Terse_ObserverMovingAverage : I32EnumAttrCase<"MovingAverage", 1, "moving_average">;
def Terse_ObserverHistogram : I32EnumAttrCase<"Histogram", 2, "histogram">;
def Terse_ObserverChannel : I32EnumAttrCase<"Channel", 3, "channel">;
def Terse_ObserverSecondMoment : I32EnumAttrCase<"SecondMoment", 4, "second_moment">;

def Terse_ObserverKind
    : I32EnumAttr<"ObserverKind", "which statistic an observer gathers",
                  [Terse_ObserverMinMax, Terse_ObserverMovingAverage, Terse_ObserverHistogram,
                   Terse_ObserverChannel, Terse_ObserverSecondMoment]> {
  let cppNamespace = "::terse";
  let genSpecializedAttr = 0;
}

def Terse_ObserverKindAttr : EnumAttr<TerseDialect, Terse_ObserverKind, "observer"> {
  let description = [{
    The statistic that a `terse.observe` gathers over the calibration data:

    * `min_max`: smallest and largest element;
    * `moving_average`: moving average of each batch's smallest and largest element;
    * `histogram`: counts over a range that grows with the data;
    * `channel`: largest magnitude and mean of every slice along `axis`;
    * `second_moment`: sum of x_i * x_j over the slices i, j along `axis`.
  }];
}

def Terse_FitKind
    : I32EnumAttr<"FitKind", "what shares a parameter, relative to a weight's axes",
                  [I32EnumAttrCase<"Block", 0, "block">,
                   I32EnumAttrCase<"NearestBlock", 1, "nearest_block">,
                   I32EnumAttrCase<"Channels", 2, "channels">]> {
  let cppNamespace = "::terse";
  let genSpecializedAttr = 0;
}

def Terse_FixedTable
    : I32EnumAttr<"FixedTable", "a codebook that is known ahead of time",
                  [I32EnumAttrCase<"NF4", 0, "nf4">, I32EnumAttrCase<"FP4", 1, "fp4">,
                   I32EnumAttrCase<"PowersOfTwo", 2, "pow2">, I32EnumAttrCase<"Binary", 3, "binary">,
                   I32EnumAttrCase<"Ternary", 4, "ternary">]> {
  let cppNamespace = "::terse";
  let genSpecializedAttr = 0;
}

def Terse_FixedTableAttr : EnumAttr<TerseDialect, Terse_FixedTable, "table"> {
  let description = "The codebook of a `#terse.codebook` that is not learned; its entries stand there.";
}

#endif // TERSE_DIALECT_TERSE_IR_TERSEENUMS_TD
