// RUN: terse-opt %s -split-input-file -terse-integer-contractions | FileCheck %s

// A scale for each block along the contraction.
// CHECK-LABEL: @linear
// CHECK: %[[X:.*]], %[[S:.*]] = terse.components %{{.*}} : tensor<?x64xf32, #terse.uniform<i8
// CHECK: %[[Y:.*]] = terse.block_product %[[X]], %{{.*}} : (tensor<?x64xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<?x8xf32>
// CHECK: nn.binary mul %[[Y]], %[[S]]
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %v = nn.constant dense<3> : tensor<8x64xi4>
  %s = nn.constant dense<0.5> : tensor<8x2xf16>
  %w = terse.assemble %v, %s : (tensor<8x64xi4>, tensor<8x2xf16>) -> tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
  %e = terse.encode %x : tensor<?x64xf32> -> tensor<?x64xf32, #terse.uniform<i8, block = [1, ?], dynamic>>
  %0 = nn.linear %e, %w : (tensor<?x64xf32, #terse.uniform<i8, block = [1, ?], dynamic>>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Output channels second; few bits with a scale per channel stay few bits.
// CHECK-LABEL: @matmul
// CHECK: terse.block_product %{{.*}}, %{{.*}} {transposed} : (tensor<2x64xi8>, tensor<64x8xf32, #terse.uniform<i4, axis = 1>>) -> tensor<2x8xf32>
func.func @matmul(%x: tensor<2x64xf32>) -> tensor<2x8xf32> {
  %v = nn.constant dense<3> : tensor<64x8xi4>
  %s = nn.constant dense<0.5> : tensor<8xf32>
  %w = terse.assemble %v, %s : (tensor<64x8xi4>, tensor<8xf32>) -> tensor<64x8xf32, #terse.uniform<i4, axis = 1>>
  %e = terse.encode %x : tensor<2x64xf32> -> tensor<2x64xf32, #terse.uniform<i8, dynamic>>
  %0 = nn.matmul %e, %w : (tensor<2x64xf32, #terse.uniform<i8, dynamic>>, tensor<64x8xf32, #terse.uniform<i4, axis = 1>>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// Bytes with a scale per channel are sums of the whole contraction.
// CHECK-LABEL: @bytes
// CHECK-NOT: block_product
func.func @bytes(%x: tensor<2x64xf32>) -> tensor<2x8xf32> {
  %v = nn.constant dense<3> : tensor<8x64xi8>
  %s = nn.constant dense<0.5> : tensor<8xf32>
  %w = terse.assemble %v, %s : (tensor<8x64xi8>, tensor<8xf32>) -> tensor<8x64xf32, #terse.uniform<i8, axis = 0>>
  %e = terse.encode %x : tensor<2x64xf32> -> tensor<2x64xf32, #terse.uniform<i8, dynamic>>
  %0 = nn.linear %e, %w : (tensor<2x64xf32, #terse.uniform<i8, dynamic>>, tensor<8x64xf32, #terse.uniform<i8, axis = 0>>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// Not a constant; scales of the activation that change along the sum.
// CHECK-LABEL: @others
// CHECK-NOT: block_product
func.func @others(%x: tensor<2x64xf32>, %w: tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %e = terse.encode %x : tensor<2x64xf32> -> tensor<2x64xf32, #terse.uniform<i8, dynamic>>
  %0 = nn.linear %e, %w : (tensor<2x64xf32, #terse.uniform<i8, dynamic>>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> tensor<2x8xf32>
  %v = nn.constant dense<3> : tensor<8x64xi4>
  %s = nn.constant dense<0.5> : tensor<8x2xf16>
  %w2 = terse.assemble %v, %s : (tensor<8x64xi4>, tensor<8x2xf16>) -> tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
  %f = terse.encode %x : tensor<2x64xf32> -> tensor<2x64xf32, #terse.uniform<i8, block = [1, 32], dynamic>>
  %1 = nn.linear %f, %w2 : (tensor<2x64xf32, #terse.uniform<i8, block = [1, 32], dynamic>>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<2x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
}
