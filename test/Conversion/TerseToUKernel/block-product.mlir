// RUN: terse-opt %s -split-input-file -convert-weights-to-ukernel -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @product
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xi8>)
// CHECK: %[[W:.*]] = ukernel.weights #terse.uniform<i4, block = [1, 32], scale = f16> {{.*}} : tensor<8x64xf32>
// CHECK: %[[INIT:.*]] = tensor.empty(%{{.*}}) : tensor<?x8xf32>
// CHECK: ukernel.gemm %[[X]], %[[W]] into %[[INIT]] {extra_maps = []} : tensor<?x64xi8>, tensor<8x64xf32> into tensor<?x8xf32> -> tensor<?x8xf32>
func.func @product(%x: tensor<?x64xi8>) -> tensor<?x8xf32> {
  %v = nn.constant dense<3> : tensor<8x64xi4>
  %s = nn.constant dense<0.5> : tensor<8x2xf16>
  %w = terse.assemble %v, %s : (tensor<8x64xi4>, tensor<8x2xf16>) -> tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
  %0 = terse.block_product %x, %w : (tensor<?x64xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

func.func @argument(%x: tensor<2x64xi8>, %w: tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> tensor<2x8xf32> {
  // expected-error @+1 {{expected a constant weight, assembled from constants}}
  %0 = terse.block_product %x, %w : (tensor<2x64xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
