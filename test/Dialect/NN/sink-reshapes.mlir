// RUN: terse-opt %s -split-input-file -nn-sink-reshapes -canonicalize -cse | FileCheck %s
// RUN: terse-opt %s -split-input-file -nn-sink-reshapes -nn-decompose -canonicalize -cse -convert-attention-to-ukernel | FileCheck %s --check-prefix=KERNEL

// A softmax over two dimensions, as converters from TensorFlow write it; the sizes are open.
// CHECK-LABEL: @flat_softmax
// CHECK: %[[S:.*]] = nn.matmul {{.*}} -> tensor<?x4x?x?xf32>
// CHECK: %[[M:.*]] = nn.binary add %[[S]], %{{.*}}
// CHECK: %[[P:.*]] = nn.softmax %[[M]] {axis = 3 : i64}
// CHECK: nn.matmul %[[P]], %{{.*}} : (tensor<?x4x?x?xf32>, tensor<?x4x?x64xf32>)
// KERNEL-LABEL: @flat_softmax
// KERNEL: ukernel.attention
func.func @flat_softmax(%q: tensor<?x4x?x64xf32>, %k: tensor<?x4x64x?xf32>, %v: tensor<?x4x?x64xf32>, %m: tensor<?x1x1x?xf32>) -> tensor<?x4x?x64xf32> {
  %rest = nn.constant dense<-1> : tensor<1xi64>
  %heads = nn.constant dense<4> : tensor<1xi64>
  %0 = nn.matmul %q, %k : (tensor<?x4x?x64xf32>, tensor<?x4x64x?xf32>) -> tensor<?x4x?x?xf32>
  %1 = nn.binary add %0, %m : (tensor<?x4x?x?xf32>, tensor<?x1x1x?xf32>) -> tensor<?x4x?x?xf32>
  %2 = nn.shape %1 : (tensor<?x4x?x?xf32>) -> tensor<4xi64>
  %3 = nn.slice %2 {ends = array<i64: 4>, starts = array<i64: 3>, steps = array<i64: 1>} : (tensor<4xi64>) -> tensor<1xi64>
  %4 = nn.reduce prod %2 {axes = array<i64: 0>, keepdims = true} : (tensor<4xi64>) -> tensor<1xi64>
  %5 = nn.binary div %4, %3 : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %6 = nn.concat %5, %3 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %7 = nn.reshape %1, %6 : (tensor<?x4x?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %8 = nn.softmax %7 {axis = 1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %9 = nn.slice %2 {ends = array<i64: 1>, starts = array<i64: 0>, steps = array<i64: 1>} : (tensor<4xi64>) -> tensor<1xi64>
  %10 = nn.slice %2 {ends = array<i64: 3>, starts = array<i64: 2>, steps = array<i64: 1>} : (tensor<4xi64>) -> tensor<1xi64>
  %11 = nn.concat %9, %heads, %10, %10 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %12 = nn.reshape %8, %11 : (tensor<?x?xf32>, tensor<4xi64>) -> tensor<?x4x?x?xf32>
  %13 = nn.matmul %12, %v : (tensor<?x4x?x?xf32>, tensor<?x4x?x64xf32>) -> tensor<?x4x?x64xf32>
  return %13 : tensor<?x4x?x64xf32>
}

// -----

// Batches of heads for the products, apart for a mask of samples, as decoders of PyTorch write it.
// CHECK-LABEL: @batches_of_heads
// CHECK-NOT: tensor<6x
// CHECK: return
// KERNEL-LABEL: @batches_of_heads
// KERNEL-SAME: (%[[Q:.*]]: tensor<2x5x12xf32>, %[[K:.*]]: tensor<2x7x12xf32>, %[[V:.*]]: tensor<2x7x12xf32>, %[[M:.*]]: tensor<2x1x5x7xf32>)
// KERNEL: ukernel.attention %{{.*}}, %{{.*}}, %{{.*}} extras(%[[M]]) into
// KERNEL-SAME: k_order = array<i64: 0, 2, 1, 3>
// KERNEL-SAME: q_order = array<i64: 0, 2, 1, 3>
// KERNEL-SAME: result_order = array<i64: 0, 2, 1, 3>
func.func @batches_of_heads(%q: tensor<2x5x12xf32>, %k: tensor<2x7x12xf32>, %v: tensor<2x7x12xf32>, %m: tensor<2x1x5x7xf32>) -> tensor<2x5x12xf32> {
  %c = nn.constant dense<0.5> : tensor<f32>
  %s = nn.binary mul %q, %c : (tensor<2x5x12xf32>, tensor<f32>) -> tensor<2x5x12xf32>
  %0 = nn.reshape %s : (tensor<2x5x12xf32>) -> tensor<2x5x3x4xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x5x3x4xf32>) -> tensor<2x3x5x4xf32>
  %2 = nn.reshape %1 : (tensor<2x3x5x4xf32>) -> tensor<6x5x4xf32>
  %3 = nn.reshape %k : (tensor<2x7x12xf32>) -> tensor<2x7x3x4xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x7x3x4xf32>) -> tensor<2x3x7x4xf32>
  %5 = nn.reshape %4 : (tensor<2x3x7x4xf32>) -> tensor<6x7x4xf32>
  %6 = nn.transpose %5 {permutation = array<i64: 0, 2, 1>} : (tensor<6x7x4xf32>) -> tensor<6x4x7xf32>
  %7 = nn.reshape %v : (tensor<2x7x12xf32>) -> tensor<2x7x3x4xf32>
  %8 = nn.transpose %7 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x7x3x4xf32>) -> tensor<2x3x7x4xf32>
  %9 = nn.reshape %8 : (tensor<2x3x7x4xf32>) -> tensor<6x7x4xf32>
  %10 = nn.matmul %2, %6 : (tensor<6x5x4xf32>, tensor<6x4x7xf32>) -> tensor<6x5x7xf32>
  %11 = nn.reshape %10 : (tensor<6x5x7xf32>) -> tensor<2x3x5x7xf32>
  %12 = nn.binary add %11, %m : (tensor<2x3x5x7xf32>, tensor<2x1x5x7xf32>) -> tensor<2x3x5x7xf32>
  %13 = nn.reshape %12 : (tensor<2x3x5x7xf32>) -> tensor<6x5x7xf32>
  %14 = nn.softmax %13 {axis = 2 : i64} : (tensor<6x5x7xf32>) -> tensor<6x5x7xf32>
  %15 = nn.matmul %14, %9 : (tensor<6x5x7xf32>, tensor<6x7x4xf32>) -> tensor<6x5x4xf32>
  %16 = nn.reshape %15 : (tensor<6x5x4xf32>) -> tensor<2x3x5x4xf32>
  %17 = nn.transpose %16 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x3x5x4xf32>) -> tensor<2x5x3x4xf32>
  %18 = nn.reshape %17 : (tensor<2x5x3x4xf32>) -> tensor<2x5x12xf32>
  return %18 : tensor<2x5x12xf32>
}

