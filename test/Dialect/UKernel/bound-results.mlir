// RUN: terse-opt %s -ukernel-bound-results -split-input-file | FileCheck %s

// 4 * 255 * 128 times at most 3000.0 is below 2^31.
// CHECK-LABEL: @constant_scales
// CHECK: ukernel.gemm {{.*}} {bounded, extra_maps
func.func @constant_scales(%x: tensor<2x4xi8>, %w: tensor<3x4xi8>, %i: tensor<2x3xi8>) -> tensor<2x3xi8> {
  %s = arith.constant dense<[1.0, -3000.0, 0.25]> : tensor<3xf32>
  %most = arith.constant 255.0 : f32
  %0 = ukernel.gemm %x, %w extras(%s) into %i {extra_maps = [affine_map<(d0, d1) -> (d1)>], lhs_unsigned}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<3xf32>) into tensor<2x3xi8> -> tensor<2x3xi8> epilogue {
  ^bb0(%sum: i32, %scale: f32):
    %1 = arith.sitofp %sum : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    %3 = arith.cmpf ogt, %2, %most : f32
    %4 = arith.select %3, %most, %2 : f32
    %5 = arith.fptosi %4 : f32 to i32
    %6 = arith.trunci %5 : i32 to i8
    ukernel.yield %6 : i8
  }
  return %0 : tensor<2x3xi8>
}

// -----

// A scale too large, one that is not known and one that is no number.
// CHECK-LABEL: @unknown
// CHECK-NOT: bounded
func.func @unknown(%x: tensor<2x4xi8>, %w: tensor<3x4xi8>, %given: tensor<3xf32>, %i: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %large = arith.constant dense<[1.0, 20000.0, 0.25]> : tensor<3xf32>
  %nan = arith.constant dense<[1.0, 0x7FC00000, 0.25]> : tensor<3xf32>
  %0 = ukernel.gemm %x, %w extras(%large) into %i {extra_maps = [affine_map<(d0, d1) -> (d1)>], lhs_unsigned}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<3xf32>) into tensor<2x3xf32> -> tensor<2x3xf32> epilogue {
  ^bb0(%sum: i32, %scale: f32):
    %f = arith.sitofp %sum : i32 to f32
    %y = arith.mulf %f, %scale : f32
    ukernel.yield %y : f32
  }
  %1 = ukernel.gemm %x, %w extras(%given) into %i {extra_maps = [affine_map<(d0, d1) -> (d1)>], lhs_unsigned}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<3xf32>) into tensor<2x3xf32> -> tensor<2x3xf32> epilogue {
  ^bb0(%sum: i32, %scale: f32):
    %f = arith.sitofp %sum : i32 to f32
    %y = arith.mulf %f, %scale : f32
    ukernel.yield %y : f32
  }
  %2 = ukernel.gemm %x, %w extras(%nan) into %i {extra_maps = [affine_map<(d0, d1) -> (d1)>], lhs_unsigned}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<3xf32>) into tensor<2x3xf32> -> tensor<2x3xf32> epilogue {
  ^bb0(%sum: i32, %scale: f32):
    %f = arith.sitofp %sum : i32 to f32
    %y = arith.mulf %f, %scale : f32
    ukernel.yield %y : f32
  }
  return %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// Bytes that are added are at most bytes, whatever they are.
// CHECK-LABEL: @residual
// CHECK: ukernel.gemm {{.*}} {bounded, extra_maps
func.func @residual(%x: tensor<2x4xi8>, %w: tensor<3x4xi8>, %r: tensor<2x3xi8>, %i: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c = arith.constant 0.5 : f32
  %0 = ukernel.gemm %x, %w extras(%r) into %i {extra_maps = [affine_map<(d0, d1) -> (d0, d1)>]}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<2x3xi8>) into tensor<2x3xf32> -> tensor<2x3xf32> epilogue {
  ^bb0(%sum: i32, %byte: i8):
    %wide = arith.extui %byte : i8 to i32
    %total = arith.addi %sum, %wide : i32
    %f = arith.sitofp %total : i32 to f32
    %y = arith.mulf %f, %c : f32
    ukernel.yield %y : f32
  }
  return %0 : tensor<2x3xf32>
}

// -----

// Constants that a loop moves.
// CHECK-LABEL: @moved_scales
// CHECK: ukernel.gemm {{.*}} {bounded, extra_maps
func.func @moved_scales(%x: tensor<2x4xi8>, %w: tensor<3x4xi8>, %i: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %s = arith.constant dense<[[1.0, -3000.0], [0.25, 2.0], [3.0, 4.0]]> : tensor<3x2xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<3x2xf32>) outs(%i : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3xf32>
  %0 = ukernel.gemm %x, %w extras(%t) into %i {extra_maps = [affine_map<(d0, d1) -> (d0, d1)>], lhs_unsigned}
      : tensor<2x4xi8>, tensor<3x4xi8> extras(tensor<2x3xf32>) into tensor<2x3xf32> -> tensor<2x3xf32> epilogue {
  ^bb0(%sum: i32, %scale: f32):
    %1 = arith.sitofp %sum : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    ukernel.yield %2 : f32
  }
  return %0 : tensor<2x3xf32>
}
