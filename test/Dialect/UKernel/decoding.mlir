// RUN: terse-opt %s --terse-linalg-pipeline="isa=avx512 vector-bytes=64" | FileCheck %s --check-prefix=WIDE
// RUN: terse-opt %s --terse-linalg-pipeline="isa=avx2 vector-bytes=32" | FileCheck %s --check-prefix=NARROW

// 16 channels side by side: 32 bytes of scales and 256 of codes for each block of 32, twice, and room for
// words that are read from their last byte on.
// WIDE-LABEL: @main
// WIDE: tensor<1x3x640xi8>
// WIDE: ukernel.gemm
// WIDE-SAME: decoding = #ukernel.decoding<i4, group = 32, scale = f16>
// WIDE-SAME: schedule = #ukernel.schedule<avx512, rows = 1, columns = 48
// WIDE-SAME: tensor<1x3x640xi8>
// WIDE: ukernel.conv
// WIDE-SAME: decoding = #ukernel.decoding<ui4, group = 16, table = shared>
// NARROW-LABEL: @main
// NARROW: ukernel.gemm
// NARROW-SAME: schedule = #ukernel.schedule<avx2, rows = 1, columns = 24
// NARROW-SAME: tensor<2x3x320xi8>
func.func @main(%x: tensor<1x64xf32>, %y: tensor<1x16x1x1xf32>) -> (tensor<1x40xf32>, tensor<1x8x1x1xf32>) {
  %v = nn.constant dense<3> : tensor<40x64xi4>
  %s = nn.constant dense<0.5> : tensor<40x2xf16>
  %w = terse.assemble %v, %s : (tensor<40x64xi4>, tensor<40x2xf16>) -> tensor<40x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
  %0 = nn.linear %x, %w : (tensor<1x64xf32>, tensor<40x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<1x40xf32>
  %v1 = nn.constant dense<3> : tensor<8x16x1x1xui4>
  %t = nn.constant dense<0.5> : tensor<16xf16>
  %w1 = terse.assemble %v1, %t : (tensor<8x16x1x1xui4>, tensor<16xf16>) -> tensor<8x16x1x1xf32, #terse.codebook<ui4, table = f16>>
  %1 = nn.conv %y, %w1 {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x16x1x1xf32>, tensor<8x16x1x1xf32, #terse.codebook<ui4, table = f16>>) -> tensor<1x8x1x1xf32>
  return %0, %1 : tensor<1x40xf32>, tensor<1x8x1x1xf32>
}
