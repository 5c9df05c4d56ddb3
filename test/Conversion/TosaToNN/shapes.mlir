// RUN: terse-opt %s --convert-tosa-to-nn --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @reductions(
func.func @reductions(%x: tensor<2x3xf32>, %p: tensor<2x3xi1>) -> (tensor<2x1xf32>, tensor<1x3xf32>, tensor<2x1xi1>) {
  // CHECK: nn.reduce sum %arg0 {axes = array<i64: 1>, keepdims = true}
  // CHECK: nn.reduce max %arg0 {axes = array<i64: 0>, keepdims = true}
  // CHECK: nn.reduce max %arg1 {axes = array<i64: 1>, keepdims = true} : (tensor<2x3xi1>) -> tensor<2x1xi1>
  %0 = tosa.reduce_sum %x {axis = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %1 = tosa.reduce_max %x {axis = 0 : i32} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %2 = tosa.reduce_any %p {axis = 1 : i32} : (tensor<2x3xi1>) -> tensor<2x1xi1>
  return %0, %1, %2 : tensor<2x1xf32>, tensor<1x3xf32>, tensor<2x1xi1>
}

// -----

// CHECK-LABEL: func.func @movement(
func.func @movement(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  // CHECK: %[[R:.*]] = nn.reshape %arg0 : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: %[[T:.*]] = nn.transpose %[[R]] {permutation = array<i64: 1, 0>}
  // CHECK: nn.concat %[[T]], %arg0 {axis = 0 : i64}
  %s = tosa.const_shape {values = dense<[3, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.reshape %x, %s : (tensor<2x3xf32>, !tosa.shape<2>) -> tensor<3x2xf32>
  %1 = tosa.transpose %0 {perms = array<i32: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %2 = tosa.concat %1, %x {axis = 0 : i32} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %2 : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func.func @pad(
func.func @pad(%x: tensor<2x3xf32>) -> tensor<3x5xf32> {
  // CHECK: %[[V:.*]] = nn.reshape %{{.*}} : (tensor<1xf32>) -> tensor<f32>
  // CHECK: nn.pad constant %arg0, %[[V]] {high = array<i64: 0, 2>, low = array<i64: 1, 0>}
  %p = tosa.const_shape {values = dense<[1, 0, 0, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %v = "tosa.const"() {values = dense<7.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.pad %x, %p, %v : (tensor<2x3xf32>, !tosa.shape<4>, tensor<1xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// -----

// CHECK-LABEL: func.func @slice(
func.func @slice(%x: tensor<4x3xf32>) -> tensor<2x3xf32> {
  // CHECK: nn.slice %arg0 {ends = array<i64: 3, 3>, starts = array<i64: 1, 0>, steps = array<i64: 1, 1>}
  %start = tosa.const_shape {values = dense<[1, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %size = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.slice %x, %start, %size : (tensor<4x3xf32>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @tile(
func.func @tile(%x: tensor<2x3xf32>) -> tensor<4x9xf32> {
  // CHECK: %[[A:.*]] = nn.reshape %arg0 : (tensor<2x3xf32>) -> tensor<1x2x1x3xf32>
  // CHECK: %[[B:.*]] = nn.broadcast %[[A]] : (tensor<1x2x1x3xf32>) -> tensor<2x2x3x3xf32>
  // CHECK: nn.reshape %[[B]] : (tensor<2x2x3x3xf32>) -> tensor<4x9xf32>
  %m = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.tile %x, %m : (tensor<2x3xf32>, !tosa.shape<2>) -> tensor<4x9xf32>
  return %0 : tensor<4x9xf32>
}

// -----

// A large constant becomes a weight.
// CHECK: ml_program.global private @weight_0(dense_resource<{{.*}}> : tensor<300xf32>) : tensor<300xf32>
// CHECK-LABEL: func.func @weight(
func.func @weight() -> (tensor<300xf32>, tensor<2xf32>) {
  // CHECK-DAG: ml_program.global_load_const @weight_0 : tensor<300xf32>
  // CHECK-DAG: nn.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %0 = "tosa.const"() {values = dense_resource<big> : tensor<300xf32>} : () -> tensor<300xf32>
  %1 = "tosa.const"() {values = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  return %0, %1 : tensor<300xf32>, tensor<2xf32>
}

// -----

// What has no counterpart stays.
// CHECK-LABEL: func.func @left_alone(
func.func @left_alone(%x: tensor<1x4x3xf32>) -> tensor<1x3xi32> {
  // CHECK: tosa.argmax
  %0 = tosa.argmax %x {axis = 1 : i32} : (tensor<1x4x3xf32>) -> tensor<1x3xi32>
  return %0 : tensor<1x3xi32>
}
