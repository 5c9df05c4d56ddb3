// RUN: terse-opt %s --split-input-file --verify-diagnostics

func.func @encode_c1_other_shape(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected the result to be an encoding of the input's type 'tensor<8x4xf32>' (got one of 'tensor<4x8xf32>')}}
  %0 = terse.encode %x : tensor<8x4xf32> -> tensor<4x8xf32, #terse.uniform<i8>>
  return
}

// -----

func.func @encode_c1_other_element_type(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected the result to be an encoding of the input's type}}
  %0 = terse.encode %x : tensor<8x4xf32> -> tensor<8x4xf16, #terse.uniform<i8>>
  return
}

// -----

func.func @encode_c2_missing_zero_point(%x: tensor<8x4xf32>, %s: tensor<f32>) {
  // expected-error@+1 {{expected no parameters or the 2 of #terse.uniform<i8, zero_point> (got 1)}}
  %0 = terse.encode %x params(%s : tensor<f32>)
     : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, zero_point>>
  return
}

// -----

func.func @encode_c3_scale_type(%x: tensor<8x4xf32>, %s: tensor<f32>) {
  // expected-error@+1 {{expected parameter 'scales' of type 'tensor<8xf32>' (got 'tensor<f32>')}}
  %0 = terse.encode %x params(%s : tensor<f32>)
     : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, axis = 0>>
  return
}

// -----

func.func @encode_c4_dynamic(%x: tensor<8x4xf32>, %s: tensor<f32>) {
  // expected-error@+1 {{expected no parameters, which #terse.uniform<i8, dynamic> computes at run time (got 1)}}
  %0 = terse.encode %x params(%s : tensor<f32>)
     : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, dynamic>>
  return
}

// -----

func.func @encode_operand_is_encoded(%x: tensor<8x4xf32, #terse.uniform<i8>>) {
  // expected-error@+1 {{operand #0 must be ranked float tensor without encoding}}
  %0 = "terse.encode"(%x) : (tensor<8x4xf32, #terse.uniform<i8>>) -> tensor<8x4xf32, #terse.uniform<i8>>
  return
}

// -----

func.func @encode_result_is_plain(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{result #0 must be tensor with a terse encoding}}
  %0 = terse.encode %x : tensor<8x4xf32> -> tensor<8x4xf32>
  return
}

// -----

func.func @decode_operand_is_plain(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected an encoded tensor (got 'tensor<8x4xf32>')}}
  %0 = terse.decode %x : tensor<8x4xf32>
  return
}

// -----

func.func @decode_c1_result_type(%x: tensor<8x4xf32, #terse.uniform<i8>>) {
  // expected-error@+2 {{failed to infer returned types}}
  // expected-error@+1 {{'terse.decode' op inferred type(s) 'tensor<8x4xf32>' are incompatible with return type(s) of operation 'tensor<8x4xf16>'}}
  %0 = "terse.decode"(%x) : (tensor<8x4xf32, #terse.uniform<i8>>) -> tensor<8x4xf16>
  return
}

// -----

func.func @assemble_c1_missing_scales(%v: tensor<8x4xi8>) {
  // expected-error@+1 {{expected the 2 components of #terse.uniform<i8> (got 1): 'values' of type 'tensor<8x4xi8>', 'scales' of type 'tensor<f32>'}}
  %0 = terse.assemble %v : (tensor<8x4xi8>) -> tensor<8x4xf32, #terse.uniform<i8>>
  return
}

// -----

func.func @assemble_c2_values_type(%v: tensor<8x4xi4>, %s: tensor<f32>) {
  // expected-error@+1 {{expected component 'values' of type 'tensor<8x4xi8>' (got 'tensor<8x4xi4>')}}
  %0 = terse.assemble %v, %s : (tensor<8x4xi4>, tensor<f32>) -> tensor<8x4xf32, #terse.uniform<i8>>
  return
}

// -----

func.func @assemble_c2_scales_shape(%v: tensor<8x4xi8>, %s: tensor<8xf32>) {
  // expected-error@+1 {{expected component 'scales' of type 'tensor<f32>' (got 'tensor<8xf32>')}}
  %0 = terse.assemble %v, %s : (tensor<8x4xi8>, tensor<8xf32>) -> tensor<8x4xf32, #terse.uniform<i8>>
  return
}

// -----

func.func @assemble_c2_nested_scales(%v: tensor<4xi4>, %sv: tensor<2xui8>, %ss: tensor<f16>) {
  // expected-error@+1 {{expected component 'scales.scales' of type 'tensor<f32>' (got 'tensor<f16>')}}
  %0 = terse.assemble %v, %sv, %ss : (tensor<4xi4>, tensor<2xui8>, tensor<f16>)
     -> tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.uniform<ui8>>>
  return
}

// -----

func.func @components_operand_is_plain(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected an encoded tensor (got 'tensor<8x4xf32>')}}
  %0 = terse.components %x : tensor<8x4xf32>
  return
}

// -----

func.func @components_c1_result_count(%x: tensor<4xf32, #terse.uniform<i8>>) {
  // expected-error@+2 {{failed to infer returned types}}
  // expected-error@+1 {{are incompatible with return type(s) of operation 'tensor<4xi8>'}}
  %0 = "terse.components"(%x) : (tensor<4xf32, #terse.uniform<i8>>) -> tensor<4xi8>
  return
}

// -----

func.func @observe_c1_empty_name(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected a name that is not empty}}
  %0 = terse.observe %x "" min_max : tensor<8x4xf32>
  return
}

// -----

func.func @observe_c2_missing_axis(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected an axis for kind 'channel'}}
  %0 = terse.observe %x "x" channel : tensor<8x4xf32>
  return
}

// -----

func.func @observe_c2_useless_axis(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected no axis for kind 'histogram'}}
  %0 = terse.observe %x "x" histogram axis = 0 : tensor<8x4xf32>
  return
}

// -----

func.func @observe_c3_axis_out_of_rank(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected an axis in [0, 2) (got 2)}}
  %0 = terse.observe %x "x" second_moment axis = 2 : tensor<8x4xf32>
  return
}

// -----

func.func @fake_quant_c1_axis_out_of_rank(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{expected an axis in [0, 2) for a tensor of rank 2 (got 2)}}
  %0 = terse.fake_quant #terse.uniform<i8, axis = 2> %x : tensor<8x4xf32>
  return
}

// -----

func.func @fake_quant_c2_too_many(%x: tensor<8x4xf32>, %s: tensor<f32>) {
  // expected-error@+1 {{expected no parameters or the 1 of #terse.uniform<i8> (got 2)}}
  %0 = terse.fake_quant #terse.uniform<i8> %x params(%s, %s : tensor<f32>, tensor<f32>) : tensor<8x4xf32>
  return
}

// -----

func.func @fake_quant_c3_scale_type(%x: tensor<8x4xf32>, %s: tensor<f16>) {
  // expected-error@+1 {{expected parameter 'scales' of type 'tensor<f32>' (got 'tensor<f16>')}}
  %0 = terse.fake_quant #terse.uniform<i8> %x params(%s : tensor<f16>) : tensor<8x4xf32>
  return
}

// -----

func.func @fake_quant_c4_dynamic(%x: tensor<8x4xf32>, %s: tensor<f32>) {
  // expected-error@+1 {{expected no parameters, which #terse.uniform<i8, dynamic> computes at run time (got 1)}}
  %0 = terse.fake_quant #terse.uniform<i8, dynamic> %x params(%s : tensor<f32>) : tensor<8x4xf32>
  return
}
