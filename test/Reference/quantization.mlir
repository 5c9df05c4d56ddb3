// RUN: terse-opt %s --terse-interpret -o /dev/null

func.func @encode_decode() {
  %x = nn.constant dense<[[-7.0, 3.6], [0.5, 14.0]]> : tensor<2x2xf32>
  %q = terse.encode %x : tensor<2x2xf32> -> tensor<2x2xf32, #terse.uniform<i4, axis = 0>>
  %v, %s = terse.components %q : tensor<2x2xf32, #terse.uniform<i4, axis = 0>>
  %ve = nn.constant dense<[[-7, 4], [0, 7]]> : tensor<2x2xi4>
  %se = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  check.expect_eq %v, %ve : tensor<2x2xi4>, tensor<2x2xi4>
  check.expect_eq %s, %se : tensor<2xf32>, tensor<2xf32>
  %y = terse.decode %q : tensor<2x2xf32, #terse.uniform<i4, axis = 0>>
  %e = nn.constant dense<[[-7.0, 4.0], [0.0, 14.0]]> : tensor<2x2xf32>
  check.expect_eq %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
  %f = terse.fake_quant #terse.uniform<i4, axis = 0> %x : tensor<2x2xf32>
  check.expect_eq %f, %e : tensor<2x2xf32>, tensor<2x2xf32>
  %o = terse.observe %x "x" min_max : tensor<2x2xf32>
  check.expect_eq %o, %x : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @parameters() {
  %x = nn.constant dense<[1.0, -100.0]> : tensor<2xf32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %q = terse.encode %x params(%s : tensor<f32>) : tensor<2xf32> -> tensor<2xf32, #terse.uniform<i8>>
  %y = terse.decode %q : tensor<2xf32, #terse.uniform<i8>>
  %e = nn.constant dense<[1.0, -64.0]> : tensor<2xf32>
  check.expect_eq %y, %e : tensor<2xf32>, tensor<2xf32>
  return
}

// An encoded tensor passes calls and loops as its components, and any op may read it.
func.func private @linear(%x: tensor<1x2xf32>, %w: tensor<2x2xf32, #terse.uniform<i8, axis = 0>>) -> tensor<1x2xf32> {
  %y = nn.linear %x, %w : (tensor<1x2xf32>, tensor<2x2xf32, #terse.uniform<i8, axis = 0>>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

func.func @encoded_weight() {
  %v = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = nn.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %w = terse.assemble %v, %s : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32, #terse.uniform<i8, axis = 0>>
  %x = nn.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %l = scf.for %i = %zero to %one step %one iter_args(%a = %w) -> (tensor<2x2xf32, #terse.uniform<i8, axis = 0>>) {
    scf.yield %a : tensor<2x2xf32, #terse.uniform<i8, axis = 0>>
  }
  %y = func.call @linear(%x, %l) : (tensor<1x2xf32>, tensor<2x2xf32, #terse.uniform<i8, axis = 0>>) -> tensor<1x2xf32>
  %e = nn.constant dense<[[3.0, 3.5]]> : tensor<1x2xf32>
  check.expect_eq %y, %e : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// Both sizes come from a shape that is only known at run time.
func.func @dynamic_shape() {
  %x = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %shape = nn.constant dense<[2, 2]> : tensor<2xi64>
  %d = nn.reshape %x, %shape : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %q = terse.encode %d : tensor<?x?xf32> -> tensor<?x?xf32, #terse.cast<f16>>
  %y = terse.decode %q : tensor<?x?xf32, #terse.cast<f16>>
  check.expect_eq %y, %d : tensor<?x?xf32>, tensor<?x?xf32>
  return
}
