// RUN: terse-opt %s --terse-insert-observers | FileCheck %s
// RUN: terse-opt %s --terse-insert-observers --terse-insert-observers | FileCheck %s
// RUN: terse-opt %s --terse-insert-observers=channels=true | FileCheck %s --check-prefix=CHANNELS

// Inputs and results that ops with an integer form read; not what a ReLU takes over, not integers, not results.

// CHECK-LABEL: @main
// CHECK: %[[X:.*]] = terse.observe %arg0 "image" histogram : tensor<1x2x4x4xf32>
// CHECK: %[[C:.*]] = nn.conv %[[X]]
// CHECK: %[[R:.*]] = nn.unary relu %[[C]]
// CHECK: %[[O:.*]] = terse.observe %[[R]] "layer" histogram : tensor<1x2x4x4xf32>
// CHECK: %[[A:.*]] = nn.binary add %[[O]], %[[X]]
// CHECK: %[[P:.*]] = terse.observe %[[A]] "layer#2" histogram
// CHECK: nn.pool max %[[P]]
// CHECK-NOT: terse.observe
// CHANNELS: terse.observe %{{.*}} "image" histogram
// CHANNELS-NEXT: terse.observe %{{.*}} "image" channel axis = 1
// CHANNELS-NOT: channel
func.func @main(%x: tensor<1x2x4x4xf32> {nn.name = "image"}, %i: tensor<1x2x4x4xi32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x4x4xi32>) {
  %w = nn.constant dense<1.0> : tensor<2x2x1x1xf32>
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32> loc("layer")
  %1 = nn.unary relu %0 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("layer")
  %2 = nn.binary add %1, %x : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("layer")
  %3 = nn.pool max %2 {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>}
     : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %4 = nn.binary add %i, %i : (tensor<1x2x4x4xi32>, tensor<1x2x4x4xi32>) -> tensor<1x2x4x4xi32>
  return %3, %4 : tensor<1x2x2x2xf32>, tensor<1x2x4x4xi32>
}
