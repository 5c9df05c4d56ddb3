// RUN: terse-opt %s | terse-opt | FileCheck %s
// RUN: terse-opt %s -mlir-print-op-generic | terse-opt | FileCheck %s

// CHECK-LABEL: func @gemm
// CHECK: ukernel.gemm %{{.*}}, %{{.*}} extras(%{{.*}}) into %{{.*}} {extra_maps = [#{{.*}}]}
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[BIAS:.*]]: f32):
func.func @gemm(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %bias: tensor<4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ukernel.gemm %x, %w extras(%bias) into %init {extra_maps = [affine_map<(m, n) -> (n)>]}
    : tensor<?x8xf32>, tensor<4x8xf32> extras(tensor<4xf32>) into tensor<?x4xf32> -> tensor<?x4xf32> epilogue {
  ^bb0(%sum: f32, %b: f32):
    %1 = arith.addf %sum, %b : f32
    ukernel.yield %1 : f32
  }
  return %0 : tensor<?x4xf32>
}

// On buffers, packed, with start values.
// CHECK-LABEL: func @packed
// CHECK: ukernel.gemm
// CHECK-SAME: start(%{{.*}}) into %{{.*}} {extra_maps = [], schedule = #ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 4, align = 4, block = 60>
func.func @packed(%x: memref<9x6xi8>, %w: memref<1x2x256xi8>, %start: memref<1x64xi32>, %init: memref<9x50xi32>) {
  ukernel.gemm %x, %w start(%start) into %init {extra_maps = [],
      schedule = #ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 4, align = 4, block = 60>}
    : memref<9x6xi8>, memref<1x2x256xi8> start(memref<1x64xi32>) into memref<9x50xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return
}

// CHECK-LABEL: func @conv
// CHECK: ukernel.conv
// CHECK-SAME: window = #ukernel.window<[3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1], pad_value = 3>
func.func @conv(%x: tensor<1x9x9x2xi8>, %w: tensor<4x2x3x3xi8>, %init: tensor<1x5x5x4xi32>) -> tensor<1x5x5x4xi32> {
  %0 = ukernel.conv %x, %w into %init {extra_maps = [], lhs_unsigned,
      window = #ukernel.window<[3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1], pad_value = 3>}
    : tensor<1x9x9x2xi8>, tensor<4x2x3x3xi8> into tensor<1x5x5x4xi32> -> tensor<1x5x5x4xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<1x5x5x4xi32>
}

// CHECK-LABEL: func @magnitudes
// CHECK: %{{.*}}:2 = ukernel.gemm %{{.*}}, %{{.*}} into %{{.*}} magnitudes(%{{.*}}) {extra_maps = []} : tensor<2x64xf32>, tensor<8x64xf32> into tensor<2x8xf32> magnitudes(tensor<2xf32>) -> tensor<2x8xf32>, tensor<2xf32>
func.func @magnitudes(%x: tensor<2x64xf32>, %w: tensor<8x64xf32>, %o: tensor<2x8xf32>, %m: tensor<2xf32>) -> tensor<2xf32> {
  %0:2 = ukernel.gemm %x, %w into %o magnitudes(%m) {extra_maps = []} : tensor<2x64xf32>, tensor<8x64xf32> into tensor<2x8xf32> magnitudes(tensor<2xf32>) -> tensor<2x8xf32>, tensor<2xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0#1 : tensor<2xf32>
}

// CHECK-LABEL: func @attention
// CHECK: ukernel.attention %{{.*}}, %{{.*}}, %{{.*}} extras(%{{.*}}) into %{{.*}} {k_order = array<i64: 1, 0>
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: i8):
func.func @attention(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x4xf32>, %m: tensor<?xi8>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ukernel.attention %q, %k, %v extras(%m) into %init {q_order = array<i64: 0, 1>, k_order = array<i64: 1, 0>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>, zero_masked}
    : tensor<?x8xf32>, tensor<8x?xf32>, tensor<?x4xf32> extras(tensor<?xi8>) into tensor<?x4xf32> -> tensor<?x4xf32> scores {
  ^bb0(%sum: f32, %mask: i8):
    %none = arith.constant 0xFF800000 : f32
    %zero = arith.constant 0 : i8
    %on = arith.cmpi ne, %mask, %zero : i8
    %s = arith.select %on, %sum, %none : f32
    ukernel.yield %s : f32
  }
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @quantize_rows
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} into %{{.*}} : memref<?x64xf32> by memref<?xf32> into memref<?x64xi8>
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} plus %{{.*}} into %{{.*}} {out_unsigned} : memref<?x64xf32> by f32 plus f32 into memref<?x64xi8>
func.func @quantize_rows(%x: memref<?x64xf32>, %s: memref<?xf32>, %z: f32, %y: memref<?x64xi8>) {
  ukernel.quantize_rows %x by %s into %y : memref<?x64xf32> by memref<?xf32> into memref<?x64xi8>
  ukernel.quantize_rows %x by %z plus %z into %y {out_unsigned} : memref<?x64xf32> by f32 plus f32 into memref<?x64xi8>
  return
}
