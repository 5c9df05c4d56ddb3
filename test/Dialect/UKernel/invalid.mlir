// RUN: terse-opt %s -split-input-file -verify-diagnostics

func.func @gemm_c1_rank(%x: tensor<2x3x8xf32>, %w: tensor<4x8xf32>, %init: tensor<6x4xf32>) -> tensor<6x4xf32> {
  // expected-error @below {{expected operands and destination of the same rank, at least 2 (got 3 and 2)}}
  %0 = ukernel.gemm %x, %w into %init {extra_maps = []} : tensor<2x3x8xf32>, tensor<4x8xf32> into tensor<6x4xf32> -> tensor<6x4xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<6x4xf32>
}

// -----

func.func @gemm_c2_elements(%x: tensor<6x8xf32>, %w: tensor<4x9xf32>, %init: tensor<6x4xf32>) -> tensor<6x4xf32> {
  // expected-error @below {{expected weights of 4 x 8 elements (got 'tensor<4x9xf32>')}}
  %0 = ukernel.gemm %x, %w into %init {extra_maps = []} : tensor<6x8xf32>, tensor<4x9xf32> into tensor<6x4xf32> -> tensor<6x4xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<6x4xf32>
}

// -----

func.func @gemm_c3_sum(%x: tensor<6x8xi8>, %w: tensor<4x8xi8>, %init: tensor<6x4xi8>) -> tensor<6x4xi8> {
  // expected-error @below {{expected the sum ('i32') and an element of each extra as the epilogue's arguments}}
  %0 = ukernel.gemm %x, %w into %init {extra_maps = []} : tensor<6x8xi8>, tensor<4x8xi8> into tensor<6x4xi8> -> tensor<6x4xi8> epilogue {
  ^bb0(%sum: i8):
    ukernel.yield %sum : i8
  }
  return %0 : tensor<6x4xi8>
}

// -----

func.func @gemm_c4_maps(%x: tensor<6x8xf32>, %w: tensor<4x8xf32>, %init: tensor<6x4xf32>) -> tensor<6x4xf32> {
  // expected-error @below {{expected a map for each of 0 extras (got 1)}}
  %0 = ukernel.gemm %x, %w into %init {extra_maps = [affine_map<(m, n) -> (n)>]} : tensor<6x8xf32>, tensor<4x8xf32> into tensor<6x4xf32> -> tensor<6x4xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<6x4xf32>
}

// -----

// expected-error @below {{expected align to be a multiple of depth 4 (got 6)}}
func.func private @schedule_align() attributes {x = #ukernel.schedule<avx2, rows = 2, columns = 16, depth = 4, align = 6, block = 2>}

// -----

// expected-error @below {{expected block to be a multiple of rows 4 (got 6)}}
func.func private @schedule_block() attributes {x = #ukernel.schedule<avx2, rows = 4, columns = 16, depth = 1, align = 1, block = 6>}
