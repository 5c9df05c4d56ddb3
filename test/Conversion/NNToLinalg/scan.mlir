// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @cumulative_sum(
func.func @cumulative_sum(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: scf.for %[[ROW:[a-z0-9]+]] = %c0 to %c2
  // CHECK: scf.for %[[I:[a-z0-9]+]] = %c0 to %c4 step %c1 iter_args(%[[Y:.*]] = %{{.*}}, %[[SO_FAR:.*]] = %cst)
  // CHECK: %[[V:.*]] = tensor.extract %arg0[%[[ROW]], %[[I]]]
  // CHECK: %[[NEXT:.*]] = arith.addf %[[SO_FAR]], %[[V]]
  // CHECK: %[[OUT:.*]] = tensor.insert %[[NEXT]] into %[[Y]][%[[ROW]], %[[I]]]
  // CHECK: scf.yield %[[OUT]], %[[NEXT]]
  %0 = nn.cumulative sum %x {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// From the end, without the element itself.
// CHECK-LABEL: func.func @exclusive_reverse(
func.func @exclusive_reverse(%x: tensor<4xi32>) -> tensor<4xi32> {
  // CHECK: scf.for %[[I:[a-z0-9]+]] = {{.*}} iter_args(%[[Y:.*]] = %{{.*}}, %[[SO_FAR:.*]] = %c1_i32)
  // CHECK: %[[AT:.*]] = arith.subi %c3, %[[I]]
  // CHECK: %[[NEXT:.*]] = arith.muli %[[SO_FAR]]
  // CHECK: tensor.insert %[[SO_FAR]] into %[[Y]][%[[AT]]]
  %0 = nn.cumulative prod %x {axis = 0 : i64, exclusive = true, reverse = true} : (tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// CHECK-LABEL: func.func @top_k(
func.func @top_k(%x: tensor<3x9xf32>) -> (tensor<3x2xf32>, tensor<3x2xi64>) {
  // CHECK: scf.for {{.*}} to %c3
  // CHECK: scf.for {{.*}} to %c2
  // CHECK: scf.for {{.*}} to %c9
  // CHECK: tensor.extract %arg0
  // CHECK: tensor.insert {{.*}} : tensor<3x2xf32>
  // CHECK: tensor.insert {{.*}} : tensor<3x2xi64>
  %0:2 = nn.top_k %x {k = 2 : i64, axis = 1 : i64} : (tensor<3x9xf32>) -> (tensor<3x2xf32>, tensor<3x2xi64>)
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<3x2xi64>
}
