// RUN: terse-opt %s --split-input-file | terse-opt --split-input-file | FileCheck %s
// RUN: terse-opt %s --split-input-file --mlir-print-op-generic | terse-opt --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @encode
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf32>, %[[S:.*]]: tensor<8xf32>, %[[Z:.*]]: tensor<8xi8>
func.func @encode(%x: tensor<8x4xf32>, %s: tensor<8xf32>, %z: tensor<8xi8>) {
  // CHECK: terse.encode %[[X]] : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8>>
  %0 = terse.encode %x : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8>>
  // CHECK: terse.encode %[[X]] params(%[[S]], %[[Z]] : tensor<8xf32>, tensor<8xi8>)
  // CHECK-SAME: : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, axis = 0, zero_point>>
  %1 = terse.encode %x params(%s, %z : tensor<8xf32>, tensor<8xi8>)
     : tensor<8x4xf32> -> tensor<8x4xf32, #terse.uniform<i8, axis = 0, zero_point>>
  return
}

// -----

// CHECK-LABEL: func.func @decode
func.func @decode(%w: tensor<8x4xf32, #terse.uniform<i8>>) -> tensor<8x4xf32> {
  // CHECK: terse.decode %{{.*}} : tensor<8x4xf32, #terse.uniform<i8>>
  %0 = terse.decode %w : tensor<8x4xf32, #terse.uniform<i8>>
  return %0 : tensor<8x4xf32>
}

// -----

// CHECK-LABEL: func.func @assemble
func.func @assemble(%values: tensor<8x4xi4>, %scales: tensor<8x2xf16>)
    -> tensor<8x4xf32, #terse.uniform<i4, block = [1, 2], scale = f16>> {
  // CHECK: terse.assemble %{{.*}}, %{{.*}} : (tensor<8x4xi4>, tensor<8x2xf16>)
  // CHECK-SAME: -> tensor<8x4xf32, #terse.uniform<i4, block = [1, 2], scale = f16>>
  %0 = terse.assemble %values, %scales : (tensor<8x4xi4>, tensor<8x2xf16>)
     -> tensor<8x4xf32, #terse.uniform<i4, block = [1, 2], scale = f16>>
  return %0 : tensor<8x4xf32, #terse.uniform<i4, block = [1, 2], scale = f16>>
}

// -----

// Results are named after the components.
// CHECK-LABEL: func.func @components
func.func @components(%w: tensor<8x4xf32, #terse.uniform<ui4, axis = 0, zero_point>>)
    -> (tensor<8x4xui4>, tensor<8xf32>, tensor<8xui4>) {
  // CHECK: %values, %scales, %zero_points = terse.components %{{.*}} : tensor<8x4xf32, #terse.uniform<ui4, axis = 0, zero_point>>
  %0:3 = terse.components %w : tensor<8x4xf32, #terse.uniform<ui4, axis = 0, zero_point>>
  return %0#0, %0#1, %0#2 : tensor<8x4xui4>, tensor<8xf32>, tensor<8xui4>
}

// -----

// CHECK-LABEL: func.func @observe
func.func @observe(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  // CHECK: terse.observe %{{.*}} "conv1/input" min_max : tensor<1x3x8x8xf32>
  %0 = terse.observe %x "conv1/input" min_max : tensor<1x3x8x8xf32>
  // CHECK: terse.observe %{{.*}} "a" moving_average : tensor<1x3x8x8xf32>
  %1 = terse.observe %0 "a" moving_average : tensor<1x3x8x8xf32>
  // CHECK: terse.observe %{{.*}} "b" histogram : tensor<1x3x8x8xf32>
  %2 = terse.observe %1 "b" histogram : tensor<1x3x8x8xf32>
  // CHECK: terse.observe %{{.*}} "c" channel axis = 1 : tensor<1x3x8x8xf32>
  %3 = terse.observe %2 "c" channel axis = 1 : tensor<1x3x8x8xf32>
  // CHECK: terse.observe %{{.*}} "d" second_moment axis = 1 : tensor<1x3x8x8xf32>
  %4 = terse.observe %3 "d" second_moment axis = 1 : tensor<1x3x8x8xf32>
  return %4 : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @fake_quant
func.func @fake_quant(%x: tensor<8x4xf32>, %s: tensor<f32>) -> tensor<8x4xf32> {
  // CHECK: terse.fake_quant #terse.uniform<i8, dynamic> %{{.*}} : tensor<8x4xf32>
  %0 = terse.fake_quant #terse.uniform<i8, dynamic> %x : tensor<8x4xf32>
  // CHECK: terse.fake_quant #terse.uniform<i8> %{{.*}} params(%{{.*}} : tensor<f32>) : tensor<8x4xf32>
  %1 = terse.fake_quant #terse.uniform<i8> %0 params(%s : tensor<f32>) : tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}
