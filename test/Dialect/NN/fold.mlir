// RUN: terse-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @shape_of_static
func.func @shape_of_static(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  // CHECK: nn.constant dense<[2, 3]> : tensor<2xi64>
  %0 = nn.shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func @shape_of_dynamic_stays
func.func @shape_of_dynamic_stays(%x: tensor<?x3xf32>) -> tensor<2xi64> {
  // CHECK: nn.shape
  %0 = nn.shape %x : (tensor<?x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func @identities
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @identities(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.unary identity %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.reshape %0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = nn.slice %2 {starts = array<i64: 0, 0>, ends = array<i64: 9, 3>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = nn.concat %3 {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = nn.cast %4 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = nn.broadcast %5 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %6 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func @not_identities
func.func @not_identities(%x: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>) {
  // CHECK: nn.transpose
  %0 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  // CHECK: nn.slice
  %1 = nn.slice %x {starts = array<i64: -1, 0>, ends = array<i64: -9, 3>, steps = array<i64: -1, 1>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0, %1 : tensor<3x3xf32>, tensor<3x3xf32>
}

// -----

// CHECK-LABEL: func @idempotent
func.func @idempotent(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-COUNT-1: nn.unary relu
  // CHECK-NOT: nn.unary
  %0 = nn.unary relu %x : (tensor<3xf32>) -> tensor<3xf32>
  %1 = nn.unary relu %0 : (tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// Ends that stand for "to the end": with as many elements no memory holds the tensor.
// CHECK-LABEL: func @open_slices
func.func @open_slices(%x: tensor<?x1024x256xi8>, %y: tensor<?x8xf32>, %z: tensor<?x?xf32>)
    -> (tensor<?x1024x256xi8>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?xf32>) {
  %0 = nn.slice %x {starts = array<i64: 0, 0, 0>, ends = array<i64: 1000000000, 1024, 1000000000>, steps = array<i64: 1, 1, 1>} : (tensor<?x1024x256xi8>) -> tensor<?x1024x256xi8>
  %1 = nn.slice %y {starts = array<i64: 0, 0>, ends = array<i64: 9223372036854775807, 8>, steps = array<i64: 1, 1>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[A:.*]] = nn.slice %arg1
  %2 = nn.slice %y {starts = array<i64: 0, 0>, ends = array<i64: 1000000000, 8>, steps = array<i64: 1, 1>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[B:.*]] = nn.slice %arg2
  %3 = nn.slice %z {starts = array<i64: 0, 0>, ends = array<i64: 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  // CHECK: return %arg0, %arg1, %[[A]], %[[B]]
  return %0, %1, %2, %3 : tensor<?x1024x256xi8>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?xf32>
}
