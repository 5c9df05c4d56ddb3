// RUN: terse-opt %s --terse-choose-encodings "--terse-choose-activation-encodings=method=min-max integer-islands=true" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,INTEGER
// RUN: terse-opt %s --terse-choose-encodings "--terse-choose-activation-encodings=method=min-max integer-islands=true float-residuals=true" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FLOAT

// Two layers add to a stream: the sums that norms read, those that are made from them, and the norms. What the layers read
// is stored as integers all the same, and their results that are only added are not.

// CHECK-LABEL: @stream
// CHECK: nn.binary add
// INTEGER-SAME: 0 = #terse.static
// FLOAT-SAME: 0 = "float: it is part of a residual stream that is kept in float"
// CHECK: nn.layer_norm
// INTEGER-SAME: 0 = #terse.static
// FLOAT-SAME: "float: it is part of a residual stream that is kept in float"
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static
// CHECK: nn.binary add
// INTEGER-SAME: 0 = #terse.static
// FLOAT-SAME: "float: it is part of a residual stream that is kept in float"
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static
func.func @stream(%x: tensor<8x2xf32>, %y: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %xo = terse.observe %x "x" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 4.0, -1.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %yo = terse.observe %y "y" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 4.0, -1.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %a = nn.binary add %xo, %yo : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  %ao = terse.observe %a "a" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-2.0, 8.0, -2.0, 8.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %n = nn.layer_norm %ao {axis = 1 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %no = terse.observe %n "n" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 1.0, -1.0, 1.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %l = nn.linear %no, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %lo = terse.observe %l "l" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-2.0, 2.0, -2.0, 2.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %b = nn.binary add %ao, %lo : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  %bo = terse.observe %b "b" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-4.0, 9.0, -4.0, 9.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %z = nn.linear %bo, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %z : tensor<8x2xf32>
}

// A sum that no norm reads is no stream, nor is a norm of something else than a sum.

// CHECK-LABEL: @no_stream
// CHECK-NOT: residual stream
// CHECK: return
func.func @no_stream(%x: tensor<8x2xf32>, %y: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>) {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %xo = terse.observe %x "x" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 4.0, -1.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %yo = terse.observe %y "y" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 4.0, -1.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %a = nn.binary add %xo, %yo : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  %ao = terse.observe %a "a" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-2.0, 8.0, -2.0, 8.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %l = nn.linear %ao, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %n = nn.layer_norm %xo {axis = 1 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %no = terse.observe %n "n" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 1.0, -1.0, 1.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %z = nn.linear %no, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %l, %z : tensor<8x2xf32>, tensor<8x2xf32>
}

// Positions: the argument of a sine, and what is computed for it alone, stay in float; the result does not.

// CHECK-LABEL: @positions
// CHECK: nn.binary mul
// CHECK-SAME: "float: rounding errors would grow here"
// CHECK: nn.unary sin
// CHECK-SAME: "float: rounding errors would grow here"
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static
func.func @positions(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %f = nn.constant dense<[1.0, 0.01]> : tensor<2xf32>
  %xo = terse.observe %x "x" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 128.0, 0.0, 128.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %p = nn.binary mul %xo, %f : (tensor<8x2xf32>, tensor<2xf32>) -> tensor<8x2xf32>
  %po = terse.observe %p "p" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 128.0, 0.0, 128.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %s = nn.unary sin %po : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %so = terse.observe %s "s" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [-1.0, 1.0, -1.0, 1.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %z = nn.linear %so, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %z : tensor<8x2xf32>
}
