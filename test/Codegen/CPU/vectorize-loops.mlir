// RUN: terse-opt %s --terse-vectorize-loops='vector-bytes=32 parallel-work=-1' | FileCheck %s

// A lookup is as good as arithmetic.
// CHECK-LABEL: @table
// CHECK: scf.for
// CHECK: vector.load
// CHECK: terse_cpu.lookup %{{.*}} : vector<8xi8> -> vector<8xi8>
// CHECK: vector.store
// CHECK-NOT: linalg.generic
func.func @table(%x: memref<100xi8>, %y: memref<100xi8>) {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : memref<100xi8>) outs(%y : memref<100xi8>) {
  ^bb0(%in: i8, %out: i8):
    %0 = terse_cpu.lookup %in in dense<7> : tensor<256xi8> : i8 -> i8
    linalg.yield %0 : i8
  }
  return
}

// Each lane has its own sum, which stays in a register.
// CHECK-LABEL: @channels
// CHECK: %[[START:.*]] = vector.load %arg1
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[START]]) -> (vector<8xi32>)
// CHECK: scf.for {{.*}} -> (vector<8xi32>)
// CHECK: vector.load %arg0
// CHECK: vector.store %[[SUM]], %arg1
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
// CHECK-NOT: linalg.generic
func.func @channels(%x: memref<2x5x3x17xi8>, %y: memref<2x17xi32>) {
  linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, c)>],
                  iterator_types = ["parallel", "reduction", "reduction", "parallel"]}
      ins(%x : memref<2x5x3x17xi8>) outs(%y : memref<2x17xi32>) {
  ^bb0(%in: i8, %out: i32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.addi %out, %0 : i32
    linalg.yield %1 : i32
  }
  return
}

// Windows: an operand that is never read says how large they are.
// CHECK-LABEL: @windows
// CHECK: scf.for {{.*}} -> (vector<16xi8>)
// CHECK: arith.maxui %{{.*}} : vector<16xi8>
// CHECK-NOT: linalg.generic
func.func @windows(%x: memref<1x5x5x16xi8>, %w: memref<3x3xi8>, %y: memref<1x2x2x16xi8>) {
  linalg.generic {indexing_maps = [affine_map<(n, h, w, c, i, j) -> (n, h * 2 + i, w * 2 + j, c)>,
                                   affine_map<(n, h, w, c, i, j) -> (i, j)>,
                                   affine_map<(n, h, w, c, i, j) -> (n, h, w, c)>],
                  iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<1x5x5x16xi8>, memref<3x3xi8>) outs(%y : memref<1x2x2x16xi8>) {
  ^bb0(%in: i8, %size: i8, %out: i8):
    %0 = arith.maxui %in, %out : i8
    linalg.yield %0 : i8
  }
  return
}

// Contiguous over another loop: squares are turned, of eight rows of the input and eight of the result.
// CHECK-LABEL: @turned
// CHECK-COUNT-8: vector.load %arg0
// CHECK-COUNT-24: vector.shuffle
// CHECK: vector.load %arg1
// CHECK: arith.addf
// CHECK: vector.store %{{.*}}, %arg2
// CHECK-NOT: linalg.generic
func.func @turned(%x: memref<16x24xf32>, %z: memref<24x16xf32>, %y: memref<24x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>,
                                   affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %z : memref<16x24xf32>, memref<24x16xf32>) outs(%y : memref<24x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// Sizes that are known at run time; a transpose is such a loop, too.
// CHECK-LABEL: @open
// CHECK: call @loop_
// CHECK-NOT: linalg.
func.func @open(%x: memref<?x?xi8>, %y: memref<?x?xi8>) {
  linalg.transpose ins(%x : memref<?x?xi8>) outs(%y : memref<?x?xi8>) permutation = [1, 0]
  return
}

// Squares of three columns would be mostly empty.
// CHECK-LABEL: @narrow
// CHECK: linalg.generic
func.func @narrow(%x: memref<3x1000xf32>, %y: memref<1000x3xf32>) {
  linalg.transpose ins(%x : memref<3x1000xf32>) outs(%y : memref<1000x3xf32>) permutation = [1, 0]
  return
}

// Not over contiguous elements.
// CHECK-LABEL: @strided
// CHECK: linalg.generic
func.func @strided(%x: memref<?x?xi8, strided<[?, 2]>>, %y: memref<?x?xi8>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xi8, strided<[?, 2]>>) outs(%y : memref<?x?xi8>) {
  ^bb0(%in: i8, %out: i8):
    linalg.yield %in : i8
  }
  return
}

// Bytes alone: as many lanes as a vector has bytes.
// CHECK-LABEL: @bytes
// CHECK: vector<32xi8>
// CHECK-NOT: linalg.generic
func.func @bytes(%x: memref<9x64xi8>, %y: memref<64xi8>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<9x64xi8>) outs(%y : memref<64xi8>) {
  ^bb0(%in: i8, %out: i8):
    %0 = arith.maxui %in, %out : i8
    linalg.yield %0 : i8
  }
  return
}

// Rows of a table: the row is found once, its elements are read as vectors.
// CHECK-LABEL: @rows
// CHECK: %[[I:.*]] = memref.load %arg0
// CHECK: %[[ROW:.*]] = arith.index_cast %[[I]]
// CHECK: scf.for %[[J:.*]] =
// CHECK: %[[V:.*]] = vector.load %arg1[%[[ROW]], %[[J]]] : memref<40x20xf32>, vector<8xf32>
// CHECK: vector.store %[[V]]
// CHECK: vector.maskedload %arg1[%[[ROW]],
// CHECK-NOT: linalg.generic
func.func @rows(%x: memref<?xi32>, %table: memref<40x20xf32>, %y: memref<?x20xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?xi32>) outs(%y : memref<?x20xf32>) {
  ^bb0(%in: i32, %out: f32):
    %row = arith.index_cast %in : i32 to index
    %j = linalg.index 1 : index
    %v = memref.load %table[%row, %j] : memref<40x20xf32>
    linalg.yield %v : f32
  }
  return
}

// The column depends on the data: left alone.
// CHECK-LABEL: @columns
// CHECK: linalg.generic
func.func @columns(%x: memref<?x20xi32>, %table: memref<40xf32>, %y: memref<?x20xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x20xi32>) outs(%y : memref<?x20xf32>) {
  ^bb0(%in: i32, %out: f32):
    %i = arith.index_cast %in : i32 to index
    %v = memref.load %table[%i] : memref<40xf32>
    linalg.yield %v : f32
  }
  return
}
