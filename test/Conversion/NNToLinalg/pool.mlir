// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-DAG: #[[$IN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + d4, d3 * 2 + d5)>
// CHECK-LABEL: func.func @max(
func.func @max(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[$IN]], {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%arg0
  // CHECK: arith.maximumf
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

// Padding is filled with what never wins.
// CHECK-LABEL: func.func @max_padded(
func.func @max_padded(%x: tensor<1x1x5xui8>) -> tensor<1x1x3xui8> {
  // CHECK: %[[P:.*]] = linalg.fill ins(%c0_i8 : i8) outs({{.*}} : tensor<1x1x7xi8>)
  // CHECK: tensor.insert_slice %arg0 into %[[P]][0, 0, 1] [1, 1, 5] [1, 1, 1]
  // CHECK: arith.maxui
  %0 = nn.pool max %x {kernel = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>}
    : (tensor<1x1x5xui8>) -> tensor<1x1x3xui8>
  return %0 : tensor<1x1x3xui8>
}

// -----

// With the padding counted, all windows have the same divisor.
// CHECK-LABEL: func.func @average_include_pad(
func.func @average_include_pad(%x: tensor<1x1x5xf32>) -> tensor<1x1x3xf32> {
  // CHECK: arith.addf
  // CHECK: linalg.generic
  // CHECK: arith.divf %{{.*}}, %cst
  %0 = nn.pool average %x {kernel = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, count_include_pad = true}
    : (tensor<1x1x5xf32>) -> tensor<1x1x3xf32>
  return %0 : tensor<1x1x3xf32>
}

// -----

// CHECK-LABEL: func.func @average_exclude_pad(
func.func @average_exclude_pad(%x: tensor<1x1x5xf32>) -> tensor<1x1x3xf32> {
  // CHECK: arith.addf
  // CHECK: linalg.generic
  // CHECK: linalg.index 2
  // CHECK: arith.sitofp
  // CHECK: arith.divf
  %0 = nn.pool average %x {kernel = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>}
    : (tensor<1x1x5xf32>) -> tensor<1x1x3xf32>
  return %0 : tensor<1x1x3xf32>
}

// -----

// Ceil mode looks one window further than the input reaches.
// CHECK-LABEL: func.func @ceil_mode(
func.func @ceil_mode(%x: tensor<1x1x5xf32>) -> tensor<1x1x3xf32> {
  // CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 0, 0] [1, 1, 5] [1, 1, 1] : tensor<1x1x5xf32> into tensor<1x1x6xf32>
  %0 = nn.pool max %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = true}
    : (tensor<1x1x5xf32>) -> tensor<1x1x3xf32>
  return %0 : tensor<1x1x3xf32>
}

// -----

// CHECK-LABEL: func.func @lp(
func.func @lp(%x: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  // CHECK: %[[SQ:.*]] = arith.mulf %[[V:.*]], %[[V]]
  // CHECK: math.sqrt
  %0 = nn.pool lp %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, p = 2 : i64}
    : (tensor<1x1x4xf32>) -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// -----

// CHECK-LABEL: func.func @indices(
func.func @indices(%x: tensor<1x1x?x4xf32>) -> tensor<1x1x?x2xi64> {
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<1x1x?x2xf32>, tensor<1x1x?x2xi64>)
  %0:2 = nn.max_pool_indices %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<1x1x?x4xf32>) -> (tensor<1x1x?x2xf32>, tensor<1x1x?x2xi64>)
  return %0#1 : tensor<1x1x?x2xi64>
}
