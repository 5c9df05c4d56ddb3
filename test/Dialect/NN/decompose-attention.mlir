// RUN: terse-opt %s --nn-decompose --split-input-file | FileCheck %s

// The example of the pass description.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[X:.*]]: tensor<2x8xf32>
func.func @softmax(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK-NEXT: %[[M:.*]] = nn.reduce max %[[X]] {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
  // CHECK-NEXT: %[[D:.*]] = nn.binary sub %[[X]], %[[M]] : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  // CHECK-NEXT: %[[E:.*]] = nn.unary exp %[[D]] : (tensor<2x8xf32>) -> tensor<2x8xf32>
  // CHECK-NEXT: %[[S:.*]] = nn.reduce sum %[[E]] {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.binary div %[[E]], %[[S]] : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// CHECK-LABEL: func.func @log_softmax(
func.func @log_softmax(%x: tensor<?x?xbf16>) -> tensor<?x?xbf16> {
  // CHECK: %[[D:.*]] = nn.binary sub
  // CHECK: %[[E:.*]] = nn.unary exp %[[D]] : (tensor<?x?xf32>)
  // CHECK: %[[S:.*]] = nn.reduce sum %[[E]]
  // CHECK: %[[L:.*]] = nn.unary log %[[S]]
  // CHECK: %[[R:.*]] = nn.binary sub %[[D]], %[[L]]
  // CHECK: nn.cast %[[R]] : (tensor<?x?xf32>) -> tensor<?x?xbf16>
  %0 = nn.softmax %x {axis = 0 : i64, log = true} : (tensor<?x?xbf16>) -> tensor<?x?xbf16>
  return %0 : tensor<?x?xbf16>
}

// -----

// Grouped heads: keys and values keep an axis of size 1 beside the group and are never repeated.
// CHECK-LABEL: func.func @grouped_attention(
func.func @grouped_attention(%q: tensor<1x8x3x16xf32>, %k: tensor<1x2x5x16xf32>, %v: tensor<1x2x5x4xf32>,
                             %mask: tensor<3x5xi1>) -> tensor<1x8x3x4xf32> {
  // CHECK-DAG: %[[INF:.*]] = nn.constant dense<0xFF800000> : tensor<f32>
  // CHECK-DAG: nn.reshape %arg0 : (tensor<1x8x3x16xf32>) -> tensor<1x2x4x3x16xf32>
  // CHECK-DAG: nn.reshape %arg1 : (tensor<1x2x5x16xf32>) -> tensor<1x2x1x5x16xf32>
  // CHECK: %[[SCORE:.*]] = nn.matmul %{{.*}} : (tensor<1x2x4x3x16xf32>, tensor<1x2x1x16x5xf32>) -> tensor<1x2x4x3x5xf32>
  // CHECK-NOT: nn.reshape
  // CHECK: nn.unary scaled_tanh %{{.*}} {alpha = 5.000000e+00 : f64, beta = 2.000000e-01 : f64}
  // CHECK: %[[MASKED:.*]] = nn.select %arg3, %{{.*}}, %[[INF]]
  // CHECK: %[[ROW:.*]] = nn.iota {axis = 0 : i64} : () -> tensor<3x5xi64>
  // CHECK: %[[COLUMN:.*]] = nn.iota {axis = 1 : i64} : () -> tensor<3x5xi64>
  // CHECK: %[[PAST:.*]] = nn.compare le %[[COLUMN]], %[[ROW]]
  // CHECK: nn.select %[[PAST]], %[[MASKED]], %[[INF]]
  // CHECK: nn.reduce max
  // CHECK: nn.matmul %{{.*}} : (tensor<1x2x4x3x5xf32>, tensor<1x2x1x5x4xf32>) -> tensor<1x2x4x3x4xf32>
  // CHECK: nn.reshape %{{.*}} : (tensor<1x2x4x3x4xf32>) -> tensor<1x8x3x4xf32>
  %0 = nn.attention %q, %k, %v, %mask {scale = 0.25 : f64, causal = true, softcap = 5.0 : f64}
    : (tensor<1x8x3x16xf32>, tensor<1x2x5x16xf32>, tensor<1x2x5x4xf32>, tensor<3x5xi1>) -> tensor<1x8x3x4xf32>
  return %0 : tensor<1x8x3x4xf32>
}

// -----

// A mask of each head lies as the groups do; one whose heads only the run knows does not.
// CHECK-LABEL: func.func @grouped_masks(
func.func @grouped_masks(%q: tensor<?x8x3x16xf32>, %k: tensor<?x2x5x16xf32>, %mask: tensor<?x8x3x5xf32>, %one: tensor<1x3x5xf32>,
                         %open: tensor<?x3x5xf32>) -> (tensor<?x8x3x16xf32>, tensor<?x8x3x16xf32>, tensor<?x8x3x16xf32>) {
  // CHECK: %[[M:.*]] = nn.reshape %arg2 : (tensor<?x8x3x5xf32>) -> tensor<?x2x4x3x5xf32>
  // CHECK: nn.binary add %{{.*}}, %[[M]] : (tensor<?x2x4x3x5xf32>, tensor<?x2x4x3x5xf32>)
  %0 = nn.attention %q, %k, %k, %mask {scale = 0.25 : f64} : (tensor<?x8x3x16xf32>, tensor<?x2x5x16xf32>, tensor<?x2x5x16xf32>, tensor<?x8x3x5xf32>) -> tensor<?x8x3x16xf32>
  // CHECK: %[[ONE:.*]] = nn.reshape %arg3 : (tensor<1x3x5xf32>) -> tensor<1x1x3x5xf32>
  // CHECK: nn.binary add %{{.*}}, %[[ONE]] : (tensor<?x2x4x3x5xf32>, tensor<1x1x3x5xf32>)
  %1 = nn.attention %q, %k, %k, %one {scale = 0.25 : f64} : (tensor<?x8x3x16xf32>, tensor<?x2x5x16xf32>, tensor<?x2x5x16xf32>, tensor<1x3x5xf32>) -> tensor<?x8x3x16xf32>
  // CHECK: nn.binary add %{{.*}}, %arg4 : (tensor<?x8x3x5xf32>, tensor<?x3x5xf32>)
  %2 = nn.attention %q, %k, %k, %open {scale = 0.25 : f64} : (tensor<?x8x3x16xf32>, tensor<?x2x5x16xf32>, tensor<?x2x5x16xf32>, tensor<?x3x5xf32>) -> tensor<?x8x3x16xf32>
  return %0, %1, %2 : tensor<?x8x3x16xf32>, tensor<?x8x3x16xf32>, tensor<?x8x3x16xf32>
}

// -----

// CHECK-LABEL: func.func @plain_attention(
func.func @plain_attention(%q: tensor<?x2x?x16xf16>, %k: tensor<?x2x?x16xf16>, %bias: tensor<?x?xf16>) -> tensor<?x2x?x16xf16> {
  // CHECK-NOT: nn.reshape
  // CHECK: nn.matmul %{{.*}} : (tensor<?x2x?x16xf32>, tensor<?x2x16x?xf32>) -> tensor<?x2x?x?xf32>
  // CHECK: nn.binary add
  // CHECK: nn.matmul
  // CHECK: nn.cast %{{.*}} : (tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf16>
  %0 = nn.attention %q, %k, %k, %bias {scale = 0.25 : f64}
    : (tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>, tensor<?x?xf16>) -> tensor<?x2x?x16xf16>
  return %0 : tensor<?x2x?x16xf16>
}

// -----

// CHECK-LABEL: func.func @rotary_halves(
func.func @rotary_halves(%x: tensor<1x2x3x10xf32>, %t: tensor<1x3x4xf32>) -> tensor<1x2x3x10xf32> {
  // CHECK-DAG: %[[C:.*]] = nn.reshape %arg1 : (tensor<1x3x4xf32>) -> tensor<1x1x3x4xf32>
  // CHECK: nn.slice %arg0 {ends = array<i64: {{.*}}, 4>, starts = array<i64: 0, 0, 0, 0>
  // CHECK: nn.slice %arg0 {ends = array<i64: {{.*}}, 8>, starts = array<i64: 0, 0, 0, 4>
  // CHECK: %[[REST:.*]] = nn.slice %arg0 {{.*}} -> tensor<1x2x3x2xf32>
  // CHECK: nn.concat %{{.*}}, %{{.*}}, %[[REST]] {axis = 3 : i64}
  %0 = nn.rotary_embedding %x, %t, %t : (tensor<1x2x3x10xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x10xf32>
  return %0 : tensor<1x2x3x10xf32>
}

// -----

// CHECK-LABEL: func.func @rotary_neighbours(
func.func @rotary_neighbours(%x: tensor<1x2x3x8xf32>, %t: tensor<1x3x4xf32>) -> tensor<1x2x3x8xf32> {
  // CHECK: nn.slice %arg0 {{.*}} steps = array<i64: 1, 1, 1, 2>
  // CHECK: nn.concat %{{.*}} {axis = 4 : i64} : (tensor<1x2x3x4x1xf32>, tensor<1x2x3x4x1xf32>) -> tensor<1x2x3x4x2xf32>
  // CHECK: nn.reshape %{{.*}} : (tensor<1x2x3x4x2xf32>) -> tensor<1x2x3x8xf32>
  %0 = nn.rotary_embedding %x, %t, %t {interleaved = true} : (tensor<1x2x3x8xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x8xf32>
  return %0 : tensor<1x2x3x8xf32>
}

// -----

// CHECK-LABEL: func.func @embedding(
func.func @embedding(%t: tensor<9x4xf32>, %i: tensor<?xi32>) -> tensor<?x4xf32> {
  // CHECK: nn.gather %arg0, %arg1 {axis = 0 : i64}
  %0 = nn.embedding %t, %i : (tensor<9x4xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
