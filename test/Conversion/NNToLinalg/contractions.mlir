// RUN: terse-opt %s -convert-nn-to-linalg -split-input-file | FileCheck %s

// Products of bytes add up in i32; signedness is that of the nn types.
// CHECK-LABEL: func.func @linear_u8
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.muli %{{.*}} : i32
func.func @linear_u8(%x: tensor<2x8xui8>, %w: tensor<3x8xui8>) -> tensor<2x3xi32> {
  %0 = nn.linear %x, %w : (tensor<2x8xui8>, tensor<3x8xui8>) -> tensor<2x3xi32>
  return %0 : tensor<2x3xi32>
}

// -----

// Groups are a dimension of their own; padding is written around the input.
// CHECK: #[[$X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d5, d3 * 2 + d6, d4 * 2 + d7)>
// CHECK-LABEL: func.func @grouped
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 1, 1] [1, 4, 8, 8] [1, 1, 1, 1]
// CHECK: linalg.generic {indexing_maps = [#[[$X]],
func.func @grouped(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<1x6x4x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64}
     : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x4x4xf32>
  return %0 : tensor<1x6x4x4xf32>
}
