// RUN: terse-opt %s --terse-integer-contractions --split-input-file \
// RUN:   --remark-format=emitRemark --remarks-filter-missed=terse-integer-contractions 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=WHY
// RUN: terse-opt %s --terse-integer-contractions --split-input-file | FileCheck %s

// A scale that varies along the sum cannot be taken out of it.
// WHY: the scale of the activation varies along the contraction
// CHECK-LABEL: func @activation_blocks(
// CHECK-NEXT:    nn.linear %arg0, %arg1 {{.*}} -> tensor<4x5xf32>
func.func @activation_blocks(%x: tensor<4x8xf32, #terse.uniform<i8, block = [1, 4]>>,
                             %w: tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i8, block = [1, 4]>>, tensor<5x8xf32, #terse.uniform<i8>>)
    -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}

// -----

// WHY: the scale of the weight varies within an output channel
// CHECK-LABEL: func @weight_blocks(
// CHECK-NEXT:    nn.linear %arg0, %arg1 {{.*}} -> tensor<4x5xf32>
func.func @weight_blocks(%x: tensor<4x8xf32, #terse.uniform<i8>>,
                         %w: tensor<5x8xf32, #terse.uniform<i4, block = [1, 4]>>) -> tensor<4x5xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i8>>, tensor<5x8xf32, #terse.uniform<i4, block = [1, 4]>>)
    -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}

// -----

// A convolution sums over the channels and slides over space.
// WHY: the scale of the activation varies along the contraction
// CHECK-LABEL: func @conv_channels(
// CHECK-NEXT:    nn.conv %arg0, %arg1 {{.*}} -> tensor<1x4x8xf32>
func.func @conv_channels(%x: tensor<1x3x8xf32, #terse.uniform<i8, block = [1, ?, 1]>>,
                         %w: tensor<4x3x1xf32, #terse.uniform<i8>>) -> tensor<1x4x8xf32> {
  %y = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
    : (tensor<1x3x8xf32, #terse.uniform<i8, block = [1, ?, 1]>>, tensor<4x3x1xf32, #terse.uniform<i8>>)
    -> tensor<1x4x8xf32>
  return %y : tensor<1x4x8xf32>
}

// -----

// Both groups of result channels take their weights, and scales, from the same weight channels.
// WHY: the output channels of the weight are not those of the result
// CHECK-LABEL: func @grouped_transpose(
// CHECK-NEXT:    nn.conv_transpose %arg0, %arg1 {{.*}} -> tensor<1x6x9xf32>
func.func @grouped_transpose(%x: tensor<1x4x4xf32, #terse.uniform<i8>>,
                             %w: tensor<4x3x3xf32, #terse.uniform<i8, axis = 1>>) -> tensor<1x6x9xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>,
                                 output_padding = array<i64: 0>, groups = 2}
    : (tensor<1x4x4xf32, #terse.uniform<i8>>, tensor<4x3x3xf32, #terse.uniform<i8, axis = 1>>) -> tensor<1x6x9xf32>
  return %y : tensor<1x6x9xf32>
}

// -----

// WHY: a sum of 33026 products may overflow i32
// CHECK-LABEL: func @overflow(
// CHECK-NEXT:    nn.linear %arg0, %arg1 {{.*}} -> tensor<4x5xf32>
func.func @overflow(%x: tensor<4x33026xf32, #terse.uniform<ui8>>,
                    %w: tensor<5x33026xf32, #terse.uniform<i8, zero_point>>) -> tensor<4x5xf32> {
  %y = nn.linear %x, %w : (tensor<4x33026xf32, #terse.uniform<ui8>>,
                           tensor<5x33026xf32, #terse.uniform<i8, zero_point>>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}

// -----

// WHY: the number of summands is not known
// CHECK-LABEL: func @dynamic_depth(
// CHECK-NEXT:    nn.matmul %arg0, %arg1 {{.*}} -> tensor<4x5xf32>
func.func @dynamic_depth(%x: tensor<4x?xf32, #terse.uniform<i8>>, %w: tensor<?x5xf32, #terse.uniform<i8>>)
    -> tensor<4x5xf32> {
  %y = nn.matmul %x, %w : (tensor<4x?xf32, #terse.uniform<i8>>, tensor<?x5xf32, #terse.uniform<i8>>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}

// -----

// WHY: the result is not f32, f16 or bf16
// CHECK-LABEL: func @double(
// CHECK-NEXT:    nn.linear %arg0, %arg1 {{.*}} -> tensor<4x5xf64>
func.func @double(%x: tensor<4x8xf64, #terse.uniform<i8>>, %w: tensor<5x8xf64, #terse.uniform<i8>>) -> tensor<4x5xf64> {
  %y = nn.linear %x, %w : (tensor<4x8xf64, #terse.uniform<i8>>, tensor<5x8xf64, #terse.uniform<i8>>) -> tensor<4x5xf64>
  return %y : tensor<4x5xf64>
}

// -----

// 16-bit integers are no candidates, so nothing is said of them.
// WHY-NOT: remark
// CHECK-LABEL: func @wide(
// CHECK-NEXT:    nn.linear %arg0, %arg1 {{.*}} -> tensor<4x5xf32>
func.func @wide(%x: tensor<4x8xf32, #terse.uniform<i16>>, %w: tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i16>>, tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}
