// RUN: terse-opt %s --terse-interpret -o /dev/null

func.func @gather() {
  %x = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[2, -3]> : tensor<2xi64>
  %y = nn.gather %x, %i {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2xi64>) -> tensor<2x2xi32>
  %e = nn.constant dense<[[3, 1], [6, 4]]> : tensor<2x2xi32>
  check.expect_eq %y, %e : tensor<2x2xi32>, tensor<2x2xi32>
  return
}

func.func @gather_elements() {
  %x = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %i = nn.constant dense<[[0, 0], [1, 0]]> : tensor<2x2xi32>
  %y = nn.gather_elements %x, %i {axis = 1 : i64} : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi32>
  %e = nn.constant dense<[[1, 1], [4, 3]]> : tensor<2x2xi32>
  check.expect_eq %y, %e : tensor<2x2xi32>, tensor<2x2xi32>
  return
}

func.func @gather_nd() {
  %x = nn.constant dense<[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]> : tensor<2x2x2xi32>
  %i = nn.constant dense<[[1], [0]]> : tensor<2x1xi64>
  %y = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<2x2x2xi32>, tensor<2x1xi64>) -> tensor<2x2xi32>
  %e = nn.constant dense<[[2, 3], [4, 5]]> : tensor<2x2xi32>
  check.expect_eq %y, %e : tensor<2x2xi32>, tensor<2x2xi32>
  return
}

func.func @scatter_elements() {
  %x = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %i = nn.constant dense<[1, 1, -1]> : tensor<3xi64>
  %u = nn.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32>
  %r = nn.scatter_elements replace %x, %i, %u {axis = 0 : i64} : (tensor<3xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<3xf32>
  %re = nn.constant dense<[1.0, 20.0, 30.0]> : tensor<3xf32>
  check.expect_eq %r, %re : tensor<3xf32>, tensor<3xf32>
  %a = nn.scatter_elements add %x, %i, %u {axis = 0 : i64} : (tensor<3xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<3xf32>
  %ae = nn.constant dense<[1.0, 32.0, 33.0]> : tensor<3xf32>
  check.expect_eq %a, %ae : tensor<3xf32>, tensor<3xf32>
  return
}

func.func @scatter_nd() {
  %x = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %i = nn.constant dense<[[1]]> : tensor<1x1xi64>
  %u = nn.constant dense<[[9, 0]]> : tensor<1x2xi32>
  %y = nn.scatter_nd max %x, %i, %u : (tensor<2x2xi32>, tensor<1x1xi64>, tensor<1x2xi32>) -> tensor<2x2xi32>
  %e = nn.constant dense<[[1, 2], [9, 4]]> : tensor<2x2xi32>
  check.expect_eq %y, %e : tensor<2x2xi32>, tensor<2x2xi32>
  return
}

func.func @reverse_sequence() {
  %x = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %l = nn.constant dense<[2, 3]> : tensor<2xi64>
  %y = nn.reverse_sequence %x, %l {time_axis = 1 : i64, batch_axis = 0 : i64} : (tensor<2x3xi32>, tensor<2xi64>) -> tensor<2x3xi32>
  %e = nn.constant dense<[[2, 1, 3], [6, 5, 4]]> : tensor<2x3xi32>
  check.expect_eq %y, %e : tensor<2x3xi32>, tensor<2x3xi32>
  return
}
