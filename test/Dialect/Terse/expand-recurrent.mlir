// RUN: terse-opt %s --terse-expand-recurrent --split-input-file | FileCheck %s
// RUN: terse-opt %s --terse-expand-recurrent --terse-expand-recurrent --split-input-file | FileCheck %s
// RUN: terse-opt %s --terse-expand-recurrent --terse-integer-contractions --split-input-file | FileCheck %s --check-prefix=INTEGER

!qx = tensor<?x3x16xf32, #terse.uniform<i8, block = [1, 1, ?], dynamic>>
!w = tensor<1x32x16xf32, #terse.uniform<i8, axis = 1>>
!r = tensor<1x32x8xf32, #terse.uniform<i8, axis = 1>>

// The input of all steps is multiplied before the loop, the hidden state in it.
// CHECK-LABEL: func.func @lstm(
// CHECK:         %[[W:.*]] = terse.assemble {{.*}}tensor<32x16xf32, #terse.uniform<i8, axis = 0>>
// CHECK:         %[[X:.*]] = terse.encode {{.*}}tensor<?x3x16xf32, #terse.uniform<i8, block = [1, 1, ?], dynamic>>
// CHECK:         nn.linear %[[X]], %[[W]]
// CHECK:         scf.for
// CHECK:           %[[H:.*]] = terse.encode {{.*}}tensor<3x8xf32, #terse.uniform<i8, block = [1, ?], dynamic>>
// CHECK:           nn.linear %[[H]], %{{.*}}tensor<32x8xf32, #terse.uniform<i8, axis = 0>>
// CHECK-NOT:     nn.lstm
// INTEGER-LABEL: func.func @lstm(
// INTEGER:         nn.linear %{{.*}}, %{{.*}} : (tensor<?x3x16xi8>, tensor<32x16xi8>) -> tensor<?x3x32xi32>
// INTEGER:         scf.for
// INTEGER:           nn.linear %{{.*}}, %{{.*}} : (tensor<3x8xi8>, tensor<32x8xi8>) -> tensor<3x32xi32>
func.func @lstm(%x: tensor<?x3x16xf32>, %w: !w, %r: !r, %b: tensor<1x64xf32>) -> tensor<?x1x3x8xf32> {
  %q = terse.encode %x : tensor<?x3x16xf32> -> !qx
  %y, %h, %c = nn.lstm %q, %w, %r, %b {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>}
    : (!qx, !w, !r, tensor<1x64xf32>) -> (tensor<?x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return %y : tensor<?x1x3x8xf32>
}

// -----

!qx = tensor<5x2x16xf32, #terse.uniform<i8, block = [1, 1, ?], dynamic>>
!w = tensor<2x24x16xf32, #terse.uniform<i8, block = [1, 1, 16]>>
!r = tensor<2x24x8xf32, #terse.uniform<i8, block = [1, 1, 8]>>

// Directions and gates are cut out of values and scales.
// CHECK-LABEL: func.func @gru_bidirectional(
// CHECK:         nn.slice {{.*}}starts = array<i64: 1, 0, 0>{{.*}} : (tensor<2x24x8xi8>) -> tensor<1x24x8xi8>
// CHECK:         nn.slice {{.*}}starts = array<i64: 0, 16, 0>{{.*}} : (tensor<1x24x8xi8>) -> tensor<1x8x8xi8>
// CHECK:         nn.slice {{.*}}starts = array<i64: 0, 16, 0>{{.*}} : (tensor<1x24x1xf32>) -> tensor<1x8x1xf32>
// CHECK-NOT:     nn.gru
// INTEGER-LABEL: func.func @gru_bidirectional(
// INTEGER-COUNT-2: nn.linear %{{.*}}, %{{.*}} : (tensor<2x8xi8>, tensor<{{16|8}}x8xi8>) -> tensor<2x{{16|8}}xi32>
func.func @gru_bidirectional(%x: tensor<5x2x16xf32>, %w: !w, %r: !r) -> tensor<2x2x8xf32> {
  %q = terse.encode %x : tensor<5x2x16xf32> -> !qx
  %d = terse.decode %q : !qx
  %y, %h = nn.gru %d, %w, %r {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind sigmoid>,
    #nn<unary_kind tanh>, #nn<unary_kind sigmoid>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x2x16xf32>, !w, !r) -> (tensor<5x2x2x8xf32>, tensor<2x2x8xf32>)
  return %h : tensor<2x2x8xf32>
}

// -----

!qx = tensor<5x2x16xf32, #terse.uniform<i8, block = [1, 1, ?], dynamic>>
!w = tensor<1x8x16xf32, #terse.uniform<i4, block = [1, 1, 8]>>
!r = tensor<1x8x8xf32, #terse.uniform<i4, axis = 1>>

// Scales that vary along the sum: the layer decodes.
// CHECK-LABEL: func.func @blocks(
// CHECK:         nn.rnn
func.func @blocks(%x: tensor<5x2x16xf32>, %w: !w, %r: !r) -> tensor<1x2x8xf32> {
  %q = terse.encode %x : tensor<5x2x16xf32> -> !qx
  %y, %h = nn.rnn %q, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (!qx, !w, !r) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  return %h : tensor<1x2x8xf32>
}

// -----

!w = tensor<1x8x16xf32, #terse.uniform<i8, axis = 1>>
!r = tensor<1x8x8xf32, #terse.uniform<i8, axis = 1>>

// A float input: only the weights are compressed.
// CHECK-LABEL: func.func @weights_only(
// CHECK:         nn.rnn
func.func @weights_only(%x: tensor<5x2x16xf32>, %w: !w, %r: !r) -> tensor<1x2x8xf32> {
  %y, %h = nn.rnn %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind tanh>],
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x2x16xf32>, !w, !r) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  return %h : tensor<1x2x8xf32>
}
