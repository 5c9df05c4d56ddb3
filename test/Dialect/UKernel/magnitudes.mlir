// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-fuse-epilogues))' -split-input-file | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-fuse-epilogues,ukernel-fuse-epilogues))' -split-input-file | FileCheck %s

#image = affine_map<(b, y, x, c) -> (b, y, x, c)>
#sample = affine_map<(b, y, x, c) -> (b)>

// What follows a kernel goes into its epilogue first; what quantization asks of the result is the kernel's second one.
// CHECK-LABEL: func.func @largest
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[START:.*]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK: %[[BOTH:.*]]:2 = ukernel.gemm %{{.*}} into %{{.*}} magnitudes(%[[START]])
// CHECK: math.absf
// CHECK-NOT: linalg.generic
// CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
func.func @largest(%x: tensor<?x4x4x8xf32>, %w: tensor<5x8xf32>, %o: tensor<?x4x4x5xf32>, %s: tensor<?xf32>)
    -> (tensor<?x4x4x5xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0x7F800000 : f32
  %low = arith.constant 0xFF800000 : f32
  %0 = ukernel.gemm %x, %w into %o {extra_maps = []} : tensor<?x4x4x8xf32>, tensor<5x8xf32> into tensor<?x4x4x5xf32> -> tensor<?x4x4x5xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %1 = linalg.generic {indexing_maps = [#image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0 : tensor<?x4x4x5xf32>) outs(%o : tensor<?x4x4x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = math.absf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x4x4x5xf32>
  %start = linalg.fill ins(%low : f32) outs(%s : tensor<?xf32>) -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#image, #sample], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
      ins(%1 : tensor<?x4x4x5xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %abs = math.absf %a : f32
    %finite = arith.cmpf olt, %abs, %inf : f32
    %kept = arith.select %finite, %abs, %zero : f32
    %max = arith.maximumf %b, %kept : f32
    linalg.yield %max : f32
  } -> tensor<?xf32>
  return %1, %2 : tensor<?x4x4x5xf32>, tensor<?xf32>
}

// -----

#image = affine_map<(b, c) -> (b, c)>
#sample = affine_map<(b, c) -> (b)>

// Rows that are samples of their own are not worth it.
// CHECK-LABEL: func.func @rows
// CHECK: ukernel.gemm
// CHECK-NOT: magnitudes
// CHECK: linalg.generic
func.func @rows(%x: tensor<?x8xf32>, %w: tensor<5x8xf32>, %o: tensor<?x5xf32>, %s: tensor<?xf32>) -> (tensor<?x5xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0x7F800000 : f32
  %0 = ukernel.gemm %x, %w into %o {extra_maps = []} : tensor<?x8xf32>, tensor<5x8xf32> into tensor<?x5xf32> -> tensor<?x5xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %start = linalg.fill ins(%zero : f32) outs(%s : tensor<?xf32>) -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#image, #sample], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<?x5xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %abs = math.absf %a : f32
    %finite = arith.cmpf olt, %abs, %inf : f32
    %kept = arith.select %finite, %abs, %zero : f32
    %max = arith.maximumf %b, %kept : f32
    linalg.yield %max : f32
  } -> tensor<?xf32>
  return %0, %2 : tensor<?x5xf32>, tensor<?xf32>
}

// -----

#image = affine_map<(b, y, x, c) -> (b, y, x, c)>
#sample = affine_map<(b, y, x, c) -> (b)>

// A maximum that starts above zero, and one of values with their signs, are others.
// CHECK-LABEL: func.func @others
// CHECK: ukernel.gemm
// CHECK-NOT: magnitudes
// CHECK-COUNT-2: linalg.generic
func.func @others(%x: tensor<2x4x4x8xf32>, %w: tensor<5x8xf32>, %o: tensor<2x4x4x5xf32>, %s: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %inf = arith.constant 0x7F800000 : f32
  %0 = ukernel.gemm %x, %w into %o {extra_maps = []} : tensor<2x4x4x8xf32>, tensor<5x8xf32> into tensor<2x4x4x5xf32> -> tensor<2x4x4x5xf32> epilogue {
  ^bb0(%sum: f32):
    ukernel.yield %sum : f32
  }
  %start = linalg.fill ins(%one : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#image, #sample], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
      ins(%0 : tensor<2x4x4x5xf32>) outs(%start : tensor<2xf32>) {
  ^bb0(%a: f32, %b: f32):
    %abs = math.absf %a : f32
    %finite = arith.cmpf olt, %abs, %inf : f32
    %kept = arith.select %finite, %abs, %zero : f32
    %max = arith.maximumf %b, %kept : f32
    linalg.yield %max : f32
  } -> tensor<2xf32>
  %none = linalg.fill ins(%zero : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %2 = linalg.generic {indexing_maps = [#image, #sample], iterator_types = ["parallel", "reduction", "reduction", "reduction"]}
      ins(%0 : tensor<2x4x4x5xf32>) outs(%none : tensor<2xf32>) {
  ^bb0(%a: f32, %b: f32):
    %max = arith.maximumf %b, %a : f32
    linalg.yield %max : f32
  } -> tensor<2xf32>
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}
