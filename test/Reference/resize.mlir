// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-fold-constants --terse-interpret -o /dev/null

func.func @nearest_roundings() {
  %x = nn.constant dense<[1, 2, 3]> : tensor<3xi64>
  // Coordinates 0, 0.5, 1, 1.5, 2, 2.5.
  %f = nn.resize nearest %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate asymmetric>, rounding = #nn<resize_rounding round_prefer_floor>} : (tensor<3xi64>) -> tensor<6xi64>
  %fe = nn.constant dense<[1, 1, 2, 2, 3, 3]> : tensor<6xi64>
  check.expect_eq %f, %fe : tensor<6xi64>, tensor<6xi64>
  %c = nn.resize nearest %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate asymmetric>, rounding = #nn<resize_rounding round_prefer_ceil>} : (tensor<3xi64>) -> tensor<6xi64>
  %ce = nn.constant dense<[1, 2, 2, 3, 3, 3]> : tensor<6xi64>
  check.expect_eq %c, %ce : tensor<6xi64>, tensor<6xi64>
  return
}

// Coordinates -0.25, 0.25, 0.75, 1.25.
func.func @linear_half_pixel() {
  %x = nn.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %y = nn.resize linear %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate half_pixel>} : (tensor<2xf32>) -> tensor<?xf32>
  %e = nn.constant dense<[10.0, 12.5, 17.5, 20.0]> : tensor<4xf32>
  check.expect_close %y, %e : tensor<?xf32>, tensor<4xf32>
  return
}

func.func @linear_align_corners() {
  %x = nn.constant dense<[[1.0, 3.0]]> : tensor<1x2xf32>
  %y = nn.resize linear %x {scales = array<f64: 1.0, 1.5>, coordinate = #nn<resize_coordinate align_corners>} : (tensor<1x2xf32>) -> tensor<1x3xf32>
  %e = nn.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  check.expect_close %y, %e : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

// Half-way between elements the Keys kernel with a = -0.75 has weights -3/32, 19/32, 19/32, -3/32;
// without what is outside, 19/35, 19/35, -3/35.
func.func @cubic() {
  %x = nn.constant dense<[32.0, 64.0, 0.0, 0.0]> : tensor<4xf32>
  %y = nn.resize cubic %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate asymmetric>} : (tensor<4xf32>) -> tensor<8xf32>
  %s = nn.slice %y {starts = array<i64: 0>, ends = array<i64: 4>, steps = array<i64: 1>} : (tensor<8xf32>) -> tensor<4xf32>
  %e = nn.constant dense<[32.0, 54.0, 64.0, 35.0]> : tensor<4xf32>
  check.expect_close %s, %e : tensor<4xf32>, tensor<4xf32>
  %z = nn.resize cubic %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate asymmetric>, exclude_outside = true} : (tensor<4xf32>) -> tensor<8xf32>
  %t = nn.slice %z {starts = array<i64: 1>, ends = array<i64: 2>, steps = array<i64: 1>} : (tensor<8xf32>) -> tensor<1xf32>
  %te = nn.constant dense<52.1142857> : tensor<1xf32>
  check.expect_close %t, %te : tensor<1xf32>, tensor<1xf32>
  return
}

// Shrinking by 2: the triangle covers four elements with weights 1/8, 3/8, 3/8, 1/8, at the border
// the outer one counts for the element itself.
func.func @linear_antialias() {
  %x = nn.constant dense<[8.0, 16.0, 24.0, 0.0]> : tensor<4xf32>
  %y = nn.resize linear %x {scales = array<f64: 0.5>, coordinate = #nn<resize_coordinate half_pixel>, antialias = true} : (tensor<4xf32>) -> tensor<2xf32>
  %e = nn.constant dense<[13.0, 11.0]> : tensor<2xf32>
  check.expect_close %y, %e : tensor<2xf32>, tensor<2xf32>
  return
}

// The region [0, 2] of an axis of 3 elements: coordinates 0, 2, 4.
func.func @crop_extrapolates() {
  %x = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %y = nn.resize linear %x {scales = array<f64: 1.0>, coordinate = #nn<resize_coordinate tf_crop_and_resize>, roi = array<f64: 0.0, 2.0>, extrapolation = 9.0} : (tensor<3xf32>) -> tensor<3xf32>
  %e = nn.constant dense<[1.0, 3.0, 9.0]> : tensor<3xf32>
  check.expect_close %y, %e : tensor<3xf32>, tensor<3xf32>
  return
}
