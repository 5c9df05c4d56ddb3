// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-fold-constants --terse-interpret -o /dev/null

func.func @relu_and_leaky() {
  %x = nn.constant dense<[-2.0, 0.0, 3.0]> : tensor<3xf32>
  %y = nn.unary relu %x : (tensor<3xf32>) -> tensor<3xf32>
  %e = nn.constant dense<[0.0, 0.0, 3.0]> : tensor<3xf32>
  check.expect_eq %y, %e : tensor<3xf32>, tensor<3xf32>
  %l = nn.unary leaky_relu %x {alpha = 0.5} : (tensor<3xf32>) -> tensor<3xf32>
  %le = nn.constant dense<[-1.0, 0.0, 3.0]> : tensor<3xf32>
  check.expect_eq %l, %le : tensor<3xf32>, tensor<3xf32>
  return
}

func.func @round_ties_to_even() {
  %x = nn.constant dense<[0.5, 1.5, 2.5, -0.5, -1.5]> : tensor<5xf32>
  %y = nn.unary round %x : (tensor<5xf32>) -> tensor<5xf32>
  %e = nn.constant dense<[0.0, 2.0, 2.0, 0.0, -2.0]> : tensor<5xf32>
  check.expect_eq %y, %e : tensor<5xf32>, tensor<5xf32>
  return
}

func.func @transcendental() {
  %x = nn.constant dense<[1.0, 0.25]> : tensor<2xf32>
  %exp = nn.unary exp %x : (tensor<2xf32>) -> tensor<2xf32>
  %exp_e = nn.constant dense<[2.71828183, 1.28402542]> : tensor<2xf32>
  check.expect_close %exp, %exp_e {atol = 0.0, rtol = 1.0e-7} : tensor<2xf32>, tensor<2xf32>
  %tanh = nn.unary tanh %x : (tensor<2xf32>) -> tensor<2xf32>
  %tanh_e = nn.constant dense<[0.761594156, 0.244918662]> : tensor<2xf32>
  check.expect_close %tanh, %tanh_e : tensor<2xf32>, tensor<2xf32>
  %erf = nn.unary erf %x : (tensor<2xf32>) -> tensor<2xf32>
  %erf_e = nn.constant dense<[0.842700793, 0.27632639]> : tensor<2xf32>
  check.expect_close %erf, %erf_e : tensor<2xf32>, tensor<2xf32>
  %rsqrt = nn.unary rsqrt %x : (tensor<2xf32>) -> tensor<2xf32>
  %rsqrt_e = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  check.expect_eq %rsqrt, %rsqrt_e : tensor<2xf32>, tensor<2xf32>
  return
}

func.func @activations_at_one() {
  %x = nn.constant dense<1.0> : tensor<f64>
  %sigmoid = nn.unary sigmoid %x : (tensor<f64>) -> tensor<f64>
  %sigmoid_e = nn.constant dense<0.73105857863> : tensor<f64>
  check.expect_close %sigmoid, %sigmoid_e : tensor<f64>, tensor<f64>
  %gelu = nn.unary gelu %x : (tensor<f64>) -> tensor<f64>
  %gelu_e = nn.constant dense<0.84134474607> : tensor<f64>
  check.expect_close %gelu, %gelu_e : tensor<f64>, tensor<f64>
  %tanh = nn.unary gelu_tanh %x : (tensor<f64>) -> tensor<f64>
  %tanh_e = nn.constant dense<0.84119199060> : tensor<f64>
  check.expect_close %tanh, %tanh_e : tensor<f64>, tensor<f64>
  %silu = nn.unary silu %x {alpha = 1.0} : (tensor<f64>) -> tensor<f64>
  check.expect_close %silu, %sigmoid_e : tensor<f64>, tensor<f64>
  %softplus = nn.unary softplus %x : (tensor<f64>) -> tensor<f64>
  %softplus_e = nn.constant dense<1.31326168752> : tensor<f64>
  check.expect_close %softplus, %softplus_e : tensor<f64>, tensor<f64>
  %mish = nn.unary mish %x : (tensor<f64>) -> tensor<f64>
  %mish_e = nn.constant dense<0.86509838826> : tensor<f64>
  check.expect_close %mish, %mish_e : tensor<f64>, tensor<f64>
  %hs = nn.unary hard_swish %x : (tensor<f64>) -> tensor<f64>
  %hs_e = nn.constant dense<0.66666666667> : tensor<f64>
  check.expect_close %hs, %hs_e : tensor<f64>, tensor<f64>
  return
}

