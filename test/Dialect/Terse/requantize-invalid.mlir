// RUN: terse-opt %s --split-input-file --verify-diagnostics

func.func @requantize_c1_float_input(%a: tensor<4xf32>, %m: tensor<f32>) {
  // expected-error @below {{expected inputs of integers of at most 32 bits (got 'f32')}}
  %q = terse.requantize %a scales(%m : tensor<f32>) clamp(0, 1) : (tensor<4xf32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c1_wide_result(%a: tensor<4xi32>, %m: tensor<f32>) {
  // expected-error @below {{expected a result of integers of at most 16 bits (got 'i32')}}
  %q = terse.requantize %a scales(%m : tensor<f32>) clamp(0, 1) : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @requantize_c2_count(%a: tensor<4xi32>, %m: tensor<f32>) {
  // expected-error @below {{expected one multiplier for each input (got 1 for 2)}}
  %q = terse.requantize %a, %a scales(%m : tensor<f32>) clamp(0, 1) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c3_missing_shift(%a: tensor<4xi32>, %m: tensor<i32>) {
  // expected-error @below {{expected a shift exactly with i32 multipliers}}
  %q = terse.requantize %a scales(%m : tensor<i32>) clamp(0, 1) : (tensor<4xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c4(%a: tensor<4xi32>, %m: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @below {{expected a zero point of type 'i8' (got 'ui8')}}
  %q = terse.requantize %a scales(%m : tensor<f32>) zero_point(%z : tensor<ui8>) clamp(0, 1) : (tensor<4xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c5(%a: tensor<4xi32>, %m: tensor<f32>) {
  // expected-error @below {{expected bounds in order and within [-128, 127] (got 0 and 255)}}
  %q = terse.requantize %a scales(%m : tensor<f32>) clamp(0, 255) : (tensor<4xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c6(%a: tensor<4xi32>, %m: tensor<3xf32>) {
  // expected-error @below {{expected operands that broadcast to each other (got 'tensor<3xf32>')}}
  %q = terse.requantize %a scales(%m : tensor<3xf32>) clamp(0, 1) : (tensor<4xi32>) -> tensor<4xi8>
  return
}
