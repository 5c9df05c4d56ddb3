// RUN: terse-opt %s --nn-expand-attention | FileCheck %s
// RUN: terse-opt %s --nn-expand-attention --nn-expand-attention | FileCheck %s

// Only attention is expanded; its softmax, as everything else, is elementwise ops and reductions.
// CHECK-LABEL: func.func @main(
// CHECK: nn.layer_norm
// CHECK-NOT: nn.attention
// CHECK: %[[S:.*]] = nn.matmul {{.*}} : (tensor<1x2x?x16xf32>, tensor<1x2x16x?xf32>) -> tensor<1x2x?x?xf32>
// CHECK: nn.unary exp
// CHECK: nn.matmul {{.*}} : (tensor<1x2x?x?xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
// CHECK-NEXT: nn.softmax
func.func @main(%q: tensor<1x2x?x16xf32>, %v: tensor<1x2x?x8xf32>, %scale: tensor<16xf32>) -> tensor<1x2x?x8xf32> {
  %n = nn.layer_norm %q, %scale {axis = 3 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<1x2x?x16xf32>, tensor<16xf32>) -> tensor<1x2x?x16xf32>
  %y = nn.attention %n, %q, %v {scale = 0.25 : f64} : (tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  %z = nn.softmax %y {axis = 3 : i64} : (tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  return %z : tensor<1x2x?x8xf32>
}

// Nothing to do.
// CHECK-LABEL: func.func @plain(
// CHECK-NEXT: return
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
