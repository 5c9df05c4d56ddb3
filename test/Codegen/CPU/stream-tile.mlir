// Tiles of what passes by are loaded around the first-level cache: panels beside rows that stay, rows beside a panel of
// weights that come from afar; nothing where rows and panels fit that cache together.
// RUN: terse-opt %s -split-input-file -pass-pipeline='builtin.module(terse-expand-ukernels{vector-bytes=64})' | FileCheck %s

// CHECK-LABEL: func.func @near(
// CHECK-NOT: stream_tile
// CHECK: amx.tile_load %{{.*}} : memref<2x16x128xi8> into
// CHECK-NOT: stream_tile
func.func @near(%x: memref<64x64xi8>, %w: memref<2x16x128xi8>, %y: memref<64x64xi32>) {
  ukernel.gemm %x, %w into %y {extra_maps = [], schedule = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 64>}
    : memref<64x64xi8>, memref<2x16x128xi8> into memref<64x64xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}

// -----

// CHECK-LABEL: func.func @panels_pass(
// CHECK: terse_cpu.stream_tile %{{.*}} : memref<8x80x128xi8> into !amx.tile<16x64xi8>
// CHECK: amx.tile_load %{{.*}} : memref<20480xi8> into
// CHECK-NOT: stream_tile %{{.*}} : memref<20480xi8>
func.func @panels_pass(%x: memref<64x320xi8>, %w: memref<8x80x128xi8>, %y: memref<64x256xi32>) {
  ukernel.gemm %x, %w into %y {extra_maps = [], schedule = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 64>}
    : memref<64x320xi8>, memref<8x80x128xi8> into memref<64x256xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}

// -----

// CHECK-LABEL: func.func @rows_pass(
// CHECK: amx.tile_load %{{.*}} : memref<128x80x128xi8> into
// CHECK: terse_cpu.stream_tile %{{.*}} : memref<20480xi8> into !amx.tile<16x64xi8>
// CHECK-NOT: stream_tile %{{.*}} : memref<128x80x128xi8>
func.func @rows_pass(%x: memref<64x320xi8>, %w: memref<128x80x128xi8>, %y: memref<64x4096xi32>) {
  ukernel.gemm %x, %w into %y {extra_maps = [], schedule = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 64>}
    : memref<64x320xi8>, memref<128x80x128xi8> into memref<64x4096xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}
