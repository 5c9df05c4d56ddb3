// RUN: terse-opt %s --terse-integer-graph | FileCheck %s
// RUN: not terse-opt %s --terse-integer-graph --terse-verify-integer-graph 2>&1 | FileCheck %s --check-prefix=VERIFY

// Parameters that are computed; a function without an integer form between two encoded tensors.

// CHECK-LABEL: @computed_scale
// CHECK: nn.unary relu %{{.*}} : (tensor<4xf32, #terse.uniform<i8>>) -> tensor<4xf32>
func.func @computed_scale(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  %e = terse.encode %x params(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xf32, #terse.uniform<i8>>
  %0 = nn.unary relu %e : (tensor<4xf32, #terse.uniform<i8>>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @island
// CHECK: nn.softmax
// CHECK: terse.encode
// VERIFY: 'nn.softmax' op computes in float what becomes integers again
func.func @island(%x: tensor<1x4xf32>) -> tensor<1x4xf32, #terse.uniform<i8>> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %e = terse.encode %x params(%s : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  %0 = nn.softmax %e {axis = 1 : i64, log = true} : (tensor<1x4xf32, #terse.uniform<i8>>) -> tensor<1x4xf32>
  %1 = terse.encode %0 params(%s : tensor<f32>) : tensor<1x4xf32> -> tensor<1x4xf32, #terse.uniform<i8>>
  return %1 : tensor<1x4xf32, #terse.uniform<i8>>
}
