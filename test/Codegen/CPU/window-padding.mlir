// Sixteen rows of a tile leave out the lines of the window that see nothing but zeros: a branch around their products.
// Padding that is not zero is multiplied. Lines are copied from a loop before the tile, as far as the next one reads them.
// RUN: terse-opt %s -split-input-file -pass-pipeline='builtin.module(terse-expand-ukernels{vector-bytes=64})' | FileCheck %s

#tiles = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 224>

// CHECK-LABEL: func.func @zeros(
// CHECK: amx.tile_zero
// CHECK: scf.for
// CHECK: vector.store
// CHECK: scf.if {{.*}} -> (!amx.tile<16x16xi32>, !amx.tile<16x16xi32>) {
// CHECK-NEXT: amx.tile_load
func.func @zeros(%x: memref<1x14x14x64xi8>, %w: memref<1x144x128xi8>, %y: memref<1x14x14x32xi32>) {
  ukernel.conv %x, %w into %y {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>, extra_maps = [], schedule = #tiles}
    : memref<1x14x14x64xi8>, memref<1x144x128xi8> into memref<1x14x14x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}

// -----

#tiles = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 224>

// CHECK-LABEL: func.func @other_numbers(
// CHECK-NOT: -> (!amx.tile<16x16xi32>, !amx.tile<16x16xi32>) {
func.func @other_numbers(%x: memref<1x14x14x64xi8>, %w: memref<1x144x128xi8>, %y: memref<1x14x14x32xi32>) {
  ukernel.conv %x, %w into %y {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1], pad_value = 3>, extra_maps = [], schedule = #tiles}
    : memref<1x14x14x64xi8>, memref<1x144x128xi8> into memref<1x14x14x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}
