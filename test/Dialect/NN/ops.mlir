// RUN: terse-opt %s --verify-roundtrip | FileCheck %s
// RUN: terse-opt %s --emit-bytecode | terse-opt | FileCheck %s

// CHECK-LABEL: func @shapes
func.func @shapes(%x: tensor<?x8xf32>, %s: tensor<f32>) {
  // CHECK: nn.constant dense<[1, -1]> : tensor<2xi64>
  %c = nn.constant dense<[1, -1]> : tensor<2xi64>
  // CHECK: nn.shape %{{.*}} : (tensor<?x8xf32>) -> tensor<2xi64>
  %0 = nn.shape %x : (tensor<?x8xf32>) -> tensor<2xi64>
  // CHECK: nn.iota {axis = 1 : i64} : () -> tensor<2x3xi64>
  %1 = nn.iota {axis = 1 : i64} : () -> tensor<2x3xi64>
  // CHECK: nn.iota %{{.*}} {axis = 0 : i64} : (tensor<2xi64>) -> tensor<?x8xf32>
  %2 = nn.iota %0 {axis = 0 : i64} : (tensor<2xi64>) -> tensor<?x8xf32>
  // CHECK: nn.range
  %3 = nn.range %s, %s, %s : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<?x8xf32>, %y: tensor<8xf32>, %i: tensor<4xui8>) {
  // CHECK: nn.unary relu %{{.*}} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %0 = nn.unary relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: nn.unary clamp %{{.*}} {beta = 6.000000e+00 : f64}
  %1 = nn.unary clamp %x {alpha = 0.0 : f64, beta = 6.0 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: nn.binary add %{{.*}}, %{{.*}} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %2 = nn.binary add %x, %y : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nn.compare lt
  %3 = nn.compare lt %x, %y : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xi1>
  // CHECK: nn.select
  %4 = nn.select %3, %x, %y : (tensor<?x8xi1>, tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: nn.cast %{{.*}} {saturate = false} : (tensor<?x8xf32>) -> tensor<?x8xf8E4M3FN>
  %5 = nn.cast %x {saturate = false} : (tensor<?x8xf32>) -> tensor<?x8xf8E4M3FN>
  // CHECK: nn.bitcast %{{.*}} : (tensor<4xui8>) -> tensor<4xi8>
  %6 = nn.bitcast %i : (tensor<4xui8>) -> tensor<4xi8>
  return
}

// CHECK-LABEL: func @contractions
func.func @contractions(%x: tensor<?x64xf32>, %w: tensor<10x64xf32>, %b: tensor<10xf32>, %img: tensor<1x4x9x9xf32>,
                        %k: tensor<6x2x3x3xf32>, %kt: tensor<4x3x2x2xf32>, %q: tensor<2x3xi8>, %r: tensor<3x5xi8>,
                        %ids: tensor<2x3xi64>) {
  // CHECK: nn.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  %0 = nn.linear %x, %w, %b : (tensor<?x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} : (tensor<2x3xi8>, tensor<3x5xi8>) -> tensor<2x5xi32>
  %1 = nn.matmul %q, %r : (tensor<2x3xi8>, tensor<3x5xi8>) -> tensor<2x5xi32>
  // CHECK: nn.conv {{.*}} -> tensor<1x6x5x9xf32>
  %2 = nn.conv %img, %k {strides = array<i64: 2, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
    groups = 2 : i64} : (tensor<1x4x9x9xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x5x9xf32>
  // CHECK: nn.conv_transpose {{.*}} -> tensor<1x3x19x18xf32>
  %3 = nn.conv_transpose %img, %kt {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
    dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 0>}
    : (tensor<1x4x9x9xf32>, tensor<4x3x2x2xf32>) -> tensor<1x3x19x18xf32>
  // CHECK: nn.embedding
  %4 = nn.embedding %w, %ids : (tensor<10x64xf32>, tensor<2x3xi64>) -> tensor<2x3x64xf32>
  return
}

// CHECK-LABEL: func @pools
func.func @pools(%x: tensor<?x3x8x8xf32>) {
  // CHECK: nn.pool average
  %0 = nn.pool average %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
    dilations = array<i64: 1, 1>, ceil_mode = true} : (tensor<?x3x8x8xf32>) -> tensor<?x3x4x4xf32>
  // CHECK: nn.max_pool_indices
  %1:2 = nn.max_pool_indices %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
    dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>) -> (tensor<?x3x4x4xf32>, tensor<?x3x4x4xi64>)
  return
}

// CHECK-LABEL: func @norms
func.func @norms(%x: tensor<2x6x4xf32>, %c: tensor<6xf32>, %s: tensor<4xf32>, %q: tensor<1x4x5x8xf32>,
                 %k: tensor<1x2x7x8xf32>, %cos: tensor<1x5x4xf32>) {
  // CHECK: nn.batch_norm
  %0 = nn.batch_norm %x, %c, %c, %c, %c {epsilon = 1.0e-5 : f64}
    : (tensor<2x6x4xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.layer_norm
  %1 = nn.layer_norm %x, %s {axis = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<2x6x4xf32>, tensor<4xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.rms_norm
  %2 = nn.rms_norm %x, %s {axis = 2 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x6x4xf32>, tensor<4xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.group_norm
  %3 = nn.group_norm %x, %c, %c {groups = 3 : i64, epsilon = 1.0e-5 : f64}
    : (tensor<2x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.instance_norm
  %4 = nn.instance_norm %x, %c, %c {epsilon = 1.0e-5 : f64}
    : (tensor<2x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.softmax %{{.*}} {axis = 1 : i64, log = true}
  %5 = nn.softmax %x {axis = 1 : i64, log = true} : (tensor<2x6x4xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.attention
  %6 = nn.attention %q, %k, %k {scale = 0.35 : f64, causal = true}
    : (tensor<1x4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>) -> tensor<1x4x5x8xf32>
  // CHECK: nn.rotary_embedding
  %7 = nn.rotary_embedding %q, %cos, %cos : (tensor<1x4x5x8xf32>, tensor<1x5x4xf32>, tensor<1x5x4xf32>) -> tensor<1x4x5x8xf32>
  return
}

// CHECK-LABEL: func @recurrent
func.func @recurrent(%x: tensor<?x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %w3: tensor<2x12x3xf32>,
                     %r3: tensor<2x12x4xf32>, %w1: tensor<1x4x3xf32>, %r1: tensor<1x4x4xf32>) {
  // CHECK: nn.lstm
  %0:3 = nn.lstm %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<?x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>)
    -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  // CHECK: nn.gru
  %1:2 = nn.gru %x, %w3, %r3 {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind sigmoid>, #nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<?x2x3xf32>, tensor<2x12x3xf32>, tensor<2x12x4xf32>) -> (tensor<?x2x2x4xf32>, tensor<2x2x4xf32>)
  // CHECK: nn.rnn
  %2:2 = nn.rnn %x, %w1, %r1 {direction = #nn<direction reverse>, activations = [#nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<?x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// CHECK-LABEL: func @reductions
func.func @reductions(%x: tensor<2x?x4xf32>) {
  // CHECK: nn.reduce sum %{{.*}} {axes = array<i64: 1>, keepdims = true} : (tensor<2x?x4xf32>) -> tensor<2x1x4xf32>
  %0 = nn.reduce sum %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x?x4xf32>) -> tensor<2x1x4xf32>
  // CHECK: nn.arg_reduce max
  %1 = nn.arg_reduce max %x {axis = 2 : i64} : (tensor<2x?x4xf32>) -> tensor<2x?xi64>
  // CHECK: nn.cumulative sum
  %2 = nn.cumulative sum %x {axis = 2 : i64, reverse = true} : (tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  // CHECK: nn.top_k
  %3:2 = nn.top_k %x {k = 2 : i64, axis = 2 : i64} : (tensor<2x?x4xf32>) -> (tensor<2x?x2xf32>, tensor<2x?x2xi64>)
  return
}

// CHECK-LABEL: func @movement
func.func @movement(%x: tensor<2x?x4xf32>, %y: tensor<4xf32>, %shape: tensor<3xi64>, %i: tensor<5xi64>,
                    %ie: tensor<2x3x4xi64>, %u: tensor<2x3x4xf32>, %nd: tensor<5x1xi64>, %und: tensor<5x?x4xf32>,
                    %n: tensor<2xi64>, %v: tensor<f32>, %img: tensor<1x1x2x2xf32>) {
  // CHECK: nn.reshape %{{.*}} : (tensor<2x?x4xf32>) -> tensor<?x8xf32>
  %0 = nn.reshape %x : (tensor<2x?x4xf32>) -> tensor<?x8xf32>
  // CHECK: nn.reshape %{{.*}}, %{{.*}} : (tensor<2x?x4xf32>, tensor<3xi64>) -> tensor<?x?x2xf32>
  %1 = nn.reshape %x, %shape : (tensor<2x?x4xf32>, tensor<3xi64>) -> tensor<?x?x2xf32>
  // CHECK: nn.transpose %{{.*}} {permutation = array<i64: 2, 0, 1>} : (tensor<2x?x4xf32>) -> tensor<4x2x?xf32>
  %2 = nn.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x?x4xf32>) -> tensor<4x2x?xf32>
  // CHECK: nn.broadcast
  %3 = nn.broadcast %y, %shape : (tensor<4xf32>, tensor<3xi64>) -> tensor<2x?x4xf32>
  // CHECK: nn.slice
  %4 = nn.slice %x {starts = array<i64: 0, 1, -1>, ends = array<i64: 2, 9, 0>, steps = array<i64: 1, 1, -1>}
    : (tensor<2x?x4xf32>) -> tensor<2x?x3xf32>
  // CHECK: nn.dynamic_slice
  %5 = nn.dynamic_slice %x, %shape, %shape, %shape
    : (tensor<2x?x4xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> tensor<?x?x?xf32>
  // CHECK: nn.concat
  %6 = nn.concat %x, %u {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<2x3x4xf32>) -> tensor<2x?x4xf32>
  // CHECK: nn.pad constant
  %7 = nn.pad constant %x, %v {low = array<i64: 1, 0, 0>, high = array<i64: 0, 0, 2>}
    : (tensor<2x?x4xf32>, tensor<f32>) -> tensor<3x?x6xf32>
  // CHECK: nn.gather
  %8 = nn.gather %x, %i {axis = 0 : i64} : (tensor<2x?x4xf32>, tensor<5xi64>) -> tensor<5x?x4xf32>
  // CHECK: nn.gather_elements
  %9 = nn.gather_elements %u, %ie {axis = 1 : i64} : (tensor<2x3x4xf32>, tensor<2x3x4xi64>) -> tensor<2x3x4xf32>
  // CHECK: nn.gather_nd
  %10 = nn.gather_nd %x, %nd : (tensor<2x?x4xf32>, tensor<5x1xi64>) -> tensor<5x?x4xf32>
  // CHECK: nn.scatter_elements add
  %11 = nn.scatter_elements add %u, %ie, %u {axis = 0 : i64}
    : (tensor<2x3x4xf32>, tensor<2x3x4xi64>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK: nn.scatter_nd replace
  %12 = nn.scatter_nd replace %x, %nd, %und : (tensor<2x?x4xf32>, tensor<5x1xi64>, tensor<5x?x4xf32>) -> tensor<2x?x4xf32>
  // CHECK: nn.resize linear
  %13 = nn.resize linear %img {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, coordinate = #nn<resize_coordinate half_pixel>}
    : (tensor<1x1x2x2xf32>) -> tensor<1x1x4x4xf32>
  // CHECK: nn.reverse_sequence
  %14 = nn.reverse_sequence %x, %n {time_axis = 1 : i64, batch_axis = 0 : i64} : (tensor<2x?x4xf32>, tensor<2xi64>) -> tensor<2x?x4xf32>
  return
}
