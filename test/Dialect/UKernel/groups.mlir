// RUN: terse-opt %s -pass-pipeline='builtin.module(convert-nn-to-linalg,canonicalize,func.func(ukernel-form,canonicalize))' | FileCheck %s --check-prefix=FORM
// RUN: terse-opt %s -pass-pipeline='builtin.module(convert-nn-to-linalg,canonicalize,func.func(ukernel-form,canonicalize,ukernel-select{isa=amx_int8 vector-bytes=64}))' | FileCheck %s --check-prefix=SELECT
// RUN: terse-opt %s -pass-pipeline='builtin.module(convert-nn-to-linalg,canonicalize,func.func(ukernel-form,canonicalize,ukernel-select{isa=avx512 vector-bytes=16}),ukernel-pack-weights,canonicalize,symbol-dce)' | FileCheck %s --check-prefix=PACK

ml_program.global private @w(dense<[[[[1]], [[2]]], [[[3]], [[4]]], [[[5]], [[6]]], [[[7]], [[8]]]]> : tensor<4x2x1x1xi8>) : tensor<4x2x1x1xi8>

// Two groups of two channels; as one kernel for bytes, with zeros for the other group.
// FORM-LABEL: @bytes
// FORM: ukernel.conv
// FORM-SAME: parts = 2 : i64
// SELECT-LABEL: @bytes
// SELECT: ukernel.conv
// SELECT-NOT: parts = 2
// SELECT: return
func.func @bytes(%x: tensor<1x4x5x5xi8>) -> tensor<1x4x5x5xi32> {
  %w = ml_program.global_load_const @w : tensor<4x2x1x1xi8>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x5x5xi8>, tensor<4x2x1x1xi8>) -> tensor<1x4x5x5xi32>
  return %0 : tensor<1x4x5x5xi32>
}

// Zeros times floats of another group need not be zero: every group is a part.
// SELECT-LABEL: @floats
// SELECT: ukernel.conv
// SELECT-SAME: parts = 3 : i64
func.func @floats(%x: tensor<1x15x5x5xf32>) -> tensor<1x48x5x5xf32> {
  %w = nn.constant dense<1.0> : tensor<48x5x3x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 3 : i64} : (tensor<1x15x5x5xf32>, tensor<48x5x3x3xf32>) -> tensor<1x48x5x5xf32>
  return %0 : tensor<1x48x5x5xf32>
}

// Parts of so few columns would leave most lanes idle.
// FORM-LABEL: @narrow
// FORM-NOT: ukernel.
// FORM: return
func.func @narrow(%x: tensor<1x15x5x5xf32>) -> tensor<1x6x5x5xf32> {
  %w = nn.constant dense<1.0> : tensor<6x5x3x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 3 : i64} : (tensor<1x15x5x5xf32>, tensor<6x5x3x3xf32>) -> tensor<1x6x5x5xf32>
  return %0 : tensor<1x6x5x5xf32>
}

// Small groups of floats, as many channels each way.
// FORM-LABEL: @small
// FORM: ukernel.depthwise_conv {{.*}} : tensor<1x5x5x12xf32>, tensor<12x4x3x3xf32>
func.func @small(%x: tensor<1x12x5x5xf32>) -> tensor<1x12x5x5xf32> {
  %w = nn.constant dense<1.0> : tensor<12x4x3x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 3 : i64} : (tensor<1x12x5x5xf32>, tensor<12x4x3x3xf32>) -> tensor<1x12x5x5xf32>
  return %0 : tensor<1x12x5x5xf32>
}

// Words of two channels for each of four columns, of the first two channels and of the others.
// PACK: w.packed: "0x0100000001020304000000000000000005060708"
