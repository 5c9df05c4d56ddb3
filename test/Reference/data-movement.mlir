// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-fold-constants --terse-interpret -o /dev/null

func.func @shape_iota_range() {
  %x = nn.constant dense<0.0> : tensor<2x3xf32>
  %s = nn.shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  %se = nn.constant dense<[2, 3]> : tensor<2xi64>
  check.expect_eq %s, %se : tensor<2xi64>, tensor<2xi64>
  %i = nn.iota %s {axis = 1 : i64} : (tensor<2xi64>) -> tensor<2x?xi32>
  %ie = nn.constant dense<[[0, 1, 2], [0, 1, 2]]> : tensor<2x3xi32>
  check.expect_eq %i, %ie : tensor<2x?xi32>, tensor<2x3xi32>
  %a = nn.constant dense<10> : tensor<i64>
  %b = nn.constant dense<4> : tensor<i64>
  %c = nn.constant dense<-3> : tensor<i64>
  %r = nn.range %a, %b, %c : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %re = nn.constant dense<[10, 7]> : tensor<2xi64>
  check.expect_eq %r, %re : tensor<?xi64>, tensor<2xi64>
  return
}

func.func @reshape_transpose_broadcast() {
  %x = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %shape = nn.constant dense<[3, 2]> : tensor<2xi64>
  %r = nn.reshape %x, %shape : (tensor<2x3xi8>, tensor<2xi64>) -> tensor<?x?xi8>
  %re = nn.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  check.expect_eq %r, %re : tensor<?x?xi8>, tensor<3x2xi8>
  %f = nn.reshape %r : (tensor<?x?xi8>) -> tensor<2x?xi8>
  check.expect_eq %f, %x : tensor<2x?xi8>, tensor<2x3xi8>
  %t = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xi8>) -> tensor<3x2xi8>
  %te = nn.constant dense<[[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>
  check.expect_eq %t, %te : tensor<3x2xi8>, tensor<3x2xi8>
  %v = nn.constant dense<[[1], [2]]> : tensor<2x1xi8>
  %b = nn.broadcast %v : (tensor<2x1xi8>) -> tensor<2x2x2xi8>
  %be = nn.constant dense<[[[1, 1], [2, 2]], [[1, 1], [2, 2]]]> : tensor<2x2x2xi8>
  check.expect_eq %b, %be : tensor<2x2x2xi8>, tensor<2x2x2xi8>
  return
}

func.func @slices() {
  %x = nn.constant dense<[0, 1, 2, 3, 4, 5]> : tensor<6xi32>
  %a = nn.slice %x {starts = array<i64: 1>, ends = array<i64: -1>, steps = array<i64: 2>} : (tensor<6xi32>) -> tensor<2xi32>
  %ae = nn.constant dense<[1, 3]> : tensor<2xi32>
  check.expect_eq %a, %ae : tensor<2xi32>, tensor<2xi32>
  %b = nn.slice %x {starts = array<i64: -1>, ends = array<i64: -9223372036854775808>, steps = array<i64: -2>} : (tensor<6xi32>) -> tensor<3xi32>
  %be = nn.constant dense<[5, 3, 1]> : tensor<3xi32>
  check.expect_eq %b, %be : tensor<3xi32>, tensor<3xi32>
  %start = nn.constant dense<4> : tensor<1xi64>
  %end = nn.constant dense<9223372036854775807> : tensor<1xi64>
  %step = nn.constant dense<1> : tensor<1xi64>
  %c = nn.dynamic_slice %x, %start, %end, %step : (tensor<6xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xi32>
  %ce = nn.constant dense<[4, 5]> : tensor<2xi32>
  check.expect_eq %c, %ce : tensor<?xi32>, tensor<2xi32>
  return
}

func.func @concat() {
  %a = nn.constant dense<[[1], [2]]> : tensor<2x1xi16>
  %b = nn.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi16>
  %y = nn.concat %a, %b {axis = 1 : i64} : (tensor<2x1xi16>, tensor<2x2xi16>) -> tensor<2x3xi16>
  %e = nn.constant dense<[[1, 3, 4], [2, 5, 6]]> : tensor<2x3xi16>
  check.expect_eq %y, %e : tensor<2x3xi16>, tensor<2x3xi16>
  return
}

func.func @pads() {
  %x = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %nine = nn.constant dense<9> : tensor<i32>
  %c = nn.pad constant %x, %nine {low = array<i64: 1>, high = array<i64: 2>} : (tensor<3xi32>, tensor<i32>) -> tensor<6xi32>
  %ce = nn.constant dense<[9, 1, 2, 3, 9, 9]> : tensor<6xi32>
  check.expect_eq %c, %ce : tensor<6xi32>, tensor<6xi32>
  %e = nn.pad edge %x {low = array<i64: 2>, high = array<i64: 1>} : (tensor<3xi32>) -> tensor<6xi32>
  %ee = nn.constant dense<[1, 1, 1, 2, 3, 3]> : tensor<6xi32>
  check.expect_eq %e, %ee : tensor<6xi32>, tensor<6xi32>
  %r = nn.pad reflect %x {low = array<i64: 3>, high = array<i64: 2>} : (tensor<3xi32>) -> tensor<8xi32>
  %re = nn.constant dense<[2, 3, 2, 1, 2, 3, 2, 1]> : tensor<8xi32>
  check.expect_eq %r, %re : tensor<8xi32>, tensor<8xi32>
  %w = nn.pad wrap %x {low = array<i64: 1>, high = array<i64: 4>} : (tensor<3xi32>) -> tensor<8xi32>
  %we = nn.constant dense<[3, 1, 2, 3, 1, 2, 3, 1]> : tensor<8xi32>
  check.expect_eq %w, %we : tensor<8xi32>, tensor<8xi32>
  %n = nn.pad constant %x {low = array<i64: -1>, high = array<i64: 1>} : (tensor<3xi32>) -> tensor<3xi32>
  %ne = nn.constant dense<[2, 3, 0]> : tensor<3xi32>
  check.expect_eq %n, %ne : tensor<3xi32>, tensor<3xi32>
  return
}
