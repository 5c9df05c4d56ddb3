// RUN: terse-opt %s --nn-recognize-activations --canonicalize | FileCheck %s
// RUN: terse-opt %s --nn-recognize-activations --nn-recognize-activations --canonicalize | FileCheck %s
// RUN: terse-opt %s --terse-interpret --nn-recognize-activations --terse-interpret -o /dev/null

// CHECK-LABEL: @bounds
// CHECK: nn.unary relu
// CHECK: nn.unary clamp %{{.*}} {beta = 6.000000e+00 : f64}
// CHECK: nn.unary relu
// CHECK: nn.unary clamp %{{.*}} {alpha = -1.000000e+00 : f64, beta = 1.000000e+00 : f64}
func.func @bounds(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<[6.0]> : tensor<1xf32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %minus = nn.constant dense<-1.0> : tensor<f32>
  %0 = nn.binary max %zero, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.unary relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary min %1, %six : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %3 = nn.unary clamp %x {alpha = 0.0 : f64, beta = 0x7FF0000000000000 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary min %x, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = nn.binary max %4, %minus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %2, %3, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @functions
// CHECK: nn.unary silu %{{.*}} {alpha = 1.000000e+00 : f64}
// CHECK: nn.unary hard_swish
// CHECK: nn.unary hard_swish
// CHECK: nn.unary gelu %
// CHECK: nn.unary gelu %
func.func @functions() {
  %c = nn.constant dense<[-4.0, -1.0, 0.5, 4.0]> : tensor<4xf32>
  %x = call @opaque(%c) : (tensor<4xf32>) -> tensor<4xf32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %root = nn.constant dense<1.41421354> : tensor<f32>

  %0 = nn.unary sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %silu = nn.binary mul %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %silu_expected = nn.constant dense<[-0.071944840, -0.268941421, 0.311229666, 3.928055160]> : tensor<4xf32>
  check.expect_close %silu, %silu_expected : tensor<4xf32>, tensor<4xf32>

  %hard_expected = nn.constant dense<[0.0, -0.333333343, 0.291666657, 4.0]> : tensor<4xf32>
  %1 = nn.unary hard_sigmoid %x {alpha = 0.16666667163372040 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %hard = nn.binary mul %1, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  check.expect_close %hard, %hard_expected : tensor<4xf32>, tensor<4xf32>
  %2 = nn.binary add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.unary clamp %2 {alpha = 0.0 : f64, beta = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %x, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %harder = nn.binary div %4, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  check.expect_close %harder, %hard_expected : tensor<4xf32>, tensor<4xf32>

  %gelu_expected = nn.constant dense<[-0.000126685, -0.158655256, 0.345731229, 3.999873400]> : tensor<4xf32>
  %5 = nn.binary div %x, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = nn.unary erf %5 : (tensor<4xf32>) -> tensor<4xf32>
  %7 = nn.binary add %6, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %8 = nn.binary mul %x, %7 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %gelu = nn.binary mul %8, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  check.expect_close %gelu, %gelu_expected : tensor<4xf32>, tensor<4xf32>
  %9 = nn.binary mul %half, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %10 = nn.binary mul %7, %9 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  check.expect_close %10, %gelu_expected : tensor<4xf32>, tensor<4xf32>
  return
}
func.func private @opaque(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// CHECK-LABEL: @gelu_tanh
// CHECK: nn.unary gelu_tanh %
// CHECK: nn.unary gelu_tanh %
func.func @gelu_tanh() {
  %c = nn.constant dense<[-4.0, -1.0, 0.5, 4.0]> : tensor<4xf32>
  %x = call @opaque(%c) : (tensor<4xf32>) -> tensor<4xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %k = nn.constant dense<0.044715> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %expected = nn.constant dense<[-0.000070220, -0.158808009, 0.345714010, 3.999929780]> : tensor<4xf32>
  %0 = nn.binary mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary mul %k, %1 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.binary add %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %root, %3 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = nn.unary tanh %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = nn.binary add %one, %5 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %7 = nn.binary mul %half, %6 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %8 = nn.binary mul %x, %7 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  check.expect_close %8, %expected : tensor<4xf32>, tensor<4xf32>
  %9 = nn.binary pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %10 = nn.binary mul %9, %k : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %11 = nn.binary add %10, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %12 = nn.binary mul %11, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %13 = nn.unary tanh %12 : (tensor<4xf32>) -> tensor<4xf32>
  %14 = nn.binary add %13, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %15 = nn.binary mul %x, %14 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %16 = nn.binary mul %15, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  check.expect_close %16, %expected : tensor<4xf32>, tensor<4xf32>
  return
}

// x * sigmoid(2 x), a factor of 1, and bounds that bound nothing.

// CHECK-LABEL: @silu_factor
// CHECK: nn.unary silu %{{.*}} {alpha = 2.000000e+00 : f64}
// CHECK: nn.unary silu %{{.*}} {alpha = 1.000000e+00 : f64}
// CHECK-NOT: nn.unary clamp
// CHECK: return
func.func @silu_factor() {
  %c = nn.constant dense<[-4.0, -1.0, 0.5, 4.0]> : tensor<4xf32>
  %x = call @opaque(%c) : (tensor<4xf32>) -> tensor<4xf32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %low = nn.constant dense<0xFF800000> : tensor<f32>
  %0 = nn.binary mul %x, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.unary sigmoid %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary mul %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e2 = nn.constant dense<[-0.001341400, -0.119202922, 0.365529289, 3.998658600]> : tensor<4xf32>
  check.expect_close %2, %e2 : tensor<4xf32>, tensor<4xf32>
  %3 = nn.binary mul %one, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.unary sigmoid %3 : (tensor<4xf32>) -> tensor<4xf32>
  %5 = nn.binary mul %x, %4 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e5 = nn.constant dense<[-0.071944840, -0.268941421, 0.311229666, 3.928055160]> : tensor<4xf32>
  check.expect_close %5, %e5 : tensor<4xf32>, tensor<4xf32>
  %6 = nn.binary max %low, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  check.expect_eq %6, %c : tensor<4xf32>, tensor<4xf32>
  return
}

// Another factor, another tensor, another constant.

// CHECK-LABEL: @kept
// CHECK-NOT: silu
// CHECK-NOT: hard_swish
// CHECK-NOT: gelu
// CHECK: return
func.func @kept(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %two = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.unary sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %y, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.unary hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary max %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
