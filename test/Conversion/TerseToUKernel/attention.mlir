// RUN: terse-opt %s -split-input-file -nn-decompose -canonicalize -cse -convert-attention-to-ukernel | FileCheck %s

// Transposes, scales and masks are part of the kernel.
// CHECK-LABEL: @composed
// CHECK-SAME: (%[[Q:.*]]: tensor<2x5x3x8xf32>, %[[K:.*]]: tensor<2x7x3x8xf32>, %[[V:.*]]: tensor<2x7x3x4xf32>, %[[M:.*]]: tensor<2x1x1x7xf32>)
// CHECK-NOT: nn.
// CHECK: %[[E:.*]] = tensor.empty() : tensor<2x5x3x4xf32>
// CHECK: %[[R:.*]] = ukernel.attention %[[Q]], %[[K]], %[[V]] extras(%[[M]]) into %[[E]]
// CHECK-SAME: k_order = array<i64: 0, 2, 1, 3>
// CHECK-SAME: q_order = array<i64: 0, 2, 1, 3>
// CHECK-SAME: result_order = array<i64: 0, 2, 1, 3>
// CHECK-SAME: v_order = array<i64: 0, 2, 1, 3>
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[MASK:.*]]: f32):
// CHECK: %[[S:.*]] = arith.divf %[[SUM]], %{{.*}} : f32
// CHECK: %[[X:.*]] = arith.addf %[[S]], %[[MASK]] : f32
// CHECK: ukernel.yield %[[X]] : f32
// CHECK: return %[[R]]
func.func @composed(%q: tensor<2x5x3x8xf32>, %k: tensor<2x7x3x8xf32>, %v: tensor<2x7x3x4xf32>, %m: tensor<2x1x1x7xf32>) -> tensor<2x5x3x4xf32> {
  %c = nn.constant dense<4.0> : tensor<f32>
  %0 = nn.transpose %q {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x5x3x8xf32>) -> tensor<2x3x5x8xf32>
  %1 = nn.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x7x3x8xf32>) -> tensor<2x3x8x7xf32>
  %2 = nn.transpose %v {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x7x3x4xf32>) -> tensor<2x3x7x4xf32>
  %3 = nn.matmul %0, %1 : (tensor<2x3x5x8xf32>, tensor<2x3x8x7xf32>) -> tensor<2x3x5x7xf32>
  %4 = nn.binary div %3, %c : (tensor<2x3x5x7xf32>, tensor<f32>) -> tensor<2x3x5x7xf32>
  %5 = nn.binary add %4, %m : (tensor<2x3x5x7xf32>, tensor<2x1x1x7xf32>) -> tensor<2x3x5x7xf32>
  %6 = nn.softmax %5 {axis = 3 : i64} : (tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %7 = nn.matmul %6, %2 : (tensor<2x3x5x7xf32>, tensor<2x3x7x4xf32>) -> tensor<2x3x5x4xf32>
  %8 = nn.transpose %7 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x3x5x4xf32>) -> tensor<2x5x3x4xf32>
  return %8 : tensor<2x5x3x4xf32>
}

// -----

// Truths are bytes in memory; rows without any are 0.
// CHECK-LABEL: @masked
// CHECK: %[[M:.*]] = nn.cast %{{.*}} : (tensor<6x6xi1>) -> tensor<6x6xi8>
// CHECK: ukernel.attention %{{.*}} extras(%[[M]]) into
// CHECK-SAME: zero_masked
// CHECK: ^bb0(%{{.*}}: f32, %[[MASK:.*]]: i8):
// CHECK: arith.cmpi ne, %[[MASK]]
func.func @masked(%q: tensor<1x2x6x4xf32>, %m: tensor<6x6xi1>) -> tensor<1x2x6x4xf32> {
  %0 = nn.attention %q, %q, %q, %m {scale = 0.5 : f64} : (tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<6x6xi1>) -> tensor<1x2x6x4xf32>
  return %0 : tensor<1x2x6x4xf32>
}

// -----

// Something else reads the scores, or the exponentials; the softmax runs along rows; one query.
// CHECK-LABEL: @left_alone
// CHECK-NOT: ukernel
func.func @left_alone(%q: tensor<6x4xf32>, %one: tensor<1x4xf32>, %k: tensor<4x6xf32>) -> (tensor<6x4xf32>, tensor<6x6xf32>, tensor<6x4xf32>, tensor<6x6xf32>, tensor<6x4xf32>, tensor<1x4xf32>) {
  %0 = nn.matmul %q, %k : (tensor<6x4xf32>, tensor<4x6xf32>) -> tensor<6x6xf32>
  %1 = nn.softmax %0 {axis = 1 : i64} : (tensor<6x6xf32>) -> tensor<6x6xf32>
  %2 = nn.matmul %1, %q : (tensor<6x6xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %c = nn.constant dense<3.0> : tensor<f32>
  %s = nn.binary mul %q, %c : (tensor<6x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %3 = nn.matmul %s, %k : (tensor<6x4xf32>, tensor<4x6xf32>) -> tensor<6x6xf32>
  %4 = nn.softmax %3 {axis = 1 : i64} : (tensor<6x6xf32>) -> tensor<6x6xf32>
  %5 = nn.matmul %4, %q : (tensor<6x6xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %6 = nn.matmul %s, %k : (tensor<6x4xf32>, tensor<4x6xf32>) -> tensor<6x6xf32>
  %7 = nn.unary neg %6 : (tensor<6x6xf32>) -> tensor<6x6xf32>
  %8 = nn.softmax %7 {axis = 0 : i64} : (tensor<6x6xf32>) -> tensor<6x6xf32>
  %9 = nn.matmul %8, %q : (tensor<6x6xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %10 = nn.matmul %one, %k : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  %11 = nn.softmax %10 {axis = 1 : i64} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %12 = nn.matmul %11, %q : (tensor<1x6xf32>, tensor<6x4xf32>) -> tensor<1x4xf32>
  return %2, %0, %5, %4, %9, %12 : tensor<6x4xf32>, tensor<6x6xf32>, tensor<6x4xf32>, tensor<6x6xf32>, tensor<6x4xf32>, tensor<1x4xf32>
}
