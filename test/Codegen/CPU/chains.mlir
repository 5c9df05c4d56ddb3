// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-form-chains))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-form-chains,terse-form-chains))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(terse-form-chains{slots=2}),terse-expand-ukernels{parallel-work=1000})' \
// RUN:   | FileCheck %s --check-prefix=CODE
// RUN: not terse-opt %s -pass-pipeline='builtin.module(func.func(terse-form-chains{slots=0}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SLOTS

// SLOTS: expected one or more parts of the scratch in option slots (got 0)

#s = #ukernel.schedule<avx512, rows = 8, columns = 16, depth = 1, align = 1, block = 32>
#window = #ukernel.schedule<avx512, rows = 1, columns = 16, depth = 1, align = 1, block = 1>
#w3 = #ukernel.window<[3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1]>

// CHECK-LABEL: func @pair
// CHECK: memref.alloc() : memref<2x16x16x16xf32>
// CHECK-NEXT: %[[S:.*]] = memref.alloc() {{.*}} : memref<[[BYTES:[0-9]+]]xi8>
// CHECK: ukernel.chain rows = 64 in 8 of %[[S]] : memref<[[BYTES]]xi8> {
// CHECK: %[[E:.*]] = memref.alloca() : memref<2x16x16x16xf32>
// CHECK: ukernel.gemm %{{.*}} into %[[E]]
// CHECK-NOT: #ukernel.chain
// CHECK: ukernel.depthwise_conv %[[E]]

// One function over strips, which calls those of the kernels and has a part of the scratch.
// CODE-LABEL: func @pair
// CODE: vector.store %{{.*}} : memref<{{.*}}xi8>, vector<16xi8>
// CODE: call @chain_0_parallel
// CODE: func.func private @chain_0
// CODE: memref.atomic_rmw assign
// CODE: scf.for
// CODE: call @ukernel_0
// CODE: call @ukernel_1
// CODE: memref.dealloc
// CODE: memref.atomic_rmw assign
func.func @pair(%x: memref<2x16x16x8xf32>, %w: memref<1x8x16xf32>, %v: memref<3x3x16xf32>) -> memref<2x16x16x16xf32> {
  %e = memref.alloc() : memref<2x16x16x16xf32>
  %f = memref.alloc() : memref<2x16x16x16xf32>
  ukernel.gemm %x, %w into %e {extra_maps = [], schedule = #s}
    : memref<2x16x16x8xf32>, memref<1x8x16xf32> into memref<2x16x16x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  ukernel.depthwise_conv %e, %v into %f {extra_maps = [], schedule = #window, window = #w3,
                                         chain = #ukernel.chain<kernels = 2, rows = 64>}
    : memref<2x16x16x16xf32>, memref<3x3x16xf32> into memref<2x16x16x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %f : memref<2x16x16x16xf32>
}

// The result lies where the first kernel reads: other strips would read it.
// CHECK-LABEL: func @in_place
// CHECK-NOT: chain
func.func @in_place(%w: memref<1x16x16xf32>, %v: memref<3x3x16xf32>) -> memref<2x16x16x16xf32> {
  %x = memref.alloc() : memref<2x16x16x16xf32>
  %e = memref.alloc() : memref<2x16x16x16xf32>
  ukernel.gemm %x, %w into %e {extra_maps = [], schedule = #s}
    : memref<2x16x16x16xf32>, memref<1x16x16xf32> into memref<2x16x16x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  ukernel.depthwise_conv %e, %v into %x {extra_maps = [], schedule = #window, window = #w3,
                                         chain = #ukernel.chain<kernels = 2, rows = 64>}
    : memref<2x16x16x16xf32>, memref<3x3x16xf32> into memref<2x16x16x16xf32> epilogue {
  ^bb0(%s: f32):
    ukernel.yield %s : f32
  }
  return %x : memref<2x16x16x16xf32>
}
