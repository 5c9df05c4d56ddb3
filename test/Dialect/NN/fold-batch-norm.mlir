// RUN: terse-opt %s --split-input-file --nn-fold-batch-norm | FileCheck %s
// RUN: terse-opt %s --split-input-file --terse-interpret --nn-fold-batch-norm --terse-interpret --nn-fold-batch-norm \
// RUN:   --nn-fold-constants --terse-interpret | FileCheck %s --check-prefix=ONCE

// A batch norm becomes part of weight and bias.

// CHECK-LABEL: @batch_norm
// CHECK-NOT: nn.batch_norm
// CHECK: %[[W:.*]] = nn.binary mul %{{.*}}, %{{.*}} : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x1x1x1xf32>
// CHECK: %[[B:.*]] = nn.binary mul
// CHECK: %[[C:.*]] = nn.binary add %[[B]]
// CHECK: nn.conv %{{.*}}, %[[W]], %[[C]]
// CHECK-NOT: nn.batch_norm
// ONCE-LABEL: @batch_norm
// ONCE-NOT: nn.binary
// ONCE: nn.conv
func.func @batch_norm() {
  %x = nn.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %w = nn.constant dense<[[[[2.0]]], [[[-1.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[0.5, -0.5]> : tensor<2xf32>
  %scale = nn.constant dense<[2.0, 0.5]> : tensor<2xf32>
  %offset = nn.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %mean = nn.constant dense<[0.5, 1.5]> : tensor<2xf32>
  %variance = nn.constant dense<[3.0, 15.0]> : tensor<2xf32>
  %arg = call @opaque(%x) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %y = nn.conv %arg, %w, %b {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %z = nn.batch_norm %y, %scale, %offset, %mean, %variance {epsilon = 1.0}
     : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  // (2 x + 0.5 - 0.5) * 2 / 2 + 1 and (-x - 0.5 - 1.5) * 0.5 / 4 - 1
  %expected = nn.constant dense<[[[[3.0, 5.0], [7.0, 9.0]], [[-1.375, -1.5], [-1.625, -1.75]]]]> : tensor<1x2x2x2xf32>
  check.expect_close %z, %expected : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
  return
}
func.func private @opaque(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  return %x : tensor<1x1x2x2xf32>
}

// -----

// Factors and offsets in every order; the op without a bias gets one.

// CHECK-LABEL: @arithmetic
// CHECK: nn.linear %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK-NEXT: nn.constant
// CHECK-NEXT: check.expect_close
func.func @arithmetic() {
  %x = nn.constant dense<[[1.0, 2.0], [-3.0, 4.0]]> : tensor<2x2xf32>
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %half = nn.constant dense<[[0.5]]> : tensor<1x1xf32>
  %c = nn.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
  %arg = call @opaque(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %0 = nn.linear %arg, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %1 = nn.binary div %0, %c : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %2 = nn.binary sub %two, %1 : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = nn.binary mul %half, %2 : (tensor<1x1xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = nn.binary sub %3, %c : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // 0.5 (2 - w x / c) - c with w x = [[5, 11, 17], [5, 7, 9]]
  %expected = nn.constant dense<[[-2.5, -3.75, -5.125], [-2.5, -2.75, -4.125]]> : tensor<2x3xf32>
  check.expect_close %4, %expected : tensor<2x3xf32>, tensor<2x3xf32>
  return
}
func.func private @opaque(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

// -----

// Left alone: another use, a computed weight, a constant along another axis, a quotient by the result, an offset for an
// op without bias.

// CHECK-LABEL: @kept
// CHECK: nn.binary mul
// CHECK: nn.binary mul
// CHECK: nn.binary mul
// CHECK: nn.binary div
// CHECK: nn.binary add
func.func @kept(%x: tensor<2x2xf32>, %v: tensor<2x2xf32>)
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %rows = nn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %0 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = nn.binary mul %0, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %2 = nn.linear %x, %v : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = nn.binary mul %2, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %4 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = nn.binary mul %4, %rows : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %6 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %7 = nn.binary div %two, %6 : (tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %8 = nn.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %9 = nn.binary add %8, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %0, %1, %3, %5, %7, %9
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// Reshapes, transposes and slices between the two move whole channels: what is done to each channel is done before.

// CHECK-LABEL: @through_moves
// CHECK: %[[W:.*]] = nn.binary mul
// CHECK: nn.linear %{{.*}}, %[[W]], %
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: nn.transpose
// CHECK-NEXT: nn.slice
// CHECK-NOT: nn.binary
func.func @through_moves() {
  %c = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %x = call @opaque(%c) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %w = nn.constant dense<[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]> : tensor<3x2xf32>
  %b = nn.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %f = nn.constant dense<[[[2.0]], [[1.0]], [[-1.0]]]> : tensor<3x1x1xf32>
  %0 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %1 = nn.reshape %0 : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 2, 0, 1>} : (tensor<1x2x3xf32>) -> tensor<3x1x2xf32>
  %3 = nn.slice %2 {starts = array<i64: 0, 0, 1>, ends = array<i64: 9, 9, 9>, steps = array<i64: 1, 1, 1>} : (tensor<3x1x2xf32>) -> tensor<3x1x1xf32>
  %4 = nn.binary mul %3, %f : (tensor<3x1x1xf32>, tensor<3x1x1xf32>) -> tensor<3x1x1xf32>
  %5 = nn.binary add %4, %b : (tensor<3x1x1xf32>, tensor<3x1x1xf32>) -> tensor<3x1x1xf32>
  %e = nn.constant dense<[[[7.0]], [[6.0]], [[-4.0]]]> : tensor<3x1x1xf32>
  check.expect_eq %5, %e : tensor<3x1x1xf32>, tensor<3x1x1xf32>
  return
}
func.func private @opaque(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

// -----

// Left alone: channels that are cut or mixed, a constant along another axis than the channels' new place, a move with
// another reader.

// CHECK-LABEL: @moves_kept
// CHECK-COUNT-4: nn.binary add
func.func @moves_kept(%x: tensor<2x2xf32>)
    -> (tensor<2x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = nn.constant dense<[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]> : tensor<3x2xf32>
  %two = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %1 = nn.slice %0 {starts = array<i64: 0, 1>, ends = array<i64: 9, 9>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  %2 = nn.binary add %1, %two : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %3 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %4 = nn.reshape %3 : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %5 = nn.binary add %4, %two : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %6 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %7 = nn.transpose %6 {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %8 = nn.binary add %7, %two : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %three = nn.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %9 = nn.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  %10 = nn.transpose %9 {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %11 = nn.binary add %10, %three : (tensor<3x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
  return %2, %5, %8, %10, %11
    : tensor<2x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}
