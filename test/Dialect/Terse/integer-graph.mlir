// RUN: terse-opt %s --split-input-file --terse-integer-graph | FileCheck %s
// RUN: terse-opt %s --split-input-file --terse-integer-graph=fixed-point=true | FileCheck %s --check-prefix=FIXED
// RUN: terse-opt %s --split-input-file --terse-interpret --terse-integer-graph --terse-verify-integer-graph --terse-interpret \
// RUN:   --terse-decompose-encodings --terse-interpret -o /dev/null
// RUN: terse-opt %s --split-input-file --terse-integer-graph=fixed-point=true --terse-interpret --terse-decompose-encodings \
// RUN:   --terse-interpret -o /dev/null

// A convolution with zero points: padding is written out, the zero point goes into the bias, the ReLU into the clamp.

// CHECK-LABEL: @conv
// CHECK: %[[P:.*]] = nn.pad constant %{{.*}} : (tensor<1x1x2x2xui8>, tensor<ui8>) -> tensor<1x1x4x4xui8>
// CHECK: %[[B:.*]] = nn.constant dense<[-32, 4]> : tensor<2xi32>
// CHECK: %[[A:.*]] = nn.conv %[[P]], %{{.*}}, %[[B]] {{.*}}pads = array<i64: 0, 0, 0, 0>{{.*}} : (tensor<1x1x4x4xui8>, tensor<2x1x3x3xi8>, tensor<2xi32>) -> tensor<1x2x2x2xi32>
// CHECK: terse.requantize %[[A]] scales(%{{.*}} : tensor<2x1x1xf32>) zero_point(%{{.*}} : tensor<ui8>) clamp(10, 255) : (tensor<1x2x2x2xi32>) -> tensor<1x2x2x2xui8>
// CHECK-NOT: nn.unary
// FIXED-LABEL: @conv
// FIXED: terse.requantize %{{.*}} scales(%{{.*}} : tensor<2x1x1xi32>) shift(%{{.*}} : tensor<2x1x1xi32>)
func.func @conv() {
  %x = nn.constant dense<[[[[1.0, 2.0], [-1.0, 0.5]]]]> : tensor<1x1x2x2xf32>
  %arg = call @opaque(%x) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %sx = nn.constant dense<0.5> : tensor<f32>
  %zx = nn.constant dense<4> : tensor<ui8>
  %sy = nn.constant dense<0.5> : tensor<f32>
  %zy = nn.constant dense<10> : tensor<ui8>
  %qw = nn.constant dense<[[[[1, 1, 1], [1, 1, 1], [1, 1, 1]]], [[[0, 0, 0], [0, -1, 0], [0, 0, 0]]]]> : tensor<2x1x3x3xi8>
  %sw = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %qb = nn.constant dense<[4, 0]> : tensor<2xi32>
  %sb = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %e = terse.encode %arg params(%sx, %zx : tensor<f32>, tensor<ui8>) : tensor<1x1x2x2xf32> -> tensor<1x1x2x2xf32, #terse.uniform<ui8, zero_point>>
  %w = terse.assemble %qw, %sw : (tensor<2x1x3x3xi8>, tensor<2xf32>) -> tensor<2x1x3x3xf32, #terse.uniform<i8, axis = 0>>
  %b = terse.assemble %qb, %sb : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32, #terse.uniform<i32, axis = 0>>
  %0 = nn.conv %e, %w, %b {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>}
     : (tensor<1x1x2x2xf32, #terse.uniform<ui8, zero_point>>, tensor<2x1x3x3xf32, #terse.uniform<i8, axis = 0>>,
        tensor<2xf32, #terse.uniform<i32, axis = 0>>) -> tensor<1x2x2x2xf32>
  %1 = nn.unary relu %0 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %2 = terse.encode %1 params(%sy, %zy : tensor<f32>, tensor<ui8>) : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32, #terse.uniform<ui8, zero_point>>
  %q, %s, %z = terse.components %2 : tensor<1x2x2x2xf32, #terse.uniform<ui8, zero_point>>
  // 2.5 + 2 everywhere; -2 x where that is positive
  %expected = nn.constant dense<[[[[19, 19], [19, 19]], [[10, 10], [14, 10]]]]> : tensor<1x2x2x2xui8>
  check.expect_eq %q, %expected : tensor<1x2x2x2xui8>, tensor<1x2x2x2xui8>
  return
}
func.func private @opaque(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  return %x : tensor<1x1x2x2xf32>
}

// -----

// A residual sum with its own scales, a table, a mean, a concatenation of other parameters, and a float result.

// CHECK-LABEL: @others
// CHECK: %[[SUM:.*]] = terse.requantize %{{.*}}, %{{.*}} scales(%{{.*}}, %{{.*}} : tensor<f32>, tensor<f32>) clamp(0, 12) : (tensor<1x4xi16>, tensor<1x4xi8>) -> tensor<1x4xui8>
// CHECK: %[[T:.*]] = nn.constant dense<{{.*}}> : tensor<256xi8>
// CHECK: %[[TABLE:.*]] = nn.gather %[[T]], %{{.*}} {axis = 0 : i64} : (tensor<256xi8>, tensor<1x4xi32>) -> tensor<1x4xi8>
// CHECK: nn.reduce sum
// CHECK: terse.requantize %{{.*}} : (tensor<1x1xi32>) -> tensor<1x1xi8>
// CHECK: nn.concat {{.*}} : (tensor<1x4xi8>, tensor<1x1xi8>) -> tensor<1x5xi8>
// CHECK: terse.decode
func.func @others() {
  %x = nn.constant dense<[[0.0, 1.0, -1.0, 3.0]]> : tensor<1x4xf32>
  %y = nn.constant dense<[[1.0, 1.0, 0.25, 3.0]]> : tensor<1x4xf32>
  %ax = call @opaque(%x) : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %ay = call @opaque(%y) : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %quarter = nn.constant dense<0.25> : tensor<f32>
  %eighth = nn.constant dense<0.125> : tensor<f32>
  %z2 = nn.constant dense<2> : tensor<ui8>
  %z0 = nn.constant dense<0> : tensor<ui8>
  %ex = terse.encode %ax params(%half, %z2 : tensor<f32>, tensor<ui8>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<ui8, zero_point>>
  %ey = terse.encode %ay params(%quarter : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  %0 = nn.binary add %ex, %ey : (tensor<1x4xf32, #terse.uniform<ui8, zero_point>>, tensor<1x4xf32, #terse.uniform<i8>>) -> tensor<1x4xf32>
  %1 = nn.unary clamp %0 {alpha = 0.0 : f64, beta = 6.0 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %e1 = terse.encode %1 params(%half, %z0 : tensor<f32>, tensor<ui8>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<ui8, zero_point>>
  // [1, 2, 0, 6]
  %2 = nn.unary neg %e1 : (tensor<1x4xf32, #terse.uniform<ui8, zero_point>>) -> tensor<1x4xf32>
  %e2 = terse.encode %2 params(%half : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  %3 = nn.reduce mean %e2 {axes = array<i64: 1>, keepdims = true} : (tensor<1x4xf32, #terse.uniform<i8>>) -> tensor<1x1xf32>
  %e3 = terse.encode %3 params(%eighth : tensor<f32>) : tensor<1x1xf32> -> tensor<1x1xf32, #terse.uniform<i8>>
  %4 = nn.concat %e2, %e3 {axis = 1 : i64} : (tensor<1x4xf32, #terse.uniform<i8>>, tensor<1x1xf32, #terse.uniform<i8>>) -> tensor<1x5xf32>
  %e4 = terse.encode %4 params(%quarter : tensor<f32>) : tensor<1x5xf32> -> tensor<1x5xf32, #terse.uniform<i8>>
  %5 = nn.transpose %e4 {permutation = array<i64: 1, 0>} : (tensor<1x5xf32, #terse.uniform<i8>>) -> tensor<5x1xf32>
  %expected = nn.constant dense<[[-1.0], [-2.0], [0.0], [-6.0], [-2.25]]> : tensor<5x1xf32>
  check.expect_eq %5, %expected : tensor<5x1xf32>, tensor<5x1xf32>
  return
}
func.func private @opaque(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  return %x : tensor<1x4xf32>
}

// -----

// Average pooling divides by what lies inside; a product of two tensors; padding with a number.

// CHECK-LABEL: @pools
// CHECK: nn.conv {{.*}} : (tensor<1x1x2x2xi16>, tensor<1x1x2x2xi8>) -> tensor<1x1x2x2xi32>
// CHECK: terse.requantize %{{.*}} scales(%{{.*}} : tensor<2x2xf32>)
// CHECK: nn.binary mul {{.*}} -> tensor<1x1x2x2xi32>
// CHECK: nn.pad constant {{.*}} : (tensor<1x1x2x2xi8>, tensor<i8>) -> tensor<1x1x2x3xi8>
func.func @pools() {
  %x = nn.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %arg = call @opaque(%x) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<i8>
  %one = nn.constant dense<1.0> : tensor<f32>
  %e = terse.encode %arg params(%half, %z : tensor<f32>, tensor<i8>) : tensor<1x1x2x2xf32> -> tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>
  %0 = nn.pool average %e {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, strides = array<i64: 1, 1>}
     : (tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>) -> tensor<1x1x2x2xf32>
  %e0 = terse.encode %0 params(%half, %z : tensor<f32>, tensor<i8>) : tensor<1x1x2x2xf32> -> tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>
  // [[2.5, 3], [3.5, 4]]
  %1 = nn.binary mul %e, %e0 : (tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>, tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>) -> tensor<1x1x2x2xf32>
  %e1 = terse.encode %1 params(%half, %z : tensor<f32>, tensor<i8>) : tensor<1x1x2x2xf32> -> tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>
  %2 = nn.pad constant %e1, %one {low = array<i64: 0, 0, 0, 1>, high = array<i64: 0, 0, 0, 0>} : (tensor<1x1x2x2xf32, #terse.uniform<i8, zero_point>>, tensor<f32>) -> tensor<1x1x2x3xf32>
  %expected = nn.constant dense<[[[[1.0, 2.5, 6.0], [1.0, 10.5, 16.0]]]]> : tensor<1x1x2x3xf32>
  check.expect_eq %2, %expected : tensor<1x1x2x3xf32>, tensor<1x1x2x3xf32>
  return
}
func.func private @opaque(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  return %x : tensor<1x1x2x2xf32>
}
