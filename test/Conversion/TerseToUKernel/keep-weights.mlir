// RUN: terse-opt %s -split-input-file -convert-weights-to-ukernel | FileCheck %s
// RUN: terse-opt %s -split-input-file -convert-weights-to-ukernel -convert-weights-to-ukernel | FileCheck %s

// CHECK-LABEL: @linear
// CHECK: %[[W:.*]] = ukernel.weights #terse.uniform<i4, block = [1, 32], scale = f16> [dense<3> : tensor<8x64xi4>, dense<5.000000e-01> : tensor<8x2xf16>] : tensor<8x64xf32>
// CHECK: nn.linear %{{.*}}, %[[W]] : (tensor<1x64xf32>, tensor<8x64xf32>)
func.func @linear(%x: tensor<1x64xf32>) -> tensor<1x8xf32> {
  %v = nn.constant dense<3> : tensor<8x64xi4>
  %s = nn.constant dense<0.5> : tensor<8x2xf16>
  %w = terse.assemble %v, %s : (tensor<8x64xi4>, tensor<8x2xf16>) -> tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
  %0 = nn.linear %x, %w : (tensor<1x64xf32>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// Not a constant.
// CHECK-LABEL: @argument
// CHECK-NOT: ukernel
func.func @argument(%x: tensor<1x64xf32>, %v: tensor<8x64xi4>) -> tensor<1x8xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %w = terse.assemble %v, %s : (tensor<8x64xi4>, tensor<f32>) -> tensor<8x64xf32, #terse.uniform<i4>>
  %0 = nn.linear %x, %w : (tensor<1x64xf32>, tensor<8x64xf32, #terse.uniform<i4>>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// A table that changes along the contraction, and elements that depend on each other.
// CHECK-LABEL: @tables
// CHECK-NOT: ukernel
func.func @tables(%x: tensor<1x4xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %v = nn.constant dense<1> : tensor<2x4xui1>
  %t = nn.constant dense<0.5> : tensor<1x2x2xf16>
  %w = terse.assemble %v, %t : (tensor<2x4xui1>, tensor<1x2x2xf16>) -> tensor<2x4xf32, #terse.codebook<ui1, table = f16, group = [?, 2]>>
  %0 = nn.linear %x, %w : (tensor<1x4xf32>, tensor<2x4xf32, #terse.codebook<ui1, table = f16, group = [?, 2]>>) -> tensor<1x2xf32>
  %v2 = nn.constant dense<1> : tensor<2x2xui1>
  %t2 = nn.constant dense<0.5> : tensor<2x2xf16>
  %w2 = terse.assemble %v2, %t2 : (tensor<2x2xui1>, tensor<2x2xf16>) -> tensor<2x4xf32, #terse.codebook<ui1, table = f16, vector = 2, vector_axis = 1>>
  %1 = nn.linear %x, %w2 : (tensor<1x4xf32>, tensor<2x4xf32, #terse.codebook<ui1, table = f16, vector = 2, vector_axis = 1>>) -> tensor<1x2xf32>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// Each channel has its own window: decoded ahead of time.
// CHECK-LABEL: @depthwise
// CHECK-NOT: ukernel
// CHECK: %[[D:.*]] = nn.constant dense<5.000000e-01> : tensor<4x1x3x3xf32>
// CHECK: nn.conv %{{.*}}, %[[D]]
func.func @depthwise(%x: tensor<1x4x6x6xf32>) -> tensor<1x4x4x4xf32> {
  %v = nn.constant dense<1> : tensor<4x1x3x3xi4>
  %s = nn.constant dense<0.5> : tensor<f32>
  %w = terse.assemble %v, %s : (tensor<4x1x3x3xi4>, tensor<f32>) -> tensor<4x1x3x3xf32, #terse.uniform<i4>>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 4 : i64} : (tensor<1x4x6x6xf32>, tensor<4x1x3x3xf32, #terse.uniform<i4>>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}
