// RUN: terse-opt %s --terse-interpret --split-input-file --verify-diagnostics -o /dev/null

func.func @expectation_not_met() {
  %x = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %e = nn.constant dense<[[1, 2], [0, 0]]> : tensor<2x2xi32>
  // expected-error @below {{'check.expect_eq' op expected 0 at [1, 0] (got 3), and 1 more differ}}
  check.expect_eq %x, %e : tensor<2x2xi32>, tensor<2x2xi32>
  return
}

// -----

func.func @not_close() {
  %x = nn.constant dense<1.0> : tensor<f32>
  %e = nn.constant dense<1.001> : tensor<f32>
  check.expect_close %x, %e {atol = 0.01} : tensor<f32>, tensor<f32>
  check.expect_close %x, %e {rtol = 0.01} : tensor<f32>, tensor<f32>
  // expected-error @below {{expected 1.00100005 at [] (got 1)}}
  check.expect_close %x, %e : tensor<f32>, tensor<f32>
  return
}

// -----

func.func @index_out_of_range() {
  %x = nn.constant dense<[1, 2]> : tensor<2xi32>
  %i = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @below {{'nn.gather' op index 2 is out of range for a dimension of size 2}}
  %y = nn.gather %x, %i {axis = 0 : i64} : (tensor<2xi32>, tensor<1xi64>) -> tensor<1xi32>
  return
}

// -----

func.func @shape_does_not_multiply_out() {
  %x = nn.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %s = nn.constant dense<[3, 2]> : tensor<2xi64>
  // expected-error @below {{expected a shape of 4 elements (got 3x2xi32)}}
  %y = nn.reshape %x, %s : (tensor<4xi32>, tensor<2xi64>) -> tensor<?x?xi32>
  return
}

// -----

func.func @negative_shape() {
  %x = nn.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %s = nn.constant dense<[-1, 2]> : tensor<2xi64>
  // expected-error @below {{shape has a negative element (got -1)}}
  %y = nn.reshape %x, %s : (tensor<4xi32>, tensor<2xi64>) -> tensor<?x?xi32>
  return
}

// -----

func.func @too_large() {
  %x = nn.constant dense<1> : tensor<1xi32>
  %s = nn.constant dense<1099511627776> : tensor<1xi64>
  // expected-error @below {{takes more than the limit}}
  %y = nn.broadcast %x, %s : (tensor<1xi32>, tensor<1xi64>) -> tensor<?xi32>
  return
}

// -----

func.func @shapes_meet_at_run_time() {
  %x = nn.constant dense<1.0> : tensor<6xf32>
  %s = nn.constant dense<[2, 3]> : tensor<2xi64>
  %a = nn.reshape %x, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  // expected-error @below {{expected equal contracted dimensions (got 3 and 2)}}
  %y = nn.matmul %a, %a : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @integer_division_by_zero() {
  %x = nn.constant dense<[1, 2]> : tensor<2xi32>
  %y = nn.constant dense<[1, 0]> : tensor<2xi32>
  // expected-error @below {{'div' of integers divides by zero}}
  %z = nn.binary div %x, %y : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @not_a_function_of_integers() {
  %x = nn.constant dense<[1, 2]> : tensor<2xi32>
  // expected-error @below {{'exp' is not defined on i32}}
  %y = nn.unary exp %x : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @recursion() {
  // expected-error @below {{nests more than 256 calls}}
  func.call @recursion() : () -> ()
  return
}

// -----

ml_program.global private @w(#ml_program.extern<tensor<2xf32>>) : tensor<2xf32>
func.func @external() {
  // expected-error @below {{global @w is external}}
  %w = ml_program.global_load_const @w : tensor<2xf32>
  return
}

// -----

func.func @unknown_op() {
  %x = arith.constant 1.0 : f32
  // expected-error @below {{'math.exp' op has no definition in the interpreter}}
  %y = math.exp %x : f32
  return
}

// -----

func.func @type_mismatch() {
  %x = nn.constant dense<[1, 2]> : tensor<2xi32>
  %y = nn.constant dense<[1, 2]> : tensor<2xi64>
  // expected-error @below {{expected equal element types (got 'i32' and 'i64')}}
  check.expect_eq %x, %y : tensor<2xi32>, tensor<2xi64>
  return
}
