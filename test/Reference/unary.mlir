// RUN: terse-opt %s --terse-interpret -o /dev/null

// Every function at two points; expectations from another implementation of the same definition.
func.func @abs() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary abs %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.000000000000e-01, 2.500000000000e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @neg() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary neg %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[-5.000000000000e-01, 2.500000000000e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @sign() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary sign %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.000000000000e+00, -1.000000000000e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @floor() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary floor %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[0.000000000000e+00, -1.000000000000e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @ceil() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary ceil %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.000000000000e+00, 0.000000000000e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @sin() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary sin %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[4.794255386042e-01, -2.474039592545e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @cos() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary cos %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[8.775825618904e-01, 9.689124217106e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @tan() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary tan %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.463024898438e-01, -2.553419212210e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @asin() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary asin %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.235987755983e-01, -2.526802551421e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @acos() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary acos %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.047197551197e+00, 1.823476581937e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @atan() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary atan %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[4.636476090008e-01, -2.449786631269e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @sinh() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary sinh %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.210953054937e-01, -2.526123168082e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @cosh() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary cosh %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.127625965206e+00, 1.031413099880e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @asinh() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary asinh %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[4.812118250596e-01, -2.474664615473e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @atanh() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary atanh %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.493061443341e-01, -2.554128118830e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @reciprocal() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary reciprocal %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[2.000000000000e+00, -4.000000000000e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @softsign() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary softsign %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[3.333333333333e-01, -2.000000000000e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @identity() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary identity %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.000000000000e-01, -2.500000000000e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @log() {
  %x = nn.constant dense<[1.5, 4.0]> : tensor<2xf64>
  %y = nn.unary log %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[4.054651081082e-01, 1.386294361120e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @sqrt() {
  %x = nn.constant dense<[1.5, 4.0]> : tensor<2xf64>
  %y = nn.unary sqrt %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.224744871392e+00, 2.000000000000e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @acosh() {
  %x = nn.constant dense<[1.5, 4.0]> : tensor<2xf64>
  %y = nn.unary acosh %x : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[9.624236501192e-01, 2.063437068896e+00]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @hard_sigmoid() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary hard_sigmoid %x {alpha = 0.2, beta = 0.5} : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[6.000000000000e-01, 4.500000000000e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @elu() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary elu %x {alpha = 2.0, beta = 0.0} : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.000000000000e-01, -4.423984338572e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @selu() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary selu %x {alpha = 1.5, beta = 2.0} : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[1.000000000000e+00, -6.635976507858e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @celu() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary celu %x {alpha = 2.0, beta = 0.0} : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[5.000000000000e-01, -2.350061948308e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}

func.func @scaled_tanh() {
  %x = nn.constant dense<[0.5, -0.25]> : tensor<2xf64>
  %y = nn.unary scaled_tanh %x {alpha = 2.0, beta = 0.5} : (tensor<2xf64>) -> tensor<2xf64>
  %e = nn.constant dense<[4.898373248074e-01, -2.487060035432e-01]> : tensor<2xf64>
  check.expect_close %y, %e {rtol = 1.0e-11} : tensor<2xf64>, tensor<2xf64>
  return
}
