// RUN: terse-opt %s --split-input-file --verify-diagnostics

func.func @binary_c1_shapes(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected shapes that broadcast}}
  %0 = nn.binary add %a, %b : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @binary_c2_types(%a: tensor<3xf32>, %b: tensor<3xi32>) {
  // expected-error @+1 {{expected equal element types (got 'f32' and 'i32')}}
  %0 = nn.binary mul %a, %b : (tensor<3xf32>, tensor<3xi32>) -> tensor<3xf32>
  return
}

// -----

func.func @unary_result_type(%a: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<3xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  %0 = nn.unary relu %a : (tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @linear_c2_contracted(%x: tensor<?x64xf32>, %w: tensor<10x63xf32>) {
  // expected-error @+1 {{expected the last dimension of x to equal dimension 1 of weight (got 64 and 63)}}
  %0 = nn.linear %x, %w : (tensor<?x64xf32>, tensor<10x63xf32>) -> tensor<?x10xf32>
  return
}

// -----

func.func @linear_c3_bias(%x: tensor<?x64xf32>, %w: tensor<10x64xf32>, %b: tensor<9xf32>) {
  // expected-error @+1 {{expected bias of shape [10] (got 'tensor<9xf32>')}}
  %0 = nn.linear %x, %w, %b : (tensor<?x64xf32>, tensor<10x64xf32>, tensor<9xf32>) -> tensor<?x10xf32>
  return
}

// -----

func.func @matmul_c2_contracted(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error @+1 {{expected equal contracted dimensions (got 3 and 4)}}
  %0 = nn.matmul %a, %b : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @conv_c3_groups(%x: tensor<1x4x9x9xf32>, %k: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{expected groups to divide the channels (got 3 groups for 4 input and 6 output channels)}}
  %0 = nn.conv %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
    groups = 3 : i64} : (tensor<1x4x9x9xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

func.func @conv_c1_channels(%x: tensor<1x4x9x9xf32>, %k: tensor<6x3x3x3xf32>) {
  // expected-error @+1 {{expected weight to have 4 input channels per group (got 3)}}
  %0 = nn.conv %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<1x4x9x9xf32>, tensor<6x3x3x3xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

func.func @conv_c4_stride(%x: tensor<1x4x9xf32>, %k: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expected positive strides (got 0)}}
  %0 = nn.conv %x, %k {strides = array<i64: 0>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
    : (tensor<1x4x9xf32>, tensor<6x4x3xf32>) -> tensor<1x6x?xf32>
  return
}

// -----

func.func @softmax_c1_axis(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected axis in [0, 2) (got 2)}}
  %0 = nn.softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @attention_c2_heads(%q: tensor<1x4x5x8xf32>, %k: tensor<1x3x7x8xf32>) {
  // expected-error @+1 {{expected the key heads to divide the query heads (got 3 and 4)}}
  %0 = nn.attention %q, %k, %k {scale = 1.0 : f64} : (tensor<1x4x5x8xf32>, tensor<1x3x7x8xf32>, tensor<1x3x7x8xf32>) -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @rnn_activations(%x: tensor<?x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{expected 1 activations (got 2)}}
  %0:2 = nn.rnn %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind tanh>, #nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<?x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @reduce_c1_twice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected distinct axes (got 1 twice)}}
  %0 = nn.reduce sum %x {axes = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @arg_reduce_c1_kind(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected kind max or min (got sum)}}
  %0 = nn.arg_reduce sum %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @top_k_c2(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected k in [0, 3] (got 4)}}
  %0:2 = nn.top_k %x {k = 4 : i64, axis = 1 : i64} : (tensor<2x3xf32>) -> (tensor<2x4xf32>, tensor<2x4xi64>)
  return
}

// -----

func.func @reshape_c1_elements(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected equal element counts (got 6 and 8)}}
  %0 = nn.reshape %x : (tensor<2x3xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @reshape_c3_dynamic(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{expected a shape operand for more than one dynamic dimension}}
  %0 = nn.reshape %x : (tensor<?x3xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @broadcast_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{expected dimension 0 to be 1 or 4 (got 2)}}
  %0 = nn.broadcast %x : (tensor<2xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @transpose_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected a permutation of 2 axes}}
  %0 = nn.transpose %x {permutation = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @slice_c2_step(%x: tensor<2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected steps other than 0 (got 0 for axis 0)}}
  %0 = nn.slice %x {starts = array<i64: 0>, ends = array<i64: 2>, steps = array<i64: 0>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat_c2_dims(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected dimension 1 to agree (got 3 and 4)}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<5x3xf32>
  return
}

// -----

func.func @pad_c2_value(%x: tensor<2xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expected a value for mode constant only (got edge)}}
  %0 = nn.pad edge %x, %v {low = array<i64: 1>, high = array<i64: 1>} : (tensor<2xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @resize_c2_scales(%x: tensor<1x2xf32>) {
  // expected-error @+1 {{expected 2 scales (got 1)}}
  %0 = nn.resize nearest %x {scales = array<f64: 2.0>, coordinate = #nn<resize_coordinate asymmetric>} : (tensor<1x2xf32>) -> tensor<1x4xf32>
  return
}

// -----

func.func @iota_c2_shape() {
  // expected-error @+1 {{expected a shape operand exactly if the result is dynamic}}
  %0 = nn.iota {axis = 0 : i64} : () -> tensor<?xi64>
  return
}

// -----

// Absurd attributes are refused before anything is computed with them.
func.func @conv_absurd_dilation(%x: tensor<1x1x8x8xf32>, %w: tensor<1x1x3x3xf32>) {
  // expected-error @+2 {{expected sizes, strides, dilations and pads of magnitude at most 2^40 (got 4611686018427387904)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 4611686018427387904, 1>} : (tensor<1x1x8x8xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x?x6xf32>
  return
}

// -----

func.func @conv_transpose_too_long(%x: tensor<1x1x1099511627776x1xf32>, %w: tensor<1x1x1x1xf32>) {
  // expected-error @+2 {{expected a result that can be counted: axis 2 would be longer than 2^63}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 1099511627776, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>} : (tensor<1x1x1099511627776x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x?x1xf32>
  return
}

// -----

func.func @pool_absurd_kernel(%x: tensor<1x1x8xf32>) {
  // expected-error @+2 {{expected sizes, strides, dilations and pads of magnitude at most 2^40 (got 9223372036854775807)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pool max %x {kernel = array<i64: 9223372036854775807>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<1x1x8xf32>) -> tensor<1x1x?xf32>
  return
}

// -----

func.func @pad_absurd(%x: tensor<2xf32>, %v: tensor<f32>) {
  // expected-error @+2 {{expected sizes, strides, dilations and pads of magnitude at most 2^40 (got 9223372036854775807)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %v {low = array<i64: 9223372036854775807>, high = array<i64: 9223372036854775807>} : (tensor<2xf32>, tensor<f32>) -> tensor<?xf32>
  return
}

// -----

func.func @concat_too_long(%x: tensor<4611686018427387904xf32>) {
  // expected-error @+2 {{expected a result that can be counted: axis 0 would be longer than 2^63}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %x {axis = 0 : i64} : (tensor<4611686018427387904xf32>, tensor<4611686018427387904xf32>) -> tensor<?xf32>
  return
}
