// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form))' -split-input-file | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#o = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @w(dense<1.0> : tensor<4x8xf32>) : tensor<4x8xf32>

// CHECK-LABEL: func @linear
// CHECK: %[[W:.*]] = ml_program.global_load_const @w
// CHECK: ukernel.gemm %{{.*}}, %[[W]] into
func.func @linear(%x: tensor<?x8xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x8xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<4x8xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Two activations stay.
// CHECK-LABEL: func @activations
// CHECK-NOT: ukernel
// CHECK: linalg.generic
func.func @activations(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<4x8xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Start values become an addition; unsigned activations are marked.
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#o = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func @integers
// CHECK: ukernel.gemm %{{.*}}, %{{.*}} extras(%[[INIT:.*]]) into %{{.*}} {extra_maps = [#{{.*}}], lhs_unsigned}
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: i32, %[[START:.*]]: i32):
// CHECK-NEXT: arith.addi %[[SUM]], %[[START]]
func.func @integers(%x: tensor<3x8xi8>, %init: tensor<3x4xi32>) -> tensor<3x4xi32> {
  %w = arith.constant dense<2> : tensor<4x8xi8>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x8xi8>, tensor<4x8xi8>) outs(%init : tensor<3x4xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %u = arith.extui %a : i8 to i32
    %v = arith.extsi %b : i8 to i32
    %p = arith.muli %u, %v : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<3x4xi32>
  return %0 : tensor<3x4xi32>
}
