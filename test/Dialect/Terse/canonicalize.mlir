// RUN: terse-opt %s --canonicalize --cse --loop-invariant-code-motion --split-input-file | FileCheck %s

!w = tensor<4xf32, #terse.uniform<i8>>

// The loss of an encoding is never folded away.
// CHECK-LABEL: func.func @decode_of_encode_stays
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
func.func @decode_of_encode_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[E:.*]] = terse.encode %[[X]]
  // CHECK: %[[D:.*]] = terse.decode %[[E]]
  // CHECK: return %[[D]]
  %0 = terse.encode %x : tensor<4xf32> -> !w
  %1 = terse.decode %0 : !w
  return %1 : tensor<4xf32>
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @encode_of_decode_stays
func.func @encode_of_decode_stays(%w: !w) -> !w {
  // CHECK: terse.decode
  // CHECK: terse.encode
  %0 = terse.decode %w : !w
  %1 = terse.encode %0 : tensor<4xf32> -> !w
  return %1 : !w
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @components_of_assemble
// CHECK-SAME: %[[V:.*]]: tensor<4xi8>, %[[S:.*]]: tensor<f32>
func.func @components_of_assemble(%v: tensor<4xi8>, %s: tensor<f32>) -> (tensor<4xi8>, tensor<f32>) {
  // CHECK-NEXT: return %[[V]], %[[S]]
  %0 = terse.assemble %v, %s : (tensor<4xi8>, tensor<f32>) -> !w
  %1:2 = terse.components %0 : !w
  return %1#0, %1#1 : tensor<4xi8>, tensor<f32>
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @assemble_of_components
// CHECK-SAME: %[[W:.*]]: tensor<4xf32, #terse.uniform<i8>>
func.func @assemble_of_components(%w: !w) -> !w {
  // CHECK-NEXT: return %[[W]]
  %0:2 = terse.components %w : !w
  %1 = terse.assemble %0#0, %0#1 : (tensor<4xi8>, tensor<f32>) -> !w
  return %1 : !w
}

// -----

!n = tensor<4xf32, #terse.uniform<i8, narrow>>
!w = tensor<4xf32, #terse.uniform<i8>>

// The same components under another encoding are another tensor.
// CHECK-LABEL: func.func @assemble_of_components_of_other_encoding
func.func @assemble_of_components_of_other_encoding(%n: !n) -> !w {
  // CHECK: terse.components
  // CHECK: terse.assemble
  %0:2 = terse.components %n : !n
  %1 = terse.assemble %0#0, %0#1 : (tensor<4xi8>, tensor<f32>) -> !w
  return %1 : !w
}

// -----

// CHECK-LABEL: func.func @fake_quant_stays
func.func @fake_quant_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: terse.fake_quant
  %0 = terse.fake_quant #terse.uniform<i8> %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @observe_stays
func.func @observe_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: terse.observe
  %0 = terse.observe %x "x" min_max : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Counting an iteration once or every time are different statistics.
// CHECK-LABEL: func.func @observe_stays_in_loop
func.func @observe_stays_in_loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  // CHECK: scf.for
  // CHECK-NEXT: terse.observe
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4xf32> {
    %1 = terse.observe %x "x" min_max : tensor<4xf32>
    %2 = nn.binary add %a, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// Unused conversions have no effect and go.
// CHECK-LABEL: func.func @dead
func.func @dead(%x: tensor<4xf32>) {
  // CHECK-NEXT: return
  %0 = terse.encode %x : tensor<4xf32> -> !w
  %1 = terse.decode %0 : !w
  return
}
