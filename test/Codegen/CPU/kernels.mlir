// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-select-kernels))' | FileCheck %s --check-prefix=SELECT
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-select-kernels),terse-expand-kernels{parallel-work=5000})' | FileCheck %s --check-prefix=EXPAND

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
func.func @products(%x: memref<7x64xf32>, %y: memref<64x16xf32>, %w: memref<16x64xf32>, %o: memref<7x16xf32>) {
  linalg.generic {indexing_maps = [#x, #y, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : memref<7x64xf32>, memref<64x16xf32>) outs(%o : memref<7x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #y, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : memref<7x64xf32>, memref<64x16xf32>) outs(%o : memref<7x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<7x64xf32>, memref<16x64xf32>) outs(%o : memref<7x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Many rows pay for packing; where their number is open, the size decides.
// SELECT-LABEL: func.func @packed
// SELECT-COUNT-2: terse_cpu.kernel = #terse_cpu.kernel<product>
// EXPAND-LABEL: func.func @packed
// EXPAND: call @product_0
// EXPAND: %[[ROWS:.*]] = memref.dim %arg3
// EXPAND: %[[MANY:.*]] = arith.cmpi sge, %[[ROWS]], %{{.*}} : index
// EXPAND: scf.if %[[MANY]]
// EXPAND: call @product_1
// EXPAND: } else {
// EXPAND: call @kernel_2
// EXPAND: func.func private @kernel_0(
// EXPAND: math.fma
// EXPAND: func.func private @kernel_0_parallel{{.*}}terse_cpu.parallel
// EXPAND: call @kernel_0(
// EXPAND: func.func private @kernel_1
// EXPAND: vector.reduction <add>
// Rows of the right operand are turned; the loop over the contraction loads vectors of a panel.
// EXPAND: func.func private @product_0(
// EXPAND: vector.shuffle
// EXPAND: scf.for
// EXPAND: math.fma
func.func @packed(%x: memref<2x9x64xf32>, %w: memref<2x16x64xf32>, %o: memref<2x9x16xf32>, %open: memref<?x64xf32>, %y: memref<64x16xf32>, %p: memref<?x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<2x9x64xf32>, memref<2x16x64xf32>) outs(%o : memref<2x9x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #y, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%open, %y : memref<?x64xf32>, memref<64x16xf32>) outs(%p : memref<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  }
  return
}
