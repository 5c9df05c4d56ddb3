// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-decompose --terse-interpret -o /dev/null

// h1 = 1 * 1 + 0, h2 = 1 * 2 + 0.5 * h1, with identities as activations; backward from the other end.
func.func @rnn_directions() {
  %x = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<1.0> : tensor<2x1x1xf32>
  %r = nn.constant dense<0.5> : tensor<2x1x1xf32>
  %y, %h = nn.rnn %x, %w, %r {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind identity>, #nn<unary_kind identity>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>) -> (tensor<2x2x1x1xf32>, tensor<2x1x1xf32>)
  %ye = nn.constant dense<[[[[1.0]], [[2.0]]], [[[2.5]], [[2.0]]]]> : tensor<2x2x1x1xf32>
  check.expect_close %y, %ye : tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>
  %he = nn.constant dense<[[[2.5]], [[2.0]]]> : tensor<2x1x1xf32>
  check.expect_close %h, %he : tensor<2x1x1xf32>, tensor<2x1x1xf32>
  return
}

// Bias 1 + 2, initial state 4; the second sequence ends after one step.
func.func @rnn_bias_lengths() {
  %x = nn.constant dense<0.0> : tensor<2x2x1xf32>
  %w = nn.constant dense<1.0> : tensor<1x1x1xf32>
  %b = nn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %l = nn.constant dense<[2, 1]> : tensor<2xi32>
  %i = nn.constant dense<4.0> : tensor<1x2x1xf32>
  %y, %h = nn.rnn %x, %w, %w, %b, %l, %i {direction = #nn<direction forward>, activations = [#nn<unary_kind relu>], clip = 9.0, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>}
    : (tensor<2x2x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x2xf32>, tensor<2xi32>, tensor<1x2x1xf32>) -> (tensor<2x1x2x1xf32>, tensor<1x2x1xf32>)
  %ye = nn.constant dense<[[[[7.0], [7.0]]], [[[9.0], [0.0]]]]> : tensor<2x1x2x1xf32>
  check.expect_close %y, %ye : tensor<2x1x2x1xf32>, tensor<2x1x2x1xf32>
  %he = nn.constant dense<[[[9.0], [7.0]]]> : tensor<1x2x1xf32>
  check.expect_close %h, %he : tensor<1x2x1xf32>, tensor<1x2x1xf32>
  return
}

// Weights 0: every gate is sigmoid(0) = 1/2 and the candidate tanh(bias); c = 1/2 * 2 + 1/2 * tanh(1).
func.func @lstm() {
  %x = nn.constant dense<0.0> : tensor<1x1x1xf32>
  %w = nn.constant dense<0.0> : tensor<1x4x1xf32>
  %b = nn.constant dense<[[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x8xf32>
  %h0 = nn.constant dense<0.0> : tensor<1x1x1xf32>
  %c0 = nn.constant dense<2.0> : tensor<1x1x1xf32>
  %y, %h, %c = nn.lstm %x, %w, %w, %b, %h0, %c0 {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1, 1, 0>}
    : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x8xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  %ce = nn.constant dense<1.38079708> : tensor<1x1x1xf32>
  check.expect_close %c, %ce : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  %he = nn.constant dense<0.440578> : tensor<1x1x1xf32>
  check.expect_close %h, %he {atol = 1.0e-4} : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  return
}

// Peepholes: i = sigmoid(0 + p_i c) with p_i c = ln 3 gives 3/4, f = 1 - i; o = sigmoid(p_o c') with p_o = 0.
func.func @lstm_peepholes_input_forget() {
  %x = nn.constant dense<0.0> : tensor<1x1x1xf32>
  %w = nn.constant dense<0.0> : tensor<1x4x1xf32>
  %c0 = nn.constant dense<4.0> : tensor<1x1x1xf32>
  %p = nn.constant dense<[[0.274653072, 0.0, 0.0]]> : tensor<1x3xf32>
  %y, %h, %c = nn.lstm %x, %w, %w, %c0, %p {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>, #nn<unary_kind identity>], input_forget = true, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 1>}
    : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x1x1xf32>, tensor<1x3xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  %ce = nn.constant dense<1.0> : tensor<1x1x1xf32>
  check.expect_close %c, %ce : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  %he = nn.constant dense<0.5> : tensor<1x1x1xf32>
  check.expect_close %h, %he : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  return
}

// z = r = 1/2, h = 2. The candidate is x + R (r h) + Rb = 1 + 3 + 10 = 14; with linear_before_reset
// it is x + r (R h + Rb) = 1 + (6 + 10) / 2 = 9.
func.func @gru() {
  %x = nn.constant dense<1.0> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[0.0], [0.0], [1.0]]]> : tensor<1x3x1xf32>
  %r = nn.constant dense<[[[0.0], [0.0], [3.0]]]> : tensor<1x3x1xf32>
  %b = nn.constant dense<[[0.0, 0.0, 0.0, 0.0, 0.0, 10.0]]> : tensor<1x6xf32>
  %h0 = nn.constant dense<2.0> : tensor<1x1x1xf32>
  %y, %h = nn.gru %x, %w, %r, %b, %h0 {direction = #nn<direction reverse>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind identity>], operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>}
    : (tensor<1x1x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x6xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>)
  %e = nn.constant dense<8.0> : tensor<1x1x1xf32>
  check.expect_close %h, %e : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  %z, %g = nn.gru %x, %w, %r, %b, %h0 {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind identity>], linear_before_reset = true, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>}
    : (tensor<1x1x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x6xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>)
  %ge = nn.constant dense<5.5> : tensor<1x1x1xf32>
  check.expect_close %g, %ge : tensor<1x1x1xf32>, tensor<1x1x1xf32>
  return
}
