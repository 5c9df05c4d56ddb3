// RUN: terse-opt %s --terse-integer-contractions --split-input-file | FileCheck %s
// RUN: terse-opt %s --terse-integer-contractions --terse-integer-contractions --split-input-file \
// RUN:   | FileCheck %s

// One scale per row of the activation and per output channel: the integers as they are stored.
// CHECK-LABEL: func @linear(
// CHECK-SAME:    %[[X:.*]]: tensor<?x64xf32, {{.*}}>, %[[W:.*]]: tensor<10x64xf32, {{.*}}>, %[[B:.*]]: tensor<10xf32>)
// CHECK:         %[[QX:.*]], %[[SX:.*]] = terse.components %[[X]]
// CHECK:         %[[QW:.*]], %[[SW:.*]] = terse.components %[[W]]
// CHECK:         %[[ROW:.*]] = nn.reshape %[[SW]] : (tensor<10xf32>) -> tensor<1x10xf32>
// CHECK:         %[[FACTOR:.*]] = nn.binary mul %[[SX]], %[[ROW]]
// CHECK:         %[[ACC:.*]] = nn.linear %[[QX]], %[[QW]] : (tensor<?x64xi8>, tensor<10x64xi8>) -> tensor<?x10xi32>
// CHECK:         %[[SUM:.*]] = nn.cast %[[ACC]] : (tensor<?x10xi32>) -> tensor<?x10xf32>
// CHECK:         %[[Y:.*]] = nn.binary mul %[[SUM]], %[[FACTOR]]
// CHECK:         %[[BIAS:.*]] = nn.reshape %[[B]] : (tensor<10xf32>) -> tensor<1x10xf32>
// CHECK:         %[[R:.*]] = nn.binary add %[[Y]], %[[BIAS]]
// CHECK:         return %[[R]] : tensor<?x10xf32>
func.func @linear(%x: tensor<?x64xf32, #terse.uniform<i8, block = [1, ?], dynamic>>,
                  %w: tensor<10x64xf32, #terse.uniform<i8, axis = 0>>, %b: tensor<10xf32>) -> tensor<?x10xf32> {
  %y = nn.linear %x, %w, %b : (tensor<?x64xf32, #terse.uniform<i8, block = [1, ?], dynamic>>,
    tensor<10x64xf32, #terse.uniform<i8, axis = 0>>, tensor<10xf32>) -> tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

// -----

// The zero point goes before the padding comes.
// CHECK-LABEL: func @conv_zero_point(
// CHECK:         %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = terse.components %{{.*}} : tensor<1x3x8x8xf32
// CHECK:         %[[QW:.*]], %{{.*}} = terse.components
// CHECK:         %[[WIDE:.*]] = nn.cast %[[Q]] : (tensor<1x3x8x8xui8>) -> tensor<1x3x8x8xi16>
// CHECK:         %[[ZERO:.*]] = nn.cast %[[Z]] : (tensor<ui8>) -> tensor<i16>
// CHECK:         %[[X:.*]] = nn.binary sub %[[WIDE]], %[[ZERO]]
// CHECK:         nn.conv %[[X]], %[[QW]] {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>}
// CHECK-SAME:      (tensor<1x3x8x8xi16>, tensor<4x3x3x3xi8>) -> tensor<1x4x8x8xi32>
// CHECK:         nn.reshape %{{.*}} : (tensor<4xf32>) -> tensor<1x4x1x1xf32>
func.func @conv_zero_point(%x: tensor<1x3x8x8xf32, #terse.uniform<ui8, zero_point>>,
                           %w: tensor<4x3x3x3xf32, #terse.uniform<i8>>, %b: tensor<4xf32>) -> tensor<1x4x8x8xf32> {
  %y = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
    : (tensor<1x3x8x8xf32, #terse.uniform<ui8, zero_point>>, tensor<4x3x3x3xf32, #terse.uniform<i8>>, tensor<4xf32>)
    -> tensor<1x4x8x8xf32>
  return %y : tensor<1x4x8x8xf32>
}

// -----

// Decoded operands are encoded ones, and the decoding is gone with its last use.
// CHECK-LABEL: func @decoded(
// CHECK-NOT:     terse.decode
// CHECK:         nn.matmul %{{.*}}, %{{.*}} : (tensor<4x8xui8>, tensor<8x5xi8>) -> tensor<4x5xi32>
// CHECK:         nn.cast %{{.*}} : (tensor<4x5xf32>) -> tensor<4x5xf16>
func.func @decoded(%x: tensor<4x8xf16, #terse.uniform<ui8>>,
                   %w: tensor<8x5xf16, #terse.uniform<i8, axis = 1>>) -> tensor<4x5xf16> {
  %0 = terse.decode %x : tensor<4x8xf16, #terse.uniform<ui8>>
  %1 = terse.decode %w : tensor<8x5xf16, #terse.uniform<i8, axis = 1>>
  %y = nn.matmul %0, %1 : (tensor<4x8xf16>, tensor<8x5xf16>) -> tensor<4x5xf16>
  return %y : tensor<4x5xf16>
}

// -----

// QLinearMatMul: one multiplication from the accumulator to the stored integer.
// CHECK-LABEL: func @requantize(
// CHECK-SAME:    %[[SY:[^:]*]]: tensor<f32>, %[[ZY:[^:]*]]: tensor<ui8>)
// CHECK:         %[[S:.*]] = nn.binary mul
// CHECK:         %[[ACC:.*]] = nn.linear
// CHECK:         %[[SUM:.*]] = nn.cast %[[ACC]] : (tensor<4x5xi32>) -> tensor<4x5xf32>
// CHECK:         %[[M:.*]] = nn.binary div %[[S]], %[[SY]]
// CHECK:         %[[P:.*]] = nn.binary mul %[[SUM]], %[[M]]
// CHECK:         %[[N:.*]] = nn.select %{{.*}}, %[[P]]
// CHECK:         %[[R:.*]] = nn.unary round %[[N]]
// CHECK:         %[[ZF:.*]] = nn.cast %[[ZY]] : (tensor<ui8>) -> tensor<f32>
// CHECK:         %[[A:.*]] = nn.binary add %[[R]], %[[ZF]]
// CHECK:         %[[C:.*]] = nn.unary clamp %[[A]] {beta = 2.550000e+02 : f64}
// CHECK:         %[[Q:.*]] = nn.cast %[[C]] : (tensor<4x5xf32>) -> tensor<4x5xui8>
// CHECK:         terse.assemble %[[Q]], %[[SY]], %[[ZY]]
// CHECK-NOT:     terse.encode
func.func @requantize(%x: tensor<4x8xf32, #terse.uniform<i8>>, %w: tensor<5x8xf32, #terse.uniform<i8, axis = 0>>,
                      %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4x5xf32, #terse.uniform<ui8, zero_point>> {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i8>>, tensor<5x8xf32, #terse.uniform<i8, axis = 0>>)
    -> tensor<4x5xf32>
  %q = terse.encode %y params(%s, %z : tensor<f32>, tensor<ui8>)
    : tensor<4x5xf32> -> tensor<4x5xf32, #terse.uniform<ui8, zero_point>>
  return %q : tensor<4x5xf32, #terse.uniform<ui8, zero_point>>
}

// -----

// A result that is also used in float is not requantized, nor is one with a bias.
// CHECK-LABEL: func @used_twice(
// CHECK:         nn.linear {{.*}} -> tensor<4x5xi32>
// CHECK:         %[[Y:.*]] = nn.binary mul
// CHECK:         terse.encode %[[Y]]
func.func @used_twice(%x: tensor<4x8xf32, #terse.uniform<i8>>, %w: tensor<5x8xf32, #terse.uniform<i8>>, %s: tensor<f32>)
    -> (tensor<4x5xf32, #terse.uniform<i8>>, tensor<4x5xf32>) {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i8>>, tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32>
  %q = terse.encode %y params(%s : tensor<f32>) : tensor<4x5xf32> -> tensor<4x5xf32, #terse.uniform<i8>>
  return %q, %y : tensor<4x5xf32, #terse.uniform<i8>>, tensor<4x5xf32>
}

// -----

// CHECK-LABEL: func @encoded_result(
// CHECK:         nn.linear {{.*}} -> tensor<4x5xi32>
// CHECK:         %[[Y:.*]] = nn.binary mul {{.*}} -> tensor<4x5xf32>
// CHECK:         %[[Q:.*]] = terse.encode %[[Y]] : tensor<4x5xf32> -> tensor<4x5xf32, #terse.uniform<i8, dynamic>>
// CHECK:         return %[[Q]]
func.func @encoded_result(%x: tensor<4x8xf32, #terse.uniform<i8>>, %w: tensor<5x8xf32, #terse.uniform<i8>>)
    -> tensor<4x5xf32, #terse.uniform<i8, dynamic>> {
  %y = nn.linear %x, %w : (tensor<4x8xf32, #terse.uniform<i8>>, tensor<5x8xf32, #terse.uniform<i8>>)
    -> tensor<4x5xf32, #terse.uniform<i8, dynamic>>
  return %y : tensor<4x5xf32, #terse.uniform<i8, dynamic>>
}

// -----

// No integers on one side: nothing to do.
// CHECK-LABEL: func @float_activation(
// CHECK-NEXT:    %[[Y:.*]] = nn.linear %{{.*}}, %{{.*}} : (tensor<4x8xf32>, tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @float_activation(%x: tensor<4x8xf32>, %w: tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32>, tensor<5x8xf32, #terse.uniform<i8>>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}

// -----

// Other ops on encoded tensors are not touched.
// CHECK-LABEL: func @others(
// CHECK-NEXT:    %[[D:.*]] = terse.decode
// CHECK-NEXT:    nn.unary relu %[[D]]
func.func @others(%x: tensor<4x8xf32, #terse.uniform<i8>>) -> tensor<4x8xf32> {
  %0 = terse.decode %x : tensor<4x8xf32, #terse.uniform<i8>>
  %1 = nn.unary relu %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
