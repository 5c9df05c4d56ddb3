// RUN: terse-opt %S/Inputs/version-1.mlirbc | FileCheck %s
// RUN: terse-opt %s --emit-bytecode | terse-opt | FileCheck %s

// Inputs/version-1.mlirbc is this file as version 1 of the dialect wrote it. It stays as it is when
// the dialect changes: newer builds must read it.

// CHECK-LABEL: func.func @ops
// CHECK-SAME: %[[X:.*]]: tensor<8x?xf32>, %[[W:.*]]: tensor<8x64xf16, #terse.uniform<i4, block = [1, 32], scale = #terse.uniform<ui8, axis = 0, scale = f16>, dynamic>>
func.func @ops(%x: tensor<8x?xf32>,
               %w: tensor<8x64xf16, #terse.uniform<i4, block = [1, 32], scale = #terse.uniform<ui8, axis = 0, scale = f16>, dynamic>>,
               %s: tensor<8x1xbf16>, %z: tensor<8x1xui8>) -> (tensor<8x64xf16>, tensor<8x?xf32>) {
  // CHECK: terse.observe %[[X]] "x" channel axis = 0 : tensor<8x?xf32>
  %0 = terse.observe %x "x" channel axis = 0 : tensor<8x?xf32>
  // CHECK: terse.encode %{{.*}} params(%{{.*}}, %{{.*}} : tensor<8x1xbf16>, tensor<8x1xui8>)
  // CHECK-SAME: -> tensor<8x?xf32, #terse.uniform<ui8, block = [1, ?], scale = bf16, zero_point>>
  %1 = terse.encode %0 params(%s, %z : tensor<8x1xbf16>, tensor<8x1xui8>)
     : tensor<8x?xf32> -> tensor<8x?xf32, #terse.uniform<ui8, block = [1, ?], scale = bf16, zero_point>>
  // CHECK: terse.components %{{.*}} : tensor<8x?xf32, #terse.uniform<ui8, block = [1, ?], scale = bf16, zero_point>>
  %2:3 = terse.components %1 : tensor<8x?xf32, #terse.uniform<ui8, block = [1, ?], scale = bf16, zero_point>>
  // CHECK: terse.assemble %{{.*}} : (tensor<8x?xui8>, tensor<8x1xbf16>, tensor<8x1xui8>)
  %3 = terse.assemble %2#0, %2#1, %2#2 : (tensor<8x?xui8>, tensor<8x1xbf16>, tensor<8x1xui8>)
     -> tensor<8x?xf32, #terse.uniform<ui8, block = [1, ?], scale = bf16, zero_point>>
  // CHECK: terse.decode %[[W]]
  %4 = terse.decode %w : tensor<8x64xf16, #terse.uniform<i4, block = [1, 32], scale = #terse.uniform<ui8, axis = 0, scale = f16>, dynamic>>
  // CHECK: terse.fake_quant #terse.uniform<i8, narrow> %{{.*}} : tensor<8x?xf32>
  %5 = terse.fake_quant #terse.uniform<i8, narrow> %0 : tensor<8x?xf32>
  // CHECK: terse.encode %{{.*}} : tensor<8x?xf32> -> tensor<8x?xf32, #terse.cast<bf16>>
  %6 = terse.encode %5 : tensor<8x?xf32> -> tensor<8x?xf32, #terse.cast<bf16>>
  %7 = terse.decode %6 : tensor<8x?xf32, #terse.cast<bf16>>
  return %4, %7 : tensor<8x64xf16>, tensor<8x?xf32>
}
