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

// expected-error @below {{expected lines that are not negative (got -1)}}
func.func private @schedule_lines() attributes {x = #ukernel.schedule<amx_int8, rows = 16, columns = 16, depth = 4, align = 4, block = 16, lines = -1>}

// -----

// expected-error @below {{expected block to be a multiple of rows 4 (got 6)}}
func.func private @schedule_block() attributes {x = #ukernel.schedule<avx2, rows = 4, columns = 16, depth = 1, align = 1, block = 6>}

// -----

// expected-error@+1 {{expected codes of at most 8 bits (got 'i16')}}
#decoding = #ukernel.decoding<i16, group = 4>

// -----

// expected-error@+1 {{expected unsigned indices into a table (got 'i4')}}
#decoding = #ukernel.decoding<i4, group = 4, table = shared>

// -----

// expected-error@+1 {{expected a positive group (got 0)}}
#decoding = #ukernel.decoding<i4, group = 0>

// -----

// expected-error@+1 {{expected scales of f32, f16, bf16, f8E8M0FNU or f8E4M3FN (got 'f64')}}
#decoding = #ukernel.decoding<i4, group = 4, scale = f64>

// -----

func.func @decoding_c2_layout(%x: tensor<1x64xf32>, %w: tensor<1x3x570xi8>, %o: tensor<1x40xf32>) -> tensor<1x40xf32> {
  // expected-error@+1 {{expected packed weights of the schedule}}
  %0 = ukernel.gemm %x, %w into %o {decoding = #ukernel.decoding<i4, group = 32, scale = f16>, extra_maps = [], schedule = #ukernel.schedule<avx512, rows = 1, columns = 48, depth = 1, align = 1, block = 1>} : tensor<1x64xf32>, tensor<1x3x570xi8> into tensor<1x40xf32> -> tensor<1x40xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x40xf32>
}

// -----

func.func @kernel_c5_magnitudes(%x: tensor<2x64xf32>, %w: tensor<8x64xf32>, %o: tensor<2x8xf32>, %m: tensor<3xf32>) -> tensor<2x8xf32> {
  // expected-error@+1 {{expected one f32 magnitude for each sample of an f32 result}}
  %0:2 = ukernel.gemm %x, %w into %o magnitudes(%m) {extra_maps = []} : tensor<2x64xf32>, tensor<8x64xf32> into tensor<2x8xf32> magnitudes(tensor<3xf32>) -> tensor<2x8xf32>, tensor<3xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0#0 : tensor<2x8xf32>
}

// -----

func.func @attention_c1_rank(%q: tensor<1x5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %o: tensor<5x4xf32>) -> tensor<5x4xf32> {
  // expected-error@+1 {{expected operands and destination of f32 and of one rank, at least 2 (got 'tensor<1x5x8xf32>')}}
  %0 = ukernel.attention %q, %k, %v into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 1>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>}
    : tensor<1x5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> into tensor<5x4xf32> -> tensor<5x4xf32> scores {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<5x4xf32>
}

// -----

func.func @attention_c1_extras(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %m: tensor<1x5x7xf32>, %o: tensor<5x4xf32>) -> tensor<5x4xf32> {
  // expected-error@+1 {{expected extras of at most 2 dimensions (got 'tensor<1x5x7xf32>')}}
  %0 = ukernel.attention %q, %k, %v extras(%m) into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 1>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>}
    : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> extras(tensor<1x5x7xf32>) into tensor<5x4xf32> -> tensor<5x4xf32> scores {
  ^bb0(%s: f32, %x: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<5x4xf32>
}

// -----

func.func @attention_c2_order(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %o: tensor<5x4xf32>) -> tensor<5x4xf32> {
  // expected-error@+1 {{expected orders of the 2 dimensions}}
  %0 = ukernel.attention %q, %k, %v into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 0>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>}
    : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> into tensor<5x4xf32> -> tensor<5x4xf32> scores {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<5x4xf32>
}

// -----

func.func @attention_c3_argument(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %m: tensor<7xi8>, %o: tensor<5x4xf32>) -> tensor<5x4xf32> {
  // expected-error@+1 {{expected an argument of type 'i8' (got 'f32')}}
  %0 = ukernel.attention %q, %k, %v extras(%m) into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 1>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>}
    : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> extras(tensor<7xi8>) into tensor<5x4xf32> -> tensor<5x4xf32> scores {
  ^bb0(%s: f32, %x: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<5x4xf32>
}

// -----

func.func @attention_c3_sum(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %o: tensor<5x4xf32>) -> tensor<5x4xf32> {
  // expected-error@+1 {{expected the sum and an element of each extra as arguments of the scores}}
  %0 = ukernel.attention %q, %k, %v into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 1>, v_order = array<i64: 0, 1>, result_order = array<i64: 0, 1>}
    : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> into tensor<5x4xf32> -> tensor<5x4xf32> scores {
  ^bb0(%s: f64):
    %x = arith.truncf %s : f64 to f32
    ukernel.yield %x : f32
  }
  return %0 : tensor<5x4xf32>
}

// -----

func.func @attention_c4_result(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>, %v: tensor<7x4xf32>, %o: tensor<4x5xf32>) -> tensor<4x5xf32> {
  // expected-error@+1 {{expected values along the last dimension of the result}}
  %0 = ukernel.attention %q, %k, %v into %o {q_order = array<i64: 0, 1>, k_order = array<i64: 0, 1>, v_order = array<i64: 0, 1>, result_order = array<i64: 1, 0>}
    : tensor<5x8xf32>, tensor<7x8xf32>, tensor<7x4xf32> into tensor<4x5xf32> -> tensor<4x5xf32> scores {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<4x5xf32>
}

// -----

func.func @quantize_rows_c1_elements(%x: memref<4x8xf32>, %s: memref<4xf32>, %y: memref<4x8xi16>) {
  // expected-error@+1 {{expected f32 and i8 of one shape (got 'memref<4x8xf32>' and 'memref<4x8xi16>')}}
  ukernel.quantize_rows %x by %s into %y : memref<4x8xf32> by memref<4xf32> into memref<4x8xi16>
  return
}

// -----

func.func @quantize_rows_c1_shape(%x: memref<4x8xf32>, %s: memref<4xf32>, %y: memref<4x9xi8>) {
  // expected-error@+1 {{expected f32 and i8 of one shape (got 'memref<4x8xf32>' and 'memref<4x9xi8>')}}
  ukernel.quantize_rows %x by %s into %y : memref<4x8xf32> by memref<4xf32> into memref<4x9xi8>
  return
}

// -----

func.func @quantize_rows_c2_scales(%x: memref<4x8xf32>, %s: memref<8xf32>, %y: memref<4x8xi8>) {
  // expected-error@+1 {{expected an f32 for each index of the first dimensions of 'memref<4x8xf32>' (got 'memref<8xf32>')}}
  ukernel.quantize_rows %x by %s into %y : memref<4x8xf32> by memref<8xf32> into memref<4x8xi8>
  return
}

// -----

func.func @quantize_rows_c2_each(%x: memref<4x8xf32>, %s: memref<4xf32>, %z: memref<4x8xf32>, %y: memref<4x8xi8>) {
  // expected-error@+1 {{expected an f32 for each index of the first dimensions of 'memref<4x8xf32>' (got 'memref<4x8xf32>')}}
  ukernel.quantize_rows %x by %s plus %z into %y : memref<4x8xf32> by memref<4xf32> plus memref<4x8xf32> into memref<4x8xi8>
  return
}

// -----

func.func @conv_c8_parts(%x: tensor<1x4x4x6xf32>, %w: tensor<6x2x3x3xf32>, %init: tensor<1x4x4x6xf32>) -> tensor<1x4x4x6xf32> {
  // expected-error @below {{expected parts that divide the channels (got 4)}}
  %0 = ukernel.conv %x, %w into %init {extra_maps = [], parts = 4 : i64, window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>} : tensor<1x4x4x6xf32>, tensor<6x2x3x3xf32> into tensor<1x4x4x6xf32> -> tensor<1x4x4x6xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<1x4x4x6xf32>
}

// -----

func.func @conv_c8_groups(%x: tensor<1x4x4x6xf32>, %w: tensor<6x4x3x3xf32>, %init: tensor<1x4x4x6xf32>) -> tensor<1x4x4x6xf32> {
  // expected-error @below {{expected weights of groups of channels (got 'tensor<6x4x3x3xf32>')}}
  %0 = ukernel.conv %x, %w into %init {extra_maps = [], window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>} : tensor<1x4x4x6xf32>, tensor<6x4x3x3xf32> into tensor<1x4x4x6xf32> -> tensor<1x4x4x6xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<1x4x4x6xf32>
}

// -----

func.func @conv_few_bits_bf16(%x: tensor<1x4x4x8xbf16>, %o: tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32> {
  %w = ukernel.weights #terse.uniform<i4, axis = 0> [dense<3> : tensor<8x8x3x3xi4>, dense<0.5> : tensor<8xf32>] : tensor<8x8x3x3xf32>
  // expected-error@+1 {{expected rows beside weights that are decoded and bf16}}
  %0 = ukernel.conv %x, %w into %o {extra_maps = [], window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 0]>} : tensor<1x4x4x8xbf16>, tensor<8x8x3x3xf32> into tensor<1x2x2x8xf32> -> tensor<1x2x2x8xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0 : tensor<1x2x2x8xf32>
}
