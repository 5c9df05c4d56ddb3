// RUN: terse-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{expected an integer value type (got 'f32')}}
func.func private @uniform_c1_float(tensor<4xf32, #terse.uniform<f32>>)

// -----

// expected-error@+1 {{expected a value type among si1, i2 to i8, i16, i32, ui1 to ui8, ui16 and ui32 (got 'i1')}}
func.func private @uniform_c1_bool(tensor<4xf32, #terse.uniform<i1>>)

// -----

// expected-error@+1 {{(got 'si8')}}
func.func private @uniform_c1_second_spelling(tensor<4xf32, #terse.uniform<si8>>)

// -----

// expected-error@+1 {{(got 'i12')}}
func.func private @uniform_c1_width(tensor<4xf32, #terse.uniform<i12>>)

// -----

// expected-error@+1 {{expected at most one of 'axis' and 'block'}}
func.func private @uniform_c2_axis_and_block(tensor<4xf32, #terse.uniform<i8, axis = 0, block = [2]>>)

// -----

// expected-error@+1 {{expected a positive block size or '?' (got 0)}}
func.func private @uniform_c3_block_zero(tensor<4xf32, #terse.uniform<i8, block = [0]>>)

// -----

// expected-error@+1 {{expected a positive block size or '?' (got -1)}}
func.func private @uniform_c3_block_negative(tensor<4xf32, #terse.uniform<i8, block = [-1]>>)

// -----

// expected-error@+1 {{expected at least one block size}}
func.func private @uniform_c3_block_empty(tensor<4xf32, #terse.uniform<i8, block = []>>)

// -----

// expected-error@+1 {{expected a scale of f32, f16, bf16 or a terse encoding (got f64)}}
func.func private @uniform_c4_scale_f64(tensor<4xf32, #terse.uniform<i8, scale = f64>>)

// -----

// expected-error@+1 {{expected a scale of f32, f16, bf16 or a terse encoding (got "f16")}}
func.func private @uniform_c4_scale_string(tensor<4xf32, #terse.uniform<i8, scale = "f16">>)

// -----

// expected-error@+1 {{expected a value type of at most 16 bits with 'zero_point' (got 'i32')}}
func.func private @uniform_c5_zero_point_i32(tensor<4xf32, #terse.uniform<i32, zero_point>>)

// -----

// expected-error@+1 {{expected a signed value type of 2 bits or more with 'narrow' (got 'ui8')}}
func.func private @uniform_c6_narrow_unsigned(tensor<4xf32, #terse.uniform<ui8, narrow>>)

// -----

// expected-error@+1 {{expected a signed value type of 2 bits or more with 'narrow' (got 'si1')}}
func.func private @uniform_c6_narrow_one_bit(tensor<4xf32, #terse.uniform<si1, narrow>>)

// -----

// expected-error@+1 {{expected no 'zero_point' with 'narrow'}}
func.func private @uniform_c6_narrow_zero_point(tensor<4xf32, #terse.uniform<i8, zero_point, narrow>>)

// -----

// expected-error@+1 {{expected an element type of f16, bf16, f32 or f64 with #terse.uniform<i8> (got 'i32')}}
func.func private @uniform_c7_integer(tensor<4xi32, #terse.uniform<i8>>)

// -----

// expected-error@+1 {{expected an axis in [0, 2) for a tensor of rank 2 (got 2)}}
func.func private @uniform_c8_axis_out_of_rank(tensor<4x4xf32, #terse.uniform<i8, axis = 2>>)

// -----

// expected-error@+1 {{expected an axis in [0, 2) for a tensor of rank 2 (got -1)}}
func.func private @uniform_c8_axis_negative(tensor<4x4xf32, #terse.uniform<i8, axis = -1>>)

// -----

// expected-error@+1 {{expected one block size for each of 2 dimensions (got 1)}}
func.func private @uniform_c9_block_rank(tensor<4x4xf32, #terse.uniform<i8, block = [2]>>)

// -----

// expected-error@+1 {{expected an axis in [0, 0) for a tensor of rank 0 (got 0)}}
func.func private @uniform_c10_nested_axis(tensor<4xf32, #terse.uniform<i8, scale = #terse.uniform<i8, axis = 0>>>)

// -----

// expected-error@+1 {{expected 'axis', 'block', 'scale', 'zero_point', 'narrow' or 'dynamic' (got 'blocks')}}
func.func private @uniform_syntax_unknown_key(tensor<4xf32, #terse.uniform<i8, blocks = [2]>>)

// -----

// expected-error@+1 {{'axis' is given twice}}
func.func private @uniform_syntax_twice(tensor<4xf32, #terse.uniform<i8, axis = 0, axis = 0>>)

// -----

// expected-error@+1 {{expected a stored type of f16 or bf16 (got 'f32')}}
func.func private @cast_c1_f32(tensor<4xf32, #terse.cast<f32>>)

// -----

// expected-error@+1 {{expected a float element type at least as wide as 'f16' (got 'i32')}}
func.func private @cast_c2_integer(tensor<4xi32, #terse.cast<f16>>)

// -----

// expected-error@+1 {{expected a float element type at least as wide as 'bf16' (got 'f8E4M3FN')}}
func.func private @cast_c2_narrow(tensor<4xf8E4M3FN, #terse.cast<bf16>>)
