// RUN: terse-opt %s --terse-expand-ukernels='vector-bytes=64 has-fma=true parallel-work=-1' | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: terse-opt %s --terse-expand-ukernels='vector-bytes=32 has-fma=true parallel-work=-1' | FileCheck %s --check-prefixes=CHECK,NARROW
// RUN: terse-opt %s --terse-expand-ukernels='vector-bytes=16 has-fma=false parallel-work=-1' | FileCheck %s --check-prefix=PLAIN

// Rows are divided by their scale with multiply-adds, the only division of vectors is that of rows shorter than one;
// 64 bytes at a time, where the scale is of a usual size.
// CHECK-LABEL: @rounded
// CHECK: arith.divf %{{.*}} : vector<1xf32>
// CHECK: arith.divf %{{.*}} : f32
// NARROW-NOT: fixupimm
// WIDE: arith.select %{{.*}} : index
// WIDE: scf.for
// WIDE-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512.mask.fixupimm.ps.512"
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.packsswb.512"
// WIDE: vector.store %{{.*}} : memref<{{.*}}xi8>, vector<64xi8>
// CHECK-NOT: arith.divf %{{.*}} : vector
// CHECK: return
// PLAIN-LABEL: @rounded
// PLAIN: arith.divf %{{.*}} : vector<4xf32>
func.func @rounded(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  ukernel.quantize_rows %x by %s into %y : memref<3x200xf32> by memref<3xf32> into memref<3x200xi8>
  return
}

// A zero point is added to integers; unsigned bytes saturate at 0 and 255.
// CHECK-LABEL: @shifted
// WIDE-COUNT-4: arith.addi %{{.*}} : vector<16xi32>
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.packuswb.512"
// CHECK: arith.constant dense<0> : vector<{{16|8}}xi32>
// CHECK: arith.constant dense<255> : vector<{{16|8}}xi32>
// CHECK: return
func.func @shifted(%x: memref<200xf32>, %s: f32, %z: f32, %y: memref<200xi8>) {
  ukernel.quantize_rows %x by %s plus %z into %y {out_unsigned} : memref<200xf32> by f32 plus f32 into memref<200xi8>
  return
}

// Long rows have a function, which equal ones share.
// CHECK-LABEL: @shared
// CHECK: call @[[F:quantize_rows_[0-9]+]](
// CHECK: call @[[F]](
func.func @shared(%x: memref<3x2000xf32>, %s: memref<3xf32>, %y: memref<3x2000xi8>,
                  %a: memref<9x999xf32>, %b: memref<9xf32>, %c: memref<9x999xi8>) {
  ukernel.quantize_rows %x by %s into %y : memref<3x2000xf32> by memref<3xf32> into memref<3x2000xi8>
  ukernel.quantize_rows %a by %b into %c : memref<9x999xf32> by memref<9xf32> into memref<9x999xi8>
  return
}
