// RUN: terse-opt %s --split-input-file --nn-fold-linear | FileCheck %s
// RUN: terse-opt %s --split-input-file --nn-fold-linear --nn-fold-linear | FileCheck %s
// RUN: terse-opt %s --split-input-file --terse-interpret --nn-fold-linear --terse-interpret | FileCheck %s

// w2 w1 = [[5, 4], [11, 10]], w2 b1 + b2 = [3.5, 6].
// CHECK-LABEL: @linear
// CHECK:         nn.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
// CHECK-NOT:     nn.linear
func.func @linear() {
  %x = nn.constant dense<[[1.0, 0.0], [-1.0, 2.0]]> : tensor<2x2xf32>
  %arg = call @opaque(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %w1 = nn.constant dense<[[1.0, 2.0], [2.0, 1.0]]> : tensor<2x2xf32>
  %b1 = nn.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %w2 = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b2 = nn.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %y = nn.linear %arg, %w1, %b1 : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %z = nn.linear %y, %w2, %b2 : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %expected = nn.constant dense<[[8.5, 17.0], [6.5, 15.0]]> : tensor<2x2xf32>
  check.expect_close %z, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  return
}
func.func private @opaque(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

// -----

// A matrix product has no bias: what follows takes it. Three become one.
// CHECK-LABEL: func.func @chain
// CHECK:         nn.linear %arg0, %{{.*}}, %{{.*}} : (tensor<?x6xf32>, tensor<2x6xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK-NOT:     nn.linear
// CHECK-NOT:     nn.matmul
func.func @chain(%x: tensor<?x6xf32>) -> tensor<?x2xf32> {
  %w1 = nn.constant dense<1.0> : tensor<6x8xf32>
  %w2 = nn.constant dense<2.0> : tensor<8x7xf32>
  %w3 = nn.constant dense<3.0> : tensor<2x7xf32>
  %b3 = nn.constant dense<1.0> : tensor<2xf32>
  %0 = nn.matmul %x, %w1 : (tensor<?x6xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  %1 = nn.matmul %0, %w2 : (tensor<?x8xf32>, tensor<8x7xf32>) -> tensor<?x7xf32>
  %2 = nn.linear %1, %w3, %b3 : (tensor<?x7xf32>, tensor<2x7xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// The window, strides and padding of the other one stay.
// CHECK-LABEL: func.func @convolutions
// CHECK:         %[[A:.*]] = nn.conv %arg0, %{{.*}}, %{{.*}} {{.*}}pads = array<i64: 1, 1, 1, 1>{{.*}}strides = array<i64: 2, 2>{{.*}} : (tensor<?x3x?x?xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>)
// CHECK:         %[[R:.*]] = nn.unary relu %[[A]]
// CHECK:         nn.conv %[[R]], %{{.*}} {{.*}}pads = array<i64: 1, 1, 1, 1>{{.*}} : (tensor<?x4x?x?xf32>, tensor<5x4x3x3xf32>)
// CHECK-NOT:     nn.conv
func.func @convolutions(%x: tensor<?x3x?x?xf32>) -> tensor<?x5x?x?xf32> {
  %w1 = nn.constant dense<1.0> : tensor<6x3x3x3xf32>
  %w2 = nn.constant dense<2.0> : tensor<4x6x1x1xf32>
  %b2 = nn.constant dense<1.0> : tensor<4xf32>
  %w3 = nn.constant dense<3.0> : tensor<8x4x1x1xf32>
  %w4 = nn.constant dense<3.0> : tensor<5x8x3x3xf32>
  %0 = nn.conv %x, %w1 {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
    : (tensor<?x3x?x?xf32>, tensor<6x3x3x3xf32>) -> tensor<?x6x?x?xf32>
  %1 = nn.conv %0, %w2, %b2 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<?x6x?x?xf32>, tensor<4x6x1x1xf32>, tensor<4xf32>) -> tensor<?x4x?x?xf32>
  %r = nn.unary relu %1 : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %2 = nn.conv %r, %w3 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<?x4x?x?xf32>, tensor<8x4x1x1xf32>) -> tensor<?x8x?x?xf32>
  %3 = nn.conv %2, %w4 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
    : (tensor<?x8x?x?xf32>, tensor<5x8x3x3xf32>) -> tensor<?x5x?x?xf32>
  return %3 : tensor<?x5x?x?xf32>
}

// -----

// A bottleneck is cheaper as it is.
// CHECK-LABEL: func.func @bottleneck
// CHECK-COUNT-2: nn.linear
func.func @bottleneck(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w1 = nn.constant dense<1.0> : tensor<3x8xf32>
  %w2 = nn.constant dense<2.0> : tensor<8x3xf32>
  %0 = nn.linear %x, %w1 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  %1 = nn.linear %0, %w2 : (tensor<?x3xf32>, tensor<8x3xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// Around the padding there is no bias of the first layer; another reader sees its result; a computed weight.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-2: nn.conv
// CHECK-COUNT-4: nn.linear
func.func @kept(%x: tensor<?x2x?x?xf32>, %v: tensor<?x4xf32>, %u: tensor<3x4xf32>)
    -> (tensor<?x2x?x?xf32>, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x4xf32>) {
  %w1 = nn.constant dense<1.0> : tensor<4x2x1x1xf32>
  %b1 = nn.constant dense<1.0> : tensor<4xf32>
  %w2 = nn.constant dense<2.0> : tensor<2x4x3x3xf32>
  %0 = nn.conv %x, %w1, %b1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<?x2x?x?xf32>, tensor<4x2x1x1xf32>, tensor<4xf32>) -> tensor<?x4x?x?xf32>
  %1 = nn.conv %0, %w2 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
    : (tensor<?x4x?x?xf32>, tensor<2x4x3x3xf32>) -> tensor<?x2x?x?xf32>
  %a = nn.constant dense<2.0> : tensor<4x4xf32>
  %b = nn.constant dense<2.0> : tensor<2x4xf32>
  %c = nn.constant dense<2.0> : tensor<4x3xf32>
  %2 = nn.linear %v, %a : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %3 = nn.linear %2, %b : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %4 = nn.linear %v, %u : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %5 = nn.linear %4, %c : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x4xf32>
  return %1, %2, %3, %5 : tensor<?x2x?x?xf32>, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x4xf32>
}
