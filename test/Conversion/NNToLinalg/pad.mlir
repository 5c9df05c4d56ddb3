// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @constant(
func.func @constant(%x: tensor<2x3xf32>, %value: tensor<f32>) -> tensor<5x3xf32> {
  // CHECK: %[[V:.*]] = tensor.extract %arg1[]
  // CHECK: %[[F:.*]] = linalg.fill ins(%[[V]] : f32) outs({{.*}} : tensor<5x3xf32>)
  // CHECK: tensor.insert_slice %arg0 into %[[F]][1, 0] [2, 3] [1, 1]
  %0 = nn.pad constant %x, %value {low = array<i64: 1, 0>, high = array<i64: 2, 0>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}

// -----

// CHECK-LABEL: func.func @crop(
func.func @crop(%x: tensor<4x3xui8>) -> tensor<4x3xui8> {
  // CHECK: %[[F:.*]] = linalg.fill ins(%c0_i8
  // CHECK: %[[C:.*]] = tensor.extract_slice %arg0[1, 0] [3, 3] [1, 1]
  // CHECK: tensor.insert_slice %[[C]] into %[[F]][0, 0] [3, 3] [1, 1]
  %0 = nn.pad constant %x {low = array<i64: -1, 0>, high = array<i64: 1, 0>} : (tensor<4x3xui8>) -> tensor<4x3xui8>
  return %0 : tensor<4x3xui8>
}

// -----

// CHECK-LABEL: func.func @edge(
func.func @edge(%x: tensor<4xf32>) -> tensor<7xf32> {
  // CHECK: linalg.generic
  // CHECK: linalg.index 0
  // CHECK-DAG: arith.minsi
  // CHECK-DAG: arith.maxsi
  // CHECK: tensor.extract %arg0
  %0 = nn.pad edge %x {low = array<i64: 2>, high = array<i64: 1>} : (tensor<4xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: func.func @reflect(
func.func @reflect(%x: tensor<4xf32>) -> tensor<7xf32> {
  // CHECK: linalg.generic
  // CHECK: arith.remsi %{{.*}}, %c6
  // CHECK: tensor.extract %arg0
  %0 = nn.pad reflect %x {low = array<i64: 2>, high = array<i64: 1>} : (tensor<4xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: func.func @wrap_dynamic(
func.func @wrap_dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: linalg.generic
  // CHECK: arith.remsi
  // CHECK: scf.if
  // CHECK: tensor.extract %arg0
  %0 = nn.pad wrap %x {low = array<i64: 2>, high = array<i64: 1>} : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
