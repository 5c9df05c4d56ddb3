// RUN: terse-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{expected two or more kernels and one or more rows in a chain (got 1 and 8)}}
func.func private @kernels() attributes {chain = #ukernel.chain<kernels = 1, rows = 8>}

// -----

func.func @chain_c1(%s: memref<64xi8>) {
  // expected-error @below {{expected two or more kernels (got 0)}}
  ukernel.chain rows = 8 in 1 of %s : memref<64xi8> {
  }
  return
}

// -----

func.func @chain_c2(%s: memref<64xi8>, %x: memref<1x4x4x8xf32>, %w: memref<8x8xf32>, %y: memref<1x4x4x8xf32>) {
  // expected-error @below {{expected each kernel to read a buffer of the chain that the one before writes}}
  ukernel.chain rows = 8 in 1 of %s : memref<64xi8> {
    ukernel.gemm %x, %w into %y {extra_maps = []}
      : memref<1x4x4x8xf32>, memref<8x8xf32> into memref<1x4x4x8xf32> epilogue {
    ^bb0(%a: f32):
      ukernel.yield %a : f32
    }
    ukernel.gemm %y, %w into %x {extra_maps = []}
      : memref<1x4x4x8xf32>, memref<8x8xf32> into memref<1x4x4x8xf32> epilogue {
    ^bb0(%a: f32):
      ukernel.yield %a : f32
    }
  }
  return
}

// -----

// A result that two kernels read must exist as a whole.
func.func @chain_c2_used_twice(%s: memref<64xi8>, %x: memref<1x4x4x8xf32>, %w: memref<8x8xf32>, %y: memref<1x4x4x8xf32>) {
  // expected-error @below {{expected a buffer of the chain to be the destination of one kernel and the left operand of the next one (got 3 uses)}}
  ukernel.chain rows = 8 in 1 of %s : memref<64xi8> {
    %a = memref.alloca() : memref<1x4x4x8xf32>
    ukernel.gemm %x, %w into %a {extra_maps = []}
      : memref<1x4x4x8xf32>, memref<8x8xf32> into memref<1x4x4x8xf32> epilogue {
    ^bb0(%e: f32):
      ukernel.yield %e : f32
    }
    ukernel.gemm %a, %w extras(%a) into %y {extra_maps = [affine_map<(n, y, x, c) -> (n, y, x, c)>]}
      : memref<1x4x4x8xf32>, memref<8x8xf32> extras(memref<1x4x4x8xf32>) into memref<1x4x4x8xf32> epilogue {
    ^bb0(%e: f32, %f: f32):
      ukernel.yield %e : f32
    }
  }
  return
}

// -----

func.func @chain_c3_slots(%s: memref<64xi8>, %x: memref<1x4x4x8xf32>, %w: memref<8x8xf32>, %y: memref<1x4x4x8xf32>) {
  // expected-error @below {{expected one or more rows and parts of the scratch (got 8 and 0)}}
  ukernel.chain rows = 8 in 0 of %s : memref<64xi8> {
    %a = memref.alloca() : memref<1x4x4x8xf32>
    ukernel.gemm %x, %w into %a {extra_maps = []}
      : memref<1x4x4x8xf32>, memref<8x8xf32> into memref<1x4x4x8xf32> epilogue {
    ^bb0(%e: f32):
      ukernel.yield %e : f32
    }
    ukernel.gemm %a, %w into %y {extra_maps = []}
      : memref<1x4x4x8xf32>, memref<8x8xf32> into memref<1x4x4x8xf32> epilogue {
    ^bb0(%e: f32):
      ukernel.yield %e : f32
    }
  }
  return
}
