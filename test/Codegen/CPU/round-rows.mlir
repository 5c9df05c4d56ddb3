// RUN: terse-opt %s --terse-vectorize-loops='vector-bytes=64 has-fma=true parallel-work=-1' | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: terse-opt %s --terse-vectorize-loops='vector-bytes=32 has-fma=true parallel-work=-1' | FileCheck %s --check-prefixes=CHECK,NARROW

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// Rows are divided by their scale with multiply-adds, the only division is that of its reciprocal;
// 64 bytes at a time, where the scale is of a usual size.
// CHECK-LABEL: @rounded
// CHECK: arith.divf %{{.*}} : f32
// NARROW-NOT: fixupimm
// WIDE: arith.select %{{.*}} : index
// WIDE: scf.for
// WIDE-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512.mask.fixupimm.ps.512"
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.packsswb.512"
// WIDE: vector.store %{{.*}} : memref<{{.*}}xi8>, vector<64xi8>
// CHECK-NOT: arith.divf %{{.*}} : vector
// CHECK: return
func.func @rounded(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// Another bound than that of bytes.
// CHECK-LABEL: @narrow
// CHECK-NOT: fixupimm
// CHECK: return
func.func @narrow(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -127.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}
