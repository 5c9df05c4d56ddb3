// RUN: terse-opt %s --terse-choose-encodings="format='#terse.minifloat<f4E2M1FN, block = 32, scale = f8E8M0FNU>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,MX
// RUN: terse-opt %s --terse-choose-encodings="format='#terse.codebook<ui4, table = f16, group = 8>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,PALETTE
// RUN: terse-opt %s --terse-choose-encodings="format='#terse.codebook<ui4, table = f16, vector = 4>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,VECTOR
// RUN: terse-opt %s --terse-choose-encodings="format='#terse.codebook<ui4, table = nf4, block = 64, scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = 256>>>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,NF4
// RUN: terse-opt %s --terse-choose-encodings="format='#terse.sum<#terse.columns<f16, count = 1>, #terse.uniform<i8, channels = 1>>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,OUTLIERS
// RUN: terse-opt %s --terse-choose-encodings="format='#terse.uniform<i4, channels = 2>'" --split-input-file | FileCheck %s --check-prefixes=CHECK,CHANNELS
// RUN: not terse-opt %s --terse-choose-encodings="format='#terse.uniform<i4>' weight-type=i4" --split-input-file 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not terse-opt %s --terse-choose-encodings="format='f16'" --split-input-file 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not terse-opt %s --terse-choose-encodings="format='#terse.uniform<f16>'" --split-input-file 2>&1 | FileCheck %s --check-prefix=SYNTAX

// BOTH: error: option format: expected none of weight-type, granularity, block-size, scale-type, zero-point and narrow beside it; say it within '#terse.uniform<i4>'
// KIND: error: option format: expected an encoding such as '#terse.uniform<i4, block = 32>' (got 'f16')
// SYNTAX: error: option format: expected an encoding such as '#terse.uniform<i4, block = 32>' (got '#terse.uniform<f16>'): expected an integer value type

ml_program.global private @w(dense<0.5> : tensor<64x128xf32>) : tensor<64x128xf32>

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<?x128xf32>) -> tensor<?x64xf32> {
  %w = ml_program.global_load_const @w : tensor<64x128xf32>
  // MX: #terse.choice<1 = #terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>>
  // PALETTE: #terse.choice<1 = #terse.codebook<ui4, table = f16, group = [8, 128]>>
  // VECTOR: #terse.choice<1 = #terse.codebook<ui4, table = f16, vector = 4, vector_axis = 1>>
  // NF4: #terse.choice<1 = #terse.codebook<ui4, table = nf4, block = [1, 64], scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = [64, 2]>>>>
  // OUTLIERS: #terse.choice<1 = #terse.sum<#terse.columns<f16, count = 1, axis = 1>, #terse.uniform<i8, axis = 0>>>
  // CHANNELS: #terse.choice<1 = #terse.uniform<i4, block = [2, 128]>>
  %y = nn.linear %x, %w : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

ml_program.global private @k(dense<0.5> : tensor<16x16x3x3xf32>) : tensor<16x16x3x3xf32>
ml_program.global private @dw(dense<0.5> : tensor<6x1x3x3xf32>) : tensor<6x1x3x3xf32>

// Blocks never have more elements than the format says; what no vector divides stays as it is.
// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<1x16x8x8xf32>, %d: tensor<1x6x8x8xf32>) -> (tensor<1x16x6x6xf32>, tensor<1x6x6x6xf32>) {
  %k = ml_program.global_load_const @k : tensor<16x16x3x3xf32>
  %dw = ml_program.global_load_const @dw : tensor<6x1x3x3xf32>
  // MX: #terse.choice<1 = #terse.minifloat<f4E2M1FN, block = [1, 8, 1, 3], scale = f8E8M0FNU>>
  // PALETTE: #terse.choice<1 = #terse.codebook<ui4, table = f16, group = [8, 16, 3, 3]>>
  // VECTOR: #terse.choice<1 = #terse.codebook<ui4, table = f16, vector = 4, vector_axis = 1>>
  // NF4: #terse.codebook<ui4, table = nf4, block = [1, 16, 1, 3], scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = [16, 1, 3, 1]>>>
  // OUTLIERS: #terse.choice<1 = #terse.sum<#terse.columns<f16, count = 1, axis = 1>, #terse.uniform<i8, axis = 0>>>
  // CHANNELS: #terse.choice<1 = #terse.uniform<i4, block = [2, 16, 3, 3]>>
  %y = nn.conv %x, %k {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x6x6xf32>
  // MX: #terse.choice<1 = #terse.minifloat<f4E2M1FN, block = [1, 1, 3, 3], scale = f8E8M0FNU>>
  // VECTOR: #terse.choice<1 = "does not fit: expected dimension 0 to be a multiple of the vector of 4 (got 6)">
  // OUTLIERS: #terse.choice<1 = "does not fit: expected more than 1 and at most 65536 slices along axis 1 (got 1)">
  %z = nn.conv %d, %dw {dilations = array<i64: 1, 1>, groups = 6 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x6x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<1x6x6x6xf32>
  return %y, %z : tensor<1x16x6x6xf32>, tensor<1x6x6x6xf32>
}