func.func @parametric() {
  %x = nn.constant dense<[-3.0, -0.5, 0.5, 3.0]> : tensor<4xf32>
  %clamp = nn.unary clamp %x {alpha = -1.0, beta = 2.0} : (tensor<4xf32>) -> tensor<4xf32>
  %clamp_e = nn.constant dense<[-1.0, -0.5, 0.5, 2.0]> : tensor<4xf32>
  check.expect_eq %clamp, %clamp_e : tensor<4xf32>, tensor<4xf32>
  %shrink = nn.unary shrink %x {alpha = 1.0, beta = 0.5} : (tensor<4xf32>) -> tensor<4xf32>
  %shrink_e = nn.constant dense<[-2.5, 0.0, 0.0, 2.5]> : tensor<4xf32>
  check.expect_eq %shrink, %shrink_e : tensor<4xf32>, tensor<4xf32>
  %affine = nn.unary affine %x {alpha = 2.0, beta = 1.0} : (tensor<4xf32>) -> tensor<4xf32>
  %affine_e = nn.constant dense<[-5.0, 0.0, 2.0, 7.0]> : tensor<4xf32>
  check.expect_eq %affine, %affine_e : tensor<4xf32>, tensor<4xf32>
  %thresholded = nn.unary thresholded_relu %x {alpha = 1.0} : (tensor<4xf32>) -> tensor<4xf32>
  %thresholded_e = nn.constant dense<[0.0, 0.0, 0.0, 3.0]> : tensor<4xf32>
  check.expect_eq %thresholded, %thresholded_e : tensor<4xf32>, tensor<4xf32>
  return
}

func.func @special_values() {
  %x = nn.constant dense<[0x7FC00000, 0x7F800000, 0xFF800000]> : tensor<3xf32>
  %y = nn.unary clamp %x {alpha = -1.0, beta = 2.0} : (tensor<3xf32>) -> tensor<3xf32>
  %e = nn.constant dense<[0x7FC00000, 2.0, -1.0]> : tensor<3xf32>
  check.expect_eq %y, %e : tensor<3xf32>, tensor<3xf32>
  %z = nn.constant dense<0.0> : tensor<3xf32>
  %max = nn.binary max %z, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %max_e = nn.constant dense<[0x7FC00000, 0x7F800000, 0.0]> : tensor<3xf32>
  check.expect_eq %max, %max_e : tensor<3xf32>, tensor<3xf32>
  %ne = nn.compare ne %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %ne_e = nn.constant dense<[true, false, false]> : tensor<3xi1>
  check.expect_eq %ne, %ne_e : tensor<3xi1>, tensor<3xi1>
  return
}

