// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-vectorize-loops{parallel-work=1000000})' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// Long loops that differ in their sizes share a function; short ones stay in place. Where sizes are known at run time
// only, the same function runs whole or in ranges.
// CHECK-LABEL: func.func @loops
// CHECK: call @loop_0(
// CHECK: call @loop_0(
// CHECK: scf.if
// CHECK-NEXT: call @loop_0_parallel(
// CHECK: else
// CHECK-NEXT: call @loop_0(
// CHECK: vector.load
// CHECK: func.func private @loop_0(%{{.*}}: memref<?x?xf32>
// CHECK: vector.load
// CHECK: func.func private @loop_0_parallel({{.*}}attributes {{.*}}terse_cpu.parallel
// CHECK: call @loop_0(
// CHECK-NOT: func.func private @loop_1
func.func @loops(%a: memref<2x2048xf32>, %b: memref<3x4096xf32>, %c: memref<?x2048xf32>, %d: memref<2x16xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<2x2048xf32>) outs(%a : memref<2x2048xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<3x4096xf32>) outs(%b : memref<3x4096xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%c : memref<?x2048xf32>) outs(%c : memref<?x2048xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%d : memref<2x16xf32>) outs(%d : memref<2x16xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  }
  return
}
