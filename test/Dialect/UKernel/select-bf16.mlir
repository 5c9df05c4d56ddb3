// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512vnni bf16=avx512bf16 vector-bytes=64}),ukernel-pack-weights{fold=false})' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx512vnni vector-bytes=64}),ukernel-pack-weights{fold=false})' | FileCheck %s --check-prefix=WIDE
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx2 vector-bytes=32}),ukernel-pack-weights{fold=false})' | FileCheck %s --check-prefix=AVX2
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_int8 bf16=amx_bf16 vector-bytes=64}),ukernel-pack-weights{fold=false})' | FileCheck %s --check-prefix=TILES
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=avx2 bf16=avx2}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_bf16}))' 2>&1 | FileCheck %s --check-prefix=OTHER

// UNKNOWN: error: unknown instructions 'avx2' in option bf16; expected none, avx512bf16 or amx_bf16
// OTHER: error: unknown instructions 'amx_bf16' in option isa; expected

// Where vectors multiply bf16, weights are packed in pairs along the contraction; else they become floats as they are read.
// CHECK-LABEL: func @rows
// CHECK: ukernel.pack {{.*}} : tensor<64x37xbf16> -> tensor<1x19x128xbf16>
// CHECK: schedule = #ukernel.schedule<avx512bf16, rows = 6, columns = 64, depth = 2, align = 2,
// WIDE-LABEL: func @rows
// WIDE: ukernel.pack {{.*}} : tensor<64x37xbf16> -> tensor<1x37x64xbf16>
// WIDE: schedule = #ukernel.schedule<avx512, rows = 6, columns = 64, depth = 1, align = 1,
// AVX2-LABEL: func @rows
// AVX2: schedule = #ukernel.schedule<avx2, rows = {{[0-9]+}}, columns = 16, depth = 1, align = 1,
// TILES-LABEL: func @rows
// TILES: schedule = #ukernel.schedule<amx_bf16, rows = 32, columns = 32, depth = 2, align = 32,
func.func @rows(%x: tensor<60x37xbf16>, %w: tensor<64x37xbf16>, %o: tensor<60x64xf32>) -> tensor<60x64xf32> {
  %0 = ukernel.gemm %x, %w into %o {extra_maps = []} : tensor<60x37xbf16>, tensor<64x37xbf16> into tensor<60x64xf32> -> tensor<60x64xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<60x64xf32>
}

// One row reads several panels side by side.
// CHECK-LABEL: func @row
// CHECK: schedule = #ukernel.schedule<avx512bf16, rows = 1, columns = 32, depth = 2, align = 2,
// WIDE-LABEL: func @row
// WIDE: schedule = #ukernel.schedule<avx512, rows = 1, columns = 32, depth = 1, align = 1,
func.func @row(%x: tensor<1x64xbf16>, %w: tensor<64x64xbf16>, %o: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %0 = ukernel.gemm %x, %w into %o {extra_maps = []} : tensor<1x64xbf16>, tensor<64x64xbf16> into tensor<1x64xf32> -> tensor<1x64xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x64xf32>
}

// A line of the window has an odd number of elements: a weight of zero stands behind each.
// CHECK-LABEL: func @odd
// CHECK: ukernel.pack {{.*}}lines = 1>{{.*}} : tensor<16x3x3x3xbf16> -> tensor<1x15x32xbf16>
// WIDE-LABEL: func @odd
// WIDE: ukernel.pack {{.*}} : tensor<16x3x3x3xbf16> -> tensor<1x27x16xbf16>
func.func @odd(%x: tensor<1x12x12x3xbf16>, %w: tensor<16x3x3x3xbf16>, %o: tensor<1x12x12x16xf32>) -> tensor<1x12x12x16xf32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>, extra_maps = []} : tensor<1x12x12x3xbf16>, tensor<16x3x3x3xbf16> into tensor<1x12x12x16xf32> -> tensor<1x12x12x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x12x12x16xf32>
}

// With dilations, windows are copied one by one, and only the whole contraction ends in a zero.
// CHECK-LABEL: func @dilated
// CHECK: ukernel.pack {{.*}} : tensor<16x3x3x3xbf16> -> tensor<1x14x32xbf16>
func.func @dilated(%x: tensor<1x12x12x3xbf16>, %w: tensor<16x3x3x3xbf16>, %o: tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [2, 2], pads = [0, 0]>, extra_maps = []} : tensor<1x12x12x3xbf16>, tensor<16x3x3x3xbf16> into tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x8x8x16xf32>
}
