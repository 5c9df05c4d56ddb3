// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// One table of indices per axis, then one gather.
// CHECK-LABEL: func.func @nearest(
func.func @nearest(%x: tensor<1x2x4x4xi8>) -> tensor<1x2x8x4xi8> {
  // CHECK: %[[T:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<8xindex>)
  // CHECK: arith.divf {{.*}} : f64
  // CHECK: linalg.generic {{.*}} ins(%[[T]] : tensor<8xindex>) outs({{.*}} : tensor<1x2x8x4xi8>)
  // CHECK: tensor.extract %arg0
  %0 = nn.resize nearest %x {scales = array<f64: 1.0, 1.0, 2.0, 1.0>, coordinate = #nn<resize_coordinate asymmetric>,
    rounding = #nn<resize_rounding floor>} : (tensor<1x2x4x4xi8>) -> tensor<1x2x8x4xi8>
  return %0 : tensor<1x2x8x4xi8>
}

// -----

// One pass per axis over two taps.
// CHECK-LABEL: func.func @linear(
func.func @linear(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32> {
  // CHECK: %[[A:.*]] = linalg.generic {{.*}}"reduction"]} ins({{.*}} : tensor<8x2xindex>, tensor<8x2xf32>) outs({{.*}} : tensor<1x1x8x4xf32>)
  // CHECK: tensor.extract %arg0
  // CHECK: linalg.generic {{.*}}"reduction"]} ins({{.*}} : tensor<8x2xindex>, tensor<8x2xf32>) outs({{.*}} : tensor<1x1x8x8xf32>)
  // CHECK: tensor.extract %[[A]]
  %0 = nn.resize linear %x {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, coordinate = #nn<resize_coordinate half_pixel>}
    : (tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32>
  return %0 : tensor<1x1x8x8xf32>
}

// -----

// Halving the size with antialiasing doubles the taps of the cubic kernel; the weights are normalized.
// CHECK-LABEL: func.func @cubic_antialias(
func.func @cubic_antialias(%x: tensor<8xf32>) -> tensor<4xf32> {
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<4x8xf64>)
  // CHECK: linalg.generic {{.*}}"reduction"]} ins({{.*}} : tensor<4x8xf64>) outs({{.*}} : tensor<4xf64>)
  // CHECK: arith.divf
  %0 = nn.resize cubic %x {scales = array<f64: 0.5>, coordinate = #nn<resize_coordinate half_pixel>, antialias = true}
    : (tensor<8xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @dynamic(
func.func @dynamic(%x: tensor<?xf16>) -> tensor<?xf16> {
  // CHECK: %[[N:.*]] = tensor.dim %arg0
  // CHECK: math.floor
  // CHECK: arith.truncf {{.*}} : f32 to f16
  %0 = nn.resize linear %x {scales = array<f64: 1.5>, coordinate = #nn<resize_coordinate align_corners>} : (tensor<?xf16>) -> tensor<?xf16>
  return %0 : tensor<?xf16>
}

// -----

// Outside of the region of interest stands the extrapolation value.
// CHECK-LABEL: func.func @crop(
func.func @crop(%x: tensor<4xf32>) -> tensor<3xf32> {
  // CHECK-DAG: %[[OUT:.*]] = arith.constant 1.000000e+01 : f32
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<3xi1>)
  // CHECK: arith.select %{{.*}}, %[[OUT]]
  %0 = nn.resize nearest %x {scales = array<f64: 0.75>, coordinate = #nn<resize_coordinate tf_crop_and_resize>,
    roi = array<f64: 0.5, 1.5>, extrapolation = 10.0 : f64} : (tensor<4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
