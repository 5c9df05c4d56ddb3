// RUN: terse-opt %s -pass-pipeline='builtin.module(terse-expand-ukernels,canonicalize)' | FileCheck %s

// Long rows are packed in pieces of 1024 elements, two of which are multiplied together: the last piece of an odd row has one
// element less, which is not read.
// CHECK: func.func private @ukernel_0(
// CHECK: %[[MASK:.*]] = vector.constant_mask [31] : vector<32xi1>
// CHECK: vector.maskedload %{{.*}}, %[[MASK]], %{{.*}} : memref<40x5119xbf16>
#rows = #ukernel.schedule<avx512bf16, rows = 6, columns = 64, depth = 2, align = 2, block = 48>
func.func @odd(%x: memref<40x5119xbf16>, %w: memref<1x2560x128xbf16>, %o: memref<40x64xf32>) {
  ukernel.gemm %x, %w into %o {extra_maps = [], schedule = #rows}
    : memref<40x5119xbf16>, memref<1x2560x128xbf16> into memref<40x64xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return
}
