// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-vectorize-loops{parallel-work=1000000})' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// A loop in place shares its function with one that is not: the function reads what it is given to read.
// CHECK-LABEL: func.func @in_place_and_apart
// CHECK: %[[A:.*]] = memref.cast %arg0
// CHECK: %[[RESULT:.*]] = memref.cast %arg0
// CHECK: call @loop_0(%[[A]], %[[RESULT]],
// CHECK: %[[B:.*]] = memref.cast %arg1
// CHECK: call @loop_0(%{{.*}}, %[[B]],
// CHECK: func.func private @loop_0(%[[IN:.*]]: memref<?x?xf32>, %[[OUT:.*]]: memref<?x?xf32>,
// CHECK: vector.load %[[IN]][
// CHECK: vector.store %{{.*}}, %[[OUT]][
// CHECK-NOT: func.func private @loop_1
func.func @in_place_and_apart(%a: memref<4x4096xf32>, %b: memref<4x4096xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<4x4096xf32>) outs(%a : memref<4x4096xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.mulf %x, %x : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<4x4096xf32>) outs(%b : memref<4x4096xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.mulf %x, %x : f32
    linalg.yield %s : f32
  }
  return
}
