// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512 vector-bytes=64}))' | FileCheck %s

// A schedule that is given stays; how weights are decoded follows from it and from their format.
// CHECK-LABEL: @given
// CHECK: ukernel.gemm
// CHECK-SAME: decoding = #ukernel.decoding<i4, group = 32, scale = f32>
// CHECK-SAME: schedule = #ukernel.schedule<avx512, rows = 3, columns = 16, depth = 1, align = 1, block = 3>
func.func @given(%x: tensor<3x64xf32>, %o: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %w = ukernel.weights #terse.uniform<i4, block = [1, 32]> [dense<3> : tensor<8x64xi4>, dense<0.5> : tensor<8x2xf32>] : tensor<8x64xf32>
  %0 = ukernel.gemm %x, %w into %o {extra_maps = [], schedule = #ukernel.schedule<avx512, rows = 3, columns = 16, depth = 1, align = 1, block = 3>} : tensor<3x64xf32>, tensor<8x64xf32> into tensor<3x8xf32> -> tensor<3x8xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<3x8xf32>
}

// Blocks of a window that do not lie side by side: an index for each element.
// CHECK-LABEL: @scattered
// CHECK: ukernel.conv
// CHECK-SAME: decoding = #ukernel.decoding<i4, group = 45, scale = f32, blocks = 2>
func.func @scattered(%x: tensor<1x4x4x5xf32>, %o: tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32> {
  %w = ukernel.weights #terse.uniform<i4, block = [1, 3, 3, 3]> [dense<3> : tensor<8x5x3x3xi4>, dense<0.5> : tensor<8x2x1x1xf32>] : tensor<8x5x3x3xf32>
  %0 = ukernel.conv %x, %w into %o {extra_maps = [], window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 0]>} : tensor<1x4x4x5xf32>, tensor<8x5x3x3xf32> into tensor<1x2x2x8xf32> -> tensor<1x2x2x8xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x2x2x8xf32>
}
