// RUN: terse-opt %s --terse-lower-lookups=has-vbmi=true --split-input-file | FileCheck %s --check-prefixes=BOTH,VBMI
// RUN: terse-opt %s --terse-lower-lookups --split-input-file | FileCheck %s --check-prefixes=BOTH,GATHER

// Two lookups in one table share it.
// GATHER: memref.global "private" constant @[[$TABLE:.*]] : memref<256xi32> = dense<7>
// GATHER-NOT: memref.global
// BOTH-LABEL: @vector
// VBMI-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// VBMI: arith.cmpi slt
// VBMI: vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [16], strides = [1]} : vector<64xi8> to vector<16xi8>
// GATHER: memref.get_global @[[$TABLE]]
// GATHER: vector.gather
// GATHER-NEXT: arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
func.func @vector(%x: vector<16xi8>, %y: vector<16xi8>) -> (vector<16xi8>, vector<16xi8>) {
  %0 = terse_cpu.lookup %x in dense<7> : tensor<256xi8> : vector<16xi8> -> vector<16xi8>
  %1 = terse_cpu.lookup %y in dense<7> : tensor<256xi8> : vector<16xi8> -> vector<16xi8>
  return %0, %1 : vector<16xi8>, vector<16xi8>
}

// -----

// BOTH: memref.global "private" constant @[[$TABLE:.*]] : memref<256xf32>
// BOTH-LABEL: @words
// BOTH: vector.gather
// BOTH-LABEL: @scalar
// BOTH: %[[I:.*]] = arith.index_castui %{{.*}} : i8 to index
// BOTH: memref.load %{{.*}}[%[[I]]] : memref<256xf32>
func.func @words(%x: vector<8xi8>) -> vector<8xf32> {
  %0 = terse_cpu.lookup %x in dense<1.5> : tensor<256xf32> : vector<8xi8> -> vector<8xf32>
  return %0 : vector<8xf32>
}
func.func @scalar(%x: i8) -> f32 {
  %0 = terse_cpu.lookup %x in dense<1.5> : tensor<256xf32> : i8 -> f32
  return %0 : f32
}
