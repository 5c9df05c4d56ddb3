// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-split-samples{least-bytes=1}))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-split-samples{least-bytes=1},ukernel-split-samples{least-bytes=1}))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-split-samples))' | FileCheck %s --check-prefix=SMALL
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-split-samples{least-bytes=1},ukernel-select{isa=avx512 vector-bytes=64}),ukernel-pack-weights)' | FileCheck %s --check-prefix=PACK

#w3 = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>

// SMALL-NOT: scf.for

// What stands between the transposes exists for one sample. Weights are packed once.
// CHECK-LABEL: @open
// CHECK: %[[ALL:.*]] = tensor.dim %arg0
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[ALL]] {{.*}} -> (tensor<?x20x30xf32>)
// CHECK: tensor.extract_slice %arg0[%[[I]], 0, 0, 0] [1, 20, 5, 6]
// CHECK: linalg.transpose {{.*}} outs(%{{.*}} : tensor<1x5x6x20xf32>)
// CHECK: ukernel.depthwise_conv
// CHECK: linalg.transpose {{.*}} outs(%{{.*}} : tensor<1x20x30xf32>)
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[I]], 0, 0] [1, 20, 30]
// CHECK: tensor.expand_shape
// CHECK-NOT: ukernel.
// CHECK: return
// PACK-LABEL: @open
// PACK: scf.for
// PACK-NOT: linalg.index
// PACK: ukernel.depthwise_conv
func.func @open(%x: tensor<?x20x5x6xf32>, %w: tensor<20x1x3x3xf32>, %a: tensor<?x5x6x20xf32>,
                %y: tensor<?x20x5x6xf32>) -> tensor<?x20x5x6xf32> {
  %0 = linalg.transpose ins(%x : tensor<?x20x5x6xf32>) outs(%a : tensor<?x5x6x20xf32>) permutation = [0, 2, 3, 1]
  %1 = ukernel.depthwise_conv %0, %w into %a {extra_maps = [], window = #w3}
    : tensor<?x5x6x20xf32>, tensor<20x1x3x3xf32> into tensor<?x5x6x20xf32> -> tensor<?x5x6x20xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %2 = linalg.transpose ins(%1 : tensor<?x5x6x20xf32>) outs(%y : tensor<?x20x5x6xf32>) permutation = [0, 3, 1, 2]
  return %2 : tensor<?x20x5x6xf32>
}

// One sample, and an operand that differs between samples, need the whole.
// CHECK-LABEL: @one
// CHECK-NOT: scf.for
// CHECK-LABEL: @residual
// CHECK-NOT: scf.for
func.func @one(%x: tensor<1x20x5x6xf32>, %w: tensor<20x1x3x3xf32>, %a: tensor<1x5x6x20xf32>,
               %y: tensor<1x20x5x6xf32>) -> tensor<1x20x5x6xf32> {
  %0 = linalg.transpose ins(%x : tensor<1x20x5x6xf32>) outs(%a : tensor<1x5x6x20xf32>) permutation = [0, 2, 3, 1]
  %1 = ukernel.depthwise_conv %0, %w into %a {extra_maps = [], window = #w3}
    : tensor<1x5x6x20xf32>, tensor<20x1x3x3xf32> into tensor<1x5x6x20xf32> -> tensor<1x5x6x20xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %2 = linalg.transpose ins(%1 : tensor<1x5x6x20xf32>) outs(%y : tensor<1x20x5x6xf32>) permutation = [0, 3, 1, 2]
  return %2 : tensor<1x20x5x6xf32>
}
func.func @residual(%x: tensor<4x20x5x6xf32>, %w: tensor<20x1x3x3xf32>, %a: tensor<4x5x6x20xf32>,
                    %r: tensor<4x5x6x20xf32>, %y: tensor<4x20x5x6xf32>) -> tensor<4x20x5x6xf32> {
  %0 = linalg.transpose ins(%x : tensor<4x20x5x6xf32>) outs(%a : tensor<4x5x6x20xf32>) permutation = [0, 2, 3, 1]
  %1 = ukernel.depthwise_conv %0, %w extras(%r) into %a {extra_maps = [affine_map<(n, y, x, c) -> (n, y, x, c)>], window = #w3}
    : tensor<4x5x6x20xf32>, tensor<20x1x3x3xf32> extras(tensor<4x5x6x20xf32>) into tensor<4x5x6x20xf32> -> tensor<4x5x6x20xf32> epilogue {
  ^bb0(%s: f32, %e: f32):
    %t = arith.addf %s, %e : f32
    ukernel.yield %t : f32
  }
  %2 = linalg.transpose ins(%1 : tensor<4x5x6x20xf32>) outs(%y : tensor<4x20x5x6xf32>) permutation = [0, 3, 1, 2]
  return %2 : tensor<4x20x5x6xf32>
}
