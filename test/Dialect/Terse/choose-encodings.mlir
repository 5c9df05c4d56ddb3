// RUN: terse-opt %s --terse-choose-encodings --split-input-file | FileCheck %s --check-prefixes=CHECK,CHANNEL
// RUN: terse-opt %s --terse-choose-encodings="granularity=tensor weight-type=ui4 zero-point=true" --split-input-file | FileCheck %s --check-prefixes=CHECK,TENSOR
// RUN: terse-opt %s --terse-choose-encodings="granularity=block block-size=32 weight-type=i4 scale-type=f16" --split-input-file | FileCheck %s --check-prefixes=CHECK,BLOCK
// RUN: terse-opt %s --terse-choose-encodings="weight-type=bf16" --split-input-file | FileCheck %s --check-prefixes=CHECK,CAST
// RUN: terse-opt %s --terse-choose-encodings="activations=row narrow=true" --split-input-file | FileCheck %s --check-prefixes=CHECK,ROW
// RUN: terse-opt %s --terse-choose-encodings="activations=tensor activation-type=ui8" --split-input-file | FileCheck %s --check-prefixes=CHECK,ACT
// RUN: terse-opt %s --terse-choose-encodings="skip='kept for a reason'" --split-input-file | FileCheck %s --check-prefixes=CHECK,SKIP
// RUN: terse-opt %s --terse-choose-encodings="min-elements=1000000" --split-input-file | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: terse-opt %s --terse-choose-encodings="block-size=16 granularity=block weight-type=i8" --split-input-file | FileCheck %s --check-prefixes=CHECK,B16

ml_program.global private @w(dense<0.5> : tensor<8x64xf32>) : tensor<8x64xf32>

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @w : tensor<8x64xf32>
  // CHANNEL: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 0>>}
  // TENSOR: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<ui4, zero_point>>}
  // BLOCK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [1, 32], scale = f16>>}
  // CAST: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.cast<bf16>>}
  // ROW: nn.linear {{.*}} {terse.choice = #terse.choice<0 = #terse.uniform<i8, block = [1, ?], dynamic>, 1 = #terse.uniform<i8, axis = 0, narrow>>}
  // ACT: nn.linear {{.*}} {terse.choice = #terse.choice<0 = #terse.uniform<ui8, zero_point, dynamic>, 1 = #terse.uniform<i8, axis = 0>>}
  // SKIP: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "kept for a reason">}
  // SMALL: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "fewer than 1000000 elements">}
  // B16: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i8, block = [1, 16]>>}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

ml_program.global private @k32(dense<0.5> : tensor<4x32x3x3xf32>) : tensor<4x32x3x3xf32>
ml_program.global private @k16(dense<0.5> : tensor<4x16x3x3xf32>) : tensor<4x16x3x3xf32>
ml_program.global private @dw(dense<0.5> : tensor<8x1x3x3xf32>) : tensor<8x1x3x3xf32>

// Blocks are boxes that divide the contraction axes.
// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<1x32x8x8xf32>, %z: tensor<1x16x8x8xf32>, %d: tensor<1x8x8x8xf32>) -> (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x8x6x6xf32>) {
  %k32 = ml_program.global_load_const @k32 : tensor<4x32x3x3xf32>
  %k16 = ml_program.global_load_const @k16 : tensor<4x16x3x3xf32>
  %dw = ml_program.global_load_const @dw : tensor<8x1x3x3xf32>
  // BLOCK: nn.conv %{{.*}}, %k32{{.*}} terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [1, 32, 1, 1], scale = f16>>
  // ROW: nn.conv %{{.*}} terse.choice = #terse.choice<0 = #terse.uniform<i8, block = [1, ?, ?, ?], dynamic>
  %0 = nn.conv %x, %k32 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<4x32x3x3xf32>) -> tensor<1x4x6x6xf32>
  // BLOCK: nn.conv %{{.*}} terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [1, 4, 3, 3], scale = f16>>
  %1 = nn.conv %z, %k16 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x16x8x8xf32>, tensor<4x16x3x3xf32>) -> tensor<1x4x6x6xf32>
  // BLOCK: nn.conv %{{.*}} terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [1, 1, 3, 3], scale = f16>>
  %2 = nn.conv %d, %dw {groups = 8 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x8x8x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x6x6xf32>
  return %0, %1, %2 : tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x8x6x6xf32>
}

// -----

ml_program.global private @table(dense<0.5> : tensor<100x64xf32>) : tensor<100x64xf32>
ml_program.global private @m(dense<0.5> : tensor<64x32xf32>) : tensor<64x32xf32>

