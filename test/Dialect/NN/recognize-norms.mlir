// RUN: terse-opt %s --nn-recognize-norms --canonicalize | FileCheck %s
// RUN: terse-opt %s --nn-recognize-norms --nn-recognize-norms --canonicalize | FileCheck %s
// RUN: terse-opt %s --terse-interpret --nn-recognize-norms --terse-interpret -o /dev/null

// The expected values are NumPy's.

func.func private @opaque(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  return %x : tensor<2x3x4xf32>
}

// As PyTorch's exporter writes it: a power, a quotient.

// CHECK-LABEL: @divided(
// CHECK: nn.layer_norm %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {axis = 2 : i64, epsilon = 0.1
// CHECK-NOT: nn.binary
// CHECK: return
func.func @divided() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %s = nn.constant dense<[0.956, 1.068, 0.519, 1.118]> : tensor<4xf32>
  %b = nn.constant dense<[1.533, 1.469, 0.155, 0.378]> : tensor<4xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %m = nn.reduce mean %x {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %d = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %q = nn.binary pow %d, %two : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %u = nn.binary add %v, %eps : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %r = nn.unary sqrt %u : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %n = nn.binary div %d, %r : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %t = nn.binary mul %n, %s : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %y = nn.binary add %t, %b : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[2.048317, 0.166125, -0.090626, 1.668343], [2.762237, 0.139453, 0.398528, -0.192341], [0.708555, 1.364897, -0.101808, 2.004331]], [[2.377368, 0.668943, 0.193117, 0.145953], [2.896009, 1.012309, 0.226335, -0.891574], [0.094231, 2.306106, 0.639581, 0.140425]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// The scale goes to the deviation first, x - mean(x) is written twice, the mean is a sum.

// CHECK-LABEL: @scaled_first(
// CHECK: nn.layer_norm %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {axis = 2 : i64, epsilon = 0.1
// CHECK-NOT: nn.binary
// CHECK: return
func.func @scaled_first() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %s = nn.constant dense<[0.956, 1.068, 0.519, 1.118]> : tensor<4xf32>
  %b = nn.constant dense<[1.533, 1.469, 0.155, 0.378]> : tensor<4xf32>
  %quarter = nn.constant dense<0.25> : tensor<f32>
  %m0 = nn.reduce sum %x {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %m = nn.binary mul %m0, %quarter : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %d0 = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %d1 = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %q = nn.binary mul %d0, %d0 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %u = nn.binary add %eps, %v : (tensor<f32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %k = nn.unary sqrt %u : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %r = nn.unary reciprocal %k : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %g = nn.binary mul %s, %r : (tensor<4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %n = nn.binary mul %g, %d1 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %y = nn.binary add %b, %n : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[2.048317, 0.166125, -0.090626, 1.668343], [2.762237, 0.139453, 0.398528, -0.192341], [0.708555, 1.364897, -0.101808, 2.004331]], [[2.377368, 0.668943, 0.193117, 0.145953], [2.896009, 1.012309, 0.226335, -0.891574], [0.094231, 2.306106, 0.639581, 0.140425]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// The form of a batch norm: x g + (b - mean(x) g).

// CHECK-LABEL: @shifted(
// CHECK: nn.layer_norm %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {axis = 2 : i64, epsilon = 0.1
// CHECK-NOT: nn.binary
// CHECK: return
func.func @shifted() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %s = nn.constant dense<[0.956, 1.068, 0.519, 1.118]> : tensor<4xf32>
  %b = nn.constant dense<[1.533, 1.469, 0.155, 0.378]> : tensor<4xf32>
  %m = nn.reduce mean %x {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %d = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %q = nn.binary mul %d, %d : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %u = nn.binary add %v, %eps : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %r = nn.unary rsqrt %u : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %g = nn.binary mul %r, %s : (tensor<2x3x1xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %p = nn.binary mul %x, %g : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = nn.binary mul %m, %g : (tensor<2x3x1xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %c0 = nn.binary sub %b, %o : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %y = nn.binary add %p, %c0 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[2.048317, 0.166125, -0.090626, 1.668343], [2.762237, 0.139453, 0.398528, -0.192341], [0.708555, 1.364897, -0.101808, 2.004331]], [[2.377368, 0.668943, 0.193117, 0.145953], [2.896009, 1.012309, 0.226335, -0.891574], [0.094231, 2.306106, 0.639581, 0.140425]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// Along an inner axis, the variance as mean(x^2) - mean(x)^2, bounded by 0, with reshapes between.

// CHECK-LABEL: @other_axis(
// CHECK: nn.transpose
// CHECK: nn.layer_norm
// CHECK: nn.transpose
// CHECK-NOT: nn.binary
// CHECK: return
func.func @other_axis() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %s = nn.constant dense<[[[0.86], [0.937], [1.198]]]> : tensor<1x3x1xf32>
  %b = nn.constant dense<[[[0.175], [-0.463], [-1.086]]]> : tensor<1x3x1xf32>
  %third = nn.constant dense<0.333333343> : tensor<f32>
  %m0 = nn.reduce sum %x {axes = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  %m = nn.binary mul %m0, %third : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %q = nn.binary mul %x, %x : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %v0 = nn.reduce sum %q {axes = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  %v1 = nn.binary mul %v0, %third : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %mm = nn.binary mul %m, %m : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %v2 = nn.binary sub %v1, %mm : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %v3 = nn.unary relu %v2 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %v = nn.reshape %v3 : (tensor<2x4xf32>) -> tensor<2x1x4xf32>
  %u = nn.binary add %v, %eps : (tensor<2x1x4xf32>, tensor<f32>) -> tensor<2x1x4xf32>
  %k = nn.unary sqrt %u : (tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %r = nn.unary reciprocal %k : (tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %g = nn.binary mul %r, %s : (tensor<2x1x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>
  %mk = nn.reshape %m : (tensor<2x4xf32>) -> tensor<2x1x4xf32>
  %d = nn.binary sub %x, %mk : (tensor<2x3x4xf32>, tensor<2x1x4xf32>) -> tensor<2x3x4xf32>
  %n = nn.binary mul %d, %g : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %y = nn.binary add %n, %b : (tensor<2x3x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[0.701866, 0.715567, 0.670613, 1.047566], [0.212627, -1.655162, 0.022614, -1.658317], [-2.683759, -0.314786, -2.397282, -0.773234]], [[0.588623, 0.051196, -0.035268, 1.218474], [0.371614, -1.243384, -1.003631, -1.115814], [-2.729281, 0.084221, -0.10187, -1.704928]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// Over all axes but the first, without parameters.

// CHECK-LABEL: @over_two_axes(
// CHECK: nn.layer_norm %{{.*}} {axis = 1 : i64
// CHECK-NOT: nn.binary
// CHECK: return
func.func @over_two_axes() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %m = nn.reduce mean %x {axes = array<i64: 1, 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x1xf32>
  %d = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x1x1xf32>) -> tensor<2x3x4xf32>
  %q = nn.binary mul %d, %d : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 2, 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x1xf32>
  %u = nn.binary add %v, %eps : (tensor<2x1x1xf32>, tensor<f32>) -> tensor<2x1x1xf32>
  %r = nn.unary rsqrt %u : (tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %y = nn.binary mul %r, %d : (tensor<2x1x1xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[1.04133, -0.357135, 0.236495, 1.530382], [1.147957, -1.768928, 0.206762, -0.922057], [-0.872844, -0.345857, -0.619603, 0.723497]], [[0.669977, 0.065579, 0.370143, 0.266099], [1.363285, -0.243714, 0.246236, -0.85757], [-2.464569, 0.568771, 0.767399, -0.751635]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// Without a mean.

// CHECK-LABEL: @root_mean_square(
// CHECK: nn.rms_norm %{{[^,]*}}, %{{[^,]*}} {axis = 2 : i64
// CHECK-NOT: nn.binary
// CHECK: return
func.func @root_mean_square() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %s = nn.constant dense<[0.956, 1.068, 0.519, 1.118]> : tensor<4xf32>
  %b = nn.constant dense<[1.533, 1.469, 0.155, 0.378]> : tensor<4xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %minus_half = nn.constant dense<-0.5> : tensor<f32>
  %q = nn.binary pow %x, %two : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %u = nn.binary add %v, %eps : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %r = nn.binary pow %u, %minus_half : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %n = nn.binary mul %x, %r : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %y = nn.binary mul %s, %n : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[1.085608, 0.275009, 0.327089, 1.612873], [1.486979, -0.868832, 0.410545, -0.140569], [-0.119533, 0.532853, 0.090724, 1.973335]], [[1.274826, 0.228318, 0.403793, 0.65433], [1.526585, -0.234012, 0.17363, -1.020498], [-1.660416, 0.475179, 0.305063, -0.564357]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// With the maximum, which cannot be less than minus infinity.

// CHECK-LABEL: @softmax(
// CHECK: nn.softmax %{{.*}} {axis = 2 : i64}
// CHECK-NOT: nn.binary
// CHECK: return
func.func @softmax() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %low = nn.constant dense<0xFF800000> : tensor<f32>
  %m0 = nn.reduce max %x {axes = array<i64: 2>} : (tensor<2x3x4xf32>) -> tensor<2x3xf32>
  %m1 = nn.binary max %low, %m0 : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %m = nn.reshape %m1 : (tensor<2x3xf32>) -> tensor<2x3x1xf32>
  %d = nn.binary sub %x, %m : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %p = nn.unary exp %d : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %s0 = nn.reduce sum %p {axes = array<i64: 2>} : (tensor<2x3x4xf32>) -> tensor<2x3xf32>
  %s = nn.reshape %s0 : (tensor<2x3xf32>) -> tensor<2x3x1xf32>
  %y = nn.binary div %p, %s : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[0.300934, 0.07693, 0.137262, 0.484875], [0.628836, 0.036557, 0.251105, 0.083502], [0.114986, 0.192253, 0.147203, 0.545559]], [[0.343806, 0.181468, 0.250405, 0.224321], [0.630756, 0.115344, 0.193624, 0.060275], [0.016052, 0.396551, 0.489217, 0.09818]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// Its logarithm, without the maximum.

// CHECK-LABEL: @log_softmax(
// CHECK: nn.softmax %{{.*}} {axis = 1 : i64, log = true}
// CHECK-NOT: nn.binary
// CHECK: return
func.func @log_softmax() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %p = nn.unary exp %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %s = nn.reduce sum %p {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  %l = nn.unary log %s : (tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %y = nn.binary sub %x, %l : (tensor<2x3x4xf32>, tensor<2x1x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[-0.817216, -0.816866, -0.877671, -0.436095], [-0.713216, -2.193866, -0.906671, -2.828095], [-2.684216, -0.805866, -1.712671, -1.223095]], [[-1.137091, -1.230639, -1.223534, -0.498219], [-0.404091, -1.557639, -1.354534, -1.686219], [-4.451091, -0.698639, -0.803534, -1.574219]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// As a product.

// CHECK-LABEL: @softmax_product(
// CHECK: nn.softmax %{{.*}} {axis = 2 : i64}
// CHECK-NOT: nn.binary
// CHECK: return
func.func @softmax_product() {
  %c = nn.constant dense<[[[1.764, 0.4, 0.979, 2.241], [1.868, -0.977, 0.95, -0.151], [-0.103, 0.411, 0.144, 1.454]], [[0.761, 0.122, 0.444, 0.334], [1.494, -0.205, 0.313, -0.854], [-2.553, 0.654, 0.864, -0.742]]]> : tensor<2x3x4xf32>
  %x = call @opaque(%c) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %eps = nn.constant dense<0.1> : tensor<f32>
  %p = nn.unary exp %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %s = nn.reduce sum %p {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %l = nn.unary reciprocal %s : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %y = nn.binary mul %l, %p : (tensor<2x3x1xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %e = nn.constant dense<[[[0.300934, 0.07693, 0.137262, 0.484875], [0.628836, 0.036557, 0.251105, 0.083502], [0.114986, 0.192253, 0.147203, 0.545559]], [[0.343806, 0.181468, 0.250405, 0.224321], [0.630756, 0.115344, 0.193624, 0.060275], [0.016052, 0.396551, 0.489217, 0.09818]]]> : tensor<2x3x4xf32>
  check.expect_close %y, %e : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// Variances of other axes or of another tensor, statistics that are broadcast along other axes, computed scales.

// CHECK-LABEL: @kept(
// CHECK-NOT: nn.layer_norm
// CHECK-NOT: nn.rms_norm
// CHECK-NOT: nn.softmax
// CHECK: return
func.func @kept(%x: tensor<4x4xf32>, %z: tensor<4x4xf32>)
    -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %eps = nn.constant dense<0.1> : tensor<f32>
  %m = nn.reduce mean %x {axes = array<i64: 1>, keepdims = true} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %d = nn.binary sub %x, %m : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  %q = nn.binary mul %d, %d : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>

  // The variance of the other axis.
  %v0 = nn.reduce mean %q {axes = array<i64: 0>, keepdims = true} : (tensor<4x4xf32>) -> tensor<1x4xf32>
  %u0 = nn.binary add %v0, %eps : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %r0 = nn.unary rsqrt %u0 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %y0 = nn.binary mul %x, %r0 : (tensor<4x4xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>

  // The variance of another tensor.
  %zq = nn.binary mul %z, %z : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %v1 = nn.reduce mean %zq {axes = array<i64: 1>, keepdims = true} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %u1 = nn.binary add %v1, %eps : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %r1 = nn.unary rsqrt %u1 : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %y1 = nn.binary mul %x, %r1 : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>

  // The variance of row i divides column i.
  %v2 = nn.reduce mean %q {axes = array<i64: 1>} : (tensor<4x4xf32>) -> tensor<4xf32>
  %u2 = nn.binary add %v2, %eps : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %r2 = nn.unary rsqrt %u2 : (tensor<4xf32>) -> tensor<4xf32>
  %y2 = nn.binary mul %d, %r2 : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>

  // The sum is no mean: 1/3 of four.
  %third = nn.constant dense<0.333333343> : tensor<f32>
  %s3 = nn.reduce sum %zq {axes = array<i64: 1>, keepdims = true} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %v3 = nn.binary mul %s3, %third : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %r3 = nn.unary rsqrt %v3 : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %y3 = nn.binary mul %z, %r3 : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>

  // Exponentials of one tensor over the sum of another's.
  %ex = nn.unary exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %ez = nn.unary exp %z : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = nn.reduce sum %ez {axes = array<i64: 1>, keepdims = true} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %y4 = nn.binary div %ex, %s : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %y0, %y1, %y2, %y3, %y4
      : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// Two unknown sizes may have been exchanged by the reshape; with one nothing can.

// CHECK-LABEL: @unknown_sizes(
// CHECK-NOT: nn.layer_norm
// CHECK: return
func.func @unknown_sizes(%x: tensor<?x?x4xf32>, %shape: tensor<3xi64>) -> tensor<?x?x4xf32> {
  %eps = nn.constant dense<0.1> : tensor<f32>
  %m = nn.reduce mean %x {axes = array<i64: 2>, keepdims = true} : (tensor<?x?x4xf32>) -> tensor<?x?x1xf32>
  %d = nn.binary sub %x, %m : (tensor<?x?x4xf32>, tensor<?x?x1xf32>) -> tensor<?x?x4xf32>
  %q = nn.binary mul %d, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %v0 = nn.reduce mean %q {axes = array<i64: 2>} : (tensor<?x?x4xf32>) -> tensor<?x?xf32>
  %v = nn.reshape %v0, %shape : (tensor<?x?xf32>, tensor<3xi64>) -> tensor<?x?x1xf32>
  %u = nn.binary add %v, %eps : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %r = nn.unary rsqrt %u : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %y = nn.binary mul %d, %r : (tensor<?x?x4xf32>, tensor<?x?x1xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// CHECK-LABEL: @one_unknown_size(
// CHECK: nn.layer_norm %arg0 {axis = 1 : i64, epsilon = 0.1
// CHECK-NOT: nn.binary mul
// CHECK: return
func.func @one_unknown_size(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %eps = nn.constant dense<0.1> : tensor<f32>
  %m0 = nn.reduce mean %x {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?xf32>
  %m = nn.reshape %m0 : (tensor<?xf32>) -> tensor<?x1xf32>
  %d = nn.binary sub %x, %m : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %q = nn.binary mul %d, %d : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %v = nn.reduce mean %q {axes = array<i64: 1>, keepdims = true} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %u = nn.binary add %v, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %r = nn.unary rsqrt %u : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = nn.binary mul %d, %r : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  // Another reader of what the norm was made of keeps it.
  return %y, %d : tensor<?x4xf32>, tensor<?x4xf32>
}
