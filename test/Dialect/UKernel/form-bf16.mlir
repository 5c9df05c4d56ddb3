// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form{bf16-tiles=true}))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form))' | FileCheck %s --check-prefix=PLAIN
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form{bf16-tiles=true},ukernel-select{isa=amx_int8 bf16=amx_bf16 vector-bytes=64}))' \
// RUN:   | FileCheck %s --check-prefix=SELECT

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#o = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

ml_program.global private @w(dense<1.0> : tensor<4x8xbf16>) : tensor<4x8xbf16>

// Rounding stays where it is, the extension of both operands goes.
// CHECK-LABEL: func @rounded
// CHECK: %[[W:.*]] = ml_program.global_load_const @w
// CHECK: %[[X:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x8xf32>) outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK: maximumf
// CHECK: %[[R:.*]] = arith.truncf
// CHECK: linalg.yield %[[R]] : bf16
// CHECK: ukernel.gemm %[[X]], %[[W]] into {{.*}} : tensor<?x8xbf16>, tensor<4x8xbf16> into tensor<?x4xf32>
// SELECT-LABEL: func @rounded
// SELECT: schedule = #ukernel.schedule<amx_bf16, rows = 32, columns = 16, depth = 2, align = 32
// PLAIN-LABEL: func @rounded
// PLAIN: ukernel.gemm {{.*}} : tensor<?x8xbf16>, tensor<4x8xbf16> into tensor<?x4xf32>
func.func @rounded(%x: tensor<?x8xf32>, %r: tensor<?x8xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x8xbf16>
  %zero = arith.constant 0.0 : f32
  %xr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%r : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %p = arith.maximumf %a, %zero : f32
    %t = arith.truncf %p : f32 to bf16
    %e = arith.extf %t : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %we = tensor.empty() : tensor<4x8xf32>
  %wr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<4x8xbf16>) outs(%we : tensor<4x8xf32>) {
  ^bb0(%a: bf16, %b: f32):
    %e = arith.extf %a : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<4x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%xr, %wr : tensor<?x8xf32>, tensor<4x8xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Tensors of bf16 as they are.
// CHECK-LABEL: func @stored
// CHECK: ukernel.gemm %arg0, %{{.*}} : tensor<?x8xbf16>, tensor<4x8xbf16> into tensor<?x4xf32>
// PLAIN-LABEL: func @stored
// PLAIN: ukernel.gemm %arg0, %{{.*}} : tensor<?x8xbf16>, tensor<4x8xbf16> into tensor<?x4xf32>
func.func @stored(%x: tensor<?x8xbf16>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x8xbf16>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xbf16>, tensor<4x8xbf16>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %e = arith.extf %a : bf16 to f32
    %f = arith.extf %b : bf16 to f32
    %p = arith.mulf %e, %f : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// An activation that is no number of bf16 stays f32.
// CHECK-LABEL: func @unrounded
// CHECK-NOT: ukernel.gemm {{.*}}bf16
func.func @unrounded(%x: tensor<?x8xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x8xbf16>
  %zero = arith.constant 0.0 : f32
  %we = tensor.empty() : tensor<4x8xf32>
  %wr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<4x8xbf16>) outs(%we : tensor<4x8xf32>) {
  ^bb0(%a: bf16, %b: f32):
    %e = arith.extf %a : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<4x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wr : tensor<?x8xf32>, tensor<4x8xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Windows of single channels are vectors, whose elements are extended.
// CHECK-LABEL: func @depthwise
// CHECK: ukernel.depthwise_conv {{.*}} : tensor<1x6x6x8xbf16>, tensor<8x1x3x3xbf16> into tensor<1x4x4x8xf32>
// SELECT-LABEL: func @depthwise
// SELECT: ukernel.depthwise_conv {{.*}}schedule = #ukernel.schedule<avx512bf16, rows = 1, columns = 16,
// PLAIN-LABEL: func @depthwise
// PLAIN: ukernel.depthwise_conv
#dx = affine_map<(b, g, o, y, x, c, i, j) -> (b, g, c, y + i, x + j)>
#dw = affine_map<(b, g, o, y, x, c, i, j) -> (g, o, c, i, j)>
#do = affine_map<(b, g, o, y, x, c, i, j) -> (b, g, o, y, x)>
ml_program.global private @d(dense<1.0> : tensor<8x1x3x3xbf16>) : tensor<8x1x3x3xbf16>
func.func @depthwise(%x: tensor<1x8x6x6xbf16>, %o: tensor<1x8x1x4x4xf32>) -> tensor<1x8x1x4x4xf32> {
  %w = ml_program.global_load_const @d : tensor<8x1x3x3xbf16>
  %zero = arith.constant 0.0 : f32
  %xs = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [1, 8, 1, 6, 6] : tensor<1x8x6x6xbf16> into tensor<1x8x1x6x6xbf16>
  %ws = tensor.expand_shape %w [[0], [1, 2], [3], [4]] output_shape [8, 1, 1, 3, 3] : tensor<8x1x3x3xbf16> into tensor<8x1x1x3x3xbf16>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<1x8x1x4x4xf32>) -> tensor<1x8x1x4x4xf32>
  %0 = linalg.generic {indexing_maps = [#dx, #dw, #do],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%xs, %ws : tensor<1x8x1x6x6xbf16>, tensor<8x1x1x3x3xbf16>) outs(%init : tensor<1x8x1x4x4xf32>) {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %e = arith.extf %a : bf16 to f32
    %f = arith.extf %b : bf16 to f32
    %p = arith.mulf %e, %f : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x8x1x4x4xf32>
  return %0 : tensor<1x8x1x4x4xf32>
}

// Weights of few bits stay as they are beside rows of bf16, if these are not too few.
// CHECK-LABEL: func @few_bits
// CHECK: %[[W:.*]] = ukernel.weights
// CHECK: ukernel.gemm %{{.*}}, %[[W]] into {{.*}} : tensor<?x64xbf16>, tensor<16x64xf32> into tensor<?x16xf32>
// CHECK: ukernel.gemm %{{.*}}, %[[W]] into {{.*}} : tensor<7x64xf32>, tensor<16x64xf32> into tensor<7x16xf32>
// SELECT-LABEL: func @few_bits
// SELECT: ukernel.gemm
// SELECT-SAME: decoding = #ukernel.decoding<i4, group = 32, scale = f32>
// SELECT-SAME: schedule = #ukernel.schedule<amx_bf16, rows = 32, columns = 16, depth = 2, align = 32
// SELECT: ukernel.gemm
// SELECT-SAME: schedule = #ukernel.schedule<avx512,
// PLAIN-LABEL: func @few_bits
// PLAIN: ukernel.gemm {{.*}} : tensor<?x64xf32>, tensor<16x64xf32> into tensor<?x16xf32>
func.func @few_bits(%x: tensor<?x64xf32>, %r: tensor<?x64xf32>, %o: tensor<?x16xf32>, %x7: tensor<7x64xf32>, %r7: tensor<7x64xf32>,
                    %o7: tensor<7x16xf32>) -> (tensor<?x16xf32>, tensor<7x16xf32>) {
  %w = ukernel.weights #terse.uniform<i4, block = [1, 32]> [dense<3> : tensor<16x64xi4>, dense<0.5> : tensor<16x2xf32>] : tensor<16x64xf32>
  %zero = arith.constant 0.0 : f32
  %xr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x64xf32>) outs(%r : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.truncf %a : f32 to bf16
    %e = arith.extf %t : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<?x16xf32>) -> tensor<?x16xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%xr, %w : tensor<?x64xf32>, tensor<16x64xf32>) outs(%init : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %xr7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x7 : tensor<7x64xf32>) outs(%r7 : tensor<7x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.truncf %a : f32 to bf16
    %e = arith.extf %t : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<7x64xf32>
  %init7 = linalg.fill ins(%zero : f32) outs(%o7 : tensor<7x16xf32>) -> tensor<7x16xf32>
  %1 = linalg.generic {indexing_maps = [#x, #w, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%xr7, %w : tensor<7x64xf32>, tensor<16x64xf32>) outs(%init7 : tensor<7x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<7x16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<7x16xf32>
}