// -----

// A mask of all heads, which selects where they are merged; queries are scaled before the product.
// CHECK-LABEL: @where
// CHECK: nn.reshape %{{.*}} : (tensor<6x5x7xi1>) -> tensor<2x3x5x7xi1>
// KERNEL-LABEL: @where
// KERNEL-SAME: (%[[Q:[^:]*]]: tensor<2x3x5x4xf32>
// KERNEL: ukernel.attention %[[Q]], %{{.*}} extras(
// KERNEL: %[[X:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// KERNEL: arith.select %{{.*}}, %[[X]], %{{.*}} : f32
func.func @where(%q: tensor<2x3x5x4xf32>, %k: tensor<2x3x4x7xf32>, %v: tensor<2x3x7x4xf32>, %m: tensor<6x5x7xi1>) -> tensor<2x3x5x4xf32> {
  %c = nn.constant dense<-1.0e+09> : tensor<f32>
  %h = nn.constant dense<2.0> : tensor<f32>
  %s = nn.binary div %q, %h : (tensor<2x3x5x4xf32>, tensor<f32>) -> tensor<2x3x5x4xf32>
  %0 = nn.matmul %s, %k : (tensor<2x3x5x4xf32>, tensor<2x3x4x7xf32>) -> tensor<2x3x5x7xf32>
  %1 = nn.reshape %0 : (tensor<2x3x5x7xf32>) -> tensor<6x5x7xf32>
  %2 = nn.select %m, %1, %c : (tensor<6x5x7xi1>, tensor<6x5x7xf32>, tensor<f32>) -> tensor<6x5x7xf32>
  %3 = nn.softmax %2 {axis = 2 : i64} : (tensor<6x5x7xf32>) -> tensor<6x5x7xf32>
  %4 = nn.reshape %3 : (tensor<6x5x7xf32>) -> tensor<2x3x5x7xf32>
  %5 = nn.matmul %4, %v : (tensor<2x3x5x7xf32>, tensor<2x3x7x4xf32>) -> tensor<2x3x5x4xf32>
  return %5 : tensor<2x3x5x4xf32>
}

