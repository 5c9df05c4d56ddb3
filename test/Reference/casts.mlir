// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-fold-constants --terse-interpret -o /dev/null

func.func @float_to_integer_truncates_and_saturates() {
  %x = nn.constant dense<[1.9, -1.9, 300.0, -300.0, 0x7FC00000]> : tensor<5xf32>
  %y = nn.cast %x : (tensor<5xf32>) -> tensor<5xi8>
  %e = nn.constant dense<[1, -1, 127, -128, 0]> : tensor<5xi8>
  check.expect_eq %y, %e : tensor<5xi8>, tensor<5xi8>
  %u = nn.cast %x : (tensor<5xf32>) -> tensor<5xui4>
  %ue = nn.constant dense<[1, 0, 15, 0, 0]> : tensor<5xui4>
  check.expect_eq %u, %ue : tensor<5xui4>, tensor<5xui4>
  return
}

func.func @integer_to_integer_keeps_low_bits() {
  %x = nn.constant dense<[257, -1, 9]> : tensor<3xi64>
  %y = nn.cast %x : (tensor<3xi64>) -> tensor<3xui8>
  %e = nn.constant dense<[1, 255, 9]> : tensor<3xui8>
  check.expect_eq %y, %e : tensor<3xui8>, tensor<3xui8>
  %n = nn.cast %x : (tensor<3xi64>) -> tensor<3xi4>
  %ne = nn.constant dense<[1, -1, -7]> : tensor<3xi4>
  check.expect_eq %n, %ne : tensor<3xi4>, tensor<3xi4>
  return
}

// The largest f8E4M3FN is 448; beyond, saturation decides.
func.func @to_fp8() {
  %x = nn.constant dense<[1000.0, 0.3, -464.0]> : tensor<3xf32>
  %y = nn.cast %x : (tensor<3xf32>) -> tensor<3xf8E4M3FN>
  %back = nn.cast %y : (tensor<3xf8E4M3FN>) -> tensor<3xf32>
  %e = nn.constant dense<[448.0, 0.3125, -448.0]> : tensor<3xf32>
  check.expect_eq %back, %e : tensor<3xf32>, tensor<3xf32>
  %z = nn.cast %x {saturate = false} : (tensor<3xf32>) -> tensor<3xf8E4M3FN>
  %zback = nn.cast %z : (tensor<3xf8E4M3FN>) -> tensor<3xf32>
  %ze = nn.constant dense<[0x7FC00000, 0.3125, -448.0]> : tensor<3xf32>
  check.expect_eq %zback, %ze : tensor<3xf32>, tensor<3xf32>
  return
}

func.func @to_e8m0() {
  %x = nn.constant dense<[3.0, 4.0, 5.0]> : tensor<3xf32>
  %up = nn.cast %x {rounding = #nn<cast_rounding up>} : (tensor<3xf32>) -> tensor<3xf8E8M0FNU>
  %upf = nn.cast %up : (tensor<3xf8E8M0FNU>) -> tensor<3xf32>
  %upe = nn.constant dense<[4.0, 4.0, 8.0]> : tensor<3xf32>
  check.expect_eq %upf, %upe : tensor<3xf32>, tensor<3xf32>
  %down = nn.cast %x {rounding = #nn<cast_rounding down>} : (tensor<3xf32>) -> tensor<3xf8E8M0FNU>
  %downf = nn.cast %down : (tensor<3xf8E8M0FNU>) -> tensor<3xf32>
  %downe = nn.constant dense<[2.0, 4.0, 4.0]> : tensor<3xf32>
  check.expect_eq %downf, %downe : tensor<3xf32>, tensor<3xf32>
  return
}

// 2^24 + 1 is no f32, 2^53 + 1 no f64; the ties go to even.
func.func @big_integers() {
  %x = nn.constant dense<[16777217, 9007199254740993]> : tensor<2xi64>
  %y = nn.cast %x : (tensor<2xi64>) -> tensor<2xf32>
  %e = nn.constant dense<[16777216.0, 9007199254740992.0]> : tensor<2xf32>
  check.expect_eq %y, %e : tensor<2xf32>, tensor<2xf32>
  %b = nn.cast %x : (tensor<2xi64>) -> tensor<2xi1>
  %be = nn.constant dense<true> : tensor<2xi1>
  check.expect_eq %b, %be : tensor<2xi1>, tensor<2xi1>
  return
}

func.func @bitcast() {
  %x = nn.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %y = nn.bitcast %x : (tensor<2xf32>) -> tensor<2xi32>
  %e = nn.constant dense<[0x3F800000, -1073741824]> : tensor<2xi32>
  check.expect_eq %y, %e : tensor<2xi32>, tensor<2xi32>
  %n = nn.constant dense<[-1, 3]> : tensor<2xi4>
  %u = nn.bitcast %n : (tensor<2xi4>) -> tensor<2xui4>
  %ue = nn.constant dense<[15, 3]> : tensor<2xui4>
  check.expect_eq %u, %ue : tensor<2xui4>, tensor<2xui4>
  return
}
