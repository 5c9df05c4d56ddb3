// RUN: terse-opt %s --raise-linalg-to-nn --canonicalize --split-input-file | FileCheck %s

// The example of the pass description.
// CHECK-LABEL: func.func @matmul(
func.func @matmul(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>) -> tensor<4x5xf32> {
  // CHECK-NEXT: %[[R:.*]] = nn.matmul %arg0, %arg1 : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  // CHECK-NEXT: return %[[R]]
  %zero = arith.constant dense<0.0> : tensor<4x5xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<4x3xf32>, tensor<3x5xf32>) outs(%zero : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// What is accumulated into is added.
// CHECK-LABEL: func.func @accumulate(
func.func @accumulate(%a: tensor<2x?x3xf32>, %b: tensor<2x3x5xf32>, %c: tensor<2x?x5xf32>) -> tensor<2x?x5xf32> {
  // CHECK: %[[P:.*]] = nn.matmul %arg0, %arg1
  // CHECK: nn.binary add %arg2, %[[P]]
  %0 = linalg.batch_matmul ins(%a, %b : tensor<2x?x3xf32>, tensor<2x3x5xf32>) outs(%c : tensor<2x?x5xf32>) -> tensor<2x?x5xf32>
  return %0 : tensor<2x?x5xf32>
}

// -----

// Operands narrower than the accumulator are widened, unless nn.matmul does so itself.
// CHECK-LABEL: func.func @widen(
func.func @widen(%a: tensor<4x3xf16>, %b: tensor<3x5xf16>, %i: tensor<4x3xi8>, %j: tensor<3x5xi8>) -> (tensor<4x5xf32>, tensor<4x5xi32>) {
  // CHECK: %[[A:.*]] = nn.cast %arg0 : (tensor<4x3xf16>) -> tensor<4x3xf32>
  // CHECK: %[[B:.*]] = nn.cast %arg1
  // CHECK: nn.matmul %[[A]], %[[B]]
  // CHECK: nn.matmul %arg2, %arg3 : (tensor<4x3xi8>, tensor<3x5xi8>) -> tensor<4x5xi32>
  %cst = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x5xf32>
  %f = tensor.empty() : tensor<4x5xi32>
  %z = linalg.fill ins(%cst : f32) outs(%e : tensor<4x5xf32>) -> tensor<4x5xf32>
  %y = linalg.fill ins(%c0 : i32) outs(%f : tensor<4x5xi32>) -> tensor<4x5xi32>
  %0 = linalg.matmul ins(%a, %b : tensor<4x3xf16>, tensor<3x5xf16>) outs(%z : tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = linalg.matmul ins(%i, %j : tensor<4x3xi8>, tensor<3x5xi8>) outs(%y : tensor<4x5xi32>) -> tensor<4x5xi32>
  return %0, %1 : tensor<4x5xf32>, tensor<4x5xi32>
}

// -----

// CHECK-LABEL: func.func @conv_nchw(
func.func @conv_nchw(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x2x2xf32>) -> tensor<1x4x4x7xf32> {
  // CHECK-NOT: nn.transpose
  // CHECK: nn.conv %arg0, %arg1 {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 1>}
  %zero = arith.constant dense<0.0> : tensor<1x4x4x7xf32>
  %0 = linalg.conv_2d_nchw_fchw {strides = dense<[2, 1]> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x2x2xf32>) outs(%zero : tensor<1x4x4x7xf32>) -> tensor<1x4x4x7xf32>
  return %0 : tensor<1x4x4x7xf32>
}

// -----

// CHECK-LABEL: func.func @conv_nhwc(
func.func @conv_nhwc(%x: tensor<1x8x8x3xf32>, %w: tensor<2x2x3x4xf32>) -> tensor<1x7x7x4xf32> {
  // CHECK: %[[X:.*]] = nn.transpose %arg0 {permutation = array<i64: 0, 3, 1, 2>}
  // CHECK: %[[W:.*]] = nn.transpose %arg1 {permutation = array<i64: 3, 2, 0, 1>} : (tensor<2x2x3x4xf32>) -> tensor<4x3x2x2xf32>
  // CHECK: %[[Y:.*]] = nn.conv %[[X]], %[[W]]
  // CHECK: nn.transpose %[[Y]] {permutation = array<i64: 0, 2, 3, 1>}
  %zero = arith.constant dense<0.0> : tensor<1x7x7x4xf32>
  %0 = linalg.conv_2d_nhwc_hwcf {strides = dense<1> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x3xf32>, tensor<2x2x3x4xf32>) outs(%zero : tensor<1x7x7x4xf32>) -> tensor<1x7x7x4xf32>
  return %0 : tensor<1x7x7x4xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise(
func.func @depthwise(%x: tensor<1x8x8x3xf32>, %w: tensor<2x2x3xf32>) -> tensor<1x7x7x3xf32> {
  // CHECK: nn.transpose %arg1 {permutation = array<i64: 2, 0, 1>} : (tensor<2x2x3xf32>) -> tensor<3x2x2xf32>
  // CHECK: nn.reshape %{{.*}} -> tensor<3x1x2x2xf32>
  // CHECK: nn.conv {{.*}}groups = 3
  %zero = arith.constant dense<0.0> : tensor<1x7x7x3xf32>
  %0 = linalg.depthwise_conv_2d_nhwc_hwc {strides = dense<1> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x3xf32>, tensor<2x2x3xf32>) outs(%zero : tensor<1x7x7x3xf32>) -> tensor<1x7x7x3xf32>
  return %0 : tensor<1x7x7x3xf32>
}

// -----

// The maximum with minus infinity changes nothing; with anything else it is taken.
// CHECK-LABEL: func.func @pools(
func.func @pools(%x: tensor<1x3x8x8xf32>, %i: tensor<1x3x4x4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) {
  // CHECK: %[[A:.*]] = nn.pool max %arg0 {{.*}}kernel = array<i64: 2, 2>{{.*}}strides = array<i64: 2, 2>
  // CHECK: %[[B:.*]] = nn.pool max %arg0
  // CHECK: %[[C:.*]] = nn.binary max %arg1, %[[B]]
  // CHECK: return %[[A]], %[[C]]
  %low = arith.constant dense<0xFF800000> : tensor<1x3x4x4xf32>
  %w = tensor.empty() : tensor<2x2xf32>
  %0 = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x3x8x8xf32>, tensor<2x2xf32>) outs(%low : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  %1 = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x3x8x8xf32>, tensor<2x2xf32>) outs(%i : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %0, %1 : tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>
}

// -----

// Buffers, transposing maps and unsigned casts stay.
// CHECK-LABEL: func.func @left_alone(
func.func @left_alone(%a: memref<4x3xf32>, %b: memref<3x5xf32>, %c: memref<4x5xf32>, %t: tensor<3x4xf32>, %u: tensor<3x5xf32>,
                      %v: tensor<4x5xf32>, %i: tensor<4x3xi8>, %j: tensor<3x5xi8>, %k: tensor<4x5xi32>) -> (tensor<4x5xf32>, tensor<4x5xi32>) {
  // CHECK-NOT: nn.
  // CHECK-COUNT-3: linalg.matmul
  // CHECK-NOT: nn.
  linalg.matmul ins(%a, %b : memref<4x3xf32>, memref<3x5xf32>) outs(%c : memref<4x5xf32>)
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%t, %u : tensor<3x4xf32>, tensor<3x5xf32>) outs(%v : tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = linalg.matmul {cast = #linalg.type_fn<cast_unsigned>} ins(%i, %j : tensor<4x3xi8>, tensor<3x5xi8>) outs(%k : tensor<4x5xi32>) -> tensor<4x5xi32>
  return %0, %1 : tensor<4x5xf32>, tensor<4x5xi32>
}

// -----

// CHECK-LABEL: func.func @nothing_to_do(
func.func @nothing_to_do(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>) -> tensor<4x5xf32> {
  // CHECK-NEXT: %[[R:.*]] = nn.matmul
  // CHECK-NEXT: return %[[R]]
  %0 = nn.matmul %a, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
