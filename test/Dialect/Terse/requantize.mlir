// RUN: terse-opt %s | terse-opt | FileCheck %s --check-prefix=SAME
// RUN: terse-opt %s --terse-decompose-encodings | FileCheck %s
// RUN: terse-opt %s --terse-interpret --terse-decompose-encodings --terse-interpret -o /dev/null

// Ties go to even, then comes the zero point, then the clamp.

// SAME-LABEL: @one
// SAME: terse.requantize %{{.*}} scales(%{{.*}} : tensor<f32>) zero_point(%{{.*}} : tensor<ui8>) clamp(3, 200) : (tensor<7xi32>) -> tensor<7xui8>
// CHECK-LABEL: @one
// CHECK: %[[F:.*]] = nn.cast %{{.*}} : (tensor<7xi32>) -> tensor<7xf32>
// CHECK: %[[P:.*]] = nn.binary mul %[[F]]
// CHECK-NOT: nn.select
// CHECK: %[[R:.*]] = nn.unary round %[[P]]
// CHECK: %[[S:.*]] = nn.binary add %[[R]]
// CHECK: %[[C:.*]] = nn.unary clamp %[[S]] {alpha = 3.000000e+00 : f64, beta = 2.000000e+02 : f64}
// CHECK: nn.cast %[[C]] : (tensor<7xf32>) -> tensor<7xui8>
func.func @one() {
  %acc = nn.constant dense<[0, 1, 3, -1, -100, 1000, -2147483648]> : tensor<7xi32>
  %m = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<10> : tensor<ui8>
  %q = terse.requantize %acc scales(%m : tensor<f32>) zero_point(%z : tensor<ui8>) clamp(3, 200) : (tensor<7xi32>) -> tensor<7xui8>
  %expected = nn.constant dense<[10, 10, 12, 10, 3, 200, 3]> : tensor<7xui8>
  check.expect_eq %q, %expected : tensor<7xui8>, tensor<7xui8>
  return
}

// One multiplier per channel; two inputs that broadcast.

// CHECK-LABEL: @two
func.func @two() {
  %a = nn.constant dense<[[10, 20], [-30, 40]]> : tensor<2x2xi16>
  %b = nn.constant dense<[100, -7]> : tensor<2xi32>
  %ma = nn.constant dense<[[1.0], [2.5]]> : tensor<2x1xf32>
  %mb = nn.constant dense<-0.5> : tensor<f32>
  %q = terse.requantize %a, %b scales(%ma, %mb : tensor<2x1xf32>, tensor<f32>) clamp(-128, 127) : (tensor<2x2xi16>, tensor<2xi32>) -> tensor<2x2xi8>
  %expected = nn.constant dense<[[-40, 24], [-125, 104]]> : tensor<2x2xi8>
  check.expect_eq %q, %expected : tensor<2x2xi8>, tensor<2x2xi8>
  return
}

// Integers only: 1610612736 * 2^-31 = 0.75, times 2^shift; ties to even on both sides of zero.

// CHECK-LABEL: @fixed
// CHECK-NOT: f32
// CHECK: check.expect_eq
func.func @fixed() {
  %acc = nn.constant dense<[2, -2, 6, -6, 4, 2147483647, -2147483648]> : tensor<7xi32>
  %m = nn.constant dense<1610612736> : tensor<i32>
  %s = nn.constant dense<0> : tensor<i32>
  %z = nn.constant dense<-1> : tensor<i8>
  %q = terse.requantize %acc scales(%m : tensor<i32>) shift(%s : tensor<i32>) zero_point(%z : tensor<i8>) clamp(-128, 127) : (tensor<7xi32>) -> tensor<7xi8>
  %expected = nn.constant dense<[1, -3, 3, -5, 2, 127, -128]> : tensor<7xi8>
  check.expect_eq %q, %expected : tensor<7xi8>, tensor<7xi8>
  return
}

// The largest and the smallest shift.

// CHECK-LABEL: @shifts
func.func @shifts() {
  %acc = nn.constant dense<[[3, -3], [2147483647, -2147483648]]> : tensor<2x2xi32>
  %m = nn.constant dense<1073741824> : tensor<i32>
  %s = nn.constant dense<[[1], [-30]]> : tensor<2x1xi32>
  %q = terse.requantize %acc scales(%m : tensor<i32>) shift(%s : tensor<2x1xi32>) clamp(-128, 127) : (tensor<2x2xi32>) -> tensor<2x2xi8>
  %expected = nn.constant dense<[[3, -3], [1, -1]]> : tensor<2x2xi8>
  check.expect_eq %q, %expected : tensor<2x2xi8>, tensor<2x2xi8>
  return
}

// NaN becomes the zero point.

// CHECK-LABEL: @nan
// CHECK: nn.select
func.func @nan() {
  %acc = nn.constant dense<[1, 0]> : tensor<2xi32>
  %m = nn.constant dense<[0x7FC00000, 0x7F800000]> : tensor<2xf32>
  %z = nn.constant dense<7> : tensor<i8>
  %q = terse.requantize %acc scales(%m : tensor<2xf32>) zero_point(%z : tensor<i8>) clamp(-128, 127) : (tensor<2xi32>) -> tensor<2xi8>
  %expected = nn.constant dense<[7, 7]> : tensor<2xi8>
  check.expect_eq %q, %expected : tensor<2xi8>, tensor<2xi8>
  return
}