// -----

// Rows change; the mask stretches along what is merged; there is no second product.
// CHECK-LABEL: @left_alone
// CHECK: nn.reshape %{{.*}} : (tensor<2x3x4x8xf32>) -> tensor<2x3x32xf32>
// CHECK: nn.softmax %{{.*}} {axis = 2 : i64} : (tensor<2x3x32xf32>) -> tensor<2x3x32xf32>
// CHECK: nn.softmax %{{.*}} {axis = 3 : i64} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
// CHECK: nn.softmax %{{.*}} {axis = 1 : i64} : (tensor<24x8xf32>) -> tensor<24x8xf32>
// KERNEL-LABEL: @left_alone
// KERNEL-NOT: ukernel
func.func @left_alone(%q: tensor<2x3x4x4xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x8x4xf32>, %q2: tensor<6x4x4xf32>, %k2: tensor<6x4x8xf32>, %m: tensor<2x1x4x8xf32>) -> (tensor<2x3x4x4xf32>, tensor<6x4x8xf32>, tensor<24x8xf32>) {
  %0 = nn.matmul %q, %k : (tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %1 = nn.reshape %0 : (tensor<2x3x4x8xf32>) -> tensor<2x3x32xf32>
  %2 = nn.softmax %1 {axis = 2 : i64} : (tensor<2x3x32xf32>) -> tensor<2x3x32xf32>
  %3 = nn.reshape %2 : (tensor<2x3x32xf32>) -> tensor<2x3x4x8xf32>
  %4 = nn.matmul %3, %v : (tensor<2x3x4x8xf32>, tensor<2x3x8x4xf32>) -> tensor<2x3x4x4xf32>
  %5 = nn.matmul %q2, %k2 : (tensor<6x4x4xf32>, tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  %6 = nn.reshape %5 : (tensor<6x4x8xf32>) -> tensor<2x3x4x8xf32>
  %7 = nn.binary add %6, %m : (tensor<2x3x4x8xf32>, tensor<2x1x4x8xf32>) -> tensor<2x3x4x8xf32>
  %8 = nn.softmax %7 {axis = 3 : i64} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %9 = nn.reshape %8 : (tensor<2x3x4x8xf32>) -> tensor<6x4x8xf32>
  %v2 = nn.reshape %v : (tensor<2x3x8x4xf32>) -> tensor<6x8x4xf32>
  %10 = nn.matmul %9, %v2 : (tensor<6x4x8xf32>, tensor<6x8x4xf32>) -> tensor<6x4x4xf32>
  %11 = nn.matmul %10, %k2 : (tensor<6x4x4xf32>, tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  %12 = nn.matmul %q, %k : (tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %13 = nn.reshape %12 : (tensor<2x3x4x8xf32>) -> tensor<24x8xf32>
  %14 = nn.softmax %13 {axis = 1 : i64} : (tensor<24x8xf32>) -> tensor<24x8xf32>
  return %4, %11, %14 : tensor<2x3x4x4xf32>, tensor<6x4x8xf32>, tensor<24x8xf32>
}
