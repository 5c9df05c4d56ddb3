// Every kind of op that computes on integers, in one network.
func.func @main(%x: tensor<?x2x6x6xf32> {nn.name = "x"}) -> (tensor<?x24xf32> {nn.name = "y"}, tensor<?x2xi64> {nn.name = "best"}) {
  %w1 = nn.constant dense<[[[[0.5, -0.25, 0.125], [0.3, 0.7, -0.6], [0.1, -0.9, 0.4]], [[-0.5, 0.25, 0.33], [0.2, -0.1, 0.6], [0.7, 0.15, -0.35]]],
                           [[[0.05, 0.25, -0.125], [0.13, -0.7, 0.36], [-0.41, 0.9, 0.14]], [[0.25, -0.5, 0.3], [0.12, 0.1, -0.6], [-0.27, 0.5, 0.35]]]]> : tensor<2x2x3x3xf32>
  %b1 = nn.constant dense<[0.1, -0.2]> : tensor<2xf32>
  %wt = nn.constant dense<[[[[0.5, -0.25], [0.3, 0.7]], [[-0.5, 0.25], [0.2, -0.1]]], [[[0.05, 0.25], [0.13, -0.7]], [[0.25, -0.5], [0.12, 0.1]]]]> : tensor<2x2x2x2xf32>
  %offset = nn.constant dense<[[[0.5]], [[-0.25]]]> : tensor<2x1x1xf32>
  %scale = nn.constant dense<[[[1.5]], [[0.75]]]> : tensor<2x1x1xf32>
  %three = nn.constant dense<3.0> : tensor<f32>
  // Padded convolutions, with and without a fused clamp; asymmetric input.
  %0 = nn.conv %x, %w1, %b1 {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x2x6x6xf32>, tensor<2x2x3x3xf32>, tensor<2xf32>) -> tensor<?x2x6x6xf32> loc("conv")
  %1 = nn.unary relu %0 : (tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("relu")
  %2 = nn.conv %1, %w1 {dilations = array<i64: 2, 2>, pads = array<i64: 2, 2, 2, 2>, strides = array<i64: 1, 1>} : (tensor<?x2x6x6xf32>, tensor<2x2x3x3xf32>) -> tensor<?x2x6x6xf32> loc("conv2")
  %3 = nn.unary gelu %2 : (tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("gelu")
  // Residual sums, differences, products, with tensors and constants.
  %4 = nn.binary add %3, %x : (tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("add")
  %5 = nn.unary clamp %4 {alpha = 0.0 : f64, beta = 2.0 : f64} : (tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("clamp")
  %6 = nn.binary sub %5, %2 : (tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("sub")
  %7 = nn.unary sigmoid %6 : (tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("sigmoid")
  %8 = nn.binary mul %6, %7 : (tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("mul")
  %9 = nn.binary add %8, %offset : (tensor<?x2x6x6xf32>, tensor<2x1x1xf32>) -> tensor<?x2x6x6xf32> loc("offset")
  %10 = nn.binary mul %9, %scale : (tensor<?x2x6x6xf32>, tensor<2x1x1xf32>) -> tensor<?x2x6x6xf32> loc("scale")
  %11 = nn.binary div %10, %three : (tensor<?x2x6x6xf32>, tensor<f32>) -> tensor<?x2x6x6xf32> loc("third")
  %12 = nn.unary hard_swish %11 : (tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> loc("hard_swish")
  // Pools, a transposed convolution, a resize.
  %13 = nn.pool max %12 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x2x6x6xf32>) -> tensor<?x2x3x3xf32> loc("max_pool")
  %14 = nn.conv_transpose %13, %wt, %b1 {dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x2x3x3xf32>, tensor<2x2x2x2xf32>, tensor<2xf32>) -> tensor<?x2x6x6xf32> loc("up")
  %15 = nn.pool average %14 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x2x6x6xf32>) -> tensor<?x2x3x3xf32> loc("average_pool")
  %16 = nn.resize nearest %15 {coordinate = #nn<resize_coordinate asymmetric>, rounding = #nn<resize_rounding floor>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>} : (tensor<?x2x3x3xf32>) -> tensor<?x2x6x6xf32> loc("resize")
  // Joins, cuts, pads, permutations.
  %doubled = nn.resize nearest %13 {coordinate = #nn<resize_coordinate asymmetric>, rounding = #nn<resize_rounding floor>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>} : (tensor<?x2x3x3xf32>) -> tensor<?x2x6x6xf32> loc("resize2")
  %17 = nn.concat %16, %12, %doubled {axis = 1 : i64} : (tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>) -> tensor<?x6x6x6xf32> loc("concat")
  %18 = nn.slice %17 {starts = array<i64: 0, 1, 0, 0>, ends = array<i64: 9223372036854775807, 5, 6, 6>, steps = array<i64: 1, 1, 2, 2>} : (tensor<?x6x6x6xf32>) -> tensor<?x4x3x3xf32> loc("slice")
  %19 = nn.transpose %18 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<?x4x3x3xf32>) -> tensor<?x3x3x4xf32> loc("transpose")
  %20 = nn.reduce max %19 {axes = array<i64: 1>, keepdims = false} : (tensor<?x3x3x4xf32>) -> tensor<?x3x4xf32> loc("max")
  // A product of two computed matrices, a mean, an index, a float result.
  %21 = nn.transpose %20 {permutation = array<i64: 0, 2, 1>} : (tensor<?x3x4xf32>) -> tensor<?x4x3xf32> loc("t")
  %22 = nn.matmul %21, %20 : (tensor<?x4x3xf32>, tensor<?x3x4xf32>) -> tensor<?x4x4xf32> loc("matmul")
  %23 = nn.unary tanh %22 : (tensor<?x4x4xf32>) -> tensor<?x4x4xf32> loc("tanh")
  %24 = nn.reduce mean %17 {axes = array<i64: 2, 3>, keepdims = false} : (tensor<?x6x6x6xf32>) -> tensor<?x6xf32> loc("mean")
  %25 = nn.reshape %23 : (tensor<?x4x4xf32>) -> tensor<?x16xf32> loc("flatten")
  %26 = nn.pad constant %24 {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<?x6xf32>) -> tensor<?x8xf32> loc("pad")
  %27 = nn.concat %25, %26 {axis = 1 : i64} : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x24xf32> loc("join")
  %28 = nn.unary silu %27 {alpha = 1.0 : f64} : (tensor<?x24xf32>) -> tensor<?x24xf32> loc("silu")
  %29 = nn.reduce max %18 {axes = array<i64: 2, 3>, keepdims = false} : (tensor<?x4x3x3xf32>) -> tensor<?x4xf32> loc("peaks")
  %30 = nn.reshape %29 : (tensor<?x4xf32>) -> tensor<?x2x2xf32> loc("pairs")
  %31 = nn.arg_reduce max %30 {axis = 2 : i64, keepdims = false} : (tensor<?x2x2xf32>) -> tensor<?x2xi64> loc("best")
  return %28, %31 : tensor<?x24xf32>, tensor<?x2xi64>
}
