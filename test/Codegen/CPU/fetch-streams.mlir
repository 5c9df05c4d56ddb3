// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-expand-ukernels)' | FileCheck %s --check-prefixes=CHECK,FETCH
// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-expand-ukernels{fetch-streams=false})' | FileCheck %s --check-prefixes=CHECK,LEAVE

// One row reads eight streams of weights from memory. Instructions that fetch ahead are for processors that want them.
// CHECK: func.func private @ukernel_0(
// FETCH-COUNT-16: memref.prefetch
// LEAVE-NOT: memref.prefetch
// CHECK: llvm.x86.avx512.vpdpbusd.512
// LEAVE-NOT: memref.prefetch
#row = #ukernel.schedule<avx512vnni, rows = 1, columns = 32, depth = 4, align = 4, block = 1>
func.func @far(%x: memref<1x4096xi8>, %w: memref<16x1024x128xi8>, %o: memref<1x512xi32>) {
  ukernel.gemm %x, %w into %o {extra_maps = [], lhs_unsigned, schedule = #row} : memref<1x4096xi8>, memref<16x1024x128xi8> into memref<1x512xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}
