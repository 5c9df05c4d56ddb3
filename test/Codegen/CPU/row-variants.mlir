// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-expand-ukernels{parallel-work=40000})' | FileCheck %s

// How many rows there are is known at run time only: one row streams its weights, more are tiled. Both read the same
// packed weights.
// CHECK-LABEL: func.func @open
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[ONE]]
// CHECK: call @ukernel_row_0(
// CHECK: else
// CHECK: scf.if
// CHECK: call @ukernel_0(
// CHECK: else
// CHECK: call @ukernel_0_parallel(
// CHECK-LABEL: func.func @known
// CHECK-NOT: call @ukernel_row
// CHECK: call @ukernel_1
// CHECK-LABEL: func.func @open_few
// CHECK: arith.cmpi eq
// CHECK: call @ukernel_row_2(
// CHECK: %[[FEW:.*]] = arith.cmpi ule
// CHECK: scf.if %[[FEW]]
// CHECK: call @ukernel_rows_0(
// The row's own function: products with weights, and the sums of weights that the 128 added to rows asks for.
// CHECK: func.func private @ukernel_row_0(
// CHECK: llvm.x86.avx512.vpdpbusd.512
// CHECK: llvm.x86.avx512.vpdpbusd.512
// CHECK: arith.subi {{.*}} vector<16xi32>
// A row of bf16 is multiplied by vectors, too: two products of a lane at a time, from the panels of tiles side by side.
// CHECK: func.func private @ukernel_row_1(
// CHECK-NOT: amx.tile_load
// CHECK-COUNT-4: llvm.x86.avx512bf16.dpbf16ps.512
#tiles = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64, block = 96>
func.func @open(%x: memref<?x64xi8>, %w: memref<1x16x128xi8>, %o: memref<?x32xi32>) {
  ukernel.gemm %x, %w into %o {extra_maps = [], schedule = #tiles} : memref<?x64xi8>, memref<1x16x128xi8> into memref<?x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}
func.func @known(%x: memref<20x64xi8>, %w: memref<1x16x128xi8>, %o: memref<20x32xi32>) {
  ukernel.gemm %x, %w into %o {extra_maps = [], schedule = #tiles} : memref<20x64xi8>, memref<1x16x128xi8> into memref<20x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}
#pairs = #ukernel.schedule<amx_bf16, rows = 32, columns = 32, depth = 2, align = 32, block = 96>
func.func @open_bf16(%x: memref<?x64xbf16>, %w: memref<2x32x64xbf16>, %o: memref<?x64xf32>) {
  ukernel.gemm %x, %w into %o {extra_maps = [], schedule = #pairs} : memref<?x64xbf16>, memref<2x32x64xbf16> into memref<?x64xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return
}

// Weights that are decoded: up to four rows of an open number read them once.
#floats = #ukernel.schedule<avx512, rows = 8, columns = 48, depth = 1, align = 1, block = 48>
func.func @open_few(%x: memref<?x64xf32>, %w: memref<1x3x640xi8>, %o: memref<?x40xf32>) {
  ukernel.gemm %x, %w into %o {decoding = #ukernel.decoding<i4, group = 32, scale = f16>, extra_maps = [], schedule = #floats} : memref<?x64xf32>, memref<1x3x640xi8> into memref<?x40xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return
}
