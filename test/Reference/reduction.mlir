// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-decompose --terse-interpret -o /dev/null

func.func @sums() {
  %x = nn.constant dense<[[1.0, 2.0], [3.0, -4.0]]> : tensor<2x2xf32>
  %sum = nn.reduce sum %x {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2xf32>
  %sum_e = nn.constant dense<[3.0, -1.0]> : tensor<2xf32>
  check.expect_eq %sum, %sum_e : tensor<2xf32>, tensor<2xf32>
  %mean = nn.reduce mean %x {axes = array<i64: 0>, keepdims = true} : (tensor<2x2xf32>) -> tensor<1x2xf32>
  %mean_e = nn.constant dense<[[2.0, -1.0]]> : tensor<1x2xf32>
  check.expect_eq %mean, %mean_e : tensor<1x2xf32>, tensor<1x2xf32>
  %l1 = nn.reduce l1 %x {axes = array<i64: 0, 1>} : (tensor<2x2xf32>) -> tensor<f32>
  %l1_e = nn.constant dense<10.0> : tensor<f32>
  check.expect_eq %l1, %l1_e : tensor<f32>, tensor<f32>
  %l2 = nn.reduce l2 %x {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2xf32>
  %l2_e = nn.constant dense<[2.23606798, 5.0]> : tensor<2xf32>
  check.expect_close %l2, %l2_e : tensor<2xf32>, tensor<2xf32>
  %square = nn.reduce sum_square %x {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2xf32>
  %square_e = nn.constant dense<[5.0, 25.0]> : tensor<2xf32>
  check.expect_eq %square, %square_e : tensor<2xf32>, tensor<2xf32>
  %none = nn.reduce sum %x {axes = array<i64>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  check.expect_eq %none, %x : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @products_and_extrema() {
  %x = nn.constant dense<[[1, 2], [3, -4]]> : tensor<2x2xi32>
  %prod = nn.reduce prod %x {axes = array<i64: 0, 1>} : (tensor<2x2xi32>) -> tensor<i32>
  %prod_e = nn.constant dense<-24> : tensor<i32>
  check.expect_eq %prod, %prod_e : tensor<i32>, tensor<i32>
  %max = nn.reduce max %x {axes = array<i64: 0>} : (tensor<2x2xi32>) -> tensor<2xi32>
  %max_e = nn.constant dense<[3, 2]> : tensor<2xi32>
  check.expect_eq %max, %max_e : tensor<2xi32>, tensor<2xi32>
  %min = nn.reduce min %x {axes = array<i64: 1>} : (tensor<2x2xi32>) -> tensor<2xi32>
  %min_e = nn.constant dense<[1, -4]> : tensor<2xi32>
  check.expect_eq %min, %min_e : tensor<2xi32>, tensor<2xi32>
  return
}

func.func @logarithms() {
  %x = nn.constant dense<[1000.0, 1000.0]> : tensor<2xf64>
  %lse = nn.reduce log_sum_exp %x {axes = array<i64: 0>} : (tensor<2xf64>) -> tensor<f64>
  %lse_e = nn.constant dense<1000.69314718056> : tensor<f64>
  check.expect_close %lse, %lse_e {rtol = 1.0e-12} : tensor<f64>, tensor<f64>
  %ls = nn.reduce log_sum %x {axes = array<i64: 0>} : (tensor<2xf64>) -> tensor<f64>
  %ls_e = nn.constant dense<7.60090245954> : tensor<f64>
  check.expect_close %ls, %ls_e : tensor<f64>, tensor<f64>
  return
}

func.func @empty() {
  %x = nn.constant dense<> : tensor<0xf32>
  %max = nn.reduce max %x {axes = array<i64: 0>} : (tensor<0xf32>) -> tensor<f32>
  %max_e = nn.constant dense<0xFF800000> : tensor<f32>
  check.expect_eq %max, %max_e : tensor<f32>, tensor<f32>
  %prod = nn.reduce prod %x {axes = array<i64: 0>} : (tensor<0xf32>) -> tensor<f32>
  %prod_e = nn.constant dense<1.0> : tensor<f32>
  check.expect_eq %prod, %prod_e : tensor<f32>, tensor<f32>
  %mean = nn.reduce mean %x {axes = array<i64: 0>} : (tensor<0xf32>) -> tensor<f32>
  %mean_e = nn.constant dense<0x7FC00000> : tensor<f32>
  check.expect_eq %mean, %mean_e : tensor<f32>, tensor<f32>
  %i = nn.constant dense<> : tensor<0xi8>
  %min = nn.reduce min %i {axes = array<i64: 0>} : (tensor<0xi8>) -> tensor<i8>
  %min_e = nn.constant dense<127> : tensor<i8>
  check.expect_eq %min, %min_e : tensor<i8>, tensor<i8>
  return
}

func.func @arg_reduce() {
  %x = nn.constant dense<[[1, 7, 7], [5, 2, 2]]> : tensor<2x3xi32>
  %max = nn.arg_reduce max %x {axis = 1 : i64} : (tensor<2x3xi32>) -> tensor<2xi64>
  %max_e = nn.constant dense<[1, 0]> : tensor<2xi64>
  check.expect_eq %max, %max_e : tensor<2xi64>, tensor<2xi64>
  %last = nn.arg_reduce min %x {axis = 1 : i64, select_last = true, keepdims = true} : (tensor<2x3xi32>) -> tensor<2x1xi64>
  %last_e = nn.constant dense<[[0], [2]]> : tensor<2x1xi64>
  check.expect_eq %last, %last_e : tensor<2x1xi64>, tensor<2x1xi64>
  return
}

func.func @cumulative() {
  %x = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %sum = nn.cumulative sum %x {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %sum_e = nn.constant dense<[1, 3, 6]> : tensor<3xi32>
  check.expect_eq %sum, %sum_e : tensor<3xi32>, tensor<3xi32>
  %back = nn.cumulative prod %x {axis = 0 : i64, exclusive = true, reverse = true} : (tensor<3xi32>) -> tensor<3xi32>
  %back_e = nn.constant dense<[6, 3, 1]> : tensor<3xi32>
  check.expect_eq %back, %back_e : tensor<3xi32>, tensor<3xi32>
  return
}

func.func @top_k() {
  %x = nn.constant dense<[[3.0, 9.0, 3.0, 1.0]]> : tensor<1x4xf32>
  %v, %i = nn.top_k %x {k = 3 : i64, axis = 1 : i64} : (tensor<1x4xf32>) -> (tensor<1x3xf32>, tensor<1x3xi64>)
  %ve = nn.constant dense<[[9.0, 3.0, 3.0]]> : tensor<1x3xf32>
  %ie = nn.constant dense<[[1, 0, 2]]> : tensor<1x3xi64>
  check.expect_eq %v, %ve : tensor<1x3xf32>, tensor<1x3xf32>
  check.expect_eq %i, %ie : tensor<1x3xi64>, tensor<1x3xi64>
  %s, %j = nn.top_k %x {k = 2 : i64, axis = 1 : i64, largest = false} : (tensor<1x4xf32>) -> (tensor<1x2xf32>, tensor<1x2xi64>)
  %je = nn.constant dense<[[3, 0]]> : tensor<1x2xi64>
  check.expect_eq %j, %je : tensor<1x2xi64>, tensor<1x2xi64>
  return
}
