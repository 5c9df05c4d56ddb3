// RUN: terse-opt %s --nn-fold-constants --split-input-file | FileCheck %s
// RUN: terse-opt %s --nn-fold-constants="max-result-bytes=8" --split-input-file | FileCheck %s --check-prefix=SMALL
// RUN: terse-opt %s --nn-fold-constants --split-input-file | terse-opt --nn-fold-constants --split-input-file | FileCheck %s

// CHECK-LABEL: func @chain
// CHECK-NEXT: %[[C:.*]] = nn.constant dense<[2.000000e+00, 3.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: return %[[C]]
func.func @chain() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 4.0]> : tensor<2xf32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %s = nn.unary sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  %y = nn.binary add %s, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// A dynamic type becomes static for nn ops and is kept for others.
// CHECK-LABEL: func @dynamic_type
// CHECK: %[[C:.*]] = nn.constant dense<[0, 1, 2]> : tensor<3xi64>
// CHECK: %[[D:.*]] = tensor.cast %[[C]] : tensor<3xi64> to tensor<?xi64>
// CHECK: return %[[D]]
func.func @dynamic_type() -> tensor<?xi64> {
  %zero = nn.constant dense<0> : tensor<i64>
  %three = nn.constant dense<3> : tensor<i64>
  %one = nn.constant dense<1> : tensor<i64>
  %r = nn.range %zero, %three, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %r : tensor<?xi64>
}

// Not constant: stays.
// CHECK-LABEL: func @argument
// CHECK: nn.unary exp
func.func @argument(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nn.unary exp %x : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// The evaluation fails: stays, for the run to say so.
// CHECK-LABEL: func @fails
// CHECK: nn.gather
func.func @fails() -> tensor<1xi32> {
  %x = nn.constant dense<[1, 2]> : tensor<2xi32>
  %i = nn.constant dense<[2]> : tensor<1xi64>
  %y = nn.gather %x, %i {axis = 0 : i64} : (tensor<2xi32>, tensor<1xi64>) -> tensor<1xi32>
  return %y : tensor<1xi32>
}

// CHECK-LABEL: func @grows
// CHECK-NOT: nn.iota
// SMALL-LABEL: func @grows
// SMALL: nn.iota
func.func @grows() -> tensor<4x2048xi32> {
  %y = nn.iota {axis = 1 : i64} : () -> tensor<4x2048xi32>
  return %y : tensor<4x2048xi32>
}

// -----

// The transposed weight replaces the weight under its name.
// CHECK: ml_program.global private @w(dense_resource<{{w.*}}> : tensor<2x300xf32>) : tensor<2x300xf32>
// CHECK-LABEL: func @transposed_weight
// CHECK-NEXT: %[[W:.*]] = ml_program.global_load_const @w : tensor<2x300xf32>
// CHECK-NEXT: return %[[W]]
ml_program.global private @w(dense<1.0> : tensor<300x2xf32>) : tensor<300x2xf32>
func.func @transposed_weight() -> tensor<2x300xf32> {
  %w = ml_program.global_load_const @w : tensor<300x2xf32>
  %t = nn.transpose %w {permutation = array<i64: 1, 0>} : (tensor<300x2xf32>) -> tensor<2x300xf32>
  return %t : tensor<2x300xf32>
}

// -----

// Compressed weights stay compressed.
// CHECK-LABEL: func @compressed
// CHECK: terse.decode
// CHECK: nn.cast
ml_program.global private @q(dense<1> : tensor<64x32xi8>) : tensor<64x32xi8>
func.func @compressed() -> (tensor<64x32xf32>, tensor<64x32xf32>) {
  %q = ml_program.global_load_const @q : tensor<64x32xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %w = terse.assemble %q, %s : (tensor<64x32xi8>, tensor<f32>) -> tensor<64x32xf32, #terse.uniform<i8>>
  %d = terse.decode %w : tensor<64x32xf32, #terse.uniform<i8>>
  %f = nn.cast %q : (tensor<64x32xi8>) -> tensor<64x32xf32>
  return %d, %f : tensor<64x32xf32>, tensor<64x32xf32>
}
