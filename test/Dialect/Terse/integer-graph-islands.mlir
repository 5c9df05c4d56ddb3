// RUN: terse-opt %s --split-input-file --terse-integer-graph | FileCheck %s
// RUN: terse-opt %s --split-input-file --terse-interpret --terse-integer-graph --terse-verify-integer-graph --terse-interpret \
// RUN:   --terse-decompose-encodings --terse-interpret -o /dev/null

// Softmax: exponentials from a table, an exact sum, one quotient. s = ln 2, so that e = 2^-difference.

// CHECK-LABEL: @softmax
// CHECK: %[[MAX:.*]] = nn.reduce max %{{.*}} {axes = array<i64: 1>, keepdims = true} : (tensor<1x4xi32>) -> tensor<1x1xi32>
// CHECK: %[[D:.*]] = nn.binary sub %[[MAX]], %{{.*}} -> tensor<1x4xi32>
// CHECK: %[[E:.*]] = nn.gather %{{.*}}, %[[D]] {axis = 0 : i64} : (tensor<256xi32>, tensor<1x4xi32>) -> tensor<1x4xi32>
// CHECK: nn.reduce sum %{{.*}} : (tensor<1x4xi32>) -> tensor<1x1xi32>
// CHECK-NOT: nn.softmax
// CHECK: terse.assemble
func.func @softmax() {
  %x = nn.constant dense<[[0.693147182, 1.38629436, 0.0, 0.693147182]]> : tensor<1x4xf32>
  %arg = call @opaque(%x) : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %sx = nn.constant dense<0.693147182> : tensor<f32>
  %zx = nn.constant dense<3> : tensor<ui8>
  %sy = nn.constant dense<0.00390625> : tensor<f32>
  %e = terse.encode %arg params(%sx, %zx : tensor<f32>, tensor<ui8>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<ui8, zero_point>>
  %d = terse.decode %e : tensor<1x4xf32, #terse.uniform<ui8, zero_point>>
  %0 = nn.softmax %d {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = terse.encode %0 params(%sy : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<ui8>>
  %q, %s = terse.components %1 : tensor<1x4xf32, #terse.uniform<ui8>>
  // 2, 4, 1, 2 of 9: 56.9, 113.8, 28.4, 56.9
  %expected = nn.constant dense<[[57, 114, 28, 57]]> : tensor<1x4xui8>
  check.expect_eq %q, %expected : tensor<1x4xui8>, tensor<1x4xui8>
  return
}
func.func private @opaque(%x: tensor<1x4xf32>) -> tensor<1x4xf32> { return %x : tensor<1x4xf32> }

// -----

// Layer norm: 1, 2, 3, 6 have mean 3 and variance 3.5.

// CHECK-LABEL: @layer_norm
// CHECK-DAG: nn.reduce sum %{{.*}} : (tensor<1x4xi32>) -> tensor<1x1xi32>
// CHECK-DAG: nn.binary mul %{{.*}} : (tensor<1x1xi64>, tensor<{{(1x1x)?}}i64>) -> tensor<1x1xi64>
// CHECK: nn.unary sqrt
// CHECK-NOT: nn.layer_norm
// CHECK: terse.assemble
func.func @layer_norm() {
  %x = nn.constant dense<[[0.5, 1.0, 1.5, 3.0]]> : tensor<1x4xf32>
  %arg = call @opaque(%x) : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %sx = nn.constant dense<0.5> : tensor<f32>
  %gamma = nn.constant dense<[1.0, 2.0, 1.0, 1.0]> : tensor<4xf32>
  %beta = nn.constant dense<[0.0, 0.0, 0.5, 0.0]> : tensor<4xf32>
  %sy = nn.constant dense<0.015625> : tensor<f32>
  %e = terse.encode %arg params(%sx : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  %d = terse.decode %e : tensor<1x4xf32, #terse.uniform<i8>>
  %0 = nn.layer_norm %d, %gamma, %beta {axis = 1 : i64, epsilon = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1>}
    : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  %1 = terse.encode %0 params(%sy : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  %q, %s = terse.components %1 : tensor<1x4xf32, #terse.uniform<i8>>
  // -2 / sqrt 3.5 = -1.069, 2 (-1 / sqrt 3.5) = -1.069, 0.5, 3 / sqrt 3.5 = 1.604; times 64
  %expected = nn.constant dense<[[-68, -68, 32, 103]]> : tensor<1x4xi8>
  check.expect_eq %q, %expected : tensor<1x4xi8>, tensor<1x4xi8>
  return
}
func.func private @opaque(%x: tensor<1x4xf32>) -> tensor<1x4xf32> { return %x : tensor<1x4xf32> }

// -----

// Interpolation is a sum of neighbours; no float but in the requantization.

// CHECK-LABEL: @resize
// CHECK: nn.gather %{{.*}} {axis = 2 : i64} : (tensor<1x1x2xi8>, tensor<4xi64>) -> tensor<1x1x4xi8>
// CHECK: nn.gather
// CHECK: terse.requantize %{{.*}}, %{{.*}} scales(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>)
// CHECK-NOT: nn.resize
func.func @resize() {
  %x = nn.constant dense<[[[1.0, 5.0]]]> : tensor<1x1x2xf32>
  %arg = call @opaque(%x) : (tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  %sx = nn.constant dense<0.5> : tensor<f32>
  %e = terse.encode %arg params(%sx : tensor<f32>) : tensor<1x1x2xf32> -> tensor<1x1x2xf32, #terse.uniform<i8>>
  %d = terse.decode %e : tensor<1x1x2xf32, #terse.uniform<i8>>
  %0 = nn.resize linear %d {scales = array<f64: 1.0, 1.0, 2.0>, coordinate = #nn<resize_coordinate half_pixel>}
    : (tensor<1x1x2xf32>) -> tensor<1x1x4xf32>
  %1 = terse.encode %0 params(%sx : tensor<f32>) : tensor<1x1x4xf32> -> tensor<1x1x4xf32, #terse.uniform<i8>>
  %q, %s = terse.components %1 : tensor<1x1x4xf32, #terse.uniform<i8>>
  // 1, 2, 4, 5 in halves
  %expected = nn.constant dense<[[[2, 4, 8, 10]]]> : tensor<1x1x4xi8>
  check.expect_eq %q, %expected : tensor<1x1x4xi8>, tensor<1x1x4xi8>
  return
}
func.func private @opaque(%x: tensor<1x1x2xf32>) -> tensor<1x1x2xf32> { return %x : tensor<1x1x2xf32> }

// -----

// Operands on one grid are added before they are multiplied.

// CHECK-LABEL: @sum
// CHECK: %[[S:.*]] = nn.binary add %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
// CHECK: terse.requantize %[[S]] scales(%{{.*}} : tensor<f32>)
func.func @sum() {
  %x = nn.constant dense<[1.0, -2.0, 60.0, -64.0]> : tensor<4xf32>
  %arg = call @opaque(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %sx = nn.constant dense<0.5> : tensor<f32>
  %sy = nn.constant dense<1.0> : tensor<f32>
  %a = terse.encode %arg params(%sx : tensor<f32>) : tensor<4xf32> -> tensor<4xf32, #terse.uniform<i8>>
  %d = terse.decode %a : tensor<4xf32, #terse.uniform<i8>>
  %0 = nn.binary add %d, %d : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = terse.encode %0 params(%sy : tensor<f32>) : tensor<4xf32> -> tensor<4xf32, #terse.uniform<i8>>
  %q, %s = terse.components %1 : tensor<4xf32, #terse.uniform<i8>>
  %expected = nn.constant dense<[2, -4, 120, -128]> : tensor<4xi8>
  check.expect_eq %q, %expected : tensor<4xi8>, tensor<4xi8>
  return
}
func.func private @opaque(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }
