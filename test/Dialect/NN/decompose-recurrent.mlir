// RUN: terse-opt %s --nn-decompose --split-input-file | FileCheck %s

// The input products of all steps come first; the loop carries y, h and c.
// CHECK-LABEL: func.func @lstm(
func.func @lstm(%x: tensor<?x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>)
    -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  // CHECK: %[[R:.*]] = nn.reshape %arg2 : (tensor<1x16x4xf32>) -> tensor<16x4xf32>
  // CHECK: %[[P:.*]] = nn.linear %arg0, %{{.*}} : (tensor<?x2x3xf32>, tensor<16x3xf32>) -> tensor<?x2x16xf32>
  // CHECK: %[[LOOP:.*]]:3 = scf.for %[[T:[a-z0-9]+]] = {{.*}} iter_args(%[[Y:.*]] = {{.*}}, %[[H:.*]] = {{.*}}, %[[C:.*]] = {{.*}}) -> (tensor<?x1x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK:   %[[IN:.*]] = tensor.extract_slice %[[P]][%[[T]], 0, 0] [1, 2, 16] [1, 1, 1]
  // CHECK:   %[[REC:.*]] = nn.linear %[[H]], %[[R]] : (tensor<2x4xf32>, tensor<16x4xf32>) -> tensor<2x16xf32>
  // CHECK:   nn.binary add %[[IN]], %[[REC]]
  // CHECK-COUNT-2: nn.unary sigmoid
  // CHECK:   nn.unary tanh
  // CHECK:   nn.unary sigmoid
  // CHECK:   nn.unary tanh
  // CHECK:   tensor.insert_slice %{{.*}} into %[[Y]][%[[T]], 0, 0, 0] [1, 1, 2, 4] [1, 1, 1, 1]
  // CHECK:   scf.yield
  // CHECK: nn.reshape %[[LOOP]]#1 : (tensor<2x4xf32>) -> tensor<1x2x4xf32>
  %0:3 = nn.lstm %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<?x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>)
    -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// -----

// The forget gate of a coupled layer is 1 - input gate: only two sigmoids are left.
// CHECK-LABEL: func.func @lstm_input_forget(
func.func @lstm_input_forget(%x: tensor<2x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[I:.*]] = nn.unary sigmoid
  // CHECK: nn.unary affine %[[I]] {alpha = -1.000000e+00 : f64, beta = 1.000000e+00 : f64}
  // CHECK: nn.unary sigmoid
  // CHECK-NOT: nn.unary sigmoid
  // CHECK: return
  %0:3 = nn.lstm %x, %w, %r {direction = #nn<direction forward>, input_forget = true, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<2x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>)
    -> (tensor<2x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return %0#1 : tensor<1x2x4xf32>
}

// -----

// Backward time, sequence lengths and clipping.
// CHECK-LABEL: func.func @gru_reverse(
func.func @gru_reverse(%x: tensor<5x2x3xf32>, %w: tensor<1x12x3xf32>, %r: tensor<1x12x4xf32>, %b: tensor<1x24xf32>,
                       %lengths: tensor<2xi32>) -> tensor<1x2x4xf32> {
  // CHECK: scf.for %[[I:[a-z0-9]+]] =
  // CHECK:   %[[T:.*]] = arith.subi %{{.*}}, %[[I]]
  // CHECK:   tensor.extract_slice %{{.*}}[%[[T]], 0, 0]
  // CHECK:   nn.unary clamp %{{.*}} {alpha = -2.000000e+00 : f64, beta = 2.000000e+00 : f64}
  // CHECK:   nn.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>)
  // CHECK:   nn.compare gt %{{.*}} : (tensor<2x1xi64>, tensor<i64>) -> tensor<2x1xi1>
  // CHECK:   nn.select
  %0:2 = nn.gru %x, %w, %r, %b, %lengths {direction = #nn<direction reverse>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>], clip = 2.0 : f64, linear_before_reset = true, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0>}
    : (tensor<5x2x3xf32>, tensor<1x12x3xf32>, tensor<1x12x4xf32>, tensor<1x24xf32>, tensor<2xi32>)
    -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return %0#1 : tensor<1x2x4xf32>
}

// -----

// Each direction has its own loop, activations and parameters.
// CHECK-LABEL: func.func @rnn_bidirectional(
func.func @rnn_bidirectional(%x: tensor<5x2x3xf32>, %w: tensor<2x4x3xf32>, %r: tensor<2x4x4xf32>) -> tensor<2x2x4xf32> {
  // CHECK: scf.for
  // CHECK: nn.unary tanh
  // CHECK: scf.for
  // CHECK: nn.unary elu %{{.*}} {alpha = 5.000000e-01 : f64}
  // CHECK: nn.concat %{{.*}} {axis = 0 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<2x2x4xf32>
  %0:2 = nn.rnn %x, %w, %r {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind tanh>, #nn<unary_kind elu>],
    activation_alpha = array<f64: 0.0, 0.5>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x2x3xf32>, tensor<2x4x3xf32>, tensor<2x4x4xf32>) -> (tensor<5x2x2x4xf32>, tensor<2x2x4xf32>)
  return %0#1 : tensor<2x2x4xf32>
}

// -----

// A hidden size that only the run knows cannot be split into gates.
// CHECK-LABEL: func.func @dynamic_hidden(
func.func @dynamic_hidden(%x: tensor<5x2x3xf32>, %w: tensor<1x?x3xf32>, %r: tensor<1x?x?xf32>) -> tensor<1x2x?xf32> {
  // CHECK: nn.rnn
  %0:2 = nn.rnn %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x2x3xf32>, tensor<1x?x3xf32>, tensor<1x?x?xf32>) -> (tensor<5x1x2x?xf32>, tensor<1x2x?xf32>)
  return %0#1 : tensor<1x2x?xf32>
}
