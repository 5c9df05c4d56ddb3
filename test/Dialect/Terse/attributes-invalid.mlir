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

// expected-error@+1 {{expected a scale of f32, f16, bf16, f8E8M0FNU, f8E4M3FN or a terse encoding (got f64)}}
func.func private @uniform_c4_scale_f64(tensor<4xf32, #terse.uniform<i8, scale = f64>>)

// -----

// expected-error@+1 {{expected a scale of f32, f16, bf16, f8E8M0FNU, f8E4M3FN or a terse encoding (got "f16")}}
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

// expected-error@+1 {{expected 'axis', 'block', 'channels', 'nearest_block', 'scale', 'zero_point', 'narrow' or 'dynamic' (got 'blocks')}}
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

// -----

// expected-error@+1 {{expected an encoding that is fitted to its tensor (got the template #terse.uniform<i4, block = 32>)}}
func.func private @uniform_c11_template(tensor<4x4xf32, #terse.uniform<i4, block = 32>>)

// -----

// expected-error@+1 {{expected no 'axis' or block sizes beside 'channels = 1'}}
func.func private @uniform_c2_template_and_axis(tensor<4x4xf32, #terse.uniform<i4, axis = 0, channels = 1>>)

// -----

// expected-error@+1 {{expected a positive number for 'channels' (got 0)}}
func.func private @fit_c1(tensor<4x4xf32, #terse.uniform<i4, channels = 0>>)

// -----

// expected-error@+1 {{expected a float value type (got 'i8')}}
func.func private @minifloat_c1_integer(tensor<4x4xf32, #terse.minifloat<i8>>)

// -----

// expected-error@+1 {{expected a value type of f8E4M3FN, f8E5M2, f6E2M3FN, f6E3M2FN or f4E2M1FN (got 'f16')}}
func.func private @minifloat_c1_f16(tensor<4x4xf32, #terse.minifloat<f16>>)

// -----

// expected-error@+1 {{expected at most one of 'axis' and 'block'}}
func.func private @minifloat_c2(tensor<4x4xf32, #terse.minifloat<f4E2M1FN, axis = 0, block = [1, 2]>>)

// -----

// expected-error@+1 {{expected a scale of f32, f16, bf16, f8E8M0FNU, f8E4M3FN or a terse encoding (got f8E5M2)}}
func.func private @minifloat_c4(tensor<4x4xf32, #terse.minifloat<f4E2M1FN, scale = f8E5M2>>)

// -----

// expected-error@+1 {{expected one block size for each of 2 dimensions (got 1)}}
func.func private @minifloat_c6_rank(tensor<4x4xf32, #terse.minifloat<f4E2M1FN, block = [32]>>)

// -----

// expected-error@+1 {{expected an axis in [0, 0) for a tensor of rank 0 (got 0)}}
func.func private @minifloat_c7_nested(tensor<4x4xf32, #terse.minifloat<f4E2M1FN, scale = #terse.minifloat<f8E4M3FN, axis = 0>>>)

// -----

// expected-error@+1 {{got the template}}
func.func private @minifloat_c8(tensor<4x4xf32, #terse.minifloat<f4E2M1FN, nearest_block = 32>>)

// -----

// expected-error@+1 {{expected an index type of ui1 to ui8 (got 'i4')}}
func.func private @codebook_c1_signed(tensor<4x4xf32, #terse.codebook<i4, table = nf4>>)

// -----

// expected-error@+1 {{expected the index type of table 'nf4': ui4 for nf4 and fp4}}
func.func private @codebook_c1_width(tensor<4x4xf32, #terse.codebook<ui8, table = nf4>>)

// -----

// expected-error@+1 {{expected a positive number of channels (got 0)}}
func.func private @codebook_c2_group(tensor<4x4xf32, #terse.codebook<ui4, table = f16, group = 0>>)

// -----

// expected-error@+1 {{expected a learned table of f32, f16, bf16 or a terse encoding (got f64)}}
func.func private @codebook_c3(tensor<4x4xf32, #terse.codebook<ui4, table = f64>>)

// -----

// expected-error@+1 {{expected a scale of f32}}
func.func private @codebook_c4(tensor<4x4xf32, #terse.codebook<ui4, table = nf4, scale = f64>>)

// -----

// expected-error@+1 {{expected no 'group' and 'vector' with the fixed table 'nf4'}}
func.func private @codebook_c5(tensor<4x4xf32, #terse.codebook<ui4, table = nf4, vector = 2>>)

// -----

// expected-error@+1 {{expected a 'scale' with 'axis', 'block' or 'channels'; tables are shared by 'group'}}
func.func private @codebook_c6(tensor<4x4xf32, #terse.codebook<ui4, table = f16, axis = 0>>)

// -----

// expected-error@+1 {{expected a 'vector' of 1, 2, 4 or 8 elements (got 3)}}
func.func private @codebook_c7(tensor<4x4xf32, #terse.codebook<ui4, table = f16, vector = 3>>)

// -----

// expected-error@+1 {{expected a 'vector' with 'vector_axis'}}
func.func private @codebook_c7_axis(tensor<4x4xf32, #terse.codebook<ui4, table = f16, vector_axis = 0>>)

// -----

// expected-error@+1 {{expected a static shape with}}
func.func private @codebook_c8(tensor<?x4xf32, #terse.codebook<ui4, table = f16>>)

// -----

// expected-error@+1 {{expected one block size for each of 2 dimensions (got 1)}}
func.func private @codebook_c9(tensor<4x4xf32, #terse.codebook<ui4, table = f16, group = [2]>>)

// -----

// expected-error@+1 {{expected a 'vector_axis' in [0, 2) (got 2)}}
func.func private @codebook_c10_axis(tensor<4x4xf32, #terse.codebook<ui4, table = f16, vector = 2, vector_axis = 2>>)

// -----

// expected-error@+1 {{expected dimension 1 to be a multiple of the vector of 8 (got 4)}}
func.func private @codebook_c10_size(tensor<4x4xf32, #terse.codebook<ui4, table = f16, vector = 8, vector_axis = 1>>)

// -----

// expected-error@+1 {{expected the group size of dimension 0 to be a multiple of the vector of 4 (got 2)}}
func.func private @codebook_c10_group(tensor<4x4xf32, #terse.codebook<ui4, table = f16, vector = 4, vector_axis = 0, group = [2, ?]>>)

// -----

// expected-error@+1 {{expected an axis in [0, 1)}}
func.func private @codebook_c11(tensor<4x4xf32, #terse.codebook<ui4, table = #terse.uniform<i8, axis = 3>>>)

// -----

// expected-error@+1 {{got the template}}
func.func private @codebook_c12(tensor<4x4xf32, #terse.codebook<ui4, table = f16, group = 2>>)

// -----

// expected-error@+1 {{expected a table: 'table = nf4', fp4, pow2, binary, ternary, or the element type of a learned one}}
func.func private @codebook_no_table(tensor<4x4xf32, #terse.codebook<ui4>>)

// -----

// expected-error@+1 {{expected two terms or more (got 1)}}
func.func private @sum_c1_one(tensor<4x4xf32, #terse.sum<#terse.mean<f32>>>)

// -----

// expected-error@+1 {{expected a terse encoding as term (got f32)}}
func.func private @sum_c1_term(tensor<4x4xf32, #terse.sum<#terse.mean<f32>, f32>>)

// -----

// expected-error@+1 {{expected a term without run-time parameters}}
func.func private @sum_c1_dynamic(tensor<4x4xf32, #terse.sum<#terse.mean<f32>, #terse.uniform<i8, dynamic>>>)

// -----

// expected-error@+1 {{expected an axis in [0, 2)}}
func.func private @sum_c3(tensor<4x4xf32, #terse.sum<#terse.mean<f32>, #terse.uniform<i8, axis = 2>>>)

// -----

// expected-error@+1 {{expected a stored type of f32, f16 or bf16 (got 'f64')}}
func.func private @mean_c1(tensor<4x4xf32, #terse.mean<f64>>)

// -----

// expected-error@+1 {{expected a static shape with}}
func.func private @mean_c2(tensor<?xf32, #terse.mean<f32>>)

// -----

// expected-error@+1 {{expected a stored type of f32, f16 or bf16 (got 'f64')}}
func.func private @columns_c1(tensor<4x4xf32, #terse.columns<f64, count = 1, axis = 0>>)

// -----

// expected-error@+1 {{expected a 'count' of 1 to 64 (got 0)}}
func.func private @columns_c2(tensor<4x4xf32, #terse.columns<f16, count = 0, axis = 0>>)

// -----

// expected-error@+1 {{expected more than 4 and at most 65536 slices along axis 0 (got 4)}}
func.func private @columns_c4(tensor<4x4xf32, #terse.columns<f16, count = 4, axis = 0>>)

// -----

// expected-error@+1 {{got the template}}
func.func private @columns_c5(tensor<4x4xf32, #terse.columns<f16, count = 1>>)
