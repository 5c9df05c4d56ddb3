// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-decompose --terse-interpret -o /dev/null
// RUN: terse-opt %s --terse-interpret=f64-accumulation=false -o /dev/null

func.func @linear() {
  %x = nn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %w = nn.constant dense<[[1.0, 0.0], [3.0, 4.0], [-1.0, 1.0]]> : tensor<3x2xf32>
  %b = nn.constant dense<[0.5, 0.0, 1.0]> : tensor<3xf32>
  %y = nn.linear %x, %w, %b : (tensor<1x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %e = nn.constant dense<[[1.5, 11.0, 2.0]]> : tensor<1x3xf32>
  check.expect_eq %y, %e : tensor<1x3xf32>, tensor<1x3xf32>
  return
}

func.func @matmul_broadcasts_batch() {
  %a = nn.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %b = nn.constant dense<[[1.0, 10.0], [2.0, 20.0]]> : tensor<2x2xf32>
  %y = nn.matmul %a, %b : (tensor<2x1x2xf32>, tensor<2x2xf32>) -> tensor<2x1x2xf32>
  %e = nn.constant dense<[[[5.0, 50.0]], [[11.0, 110.0]]]> : tensor<2x1x2xf32>
  check.expect_eq %y, %e : tensor<2x1x2xf32>, tensor<2x1x2xf32>
  return
}

func.func @matmul_of_i8_is_i32() {
  %a = nn.constant dense<-128> : tensor<1x4xi8>
  %b = nn.constant dense<-128> : tensor<4x1xi8>
  %y = nn.matmul %a, %b : (tensor<1x4xi8>, tensor<4x1xi8>) -> tensor<1x1xi32>
  %e = nn.constant dense<65536> : tensor<1x1xi32>
  check.expect_eq %y, %e : tensor<1x1xi32>, tensor<1x1xi32>
  return
}

func.func @matmul_of_i64_is_exact() {
  %a = nn.constant dense<[[9007199254740993, 1]]> : tensor<1x2xi64>
  %b = nn.constant dense<[[3], [1]]> : tensor<2x1xi64>
  %y = nn.matmul %a, %b : (tensor<1x2xi64>, tensor<2x1xi64>) -> tensor<1x1xi64>
  %e = nn.constant dense<27021597764222980> : tensor<1x1xi64>
  check.expect_eq %y, %e : tensor<1x1xi64>, tensor<1x1xi64>
  return
}

func.func @conv_pads_strides() {
  %x = nn.constant dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x1x3x3xf32>
  %w = nn.constant dense<1.0> : tensor<1x1x3x3xf32>
  %b = nn.constant dense<0.5> : tensor<1xf32>
  %y = nn.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
    : (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  %e = nn.constant dense<[[[[12.5, 16.5], [24.5, 28.5]]]]> : tensor<1x1x2x2xf32>
  check.expect_eq %y, %e : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
  return
}

func.func @conv_depthwise_dilated() {
  %x = nn.constant dense<[[[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]]]> : tensor<1x2x4xf32>
  %w = nn.constant dense<[[[1.0, 1.0]], [[1.0, -1.0]]]> : tensor<2x1x2xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 2>, groups = 2 : i64}
    : (tensor<1x2x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x2xf32>
  %e = nn.constant dense<[[[4.0, 6.0], [-20.0, -20.0]]]> : tensor<1x2x2xf32>
  check.expect_eq %y, %e : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  return
}

func.func @conv_transpose() {
  %x = nn.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %w = nn.constant dense<[[[1.0, 10.0, 100.0]]]> : tensor<1x1x3xf32>
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding = array<i64: 1>}
    : (tensor<1x1x2xf32>, tensor<1x1x3xf32>) -> tensor<1x1x6xf32>
  %e = nn.constant dense<[[[1.0, 10.0, 102.0, 20.0, 200.0, 0.0]]]> : tensor<1x1x6xf32>
  check.expect_eq %y, %e : tensor<1x1x6xf32>, tensor<1x1x6xf32>
  return
}

func.func @embedding() {
  %t = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %i = nn.constant dense<[1, 0, -1]> : tensor<3xi64>
  %y = nn.embedding %t, %i : (tensor<2x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  %e = nn.constant dense<[[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<3x2xf32>
  check.expect_eq %y, %e : tensor<3x2xf32>, tensor<3x2xf32>
  return
}
