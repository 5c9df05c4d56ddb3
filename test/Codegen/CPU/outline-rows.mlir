// RUN: terse-opt %s --terse-outline-rows=parallel-work=100 | FileCheck %s
// RUN: terse-opt %s --terse-outline-rows=parallel-work=-1 | FileCheck %s --check-prefix=SERIAL

// Equal loops share a function; buffers of one iteration leave its loop, small ones to the stack.
// CHECK-LABEL: func @equal
// CHECK: call @rows_0_parallel
// CHECK: call @rows_0_parallel
// SERIAL-LABEL: func @equal
// SERIAL: call @rows_0(
// SERIAL: call @rows_0(
func.func @equal(%x: memref<64x32xf32>, %y: memref<64x32xf32>) {
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    %buffer = memref.alloc() : memref<32xf32>
    %row = memref.subview %x[%i, 0] [1, 32] [1, 1] : memref<64x32xf32> to memref<32xf32, strided<[1], offset: ?>>
    linalg.fill ins(%one : f32) outs(%buffer : memref<32xf32>)
    linalg.copy ins(%buffer : memref<32xf32>) outs(%row : memref<32xf32, strided<[1], offset: ?>>)
  }
  scf.forall (%i) in (64) {
    %buffer = memref.alloc() : memref<32xf32>
    %row = memref.subview %y[%i, 0] [1, 32] [1, 1] : memref<64x32xf32> to memref<32xf32, strided<[1], offset: ?>>
    linalg.fill ins(%one : f32) outs(%buffer : memref<32xf32>)
    linalg.copy ins(%buffer : memref<32xf32>) outs(%row : memref<32xf32, strided<[1], offset: ?>>)
  }
  return
}

// The number of rows decides at run time; buffers of open size are allocated once per range.
// CHECK-LABEL: func @open
// CHECK: %[[ENOUGH:.*]] = arith.cmpi sge
// CHECK: scf.if %[[ENOUGH]]
// CHECK:   call @rows_1_parallel
// CHECK: else
// CHECK:   call @rows_1(
func.func @open(%x: memref<?x?xf32>, %n: index) {
  %one = arith.constant 1.0 : f32
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (%n) {
    %d = memref.dim %x, %c1 : memref<?x?xf32>
    %buffer = memref.alloc(%d) : memref<?xf32>
    linalg.fill ins(%one : f32) outs(%buffer : memref<?xf32>)
    %row = memref.subview %x[%i, 0] [1, %d] [1, 1] : memref<?x?xf32> to memref<?xf32, strided<[1], offset: ?>>
    linalg.copy ins(%buffer : memref<?xf32>) outs(%row : memref<?xf32, strided<[1], offset: ?>>)
  }
  return
}

// CHECK-LABEL: func private @rows_0(
// CHECK-SAME: %{{.*}}: memref<64x32xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK: %[[BUFFER:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32xf32>
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// CHECK:   linalg.fill {{.*}} outs(%[[BUFFER]]
// CHECK-LABEL: func private @rows_0_parallel
// CHECK-LABEL: func private @rows_1(
// CHECK: memref.alloc(
// CHECK: scf.for
