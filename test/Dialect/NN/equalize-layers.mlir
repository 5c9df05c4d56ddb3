// RUN: terse-opt %s --split-input-file --nn-equalize-layers | FileCheck %s
// RUN: terse-opt %s --split-input-file --nn-equalize-layers=clamps=keep | FileCheck %s --check-prefixes=KEEP
// RUN: terse-opt %s --split-input-file --nn-equalize-layers=clamps=relu | FileCheck %s --check-prefixes=RELU
// RUN: terse-opt %s --split-input-file --terse-interpret --nn-equalize-layers --terse-interpret | FileCheck %s

// Ranges 8 and 0.5 meet 0.5 and 8: the factors are 4 and 1/4.

// CHECK-LABEL: @relu
// CHECK: %[[W1:.*]] = nn.constant dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: %[[B1:.*]] = nn.constant dense<[0.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK: nn.conv %{{.*}}, %[[W1]], %[[B1]]
// CHECK: %[[W2:.*]] = nn.constant dense<2.000000e+00> : tensor<1x2x1x1xf32>
// CHECK: nn.conv %{{.*}}, %[[W2]]
func.func @relu() {
  %0 = nn.constant dense<[[[[1.0, -2.0]]]]> : tensor<1x1x1x2xf32>
  %w1 = nn.constant dense<[[[[8.0]]], [[[0.5]]]]> : tensor<2x1x1x1xf32>
  %b1 = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %w2 = nn.constant dense<[[[[0.5]], [[8.0]]]]> : tensor<1x2x1x1xf32>
  %expected = nn.constant dense<[[[[16.0, 0.0]]]]> : tensor<1x1x1x2xf32>
  %x = call @opaque(%0) : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %1 = nn.conv %x, %w1, %b1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x1x1x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x1x2xf32>
  %2 = nn.unary relu %1 : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32>
  %3 = nn.pool max %2 {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32>
  %4 = nn.conv %3, %w2 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x2x1x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x1x2xf32>
  check.expect_close %4, %expected : tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>
  return
}
func.func private @opaque(%x: tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32> {
  return %x : tensor<1x1x1x2xf32>
}

// -----

// A bound of 6 becomes 6 / 4 and 6 * 4.

// CHECK-LABEL: @relu6
// CHECK: nn.constant dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: %[[R:.*]] = nn.unary relu
// CHECK: %[[BOUND:.*]] = nn.constant dense<{{\[\[\[}}1.500000e+00]], {{\[\[}}2.400000e+01]]]> : tensor<2x1x1xf32>
// CHECK: nn.binary min %[[R]], %[[BOUND]]
// KEEP-LABEL: @relu6
// KEEP: nn.unary clamp
// RELU-LABEL: @relu6
// RELU: nn.unary relu
// RELU-NOT: nn.binary min
// RELU-NOT: nn.unary clamp
func.func @relu6() {
  %0 = nn.constant dense<[[[[1.0, -2.0]]]]> : tensor<1x1x1x2xf32>
  %w1 = nn.constant dense<[[[[8.0]]], [[[0.5]]]]> : tensor<2x1x1x1xf32>
  %b1 = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %w2 = nn.constant dense<[[[[0.5]], [[8.0]]]]> : tensor<1x2x1x1xf32>
  %expected = nn.constant dense<[[[[15.0, 0.0]]]]> : tensor<1x1x1x2xf32>
  %x = call @opaque(%0) : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %1 = nn.conv %x, %w1, %b1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x1x1x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x1x2xf32>
  %2 = nn.unary clamp %1 {alpha = 0.0 : f64, beta = 6.0 : f64} : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32>
  %4 = nn.conv %2, %w2 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x2x1x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x1x2xf32>
  check.expect_close %4, %expected : tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>
  return
}
func.func private @opaque(%x: tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32> {
  return %x : tensor<1x1x1x2xf32>
}

// -----

// The range of channel 0 is sqrt(16 * 1) = 4 on both sides; channel 1 is constant and gets 4 too; a function that does not
// commute ends the chain.

// CHECK-LABEL: @constant_channel
// CHECK: nn.constant dense<[{{\[}}4.000000e+00], [0.000000e+00]]> : tensor<2x1xf32>
func.func @constant_channel(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  %w1 = nn.constant dense<[[16.0], [0.0]]> : tensor<2x1xf32>
  %1 = nn.linear %x, %w1 : (tensor<3x1xf32>, tensor<2x1xf32>) -> tensor<3x2xf32>
  %w2 = nn.constant dense<[[1.0, 2.0], [0.5, 1.0]]> : tensor<2x2xf32>
  // CHECK: nn.constant dense<[{{\[}}4.000000e+00, 4.000000e+00], [2.000000e+00, 2.000000e+00]]>
  %2 = nn.linear %1, %w2 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %3 = nn.unary sigmoid %2 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %w3 = nn.constant dense<[[100.0, 1.0], [50.0, 1.0]]> : tensor<2x2xf32>
  // CHECK: nn.constant dense<[{{\[}}1.000000e+02, 1.000000e+00], [5.000000e+01, 1.000000e+00]]>
  %4 = nn.linear %3, %w3 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %4 : tensor<3x2xf32>
}

// -----

// Results and weights with other uses are left alone.

// CHECK-LABEL: @shared
// CHECK: nn.constant dense<[{{\[}}8.000000e+00], [1.000000e+00]]> : tensor<2x1xf32>
func.func @shared(%x: tensor<3x1xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %w1 = nn.constant dense<[[8.0], [1.0]]> : tensor<2x1xf32>
  %1 = nn.linear %x, %w1 : (tensor<3x1xf32>, tensor<2x1xf32>) -> tensor<3x2xf32>
  %w2 = nn.constant dense<[[1.0, 2.0], [0.5, 1.0]]> : tensor<2x2xf32>
  %2 = nn.linear %1, %w2 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %1, %2 : tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// A large weight stays a global of the same name.

// CHECK: ml_program.global private @w(dense_resource<w> : tensor<2x512xf32>) : tensor<2x512xf32>
// CHECK-NOT: ml_program.global
// CHECK-LABEL: @global
// CHECK: ml_program.global_load_const @w
ml_program.global private @w(dense<3.0> : tensor<2x512xf32>) : tensor<2x512xf32>
func.func @global(%x: tensor<3x512xf32>) -> tensor<3x2xf32> {
  %w1 = ml_program.global_load_const @w : tensor<2x512xf32>
  %1 = nn.linear %x, %w1 : (tensor<3x512xf32>, tensor<2x512xf32>) -> tensor<3x2xf32>
  %w2 = nn.constant dense<[[1.0, 2.0], [0.5, 1.0]]> : tensor<2x2xf32>
  %2 = nn.linear %1, %w2 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}
