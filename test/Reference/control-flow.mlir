// RUN: terse-opt %s --terse-interpret -o /dev/null

ml_program.global private @w(dense_resource<w> : tensor<2xf32>) : tensor<2xf32>
ml_program.global private @nibbles(dense_resource<nibbles> : tensor<3xi4>) : tensor<3xi4>

func.func private @double(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nn.binary add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

func.func @call_and_globals() {
  %w = ml_program.global_load_const @w : tensor<2xf32>
  %y = call @double(%w) : (tensor<2xf32>) -> tensor<2xf32>
  %e = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  check.expect_eq %y, %e : tensor<2xf32>, tensor<2xf32>
  %n = ml_program.global_load_const @nibbles : tensor<3xi4>
  %ne = nn.constant dense<[1, -1, -8]> : tensor<3xi4>
  check.expect_eq %n, %ne : tensor<3xi4>, tensor<3xi4>
  return
}

func.func @if_for_while() {
  %x = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %f = scf.for %i = %zero to %three step %one iter_args(%a = %x) -> (tensor<2xf32>) {
    %b = func.call @double(%a) : (tensor<2xf32>) -> tensor<2xf32>
    scf.yield %b : tensor<2xf32>
  }
  %fe = nn.constant dense<[8.0, 16.0]> : tensor<2xf32>
  check.expect_eq %f, %fe : tensor<2xf32>, tensor<2xf32>

  %c = nn.constant dense<false> : tensor<i1>
  %condition = tensor.extract %c[] : tensor<i1>
  %i = scf.if %condition -> tensor<2xf32> {
    scf.yield %f : tensor<2xf32>
  } else {
    scf.yield %x : tensor<2xf32>
  }
  check.expect_eq %i, %x : tensor<2xf32>, tensor<2xf32>

  %w = scf.while (%a = %x) : (tensor<2xf32>) -> tensor<2xf32> {
    %limit = nn.constant dense<10.0> : tensor<f32>
    %max = nn.reduce max %a {axes = array<i64: 0>} : (tensor<2xf32>) -> tensor<f32>
    %lt = nn.compare lt %max, %limit : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %go = tensor.extract %lt[] : tensor<i1>
    scf.condition(%go) %a : tensor<2xf32>
  } do {
  ^bb0(%a: tensor<2xf32>):
    %b = func.call @double(%a) : (tensor<2xf32>) -> tensor<2xf32>
    scf.yield %b : tensor<2xf32>
  }
  check.expect_eq %w, %fe : tensor<2xf32>, tensor<2xf32>
  return
}

func.func @upstream_ops() {
  %x = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %one = arith.constant 1 : index
  %d = tensor.dim %x, %one : tensor<2x3xi32>
  %last = arith.subi %d, %one : index
  %s = tensor.extract_slice %x[0, %last] [2, 1] [1, 1] : tensor<2x3xi32> to tensor<2xi32>
  %se = nn.constant dense<[3, 6]> : tensor<2xi32>
  check.expect_eq %s, %se : tensor<2xi32>, tensor<2xi32>
  %t = tensor.insert_slice %s into %x[0, 0] [2, 1] [1, 1] : tensor<2xi32> into tensor<2x3xi32>
  %te = nn.constant dense<[[3, 2, 3], [6, 5, 6]]> : tensor<2x3xi32>
  check.expect_eq %t, %te : tensor<2x3xi32>, tensor<2x3xi32>
  %i = arith.index_cast %last : index to i64
  %f = tensor.from_elements %i : tensor<1xi64>
  %fe = nn.constant dense<[2]> : tensor<1xi64>
  check.expect_eq %f, %fe : tensor<1xi64>, tensor<1xi64>
  return
}

// 1.0, 2.0 as f32; 1, -1, -8 as nibbles: 0xF1, 0x08.
{-#
  dialect_resources: {
    builtin: {
      w: "0x040000000000803F00000040",
      nibbles: "0x01000000F108"
    }
  }
#-}
