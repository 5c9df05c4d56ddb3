// RUN: terse-opt %s --terse-interpret -o /dev/null

func.func @max_ignores_padding() {
  %x = nn.constant dense<[[[-1.0, -2.0, -3.0]]]> : tensor<1x1x3xf32>
  %y = nn.pool max %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 1, 0>, dilations = array<i64: 1>}
    : (tensor<1x1x3xf32>) -> tensor<1x1x2xf32>
  %e = nn.constant dense<[[[-1.0, -2.0]]]> : tensor<1x1x2xf32>
  check.expect_eq %y, %e : tensor<1x1x2xf32>, tensor<1x1x2xf32>
  return
}

func.func @max_of_integers() {
  %x = nn.constant dense<[[[-128, 5, 6, 7]]]> : tensor<1x1x4xi8>
  %y = nn.pool max %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 2>}
    : (tensor<1x1x4xi8>) -> tensor<1x1x2xi8>
  %e = nn.constant dense<[[[6, 7]]]> : tensor<1x1x2xi8>
  check.expect_eq %y, %e : tensor<1x1x2xi8>, tensor<1x1x2xi8>
  return
}

// The last window has one element of the input and one of the padding; a third lies beyond both.
func.func @average_counts() {
  %x = nn.constant dense<[[[1.0, 2.0, 3.0, 4.0]]]> : tensor<1x1x4xf32>
  %y = nn.pool average %x {kernel = array<i64: 3>, strides = array<i64: 3>, pads = array<i64: 0, 1>, dilations = array<i64: 1>, ceil_mode = true}
    : (tensor<1x1x4xf32>) -> tensor<1x1x2xf32>
  %e = nn.constant dense<[[[2.0, 4.0]]]> : tensor<1x1x2xf32>
  check.expect_eq %y, %e : tensor<1x1x2xf32>, tensor<1x1x2xf32>
  %z = nn.pool average %x {kernel = array<i64: 3>, strides = array<i64: 3>, pads = array<i64: 0, 1>, dilations = array<i64: 1>, ceil_mode = true, count_include_pad = true}
    : (tensor<1x1x4xf32>) -> tensor<1x1x2xf32>
  %ze = nn.constant dense<[[[2.0, 2.0]]]> : tensor<1x1x2xf32>
  check.expect_eq %z, %ze : tensor<1x1x2xf32>, tensor<1x1x2xf32>
  return
}

func.func @lp() {
  %x = nn.constant dense<[[[3.0, -4.0]]]> : tensor<1x1x2xf32>
  %y = nn.pool lp %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
    : (tensor<1x1x2xf32>) -> tensor<1x1x1xf32>
  %e = nn.constant dense<5.0> : tensor<1x1x1xf32>
  check.expect_close %y, %e : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  return
}

func.func @indices() {
  %x = nn.constant dense<[[[[1.0, 2.0], [4.0, 3.0]], [[8.0, 7.0], [8.0, 5.0]]]]> : tensor<1x2x2x2xf32>
  %y, %i = nn.max_pool_indices %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<1x2x2x2xf32>) -> (tensor<1x2x1x1xf32>, tensor<1x2x1x1xi64>)
  %ye = nn.constant dense<[[[[4.0]], [[8.0]]]]> : tensor<1x2x1x1xf32>
  %ie = nn.constant dense<[[[[2]], [[4]]]]> : tensor<1x2x1x1xi64>
  check.expect_eq %y, %ye : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
  check.expect_eq %i, %ie : tensor<1x2x1x1xi64>, tensor<1x2x1x1xi64>
  %z, %j = nn.max_pool_indices %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, column_major = true}
    : (tensor<1x2x2x2xf32>) -> (tensor<1x2x1x1xf32>, tensor<1x2x1x1xi64>)
  %je = nn.constant dense<[[[[1]], [[4]]]]> : tensor<1x2x1x1xi64>
  check.expect_eq %j, %je : tensor<1x2x1x1xi64>, tensor<1x2x1x1xi64>
  return
}

// A kernel far beyond the input: only what it meets is visited.
func.func @huge_kernel() {
  %x = nn.constant dense<[[[1.0, 3.0]]]> : tensor<1x1x2xf32>
  %y = nn.pool average %x {kernel = array<i64: 1099511627776>, strides = array<i64: 1>, pads = array<i64: 0, 1099511627774>, dilations = array<i64: 1>, count_include_pad = true}
    : (tensor<1x1x2xf32>) -> tensor<1x1x1xf32>
  %e = nn.constant dense<3.63797881e-12> : tensor<1x1x1xf32>
  check.expect_close %y, %e {atol = 0.0} : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  return
}
