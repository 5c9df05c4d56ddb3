// RUN: terse-opt %s -convert-nn-to-linalg -split-input-file | FileCheck %s

// Unsigned and sub-byte tensors take their storage types, signedness goes into the scalar ops.
// CHECK-LABEL: func.func @unsigned_max
// CHECK-SAME: tensor<4xi8>
// CHECK: arith.maxui %{{.*}}, %{{.*}} : i8
func.func @unsigned_max(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  %0 = nn.binary max %x, %y : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// Four-bit sums wrap to four bits.
// CHECK-LABEL: func.func @wrap_i4
// CHECK: arith.addi
// CHECK: arith.shli
// CHECK: arith.shrsi
func.func @wrap_i4(%x: tensor<4xi4>) -> tensor<4xi4> {
  %0 = nn.binary add %x, %x : (tensor<4xi4>, tensor<4xi4>) -> tensor<4xi4>
  return %0 : tensor<4xi4>
}

// -----

// Half precision computes in f32 and rounds once.
// CHECK-LABEL: func.func @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = nn.binary mul %x, %x : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// A static size of 1 is read at index 0.
// CHECK: #[[$MAP:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: func.func @stretch_static
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$MAP]], #{{.*}}]
func.func @stretch_static(%x: tensor<4x8xf32>, %y: tensor<4x1xf32>) -> tensor<4x8xf32> {
  %0 = nn.binary add %x, %y : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Where only the run knows, it decides.
// CHECK-LABEL: func.func @stretch_dynamic
// CHECK: scf.if
func.func @stretch_dynamic(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = nn.binary add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Packed weights become bytes; reading them unpacks.
// CHECK: ml_program.global private @w(dense_resource<w> : tensor<3xi8>) : tensor<3xi8>
// CHECK-LABEL: func.func @packed
// CHECK: ml_program.global_load_const @w : tensor<3xi8>
// CHECK: tensor.extract
ml_program.global private @w(dense_resource<w> : tensor<5xi4>) : tensor<5xi4>
func.func @packed() -> tensor<5xi4> {
  %0 = ml_program.global_load_const @w : tensor<5xi4>
  return %0 : tensor<5xi4>
}
{-# dialect_resources: { builtin: { w: "0x0100000078F300" } } #-}
