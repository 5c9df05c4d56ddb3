// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_int8 bf16=amx_bf16 vector-bytes=64}))' | FileCheck %s --check-prefix=SELECT
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_int8 bf16=amx_bf16 vector-bytes=64}),ukernel-pack-weights,canonicalize,symbol-dce)' | FileCheck %s --check-prefix=FOLD
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-select{isa=amx_int8 bf16=amx_bf16 vector-bytes=64}),ukernel-pack-weights{fold=false},func.func(ukernel-fuse-epilogues))' | FileCheck %s --check-prefix=PACK

// Two lines of the window together: (line pair, column, line, channel), 42 elements and 2 zeros.
// SELECT-LABEL: func @first
// SELECT: schedule = #ukernel.schedule<amx_int8, rows = 32, columns = 32, depth = 4, align = 44, block = {{[0-9]+}}, lines = 2>
// PACK-LABEL: func @first
// PACK: ukernel.pack {{.*}}lines = 2>{{.*}} : tensor<64x3x7x7xi8> -> tensor<2x44x128xi8>
func.func @first(%x: tensor<1x224x224x3xi8>, %w: tensor<64x3x7x7xi8>, %o: tensor<1x112x112x64xi32>) -> tensor<1x112x112x64xi32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[7, 7], strides = [2, 2], dilations = [1, 1], pads = [3, 3]>, extra_maps = []} : tensor<1x224x224x3xi8>, tensor<64x3x7x7xi8> into tensor<1x112x112x64xi32> -> tensor<1x112x112x64xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<1x112x112x64xi32>
}

// Windows of lines that are not known are copied.
// SELECT-LABEL: func @open
// SELECT-NOT: lines
// SELECT: return
func.func @open(%x: tensor<1x?x?x3xi8>, %w: tensor<64x3x7x7xi8>, %o: tensor<1x?x?x64xi32>) -> tensor<1x?x?x64xi32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[7, 7], strides = [2, 2], dilations = [1, 1], pads = [3, 3]>, extra_maps = []} : tensor<1x?x?x3xi8>, tensor<64x3x7x7xi8> into tensor<1x?x?x64xi32> -> tensor<1x?x?x64xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<1x?x?x64xi32>
}

// Channels that fill tiles are read where they lie.
// SELECT-LABEL: func @wide
// SELECT-NOT: lines
// SELECT: return
func.func @wide(%x: tensor<1x8x8x64xi8>, %w: tensor<64x64x3x3xi8>, %o: tensor<1x8x8x64xi32>) -> tensor<1x8x8x64xi32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>, extra_maps = []} : tensor<1x8x8x64xi8>, tensor<64x64x3x3xi8> into tensor<1x8x8x64xi32> -> tensor<1x8x8x64xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<1x8x8x64xi32>
}

// All three lines of a window together; here the weights become packed while they are constants.
ml_program.global private @v(dense<1> : tensor<32x3x3x3xi8>) : tensor<32x3x3x3xi8>
// SELECT-LABEL: func @constant
// SELECT: align = 28, block = {{[0-9]+}}, lines = 3>
// FOLD-LABEL: func @constant
// FOLD: ml_program.global_load_const @v.packed : tensor<1x7x128xi8>
func.func @constant(%x: tensor<1x32x32x3xi8>, %o: tensor<1x16x16x32xi32>) -> tensor<1x16x16x32xi32> {
  %w = ml_program.global_load_const @v : tensor<32x3x3x3xi8>
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1]>, extra_maps = []} : tensor<1x32x32x3xi8>, tensor<32x3x3x3xi8> into tensor<1x16x16x32xi32> -> tensor<1x16x16x32xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<1x16x16x32xi32>
}

// Lines that a block reads are copied once, so that windows of many channels do not make blocks smaller, each of which
// would read all weights.
// SELECT-LABEL: func @deep
// SELECT: schedule = #ukernel.schedule<amx_bf16, rows = 32, columns = 32, depth = 2, align = 32, block = 128>
func.func @deep(%x: tensor<1x7x7x512xbf16>, %w: tensor<512x512x3x3xbf16>, %o: tensor<1x7x7x512xf32>) -> tensor<1x7x7x512xf32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>, extra_maps = []} : tensor<1x7x7x512xbf16>, tensor<512x512x3x3xbf16> into tensor<1x7x7x512xf32> -> tensor<1x7x7x512xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<1x7x7x512xf32>
}

// Products of bf16 take two numbers at a time: a zero stands behind the three channels of each column, and each line of
// the window is a step, because a number behind it times zero need not be zero.
// SELECT-LABEL: func @pairs
// SELECT: schedule = #ukernel.schedule<amx_bf16, rows = 32, columns = 32, depth = 2, align = 28, block = {{[0-9]+}}, lines = 1>
// PACK-LABEL: func @pairs
// PACK: ukernel.pack {{.*}}lines = 1>{{.*}} : tensor<64x3x7x7xbf16> -> tensor<2x98x64xbf16>
func.func @pairs(%x: tensor<1x224x224x3xbf16>, %w: tensor<64x3x7x7xbf16>, %o: tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32> {
  %0 = ukernel.conv %x, %w into %o {window = #ukernel.window<[7, 7], strides = [2, 2], dilations = [1, 1], pads = [3, 3]>, extra_maps = []} : tensor<1x224x224x3xbf16>, tensor<64x3x7x7xbf16> into tensor<1x112x112x64xf32> -> tensor<1x112x112x64xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  return %0 : tensor<1x112x112x64xf32>
}
