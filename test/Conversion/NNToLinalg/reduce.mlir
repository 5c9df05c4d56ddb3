// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @sum(
func.func @sum(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  // CHECK: %[[ZERO:.*]] = linalg.fill ins(%cst : f64) outs({{.*}} : tensor<3xf64>)
  // CHECK: %[[S:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[$OUT]]], iterator_types = ["parallel", "reduction"]} ins(%arg0
  // CHECK: arith.extf
  // CHECK: arith.addf {{.*}} : f64
  // CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[S]] :
  // CHECK: arith.truncf {{.*}} : f64 to f32
  // CHECK: tensor.expand_shape %[[R]] {{\[}}[0, 1]] output_shape [3, 1]
  %0 = nn.reduce sum %x {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// The sum of narrow floats is one of f32 before it is one of theirs.
// CHECK-LABEL: func.func @sum_narrow(
func.func @sum_narrow(%x: tensor<3x4xbf16>) -> tensor<3xbf16> {
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<3xf64>)
  // CHECK: arith.extf
  // CHECK: arith.addf
  // CHECK: linalg.generic
  // CHECK: arith.truncf {{.*}} : f64 to f32
  // CHECK: arith.truncf {{.*}} : f32 to bf16
  %0 = nn.reduce sum %x {axes = array<i64: 1>} : (tensor<3x4xbf16>) -> tensor<3xbf16>
  return %0 : tensor<3xbf16>
}

// -----

// The identity of max is the lowest value: minus infinity for floats.
// CHECK-LABEL: func.func @max(
func.func @max(%x: tensor<?x?xf32>) -> tensor<f32> {
  // CHECK: arith.constant 0xFF800000 : f32
  // CHECK: arith.maximumf
  %0 = nn.reduce max %x {axes = array<i64: 0, 1>} : (tensor<?x?xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// CHECK-LABEL: func.func @min_unsigned(
func.func @min_unsigned(%x: tensor<3x4xui8>) -> tensor<4xui8> {
  // CHECK: arith.constant -1 : i8
  // CHECK: arith.minui
  %0 = nn.reduce min %x {axes = array<i64: 0>} : (tensor<3x4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: func.func @no_axes(
func.func @no_axes(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK-NEXT: return %arg0
  %0 = nn.reduce sum %x {axes = array<i64>} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// The first of equal elements wins, or the last one.
// CHECK-LABEL: func.func @arg_max(
func.func @arg_max(%x: tensor<3x4xf32>) -> (tensor<3xi64>, tensor<3xi64>) {
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<3xf32>, tensor<3xi64>)
  // CHECK: arith.cmpf ogt
  // CHECK: linalg.generic
  // CHECK: arith.cmpf oge
  %0 = nn.arg_reduce max %x {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3xi64>
  %1 = nn.arg_reduce max %x {axis = 1 : i64, select_last = true} : (tensor<3x4xf32>) -> tensor<3xi64>
  return %0, %1 : tensor<3xi64>, tensor<3xi64>
}

// -----

// Composite kinds belong to nn-decompose.
func.func @composite(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{failed to legalize operation 'nn.reduce'}}
  %0 = nn.reduce mean %x {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
