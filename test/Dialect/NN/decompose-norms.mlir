// RUN: terse-opt %s --nn-decompose --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @batch_norm(
// CHECK-SAME: %[[X:.*]]: tensor<2x4x5xf32>, %[[SCALE:[a-z0-9]+]]: tensor<4xf32>, %[[BIAS:[a-z0-9]+]]: tensor<4xf32>, %[[MEAN:[a-z0-9]+]]: tensor<4xf32>, %[[VAR:[a-z0-9]+]]: tensor<4xf32>
func.func @batch_norm(%x: tensor<2x4x5xf32>, %scale: tensor<4xf32>, %bias: tensor<4xf32>, %mean: tensor<4xf32>,
                      %var: tensor<4xf32>) -> tensor<2x4x5xf32> {
  // CHECK: %[[EPS:.*]] = nn.unary affine %[[VAR]] {alpha = 1.000000e+00 : f64, beta = 1.000000e-05 : f64}
  // CHECK: %[[DEV:.*]] = nn.unary sqrt %[[EPS]]
  // CHECK: %[[INV:.*]] = nn.unary reciprocal %[[DEV]]
  // CHECK: %[[FACTOR:.*]] = nn.binary mul %[[SCALE]], %[[INV]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[M:.*]] = nn.reshape %[[MEAN]] : (tensor<4xf32>) -> tensor<4x1xf32>
  // CHECK: %[[D:.*]] = nn.binary sub %[[X]], %[[M]]
  // CHECK: %[[F:.*]] = nn.reshape %[[FACTOR]] : (tensor<4xf32>) -> tensor<4x1xf32>
  // CHECK: %[[S:.*]] = nn.binary mul %[[D]], %[[F]]
  // CHECK: %[[B:.*]] = nn.reshape %[[BIAS]] : (tensor<4xf32>) -> tensor<4x1xf32>
  // CHECK: %[[Y:.*]] = nn.binary add %[[S]], %[[B]]
  // CHECK: return %[[Y]]
  %0 = nn.batch_norm %x, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f64}
    : (tensor<2x4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x5xf32>
  return %0 : tensor<2x4x5xf32>
}

// -----

// Narrow floats compute in f32 and are rounded once, at the end.
// CHECK-LABEL: func.func @layer_norm(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf16>, %[[SCALE:.*]]: tensor<8xf16>
func.func @layer_norm(%x: tensor<?x8xf16>, %scale: tensor<8xf16>) -> tensor<?x8xf16> {
  // CHECK: %[[W:.*]] = nn.cast %[[X]] : (tensor<?x8xf16>) -> tensor<?x8xf32>
  // CHECK: %[[SUM:.*]] = nn.reduce sum %[[W]] {axes = array<i64: 1>, keepdims = true}
  // CHECK: %[[MEAN:.*]] = nn.binary div %[[SUM]]
  // CHECK: %[[D:.*]] = nn.binary sub %[[W]], %[[MEAN]]
  // CHECK: %[[SQ:.*]] = nn.binary mul %[[D]], %[[D]]
  // CHECK: nn.reduce sum %[[SQ]] {axes = array<i64: 1>, keepdims = true}
  // CHECK: nn.unary reciprocal
  // CHECK: %[[N:.*]] = nn.binary mul %[[D]]
  // CHECK: %[[S:.*]] = nn.cast %[[SCALE]] : (tensor<8xf16>) -> tensor<8xf32>
  // CHECK: %[[R:.*]] = nn.binary mul %[[N]], %[[S]]
  // CHECK: nn.cast %[[R]] : (tensor<?x8xf32>) -> tensor<?x8xf16>
  %0 = nn.layer_norm %x, %scale {axis = 1 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<?x8xf16>, tensor<8xf16>) -> tensor<?x8xf16>
  return %0 : tensor<?x8xf16>
}

// -----

// CHECK-LABEL: func.func @rms_norm(
func.func @rms_norm(%x: tensor<2x8xf64>) -> tensor<2x8xf64> {
  // CHECK: %[[C:.*]] = nn.constant dense<8.000000e+00> : tensor<f64>
  // CHECK: nn.binary mul %arg0, %arg0 : (tensor<2x8xf64>, tensor<2x8xf64>) -> tensor<2x8xf64>
  // CHECK: nn.reduce sum
  // CHECK: nn.binary div %{{.*}}, %[[C]]
  // CHECK-NOT: nn.cast
  // CHECK: return
  %0 = nn.rms_norm %x {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x8xf64>) -> tensor<2x8xf64>
  return %0 : tensor<2x8xf64>
}

// -----

// CHECK-LABEL: func.func @group_norm(
func.func @group_norm(%x: tensor<2x8x3xf32>, %p: tensor<8xf32>) -> tensor<2x8x3xf32> {
  // CHECK: nn.reshape %arg0 : (tensor<2x8x3xf32>) -> tensor<2x2x4x3xf32>
  // CHECK: nn.reduce sum %{{.*}} {axes = array<i64: 2, 3>, keepdims = true}
  // CHECK: nn.reshape %{{.*}} : (tensor<2x2x4x3xf32>) -> tensor<2x8x3xf32>
  %0 = nn.group_norm %x, %p, %p {groups = 2 : i64, epsilon = 1.0e-5 : f64}
    : (tensor<2x8x3xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x3xf32>
  return %0 : tensor<2x8x3xf32>
}

// -----

// The number of elements of a dynamic axis is counted at run time.
// CHECK-LABEL: func.func @instance_norm(
func.func @instance_norm(%x: tensor<1x4x?xf32>, %p: tensor<4xf32>) -> tensor<1x4x?xf32> {
  // CHECK: %[[SHAPE:.*]] = nn.shape %arg0
  // CHECK: nn.slice %[[SHAPE]]
  // CHECK: nn.cast %{{.*}} : (tensor<i64>) -> tensor<f32>
  // CHECK: nn.binary div
  %0 = nn.instance_norm %x, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x4x?xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x?xf32>
  return %0 : tensor<1x4x?xf32>
}

// -----

// An op on encoded tensors waits until its encodings are decomposed.
// CHECK-LABEL: func.func @encoded(
func.func @encoded(%x: tensor<2x8xf32>, %s: tensor<8xf32, #terse.cast<f16>>) -> tensor<2x8xf32> {
  // CHECK: nn.rms_norm
  %0 = nn.rms_norm %x, %s {axis = 1 : i64, epsilon = 1.0e-5 : f64}
    : (tensor<2x8xf32>, tensor<8xf32, #terse.cast<f16>>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// Simple ops stay as they are.
// CHECK-LABEL: func.func @nothing_to_do(
func.func @nothing_to_do(%x: tensor<2x8xf32>) -> tensor<2xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.unary exp %arg0
  // CHECK-NEXT: %[[Z:.*]] = nn.reduce sum %[[Y]]
  // CHECK-NEXT: return %[[Z]]
  %0 = nn.unary exp %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.reduce sum %0 {axes = array<i64: 1>} : (tensor<2x8xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
