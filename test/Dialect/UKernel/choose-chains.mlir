// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains,ukernel-choose-chains))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains{chains=none}))' \
// RUN:   | FileCheck %s --check-prefix=NONE
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains{chains=all rows=56}))' \
// RUN:   | FileCheck %s --check-prefix=ALL
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains{cache-bytes=67108864}))' \
// RUN:   | FileCheck %s --check-prefix=NONE
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains{chains=most}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ERROR
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-choose-chains{rows=-1}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ROWS

// ERROR: unknown choice 'most' in option chains; expected none, cost or all
// ROWS: expected no negative rows and one or more cache-bytes (got -1 and 1048576)

#wide = #ukernel.schedule<avx512, rows = 9, columns = 48, depth = 1, align = 1, block = 243>
#narrow = #ukernel.schedule<avx512, rows = 14, columns = 32, depth = 1, align = 1, block = 252>
#window = #ukernel.schedule<avx512, rows = 1, columns = 16, depth = 1, align = 1, block = 1>
#w3 = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>

// NONE-NOT: #ukernel.chain

// The destination that two ops have becomes one for each, and blocks become smaller than a strip.
// CHECK-LABEL: func @block
// CHECK: tensor.empty() : tensor<1x56x56x144xf32>
// CHECK: ukernel.gemm %{{.*}}block = 117
// CHECK: tensor.empty() : tensor<1x56x56x144xf32>
// CHECK: ukernel.depthwise_conv
// CHECK: ukernel.gemm {{.*}}chain = #ukernel.chain<kernels = 3, rows = 224>
// ALL-LABEL: func @block
// ALL: chain = #ukernel.chain<kernels = 3, rows = 56>
func.func @block(%x: tensor<1x56x56x24xf32>, %w: tensor<3x24x48xf32>, %v: tensor<3x3x144xf32>,
                 %u: tensor<1x144x32xf32>) -> tensor<1x56x56x24xf32> {
  %e = tensor.empty() : tensor<1x56x56x144xf32>
  %f = tensor.empty() : tensor<1x56x56x24xf32>
  %0 = ukernel.gemm %x, %w into %e {extra_maps = [], schedule = #wide}
    : tensor<1x56x56x24xf32>, tensor<3x24x48xf32> into tensor<1x56x56x144xf32> -> tensor<1x56x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %1 = ukernel.depthwise_conv %0, %v into %e {extra_maps = [], schedule = #window, window = #w3}
    : tensor<1x56x56x144xf32>, tensor<3x3x144xf32> into tensor<1x56x56x144xf32> -> tensor<1x56x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %2 = ukernel.gemm %1, %u into %f {extra_maps = [], schedule = #narrow}
    : tensor<1x56x56x144xf32>, tensor<1x144x32xf32> into tensor<1x56x56x24xf32> -> tensor<1x56x56x24xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %2 : tensor<1x56x56x24xf32>
}

// What something else reads, too, must exist as a whole.
// CHECK-LABEL: func @used_twice
// CHECK-NOT: #ukernel.chain
// ALL-LABEL: func @used_twice
// ALL-NOT: #ukernel.chain
func.func @used_twice(%x: tensor<1x56x56x24xf32>, %w: tensor<3x24x48xf32>, %v: tensor<3x3x144xf32>)
    -> (tensor<1x56x56x144xf32>, tensor<1x56x56x144xf32>) {
  %e = tensor.empty() : tensor<1x56x56x144xf32>
  %0 = ukernel.gemm %x, %w into %e {extra_maps = [], schedule = #wide}
    : tensor<1x56x56x24xf32>, tensor<3x24x48xf32> into tensor<1x56x56x144xf32> -> tensor<1x56x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %1 = ukernel.depthwise_conv %0, %v into %e {extra_maps = [], schedule = #window, window = #w3}
    : tensor<1x56x56x144xf32>, tensor<3x3x144xf32> into tensor<1x56x56x144xf32> -> tensor<1x56x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %0, %1 : tensor<1x56x56x144xf32>, tensor<1x56x56x144xf32>
}

// Images of open size.
// ALL-LABEL: func @open
// ALL-NOT: #ukernel.chain
func.func @open(%x: tensor<1x?x56x24xf32>, %w: tensor<3x24x48xf32>, %v: tensor<3x3x144xf32>,
                %e: tensor<1x?x56x144xf32>, %f: tensor<1x?x56x144xf32>) -> tensor<1x?x56x144xf32> {
  %0 = ukernel.gemm %x, %w into %e {extra_maps = [], schedule = #wide}
    : tensor<1x?x56x24xf32>, tensor<3x24x48xf32> into tensor<1x?x56x144xf32> -> tensor<1x?x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  %1 = ukernel.depthwise_conv %0, %v into %f {extra_maps = [], schedule = #window, window = #w3}
    : tensor<1x?x56x144xf32>, tensor<3x3x144xf32> into tensor<1x?x56x144xf32> -> tensor<1x?x56x144xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %1 : tensor<1x?x56x144xf32>
}
