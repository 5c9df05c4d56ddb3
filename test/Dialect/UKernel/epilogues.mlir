// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-fuse-epilogues))' | FileCheck %s

// A batch of matrices is one product; what follows reads it as a batch: bias, residual.

// CHECK-LABEL: func @batch(
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>, %[[B:.*]]: tensor<32xf32>, %[[R:.*]]: tensor<2x8x32xf32>
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[R]] {{\[\[}}0, 1], [2]]
// CHECK: %[[Y:.*]] = ukernel.gemm %[[X]], %{{.*}} extras(%[[B]], %[[FLAT]]) into
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[BIAS:.*]]: f32, %[[REST:.*]]: f32):
// CHECK-NEXT: %[[A:.*]] = arith.addf %[[SUM]], %[[BIAS]]
// CHECK-NEXT: %[[C:.*]] = arith.addf %[[REST]], %[[A]]
// CHECK-NEXT: ukernel.yield %[[C]]
// CHECK-NOT: linalg.generic
// CHECK: %[[E:.*]] = tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]]
// CHECK: return %[[E]]
func.func @batch(%x: tensor<16x8xf32>, %bias: tensor<32xf32>, %rest: tensor<2x8x32xf32>) -> tensor<2x8x32xf32> {
  %w = arith.constant dense<1.0> : tensor<32x8xf32>
  %0 = tensor.empty() : tensor<16x32xf32>
  %1 = ukernel.gemm %x, %w into %0 {extra_maps = []} : tensor<16x8xf32>, tensor<32x8xf32> into tensor<16x32xf32> -> tensor<16x32xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [2, 8, 32] : tensor<16x32xf32> into tensor<2x8x32xf32>
  %3 = tensor.empty() : tensor<2x8x32xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%2, %bias : tensor<2x8x32xf32>, tensor<32xf32>) outs(%3 : tensor<2x8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x8x32xf32>
  %5 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%rest, %4 : tensor<2x8x32xf32>, tensor<2x8x32xf32>) outs(%3 : tensor<2x8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x8x32xf32>
  return %5 : tensor<2x8x32xf32>
}

// A scale for each row, behind a dimension of size 1.

// CHECK-LABEL: func @row_scales(
// CHECK-SAME: %[[X:.*]]: tensor<16x8xi8>, %[[S:.*]]: tensor<2x8x1xf32>
// CHECK: ukernel.gemm %[[X]], %{{.*}} extras(%{{.*}}) into %{{.*}} {extra_maps = [#{{.*}}]} {{.*}}extras(tensor<16xf32>)
// CHECK-NOT: linalg.generic
func.func @row_scales(%x: tensor<16x8xi8>, %scales: tensor<2x8x1xf32>) -> tensor<2x8x32xf32> {
  %w = arith.constant dense<1> : tensor<32x8xi8>
  %0 = tensor.empty() : tensor<16x32xi32>
  %1 = ukernel.gemm %x, %w into %0 {extra_maps = []} : tensor<16x8xi8>, tensor<32x8xi8> into tensor<16x32xi32> -> tensor<16x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [2, 8, 32] : tensor<16x32xi32> into tensor<2x8x32xi32>
  %3 = tensor.empty() : tensor<2x8x32xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%2, %scales : tensor<2x8x32xi32>, tensor<2x8x1xf32>) outs(%3 : tensor<2x8x32xf32>) {
  ^bb0(%a: i32, %s: f32, %c: f32):
    %f = arith.sitofp %a : i32 to f32
    %p = arith.mulf %f, %s : f32
    linalg.yield %p : f32
  } -> tensor<2x8x32xf32>
  return %4 : tensor<2x8x32xf32>
}

// A batch of one: scales of rows and of channels.

// CHECK-LABEL: func @batch_of_one(
// CHECK: ukernel.gemm %{{.*}} extras(%{{.*}}, %{{.*}}) into %{{.*}} {extra_maps = [#{{.*}}, #{{.*}}]} {{.*}}extras(tensor<16xf32>, tensor<32xf32>)
// CHECK-NOT: linalg.generic
func.func @batch_of_one(%x: tensor<16x8xi8>, %rows: tensor<1x16x1xf32>, %columns: tensor<1x1x32xf32>) -> tensor<1x16x32xf32> {
  %w = arith.constant dense<1> : tensor<32x8xi8>
  %0 = tensor.empty() : tensor<16x32xi32>
  %1 = ukernel.gemm %x, %w into %0 {extra_maps = []} : tensor<16x8xi8>, tensor<32x8xi8> into tensor<16x32xi32> -> tensor<16x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [1, 16, 32] : tensor<16x32xi32> into tensor<1x16x32xi32>
  %3 = tensor.empty() : tensor<1x16x32xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>, affine_map<(b, m, n) -> (b, 0, n)>,
                                        affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%2, %rows, %columns : tensor<1x16x32xi32>, tensor<1x16x1xf32>, tensor<1x1x32xf32>) outs(%3 : tensor<1x16x32xf32>) {
  ^bb0(%a: i32, %r: f32, %s: f32, %c: f32):
    %t = arith.mulf %r, %s : f32
    %f = arith.sitofp %a : i32 to f32
    %p = arith.mulf %f, %t : f32
    linalg.yield %p : f32
  } -> tensor<1x16x32xf32>
  return %4 : tensor<1x16x32xf32>
}

// What is used as a batch elsewhere keeps its shape.

// CHECK-LABEL: func @used_twice(
// CHECK: tensor.expand_shape
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]
func.func @used_twice(%x: tensor<16x8xf32>) -> (tensor<2x8x32xf32>, tensor<2x8x32xf32>) {
  %w = arith.constant dense<1.0> : tensor<32x8xf32>
  %0 = tensor.empty() : tensor<16x32xf32>
  %1 = ukernel.gemm %x, %w into %0 {extra_maps = []} : tensor<16x8xf32>, tensor<32x8xf32> into tensor<16x32xf32> -> tensor<16x32xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [2, 8, 32] : tensor<16x32xf32> into tensor<2x8x32xf32>
  %3 = tensor.empty() : tensor<2x8x32xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%2 : tensor<2x8x32xf32>) outs(%3 : tensor<2x8x32xf32>) {
  ^bb0(%a: f32, %c: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<2x8x32xf32>
  return %2, %4 : tensor<2x8x32xf32>, tensor<2x8x32xf32>
}

// An open batch, whose size is asked of what the kernel makes.

// CHECK-LABEL: func @open_batch(
// CHECK: ukernel.gemm
// CHECK: %[[C:.*]] = arith.addf
// CHECK-NEXT: ukernel.yield %[[C]]
// CHECK-NOT: linalg.generic
func.func @open_batch(%x: tensor<?x8xf32>, %rows: index, %n: index, %bias: tensor<32xf32>) -> tensor<?x8x32xf32> {
  %w = arith.constant dense<1.0> : tensor<32x8xf32>
  %0 = tensor.empty(%rows) : tensor<?x32xf32>
  %1 = ukernel.gemm %x, %w into %0 {extra_maps = []} : tensor<?x8xf32>, tensor<32x8xf32> into tensor<?x32xf32> -> tensor<?x32xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [%n, 8, 32] : tensor<?x32xf32> into tensor<?x8x32xf32>
  %3 = tensor.empty(%n) : tensor<?x8x32xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%2, %bias : tensor<?x8x32xf32>, tensor<32xf32>) outs(%3 : tensor<?x8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x8x32xf32>
  return %4 : tensor<?x8x32xf32>
}
