// RUN: terse-opt %s --split-input-file --terse-absorb-bias | FileCheck %s

// Channel 0 was never below 3: its bias loses 3, and the next layer adds 3 * 2. Channel 1 stays.

// CHECK-LABEL: @absorb
// CHECK: %[[B1:.*]] = nn.constant dense<[2.000000e+00, 1.000000e+00]> : tensor<2xf32>
// CHECK: nn.linear %{{.*}}, %{{.*}}, %[[B1]] :
// CHECK: %[[B2:.*]] = nn.constant dense<7.000000e+00> : tensor<1xf32>
// CHECK: nn.linear %{{.*}}, %{{.*}}, %[[B2]] :
func.func @absorb(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w1 = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %b1 = nn.constant dense<[5.0, 1.0]> : tensor<2xf32>
  %w2 = nn.constant dense<[[2.0, 8.0]]> : tensor<1x2xf32>
  %b2 = nn.constant dense<1.0> : tensor<1xf32>
  %0 = nn.linear %x, %w1, %b1 {terse.statistics = #terse.statistics<samples = 1, elements = 2, non_finite = 0, range = [-1.0, 9.0, -1.0, 9.0], exponent = 0, first = 0, channels = [3.0, 9.0, 4.0, 4.0, -1.0, 2.0, 0.5, 0.75]>}
     : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %1 = nn.unary relu %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = nn.linear %1, %w2, %b2 : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// Zeros around the input have no constant part; statistics go all the same.

// CHECK-LABEL: @padded
// CHECK-NOT: terse.statistics
// CHECK: %[[B1:.*]] = nn.constant dense<5.000000e+00> : tensor<1xf32>
// CHECK: nn.conv %{{.*}}, %{{.*}}, %[[B1]]
func.func @padded(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %w1 = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %b1 = nn.constant dense<5.0> : tensor<1xf32>
  %w2 = nn.constant dense<1.0> : tensor<1x1x3x3xf32>
  %0 = nn.conv %x, %w1, %b1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0, range = [3.0, 9.0, 3.0, 9.0], exponent = 0, first = 0, channels = [3.0, 9.0, 4.0, 4.0]>}
     : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  %1 = nn.unary relu %0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %2 = nn.conv %1, %w2 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
     : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  return %2 : tensor<1x1x4x4xf32>
}