// CHECK-LABEL: func.func @table_and_matmul
func.func @table_and_matmul(%i: tensor<?xi64>) -> tensor<?x32xf32> {
  %t = ml_program.global_load_const @table : tensor<100x64xf32>
  // CHANNEL: nn.embedding {{.*}} {terse.choice = #terse.choice<0 = #terse.uniform<i8, axis = 0>>}
  // BLOCK: nn.embedding {{.*}} {terse.choice = #terse.choice<0 = #terse.uniform<i4, block = [1, 32], scale = f16>>}
  %e = nn.embedding %t, %i : (tensor<100x64xf32>, tensor<?xi64>) -> tensor<?x64xf32>
  %m = ml_program.global_load_const @m : tensor<64x32xf32>
  // CHANNEL: nn.matmul {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 1>>}
  // BLOCK: nn.matmul {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [32, 1], scale = f16>>}
  %y = nn.matmul %e, %m : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Recurrent layers have two weights. Every gate row of every direction is a channel; biases stay.
ml_program.global private @lstm_w(dense<1.0> : tensor<1x32x64xf32>) : tensor<1x32x64xf32>
ml_program.global private @lstm_r(dense<1.0> : tensor<1x32x8xf32>) : tensor<1x32x8xf32>
ml_program.global private @gru_w(dense<1.0> : tensor<2x24x64xf32>) : tensor<2x24x64xf32>
ml_program.global private @gru_r(dense<1.0> : tensor<2x24x8xf32>) : tensor<2x24x8xf32>

// CHECK-LABEL: func.func @recurrent
func.func @recurrent(%x: tensor<5x2x64xf32>) -> (tensor<5x1x2x8xf32>, tensor<5x2x2x8xf32>) {
  %w = ml_program.global_load_const @lstm_w : tensor<1x32x64xf32>
  %r = ml_program.global_load_const @lstm_r : tensor<1x32x8xf32>
  // CHANNEL: nn.lstm {{.*}}terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 1>, 2 = #terse.uniform<i8, axis = 1>>}
  // BLOCK: nn.lstm {{.*}}terse.choice = #terse.choice<1 = #terse.uniform<i4, block = [1, 1, 32], scale = f16>, 2 = #terse.uniform<i4, block = [1, 1, 8], scale = f16>>}
  // ROW: nn.lstm {{.*}}terse.choice = #terse.choice<0 = #terse.uniform<i8, block = [1, 1, ?], dynamic>, 1 = #terse.uniform<i8, axis = 1, narrow>, 2 =
  // SKIP: nn.lstm {{.*}}terse.choice = #terse.choice<1 = "kept for a reason", 2 = "kept for a reason">}
  %y, %yh, %yc = nn.lstm %x, %w, %r {direction = #nn<direction forward>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x2x64xf32>, tensor<1x32x64xf32>, tensor<1x32x8xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>)
  %gw = ml_program.global_load_const @gru_w : tensor<2x24x64xf32>
  %gr = ml_program.global_load_const @gru_r : tensor<2x24x8xf32>
  // CHANNEL: nn.gru {{.*}}terse.choice = #terse.choice<1 = #terse.uniform<i8, block = [1, 1, 64]>, 2 = #terse.uniform<i8, block = [1, 1, 8]>>}
  %z, %zh = nn.gru %x, %gw, %gr {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>, #nn<unary_kind sigmoid>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x2x64xf32>, tensor<2x24x64xf32>, tensor<2x24x8xf32>) -> (tensor<5x2x2x8xf32>, tensor<2x2x8xf32>)
  return %y, %z : tensor<5x1x2x8xf32>, tensor<5x2x2x8xf32>
}

// -----

// A rule that skips speaks for every large matrix, whatever it is used for; other rules do not.
ml_program.global private @table_of_positions(dense<1.0> : tensor<16x64xf32>) : tensor<16x64xf32>

// CHECK-LABEL: func.func @positions
func.func @positions(%x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %p = ml_program.global_load_const @table_of_positions : tensor<16x64xf32>
  // SKIP: nn.binary add {{.*}}terse.choice = #terse.choice<1 = "kept for a reason">}
  // CHANNEL-NOT: terse.choice
  %y = nn.binary add %x, %p : (tensor<16x64xf32>, tensor<16x64xf32>) -> tensor<16x64xf32>
  return %y : tensor<16x64xf32>
}

// -----

// A weight that is computed, and one that is encoded, are left alone.
// CHECK-LABEL: func.func @not_weights
// CHECK-NOT: terse.choice
func.func @not_weights(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>, %q: tensor<3x4xf32, #terse.uniform<i8>>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = nn.linear %x, %w : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
  %1 = nn.linear %x, %q : (tensor<2x4xf32>, tensor<3x4xf32, #terse.uniform<i8>>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

ml_program.global private @w(dense<1> : tensor<3x4xi8>) : tensor<3x4xi8>
ml_program.global private @tiny(dense<1.0> : tensor<3x1xf32>) : tensor<3x1xf32>

// CHECK-LABEL: func.func @reasons
func.func @reasons(%x: tensor<2x4xi8>, %z: tensor<2x1xf32>) -> (tensor<2x3xi32>, tensor<2x3xf32>) {
  %w = ml_program.global_load_const @w : tensor<3x4xi8>
  // CHANNEL: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "element type is not a float">}
  %0 = nn.linear %x, %w : (tensor<2x4xi8>, tensor<3x4xi8>) -> tensor<2x3xi32>
  %tiny = ml_program.global_load_const @tiny : tensor<3x1xf32>
  // CHANNEL: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "would not become smaller">}
  %1 = nn.linear %z, %tiny : (tensor<2x1xf32>, tensor<3x1xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xi32>, tensor<2x3xf32>
}
