// RUN: terse-opt %s --terse-apply-encodings --split-input-file --verify-diagnostics

ml_program.global private @w(dense<[[0.0, 1.0], [0x7FC00000, 3.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
func.func @nan(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = ml_program.global_load_const @w : tensor<2x2xf32>
  // expected-error @below {{weight 'w': element [1, 0] is NaN; a weight must be finite to be compressed}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

ml_program.global private @w(dense<[[0.0, 1.0], [3.0, 0xFF800000]]> : tensor<2x2xf32>) : tensor<2x2xf32>
func.func @infinity(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = ml_program.global_load_const @w : tensor<2x2xf32>
  // expected-error @below {{weight 'w': element [1, 1] is infinite}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.cast<f16>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

ml_program.global private @w(#ml_program.extern : tensor<2x2xf32>) : tensor<2x2xf32>
func.func @external(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = ml_program.global_load_const @w : tensor<2x2xf32>
  // expected-error @below {{weight 'w': its data is not part of the module}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @no_such_operand(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
  // expected-error @below {{has a choice for operand 5 but only 2 operands}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<5 = #terse.uniform<i8>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @illegal_encoding(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
  // expected-error @below {{cannot encode operand 1: expected an axis in [0, 2)}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 2>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @encoded_twice(%x: tensor<1x2xf32>, %w: tensor<2x2xf32, #terse.uniform<i8>>) -> tensor<1x2xf32> {
  // expected-error @below {{cannot encode operand 1: it is encoded already as #terse.uniform<i8>}}
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i4>>} : (tensor<1x2xf32>, tensor<2x2xf32, #terse.uniform<i8>>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
