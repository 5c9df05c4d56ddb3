// RUN: terse-opt %s --mlir-print-op-generic | FileCheck %s

// Which tensors an encoded one is stored as: `terse.components` infers its result types from the
// encoding. The generic form prints them.

// CHECK-LABEL: sym_name = "per_tensor"
func.func @per_tensor(%w: tensor<8x4xf32, #terse.uniform<i4>>) {
  // CHECK: -> (tensor<8x4xi4>, tensor<f32>)
  %0:2 = terse.components %w : tensor<8x4xf32, #terse.uniform<i4>>
  return
}

// CHECK-LABEL: sym_name = "per_axis"
func.func @per_axis(%w: tensor<8x4xf32, #terse.uniform<i4, axis = 1, scale = bf16>>) {
  // CHECK: -> (tensor<8x4xi4>, tensor<4xbf16>)
  %0:2 = terse.components %w : tensor<8x4xf32, #terse.uniform<i4, axis = 1, scale = bf16>>
  return
}

// CHECK-LABEL: sym_name = "per_block"
func.func @per_block(%w: tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) {
  // CHECK: -> (tensor<8x64xi4>, tensor<8x2xf32>)
  %0:2 = terse.components %w : tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>
  return
}

// CHECK-LABEL: sym_name = "short_last_block"
func.func @short_last_block(%w: tensor<7x100xf32, #terse.uniform<i4, block = [2, 32]>>) {
  // CHECK: -> (tensor<7x100xi4>, tensor<4x4xf32>)
  %0:2 = terse.components %w : tensor<7x100xf32, #terse.uniform<i4, block = [2, 32]>>
  return
}

// CHECK-LABEL: sym_name = "whole_dimension"
func.func @whole_dimension(%w: tensor<2x?x16xf32, #terse.uniform<i8, block = [1, 1, ?]>>) {
  // CHECK: -> (tensor<2x?x16xi8>, tensor<2x?x1xf32>)
  %0:2 = terse.components %w : tensor<2x?x16xf32, #terse.uniform<i8, block = [1, 1, ?]>>
  return
}

// CHECK-LABEL: sym_name = "dynamic_dimension"
func.func @dynamic_dimension(%w: tensor<?x100xf32, #terse.uniform<i8, block = [4, 32]>>,
                             %v: tensor<?x4xf32, #terse.uniform<i8, axis = 0>>) {
  // CHECK: -> (tensor<?x100xi8>, tensor<?x4xf32>)
  %0:2 = terse.components %w : tensor<?x100xf32, #terse.uniform<i8, block = [4, 32]>>
  // CHECK: -> (tensor<?x4xi8>, tensor<?xf32>)
  %1:2 = terse.components %v : tensor<?x4xf32, #terse.uniform<i8, axis = 0>>
  return
}

// CHECK-LABEL: sym_name = "zero_point"
func.func @zero_point(%w: tensor<8x64xf16, #terse.uniform<ui4, axis = 0, zero_point>>) {
  // CHECK: -> (tensor<8x64xui4>, tensor<8xf32>, tensor<8xui4>)
  %0:3 = terse.components %w : tensor<8x64xf16, #terse.uniform<ui4, axis = 0, zero_point>>
  return
}

!twice = tensor<8x64xf32, #terse.uniform<i4, block = [1, 32],
                                         scale = #terse.uniform<ui8, axis = 0, scale = f16>>>

// CHECK-LABEL: sym_name = "nested_scale"
func.func @nested_scale(%w: !twice) {
  // CHECK: -> (tensor<8x64xi4>, tensor<8x2xui8>, tensor<8xf16>)
  %0:3 = terse.components %w : !twice
  return
}

// CHECK-LABEL: sym_name = "rank_0"
func.func @rank_0(%w: tensor<f32, #terse.uniform<i8>>, %v: tensor<f32, #terse.cast<f16>>) {
  // CHECK: -> (tensor<i8>, tensor<f32>)
  %0:2 = terse.components %w : tensor<f32, #terse.uniform<i8>>
  // CHECK: -> tensor<f16>
  %1 = terse.components %v : tensor<f32, #terse.cast<f16>>
  return
}

// CHECK-LABEL: sym_name = "minifloat_nested"
func.func @minifloat_nested(%w: tensor<8x64xf32, #terse.minifloat<f4E2M1FN, block = [1, 16], scale = #terse.minifloat<f8E4M3FN>>>) {
  // CHECK: -> (tensor<8x64xf4E2M1FN>, tensor<8x4xf8E4M3FN>, tensor<f32>)
  %0:3 = terse.components %w : tensor<8x64xf32, #terse.minifloat<f4E2M1FN, block = [1, 16], scale = #terse.minifloat<f8E4M3FN>>>
  return
}

// CHECK-LABEL: sym_name = "codebook_fixed"
func.func @codebook_fixed(%w: tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 32]>>) {
  // CHECK: -> (tensor<8x64xui4>, tensor<8x2xf32>)
  %0:2 = terse.components %w : tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 32]>>
  return
}

// CHECK-LABEL: sym_name = "codebook_learned"
func.func @codebook_learned(%w: tensor<12x64x3xf32, #terse.codebook<ui3, table = f16, group = [8, ?, ?]>>) {
  // CHECK: -> (tensor<12x64x3xui3>, tensor<2x1x1x8xf16>)
  %0:2 = terse.components %w : tensor<12x64x3xf32, #terse.codebook<ui3, table = f16, group = [8, ?, ?]>>
  return
}

// CHECK-LABEL: sym_name = "codebook_vectors"
func.func @codebook_vectors(%w: tensor<8x64xf32, #terse.codebook<ui4, table = #terse.uniform<i8, axis = 0>, vector = 4, vector_axis = 1, axis = 0, scale = f16>>) {
  // CHECK: -> (tensor<8x16xui4>, tensor<16x4xi8>, tensor<16xf32>, tensor<8xf16>)
  %0:4 = terse.components %w : tensor<8x64xf32, #terse.codebook<ui4, table = #terse.uniform<i8, axis = 0>, vector = 4, vector_axis = 1, axis = 0, scale = f16>>
  return
}

// CHECK-LABEL: sym_name = "outliers"
func.func @outliers(%w: tensor<8x64xf32, #terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.uniform<i8, axis = 0>>>) {
  // CHECK: -> (tensor<8x2xf16>, tensor<2xui16>, tensor<8x64xi8>, tensor<8xf32>)
  %0:4 = terse.components %w : tensor<8x64xf32, #terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.uniform<i8, axis = 0>>>
  return
}

// CHECK-LABEL: sym_name = "double_quantized"
func.func @double_quantized(%w: tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 32], scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8>>>>) {
  // CHECK: -> (tensor<8x64xui4>, tensor<f32>, tensor<8x2xi8>, tensor<f32>)
  %0:4 = terse.components %w : tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 32], scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8>>>>
  return
}
