// RUN: terse-opt %s --convert-tosa-to-nn --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @conv2d(
// CHECK-SAME: %[[X:.*]]: tensor<1x8x9x3xf32>, %[[W:.*]]: tensor<4x3x2x3xf32>, %[[B:.*]]: tensor<4xf32>
func.func @conv2d(%x: tensor<1x8x9x3xf32>, %w: tensor<4x3x2x3xf32>, %b: tensor<4xf32>) -> tensor<1x4x11x4xf32> {
  // CHECK: %[[XT:.*]] = nn.transpose %[[X]] {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x8x9x3xf32>) -> tensor<1x3x8x9xf32>
  // CHECK: %[[WT:.*]] = nn.transpose %[[W]] {permutation = array<i64: 0, 3, 1, 2>} : (tensor<4x3x2x3xf32>) -> tensor<4x3x3x2xf32>
  // CHECK: %[[Y:.*]] = nn.conv %[[XT]], %[[WT]], %[[B]] {{.*}}pads = array<i64: 1, 2, 0, 1>, strides = array<i64: 2, 1>
  // CHECK: nn.transpose %[[Y]] {permutation = array<i64: 0, 2, 3, 1>}
  // CHECK-NOT: tosa.
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 0, 2, 1>, stride = array<i64: 2, 1>}
    : (tensor<1x8x9x3xf32>, tensor<4x3x2x3xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x11x4xf32>
  return %0 : tensor<1x4x11x4xf32>
}

// -----

// Integers accumulate in i32 on both sides; one bias element serves all channels.
// CHECK-LABEL: func.func @conv2d_integer(
func.func @conv2d_integer(%x: tensor<1x4x4x2xi8>, %w: tensor<3x1x1x2xi8>, %b: tensor<1xi32>) -> tensor<1x4x4x3xi32> {
  // CHECK: %[[B:.*]] = nn.broadcast %arg2 : (tensor<1xi32>) -> tensor<3xi32>
  // CHECK: nn.conv %{{.*}}, %{{.*}}, %[[B]] {{.*}} -> tensor<1x3x4x4xi32>
  %zp = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x4x4x2xi8>, tensor<3x1x1x2xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x3xi32>
  return %0 : tensor<1x4x4x3xi32>
}

// -----

// CHECK-LABEL: func.func @zero_point(
func.func @zero_point(%x: tensor<1x4x4x2xi8>, %w: tensor<3x1x1x2xi8>, %b: tensor<3xi32>) -> tensor<1x4x4x3xi32> {
  // CHECK: tosa.conv2d
  // CHECK-NOT: nn.conv
  %zp = "tosa.const"() {values = dense<5> : tensor<1xi8>} : () -> tensor<1xi8>
  %wzp = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %b, %zp, %wzp {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x4x4x2xi8>, tensor<3x1x1x2xi8>, tensor<3xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x3xi32>
  return %0 : tensor<1x4x4x3xi32>
}

// -----

// CHECK-LABEL: func.func @depthwise(
func.func @depthwise(%x: tensor<1x5x5x3xf32>, %w: tensor<2x2x3x4xf32>, %b: tensor<12xf32>) -> tensor<1x4x4x12xf32> {
  // CHECK: %[[W:.*]] = nn.transpose %arg1 {permutation = array<i64: 2, 3, 0, 1>} : (tensor<2x2x3x4xf32>) -> tensor<3x4x2x2xf32>
  // CHECK: %[[R:.*]] = nn.reshape %[[W]] : (tensor<3x4x2x2xf32>) -> tensor<12x1x2x2xf32>
  // CHECK: nn.conv %{{.*}}, %[[R]], %arg2 {{.*}}groups = 3
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.depthwise_conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x5x5x3xf32>, tensor<2x2x3x4xf32>, tensor<12xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x12xf32>
  return %0 : tensor<1x4x4x12xf32>
}

// -----

// CHECK-LABEL: func.func @matmul(
func.func @matmul(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  // CHECK: nn.matmul %arg0, %arg1
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.matmul %a, %b, %zp, %zp : (tensor<2x3x4xf32>, tensor<2x4x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// -----

// CHECK-LABEL: func.func @pools(
func.func @pools(%x: tensor<1x4x4x3xf32>) -> (tensor<1x2x2x3xf32>, tensor<1x2x2x3xf32>) {
  // CHECK: nn.pool average %{{.*}} {{.*}}: (tensor<1x3x4x4xf32>) -> tensor<1x3x2x2xf32>
  // CHECK: nn.pool max %{{.*}} : (tensor<1x3x4x4xf32>) -> tensor<1x3x2x2xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.avg_pool2d %x, %zp, %zp {acc_type = f32, kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>}
    : (tensor<1x4x4x3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x3xf32>
  %1 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>}
    : (tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32>
  return %0, %1 : tensor<1x2x2x3xf32>, tensor<1x2x2x3xf32>
}

// -----

// CHECK-LABEL: func.func @pool_ignoring_nan(
func.func @pool_ignoring_nan(%x: tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32> {
  // CHECK: tosa.max_pool2d
  %0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>, nan_mode = IGNORE}
    : (tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32>
  return %0 : tensor<1x2x2x3xf32>
}
