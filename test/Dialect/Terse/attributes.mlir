// RUN: terse-opt %s --verify-roundtrip --allow-unregistered-dialect | FileCheck %s

// The canonical spelling leaves out defaults and fixes the order.

// CHECK-LABEL: func.func private @uniform_value_types
// CHECK-SAME: tensor<4xf32, #terse.uniform<si1>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i2>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i3>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i4>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i5>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i6>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i7>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i16>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i32>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui1>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui2>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui3>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui4>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui5>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui6>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui7>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui8>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui16>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<ui32>>
func.func private @uniform_value_types(
  tensor<4xf32, #terse.uniform<si1>>,
  tensor<4xf32, #terse.uniform<i2>>,
  tensor<4xf32, #terse.uniform<i3>>,
  tensor<4xf32, #terse.uniform<i4>>,
  tensor<4xf32, #terse.uniform<i5>>,
  tensor<4xf32, #terse.uniform<i6>>,
  tensor<4xf32, #terse.uniform<i7>>,
  tensor<4xf32, #terse.uniform<i8>>,
  tensor<4xf32, #terse.uniform<i16>>,
  tensor<4xf32, #terse.uniform<i32>>,
  tensor<4xf32, #terse.uniform<ui1>>,
  tensor<4xf32, #terse.uniform<ui2>>,
  tensor<4xf32, #terse.uniform<ui3>>,
  tensor<4xf32, #terse.uniform<ui4>>,
  tensor<4xf32, #terse.uniform<ui5>>,
  tensor<4xf32, #terse.uniform<ui6>>,
  tensor<4xf32, #terse.uniform<ui7>>,
  tensor<4xf32, #terse.uniform<ui8>>,
  tensor<4xf32, #terse.uniform<ui16>>,
  tensor<4xf32, #terse.uniform<ui32>>)

// CHECK-LABEL: func.func private @uniform_granularity
// CHECK-SAME: tensor<8x4xf32, #terse.uniform<i8>>
// CHECK-SAME: tensor<8x4xf32, #terse.uniform<i8, axis = 1>>
// CHECK-SAME: tensor<8x4xf32, #terse.uniform<i8, block = [1, 2]>>
// CHECK-SAME: tensor<8x?xf32, #terse.uniform<i8, block = [1, ?]>>
func.func private @uniform_granularity(
  tensor<8x4xf32, #terse.uniform<i8>>,
  tensor<8x4xf32, #terse.uniform<i8, axis = 1>>,
  tensor<8x4xf32, #terse.uniform<i8, block = [1, 2]>>,
  tensor<8x?xf32, #terse.uniform<i8, block = [1, ?]>>)

// CHECK-LABEL: func.func private @uniform_scale
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8, scale = f16>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8, scale = bf16>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.uniform<ui8, scale = f16>>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.cast<bf16>>>
func.func private @uniform_scale(
  tensor<4xf32, #terse.uniform<i8, scale = f32>>,
  tensor<4xf32, #terse.uniform<i8, scale = f16>>,
  tensor<4xf32, #terse.uniform<i8, scale = bf16>>,
  tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.uniform<ui8, scale = f16>>>,
  tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.cast<bf16>>>)

// CHECK-LABEL: func.func private @uniform_flags
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8, axis = 0, scale = f16, zero_point, dynamic>>
// CHECK-SAME: tensor<4xf32, #terse.uniform<i8, narrow>>
func.func private @uniform_flags(
  tensor<4xf32, #terse.uniform<i8, dynamic, zero_point, scale = f16, axis = 0>>,
  tensor<4xf32, #terse.uniform<i8, narrow>>)

// CHECK-LABEL: func.func private @logical_element_types
// CHECK-SAME: tensor<4xf16, #terse.uniform<i8>>
// CHECK-SAME: tensor<4xbf16, #terse.uniform<i8>>
// CHECK-SAME: tensor<4xf64, #terse.uniform<i8>>
func.func private @logical_element_types(
  tensor<4xf16, #terse.uniform<i8>>,
  tensor<4xbf16, #terse.uniform<i8>>,
  tensor<4xf64, #terse.uniform<i8>>)

// CHECK-LABEL: func.func private @cast
// CHECK-SAME: tensor<4xf32, #terse.cast<f16>>
// CHECK-SAME: tensor<4x?xf64, #terse.cast<bf16>>
func.func private @cast(
  tensor<4xf32, #terse.cast<f16>>,
  tensor<4x?xf64, #terse.cast<bf16>>)

// CHECK: "test.observer"() {kind = #terse<observer histogram>}
func.func @observer() {
  "test.observer"() {kind = #terse<observer histogram>} : () -> ()
  return
}

// CHECK-LABEL: func.func private @minifloat
// CHECK-SAME: tensor<4x8xf32, #terse.minifloat<f8E4M3FN>>
// CHECK-SAME: tensor<4x8xf32, #terse.minifloat<f8E5M2, axis = 0>>
// CHECK-SAME: tensor<4x8xf32, #terse.minifloat<f6E2M3FN, block = [1, ?], scale = f16>>
// CHECK-SAME: tensor<4x8xf32, #terse.minifloat<f6E3M2FN, scale = f8E8M0FNU, dynamic>>
// CHECK-SAME: tensor<4x8xf32, #terse.minifloat<f4E2M1FN, block = [1, 4], scale = #terse.minifloat<f8E4M3FN>>>
func.func private @minifloat(
  tensor<4x8xf32, #terse.minifloat<f8E4M3FN>>,
  tensor<4x8xf32, #terse.minifloat<f8E5M2, axis = 0, scale = f32>>,
  tensor<4x8xf32, #terse.minifloat<f6E2M3FN, block = [1, ?], scale = f16>>,
  tensor<4x8xf32, #terse.minifloat<f6E3M2FN, dynamic, scale = f8E8M0FNU>>,
  tensor<4x8xf32, #terse.minifloat<f4E2M1FN, block = [1, 4], scale = #terse.minifloat<f8E4M3FN>>>)

// CHECK-LABEL: func.func private @codebook
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui4, table = nf4>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui4, table = fp4, block = [1, 4], scale = f16>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui3, table = pow2, axis = 1>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui1, table = binary>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui2, table = ternary>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui4, table = f16, group = [2, ?]>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui4, table = f32, vector = 2, vector_axis = 1, scale = f32>>
// CHECK-SAME: tensor<4x8xf32, #terse.codebook<ui4, table = #terse.uniform<i8>, axis = 0, scale = bf16>>
func.func private @codebook(
  tensor<4x8xf32, #terse.codebook<ui4, scale = f32, table = nf4>>,
  tensor<4x8xf32, #terse.codebook<ui4, table = fp4, block = [1, 4], scale = f16>>,
  tensor<4x8xf32, #terse.codebook<ui3, table = pow2, axis = 1>>,
  tensor<4x8xf32, #terse.codebook<ui1, table = binary>>,
  tensor<4x8xf32, #terse.codebook<ui2, table = ternary>>,
  tensor<4x8xf32, #terse.codebook<ui4, table = f16, group = [2, ?]>>,
  tensor<4x8xf32, #terse.codebook<ui4, table = f32, vector = 2, vector_axis = 1, scale = f32>>,
  tensor<4x8xf32, #terse.codebook<ui4, table = #terse.uniform<i8>, axis = 0, scale = bf16>>)

// CHECK-LABEL: func.func private @sum
// CHECK-SAME: tensor<4x8xf32, #terse.sum<#terse.mean<f32>, #terse.uniform<i8>>>
// CHECK-SAME: tensor<4x8xf32, #terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.codebook<ui4, table = f16>>>
func.func private @sum(
  tensor<4x8xf32, #terse.sum<#terse.mean<f32>, #terse.uniform<i8>>>,
  tensor<4x8xf32, #terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.codebook<ui4, table = f16>>>)

// Templates are attributes too, legal on no tensor.
// CHECK: "test.templates"() {a = #terse.uniform<i4, block = 32>, b = #terse.uniform<i4, nearest_block = 32>, c = #terse.codebook<ui4, table = f16, group = 8>, d = #terse.codebook<ui4, table = f16, vector = 2>, e = #terse.columns<f16, count = 2>, f = #terse.fit<channels, 8>}
func.func @templates() {
  "test.templates"() {a = #terse.uniform<i4, block = 32>, b = #terse.uniform<i4, nearest_block = 32>, c = #terse.codebook<ui4, table = f16, group = 8>, d = #terse.codebook<ui4, table = f16, vector = 2>, e = #terse.columns<f16, count = 2>, f = #terse.fit<channels, 8>} : () -> ()
  return
}
