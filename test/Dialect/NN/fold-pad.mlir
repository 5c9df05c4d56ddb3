// RUN: terse-opt %s --nn-fold-pad | FileCheck %s
// RUN: terse-opt %s --nn-fold-pad --nn-fold-pad | FileCheck %s
// RUN: terse-opt %s --terse-interpret --nn-fold-pad --terse-interpret -o /dev/null

// CHECK-LABEL: @conv
// CHECK-NOT: nn.pad
// CHECK: nn.conv %{{.*}} {dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 2, 2>, strides = array<i64: 2, 2>}
func.func @conv() {
  %x = nn.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %w = nn.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %p = nn.pad constant %x {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 1, 2>}
     : (tensor<1x1x2x2xf32>) -> tensor<1x1x4x4xf32>
  %y = nn.conv %p, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 0>, strides = array<i64: 2, 2>}
     : (tensor<1x1x4x4xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %expected = nn.constant dense<[[[[11.0, 0.0], [11.0, 0.0]]]]> : tensor<1x1x2x2xf32>
  check.expect_eq %y, %expected : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
  return
}

// Channels, other numbers, other modes, crops.

// CHECK-LABEL: @kept
// CHECK: nn.pad constant
// CHECK: nn.pad constant
// CHECK: nn.pad edge
// CHECK: nn.pad constant
func.func @kept(%x: tensor<1x1x2x2xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>, tensor<1x1x1x2xf32>) {
  %one = nn.constant dense<1.0> : tensor<f32>
  %w2 = nn.constant dense<1.0> : tensor<1x2x2x2xf32>
  %w = nn.constant dense<1.0> : tensor<1x1x2x2xf32>
  %0 = nn.pad constant %x {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 0, 0, 0>} : (tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = nn.conv %0, %w2 {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x1x1x1xf32>
  %2 = nn.pad constant %x, %one {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 0, 1>} : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x3x3xf32>
  %3 = nn.conv %2, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %4 = nn.pad edge %x {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 0, 1>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x3x3xf32>
  %5 = nn.conv %4, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %6 = nn.pad constant %x {low = array<i64: 0, 0, -1, 0>, high = array<i64: 0, 0, 1, 1>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x3xf32>
  %7 = nn.conv %6, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x1x2x3xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x1x2xf32>
  return %1, %3, %5, %7 : tensor<1x1x1x1xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>, tensor<1x1x1x2xf32>
}
