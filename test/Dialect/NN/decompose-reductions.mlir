// RUN: terse-opt %s --nn-decompose | FileCheck %s

// CHECK-LABEL: func.func @mean(
func.func @mean(%x: tensor<3x4xf16>) -> tensor<3xf16> {
  // CHECK: %[[N:.*]] = nn.constant dense<4.000000e+00> : tensor<f32>
  // CHECK: %[[W:.*]] = nn.cast %arg0 : (tensor<3x4xf16>) -> tensor<3x4xf32>
  // CHECK: %[[S:.*]] = nn.reduce sum %[[W]] {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  // CHECK: %[[M:.*]] = nn.binary div %[[S]], %[[N]]
  // CHECK: nn.cast %[[M]] : (tensor<3xf32>) -> tensor<3xf16>
  %0 = nn.reduce mean %x {axes = array<i64: 1>} : (tensor<3x4xf16>) -> tensor<3xf16>
  return %0 : tensor<3xf16>
}

// CHECK-LABEL: func.func @integer_mean(
func.func @integer_mean(%x: tensor<3x?xi32>) -> tensor<3xi32> {
  // CHECK: %[[S:.*]] = nn.reduce sum %arg0
  // CHECK: %[[N:.*]] = nn.cast %{{.*}} : (tensor<i64>) -> tensor<i32>
  // CHECK: nn.binary div %[[S]], %[[N]]
  %0 = nn.reduce mean %x {axes = array<i64: 1>} : (tensor<3x?xi32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

// CHECK-LABEL: func.func @norms(
func.func @norms(%x: tensor<3x4xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  // CHECK: %[[A:.*]] = nn.unary abs %arg0
  // CHECK: nn.reduce sum %[[A]]
  // CHECK: %[[Q:.*]] = nn.binary mul %arg0, %arg0
  // CHECK: %[[R:.*]] = nn.reduce sum %[[Q]]
  // CHECK: nn.unary sqrt %[[R]]
  // CHECK: nn.binary mul %arg0, %arg0
  // CHECK: nn.reduce sum
  // CHECK: %[[S:.*]] = nn.reduce sum %arg0
  // CHECK: nn.unary log %[[S]]
  %0 = nn.reduce l1 %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  %1 = nn.reduce l2 %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  %2 = nn.reduce sum_square %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  %3 = nn.reduce log_sum %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0, %1, %2, %3 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// An infinite maximum is not subtracted.
// CHECK-LABEL: func.func @log_sum_exp(
func.func @log_sum_exp(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  // CHECK-DAG: %[[INF:.*]] = nn.constant dense<0x7F800000> : tensor<f32>
  // CHECK-DAG: %[[ZERO:.*]] = nn.constant dense<0.000000e+00> : tensor<f32>
  // CHECK: %[[M:.*]] = nn.reduce max %arg0 {axes = array<i64: 1>, keepdims = true}
  // CHECK: %[[A:.*]] = nn.unary abs %[[M]]
  // CHECK: %[[I:.*]] = nn.compare eq %[[A]], %[[INF]]
  // CHECK: %[[P:.*]] = nn.select %[[I]], %[[ZERO]], %[[M]]
  // CHECK: nn.binary sub %arg0, %[[P]]
  // CHECK: nn.unary exp
  // CHECK: %[[L:.*]] = nn.unary log
  // CHECK: nn.binary add %[[L]]
  %0 = nn.reduce log_sum_exp %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// Simple kinds stay, in every type.
// CHECK-LABEL: func.func @simple(
func.func @simple(%x: tensor<3x4xf16>) -> tensor<3xf16> {
  // CHECK-NEXT: %[[R:.*]] = nn.reduce max %arg0
  // CHECK-NEXT: return %[[R]]
  %0 = nn.reduce max %x {axes = array<i64: 1>} : (tensor<3x4xf16>) -> tensor<3xf16>
  return %0 : tensor<3xf16>
}
