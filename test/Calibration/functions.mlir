// RUN: terse-opt %s --terse-choose-encodings --terse-choose-activation-encodings=method=min-max | FileCheck %s
// RUN: terse-opt %s --terse-choose-encodings --terse-choose-activation-encodings=method=min-max --terse-apply-encodings --terse-integer-graph \
// RUN:   | FileCheck %s --check-prefix=INTEGER

// Three functions in a row are one: what lies between them is not stored, although it was observed. What they read is clamped to
// -3, below which hard-swish is 0: [-3, 12] (to a 1024th of the range) has steps of 15/255, where all that was seen would have steps of 28/255.
// CHECK-LABEL: @chain
// CHECK: nn.linear
// CHECK: nn.unary hard_swish
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.0587622561> : tensor<f32>, dense<51> : tensor<ui8>]
// CHECK: nn.binary mul
// CHECK-NOT: terse.choice
// CHECK: nn.binary add
// CHECK-NOT: terse.choice
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static
// INTEGER-LABEL: @chain
// INTEGER: terse.requantize
// INTEGER-COUNT-1: nn.gather {{.*}} -> tensor<8x2xui8>
// INTEGER-NOT: nn.gather
// INTEGER-NOT: hard_swish
// INTEGER: return
func.func @chain(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = terse.observe %x "x" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-1.0, 4.0, -0.5, 3.0], exponent = -1, first = -2, counts = [1, 0, 2, 2, 1, 1, 0, 0, 0, 0, 1]>} : tensor<8x2xf32>
  %1 = nn.linear %0, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %2 = terse.observe %1 "linear" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-16.0, 12.0, -16.0, 12.0], exponent = 3, first = -2, counts = [2, 2, 2, 2]>} : tensor<8x2xf32>
  %3 = nn.unary hard_swish %2 : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %4 = terse.observe %3 "swish" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-0.375, 12.0, -0.375, 12.0], exponent = 3, first = -1, counts = [4, 2, 2]>} : tensor<8x2xf32>
  %5 = nn.binary mul %4, %half : (tensor<8x2xf32>, tensor<f32>) -> tensor<8x2xf32>
  %6 = terse.observe %5 "mul" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-0.1875, 6.0, -0.1875, 6.0], exponent = 2, first = -1, counts = [4, 2, 2]>} : tensor<8x2xf32>
  %7 = nn.binary add %6, %half : (tensor<8x2xf32>, tensor<f32>) -> tensor<8x2xf32>
  %8 = terse.observe %7 "add" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [0.3125, 6.5, 0.3125, 6.5], exponent = 2, first = 0, counts = [6, 2]>} : tensor<8x2xf32>
  %9 = nn.linear %8, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %9 : tensor<8x2xf32>
}

// A second reader wants the value itself: its whole range, and integers between the functions.
// CHECK-LABEL: @shared
// CHECK: nn.unary hard_swish
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.109803922> : tensor<f32>
// CHECK: nn.binary mul
// CHECK-SAME: #terse.static
// INTEGER-LABEL: @shared
// INTEGER-COUNT-2: nn.gather
func.func @shared(%x: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>) {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = terse.observe %x "x" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-16.0, 12.0, -16.0, 12.0], exponent = 3, first = -2, counts = [2, 2, 2, 2]>} : tensor<8x2xf32>
  %1 = nn.unary hard_swish %0 : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %2 = terse.observe %1 "swish" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-0.375, 12.0, -0.375, 12.0], exponent = 3, first = -1, counts = [4, 2, 2]>} : tensor<8x2xf32>
  %3 = nn.binary mul %2, %half : (tensor<8x2xf32>, tensor<f32>) -> tensor<8x2xf32>
  %4 = terse.observe %3 "mul" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-0.1875, 6.0, -0.1875, 6.0], exponent = 2, first = -1, counts = [4, 2, 2]>} : tensor<8x2xf32>
  %5 = nn.linear %4, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %6 = nn.linear %2, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %7 = nn.linear %0, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %8 = nn.binary add %5, %7 : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  return %8, %6 : tensor<8x2xf32>, tensor<8x2xf32>
}
