// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-select-kernels),terse-expand-kernels)' | FileCheck %s

// Bytes are packed as words, pairs along the contraction.
// CHECK-LABEL: func.func @bytes
// CHECK: call @product_0
func.func @bytes(%x: memref<64x64xi8>, %w: memref<64x64xi8>, %o: memref<64x64xi32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x64xi8>, memref<64x64xi8>) outs(%o : memref<64x64xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %e = arith.extsi %a : i8 to i32
    %f = arith.extsi %b : i8 to i32
    %p = arith.muli %e, %f : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// What is not a byte as it stands in memory is no such product.
// CHECK-LABEL: func.func @words
// CHECK-NOT: call @product
// CHECK: call @kernel
func.func @words(%x: memref<64x64xi16>, %w: memref<64x64xi16>, %o: memref<64x64xi32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x64xi16>, memref<64x64xi16>) outs(%o : memref<64x64xi32>) {
  ^bb0(%a: i16, %b: i16, %c: i32):
    %e = arith.extsi %a : i16 to i32
    %f = arith.extsi %b : i16 to i32
    %p = arith.muli %e, %f : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// CHECK: func.func private @product_0(
// CHECK: vector.load {{.*}} : memref<?xi8>, vector<16xi8>
// CHECK: arith.extsi {{.*}} : vector<16xi8> to vector<16xi16>
// CHECK: vector.bitcast {{.*}} : vector<16xi16> to vector<8xi32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