func.func @broadcast_binary() {
  %a = nn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %b = nn.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32>
  %y = nn.binary add %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %e = nn.constant dense<[[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]> : tensor<2x3xf32>
  check.expect_eq %y, %e : tensor<2x3xf32>, tensor<2x3xf32>
  return
}

// 2^63 - 1 and its neighbours are no f64.
func.func @exact_i64() {
  %a = nn.constant dense<[9223372036854775807, -9223372036854775808, 9007199254740993]> : tensor<3xi64>
  %b = nn.constant dense<[1, -1, 2]> : tensor<3xi64>
  %sum = nn.binary add %a, %b : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %sum_e = nn.constant dense<[-9223372036854775808, 9223372036854775807, 9007199254740995]> : tensor<3xi64>
  check.expect_eq %sum, %sum_e : tensor<3xi64>, tensor<3xi64>
  %quotient = nn.binary div %a, %b : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %quotient_e = nn.constant dense<[9223372036854775807, -9223372036854775808, 4503599627370496]> : tensor<3xi64>
  check.expect_eq %quotient, %quotient_e : tensor<3xi64>, tensor<3xi64>
  %lt = nn.compare lt %a, %sum : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi1>
  %lt_e = nn.constant dense<[false, true, true]> : tensor<3xi1>
  check.expect_eq %lt, %lt_e : tensor<3xi1>, tensor<3xi1>
  return
}

func.func @unsigned_and_narrow() {
  %a = nn.constant dense<[18446744073709551615, 7]> : tensor<2xui64>
  %b = nn.constant dense<[2, 8]> : tensor<2xui64>
  %gt = nn.compare gt %a, %b : (tensor<2xui64>, tensor<2xui64>) -> tensor<2xi1>
  %gt_e = nn.constant dense<[true, false]> : tensor<2xi1>
  check.expect_eq %gt, %gt_e : tensor<2xi1>, tensor<2xi1>
  %q = nn.binary div %a, %b : (tensor<2xui64>, tensor<2xui64>) -> tensor<2xui64>
  %q_e = nn.constant dense<[9223372036854775807, 0]> : tensor<2xui64>
  check.expect_eq %q, %q_e : tensor<2xui64>, tensor<2xui64>
  %c = nn.constant dense<[7, -8]> : tensor<2xi4>
  %d = nn.constant dense<[1, -1]> : tensor<2xi4>
  %s = nn.binary add %c, %d : (tensor<2xi4>, tensor<2xi4>) -> tensor<2xi4>
  %s_e = nn.constant dense<[-8, 7]> : tensor<2xi4>
  check.expect_eq %s, %s_e : tensor<2xi4>, tensor<2xi4>
  return
}

func.func @remainders() {
  %a = nn.constant dense<[-7, 7, -7]> : tensor<3xi32>
  %b = nn.constant dense<[3, -3, -3]> : tensor<3xi32>
  %mod = nn.binary mod %a, %b : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  %mod_e = nn.constant dense<[2, -2, -1]> : tensor<3xi32>
  check.expect_eq %mod, %mod_e : tensor<3xi32>, tensor<3xi32>
  %fmod = nn.binary fmod %a, %b : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  %fmod_e = nn.constant dense<[-1, 1, -1]> : tensor<3xi32>
  check.expect_eq %fmod, %fmod_e : tensor<3xi32>, tensor<3xi32>
  return
}

func.func @bits_and_powers() {
  %a = nn.constant dense<[1, 255, 3]> : tensor<3xui8>
  %b = nn.constant dense<[3, 1, 8]> : tensor<3xui8>
  %shl = nn.binary shl %a, %b : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  %shl_e = nn.constant dense<[8, 254, 0]> : tensor<3xui8>
  check.expect_eq %shl, %shl_e : tensor<3xui8>, tensor<3xui8>
  %shr = nn.binary shr %a, %b : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  %shr_e = nn.constant dense<[0, 127, 0]> : tensor<3xui8>
  check.expect_eq %shr, %shr_e : tensor<3xui8>, tensor<3xui8>
  %not = nn.unary bit_not %a : (tensor<3xui8>) -> tensor<3xui8>
  %not_e = nn.constant dense<[254, 0, 252]> : tensor<3xui8>
  check.expect_eq %not, %not_e : tensor<3xui8>, tensor<3xui8>
  %i = nn.constant dense<[3, -2, 2]> : tensor<3xi32>
  %f = nn.constant dense<[2.0, 3.0, 0.5]> : tensor<3xf32>
  %pow = nn.binary pow %i, %f : (tensor<3xi32>, tensor<3xf32>) -> tensor<3xi32>
  %pow_e = nn.constant dense<[9, -8, 1]> : tensor<3xi32>
  check.expect_eq %pow, %pow_e : tensor<3xi32>, tensor<3xi32>
  return
}

func.func @booleans() {
  %a = nn.constant dense<[true, false, true]> : tensor<3xi1>
  %b = nn.constant dense<[true, true, false]> : tensor<3xi1>
  %xor = nn.binary xor %a, %b : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  %xor_e = nn.constant dense<[false, true, true]> : tensor<3xi1>
  check.expect_eq %xor, %xor_e : tensor<3xi1>, tensor<3xi1>
  %not = nn.unary not %a : (tensor<3xi1>) -> tensor<3xi1>
  %not_e = nn.constant dense<[false, true, false]> : tensor<3xi1>
  check.expect_eq %not, %not_e : tensor<3xi1>, tensor<3xi1>
  %x = nn.constant dense<[1, 2, 3]> : tensor<3xi64>
  %y = nn.constant dense<9> : tensor<i64>
  %select = nn.select %a, %x, %y : (tensor<3xi1>, tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
  %select_e = nn.constant dense<[1, 9, 3]> : tensor<3xi64>
  check.expect_eq %select, %select_e : tensor<3xi64>, tensor<3xi64>
  return
}

// 1 + 2^-11 lies half-way between f16 neighbours and goes to the even one.
func.func @f16_rounds_once() {
  %a = nn.constant dense<[1.0, 65504.0]> : tensor<2xf16>
  %b = nn.constant dense<[4.8828125e-4, 32.0]> : tensor<2xf16>
  %y = nn.binary add %a, %b : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xf16>
  %e = nn.constant dense<[1.0, 0x7C00]> : tensor<2xf16>
  check.expect_eq %y, %e : tensor<2xf16>, tensor<2xf16>
  return
}
