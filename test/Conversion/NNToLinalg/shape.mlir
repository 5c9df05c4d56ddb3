// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @reshape_merge(
func.func @reshape_merge(%x: tensor<2x3x4xf32>) -> tensor<6x4xf32> {
  // CHECK: tensor.collapse_shape %arg0 {{\[}}[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_remainder(
func.func @reshape_remainder(%x: tensor<2x?x4xf32>) -> tensor<8x?xf32> {
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %arg0 {{\[}}[0, 1, 2]]
  // CHECK: tensor.expand_shape %[[FLAT]] {{\[}}[0, 1]] output_shape [8, %{{.*}}]
  %0 = nn.reshape %x : (tensor<2x?x4xf32>) -> tensor<8x?xf32>
  return %0 : tensor<8x?xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_by_operand(
func.func @reshape_by_operand(%x: tensor<?x4xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  // CHECK-COUNT-2: tensor.extract %arg1
  // CHECK: tensor.reshape %arg0
  %0 = nn.reshape %x, %shape : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-DAG: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-LABEL: func.func @transpose(
func.func @transpose(%x: tensor<2x3x4xui8>) -> tensor<4x2x3xui8> {
  // CHECK: linalg.generic {indexing_maps = [#[[$IN]], {{.*}}ins(%arg0 : tensor<2x3x4xi8>) outs({{.*}} : tensor<4x2x3xi8>)
  %0 = nn.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xui8>) -> tensor<4x2x3xui8>
  return %0 : tensor<4x2x3xui8>
}

// -----

// CHECK-DAG: #[[$IN:.*]] = affine_map<(d0, d1, d2) -> (d1, 0)>
// CHECK-LABEL: func.func @broadcast(
func.func @broadcast(%x: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[$IN]]
  %0 = nn.broadcast %x : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Whether the axis stretches is known at run time only; an empty one is never read.
// CHECK-LABEL: func.func @broadcast_unknown(
func.func @broadcast_unknown(%x: tensor<?xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  // CHECK: linalg.generic
  // CHECK: scf.if
  // CHECK: tensor.extract %arg0
  %0 = nn.broadcast %x, %shape : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @slice(
func.func @slice(%x: tensor<5x6xf32>) -> tensor<2x3xf32> {
  // CHECK: tensor.extract_slice %arg0[3, 0] [2, 3] [1, 2] : tensor<5x6xf32> to tensor<2x3xf32>
  %0 = nn.slice %x {starts = array<i64: -2, 0>, ends = array<i64: 9223372036854775807, 6>, steps = array<i64: 1, 2>}
    : (tensor<5x6xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @slice_backward(
func.func @slice_backward(%x: tensor<5xf32>) -> tensor<3xf32> {
  // CHECK: linalg.generic
  // CHECK: %[[I:.*]] = linalg.index 0
  // CHECK: %[[STEP:.*]] = arith.muli %[[I]], %c-2
  // CHECK: %[[AT:.*]] = arith.addi %[[STEP]], %c4
  // CHECK: tensor.extract %arg0[%[[AT]]]
  %0 = nn.slice %x {starts = array<i64: -1>, ends = array<i64: -9223372036854775808>, steps = array<i64: -2>}
    : (tensor<5xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Run-time bounds are clamped into the axis, so that the slice stays inside.
// CHECK-LABEL: func.func @dynamic_slice(
func.func @dynamic_slice(%x: tensor<5xf32>, %start: tensor<1xi64>, %end: tensor<1xi64>) -> tensor<?xf32> {
  %step = nn.constant dense<1> : tensor<1xi64>
  // CHECK-DAG: arith.minsi
  // CHECK-DAG: arith.maxsi
  // CHECK: tensor.extract_slice %arg0[%{{.*}}] [%{{.*}}] [1] : tensor<5xf32> to tensor<?xf32>
  %0 = nn.dynamic_slice %x, %start, %end, %step : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @concat(
func.func @concat(%a: tensor<2x3xf16>, %b: tensor<2x4xf16>) -> tensor<2x7xf16> {
  // CHECK: %[[E:.*]] = tensor.empty() : tensor<2x7xf16>
  // CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %[[E]][0, 0] [2, 3] [1, 1]
  // CHECK: tensor.insert_slice %arg1 into %[[A]][0, 3] [2, 4] [1, 1]
  %0 = nn.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf16>, tensor<2x4xf16>) -> tensor<2x7xf16>
  return %0 : tensor<2x7xf16>
}

// -----

// Lengths beyond the axis count as the whole axis.
// CHECK-LABEL: func.func @reverse_sequence(
func.func @reverse_sequence(%x: tensor<4x2xf32>, %lengths: tensor<2xi64>) -> tensor<4x2xf32> {
  // CHECK: linalg.generic {{.*}}ins(%arg1
  // CHECK: arith.minsi %{{.*}}, %c4
  // CHECK: tensor.extract %arg0
  %0 = nn.reverse_sequence %x, %lengths {time_axis = 0 : i64, batch_axis = 1 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}
