// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-select-kernels))' | FileCheck %s --check-prefix=SELECT
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-select-kernels),terse-expand-kernels{parallel-work=10000})' | FileCheck %s --check-prefix=EXPAND

#x = affine_map<(m, n, k) -> (m, k)>
#y = affine_map<(m, n, k) -> (k, n)>
#w = affine_map<(m, n, k) -> (n, k)>
#o = affine_map<(m, n, k) -> (m, n)>

// Equal ops share a kernel; enough work runs in parallel.
// SELECT-LABEL: func.func @products
// SELECT-COUNT-2: terse_cpu.kernel = #terse_cpu.kernel<panel>
// SELECT: terse_cpu.kernel = #terse_cpu.kernel<dot>
// EXPAND-LABEL: func.func @products
// EXPAND: call @kernel_0_parallel
// EXPAND: call @kernel_0_parallel
// EXPAND: call @kernel_1
// EXPAND: func.func private @kernel_0(
// EXPAND: math.fma
// EXPAND: func.func private @kernel_0_parallel{{.*}}terse_cpu.parallel
// EXPAND: call @kernel_0(
// EXPAND: func.func private @kernel_1
// EXPAND: vector.reduction <add>
func.func @products(%x: memref<32x64xf32>, %y: memref<64x16xf32>, %w: memref<16x64xf32>, %o: memref<32x16xf32>) {
  linalg.generic {indexing_maps = [#x, #y, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : memref<32x64xf32>, memref<64x16xf32>) outs(%o : memref<32x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #y, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : memref<32x64xf32>, memref<64x16xf32>) outs(%o : memref<32x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<32x64xf32>, memref<16x64xf32>) outs(%o : memref<32x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
