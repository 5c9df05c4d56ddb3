// A channel of zeros, one with a single huge weight, tensors of one element.
func.func @main(%x: tensor<?x3x2x2xf32> {nn.name = "x"}) -> (tensor<?x1xf32> {nn.name = "y"}, tensor<?x2xf32> {nn.name = "means"}) {
  %w = nn.constant dense<[[[[0.0]], [[0.0]], [[0.0]]], [[[1.0e4]], [[1.0e-3]], [[-1.0e-3]]]]> : tensor<2x3x1x1xf32>
  %b = nn.constant dense<[2.0, 0.0]> : tensor<2xf32>
  %v = nn.constant dense<[[2.0]]> : tensor<1x1xf32>
  %0 = nn.conv %x, %w, %b {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
    : (tensor<?x3x2x2xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<?x2x2x2xf32> loc("conv")
  %1 = nn.reduce mean %0 {axes = array<i64: 2, 3>, keepdims = false} : (tensor<?x2x2x2xf32>) -> tensor<?x2xf32> loc("mean")
  %2 = nn.slice %1 {starts = array<i64: 0, 0>, ends = array<i64: 9223372036854775807, 1>, steps = array<i64: 1, 1>}
    : (tensor<?x2xf32>) -> tensor<?x1xf32> loc("slice")
  %3 = nn.linear %2, %v : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32> loc("linear")
  return %3, %1 : tensor<?x1xf32>, tensor<?x2xf32>
}
