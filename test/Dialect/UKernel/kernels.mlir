// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-fuse-epilogues))' | FileCheck %s --check-prefix=FUSE
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512vnni vector-bytes=64}))' | FileCheck %s --check-prefix=VNNI
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_int8 vector-bytes=64}))' | FileCheck %s --check-prefix=AMX
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select))' | FileCheck %s --check-prefix=PORTABLE
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512vnni vector-bytes=64}),ukernel-pack-weights{fold=false})' | FileCheck %s --check-prefix=PACK
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512vnni vector-bytes=64}),ukernel-pack-weights,canonicalize,symbol-dce)' | FileCheck %s --check-prefix=FOLD
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=sse}))' 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: unknown instructions 'sse' in option isa; expected portable, avx2, avxvnni, avx512, avx512vnni or amx_int8

ml_program.global private @w(dense<1> : tensor<64x100xi8>) : tensor<64x100xi8>

// FUSE-LABEL: func @layer
// FUSE: ukernel.gemm %{{.*}} extras(%arg1) into %{{.*}}tensor<?x64xf32>
// FUSE-NEXT: ^bb0(%[[SUM:.*]]: i32, %[[SCALE:.*]]: f32):
// FUSE-NEXT: %[[F:.*]] = arith.sitofp %[[SUM]]
// FUSE-NEXT: %[[P:.*]] = arith.mulf %[[F]], %[[SCALE]]
// FUSE-NEXT: ukernel.yield %[[P]]
// FUSE-NOT: linalg.generic

// VNNI: schedule = #ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 4, align = 4
// AMX: schedule = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 64
// PORTABLE: schedule = #ukernel.schedule<portable

// What makes up for adding 128 to the activations comes with the packed weights.
// PACK: %[[P:.*]], %[[S:.*]] = ukernel.pack %{{.*}} : tensor<64x100xi8> -> tensor<1x25x256xi8>, tensor<1x64xi32>
// PACK: ukernel.gemm %{{.*}}, %[[P]] start(%[[S]])

// FOLD-NOT: @w(
// FOLD: ml_program.global_load_const @w.packed : tensor<1x25x256xi8>
// FOLD: ml_program.global_load_const @w.start : tensor<1x64xi32>
// FOLD-NOT: ukernel.pack
// FOLD: ml_program.global private @w.packed
func.func @layer(%x: tensor<?x100xi8>, %scale: tensor<64xf32>, %sums: tensor<?x64xi32>, %o: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = ml_program.global_load_const @w : tensor<64x100xi8>
  %0 = ukernel.gemm %x, %w into %sums {extra_maps = []} : tensor<?x100xi8>, tensor<64x100xi8> into tensor<?x64xi32> -> tensor<?x64xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  %1 = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>],
                       iterator_types = ["parallel", "parallel"]} ins(%0, %scale : tensor<?x64xi32>, tensor<64xf32>) outs(%o : tensor<?x64xf32>) {
  ^bb0(%a: i32, %s: f32, %c: f32):
    %f = arith.sitofp %a : i32 to f32
    %p = arith.mulf %f, %s : f32
    linalg.yield %p : f32
  } -> tensor<?x64xf32>
  return %1 : tensor<?x64xf32>
}
