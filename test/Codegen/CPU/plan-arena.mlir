// RUN: terse-opt %s -allow-unregistered-dialect -terse-plan-arena | FileCheck %s

// The first and third buffer never live together and share offset 0.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %{{[a-z0-9]+}}: memref<?xi8>, %[[ARENA:[a-z0-9]+]]: memref<?xi8>
// CHECK-SAME: terse.arena_size = 8192 : i64
// CHECK-NOT: memref.alloc
// CHECK: memref.view %[[ARENA]]
func.func @chain(%w: memref<?xi8>, %x: memref<1024xf32>) -> memref<1024xf32> {
  %a = memref.alloc() : memref<1024xf32>
  memref.copy %x, %a : memref<1024xf32> to memref<1024xf32>
  %b = memref.alloc() : memref<1024xf32>
  memref.copy %a, %b : memref<1024xf32> to memref<1024xf32>
  %c = memref.alloc() : memref<1024xf32>
  memref.copy %b, %c : memref<1024xf32> to memref<1024xf32>
  return %c : memref<1024xf32>
}

// Sizes of the run stay on the heap.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: terse.arena_size = 0 : i64
// CHECK: memref.alloc
func.func @dynamic(%w: memref<?xi8>, %n: index) -> memref<?xf32> {
  %a = memref.alloc(%n) : memref<?xf32>
  return %a : memref<?xf32>
}

// Buffers of one sample, times the number of samples: 4096 bytes for the first and the third, 8192
// for the second.
// CHECK-LABEL: func.func @samples
// CHECK-SAME: terse.arena_size = 0 : i64
// CHECK-DAG: %[[N:.*]] = memref.dim %arg2, %c0
// CHECK-DAG: %[[BYTES:.*]] = arith.muli %{{.*}}, %c12288
// CHECK: memref.alloc(%{{.*}}) {alignment = 64 : i64, terse.scratch} : memref<?xi8>
// CHECK-NOT: memref.alloc
func.func @samples(%w: memref<?xi8>, %x: memref<?x1024xf32>) -> memref<?x1024xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x1024xf32>
  %a = memref.alloc(%n) : memref<?x1024xf32>
  memref.copy %x, %a : memref<?x1024xf32> to memref<?x1024xf32>
  %b = memref.alloc(%n) : memref<?x2x1024xf32>
  "test.use"(%a, %b) : (memref<?x1024xf32>, memref<?x2x1024xf32>) -> ()
  %c = memref.alloc(%n) : memref<?x1024xf32>
  "test.use"(%b, %c) : (memref<?x2x1024xf32>, memref<?x1024xf32>) -> ()
  return %c : memref<?x1024xf32>
}
