// RUN: terse-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// Indices are data: they wrap, and then they are clamped.
// CHECK-LABEL: func.func @gather(
func.func @gather(%x: tensor<4x5xf32>, %i: tensor<3xi32>) -> tensor<4x3xf32> {
  // CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<3xi32>) outs({{.*}} : tensor<4x3xf32>)
  // CHECK: %[[I:.*]] = arith.index_cast %{{.*}} : i32 to index
  // CHECK: %[[NEG:.*]] = arith.cmpi slt, %[[I]], %c0
  // CHECK: %[[END:.*]] = arith.addi %[[I]], %c5
  // CHECK: %[[W:.*]] = arith.select %[[NEG]], %[[END]], %[[I]]
  // CHECK: %[[HIGH:.*]] = arith.minsi %[[W]], %c4
  // CHECK: %[[AT:.*]] = arith.maxsi %[[HIGH]], %c0
  // CHECK: tensor.extract %arg0[%{{.*}}, %[[AT]]]
  %0 = nn.gather %x, %i {axis = 1 : i64} : (tensor<4x5xf32>, tensor<3xi32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func.func @gather_elements(
func.func @gather_elements(%x: tensor<?x5xi64>, %i: tensor<2x5xi64>) -> tensor<2x5xi64> {
  // CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<2x5xi64>)
  // CHECK: scf.if
  // CHECK: tensor.extract %arg0
  %0 = nn.gather_elements %x, %i {axis = 0 : i64} : (tensor<?x5xi64>, tensor<2x5xi64>) -> tensor<2x5xi64>
  return %0 : tensor<2x5xi64>
}

// -----

// CHECK-LABEL: func.func @gather_nd(
func.func @gather_nd(%x: tensor<4x5x3xf32>, %i: tensor<2x2xi64>) -> tensor<2x3xf32> {
  // CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<2x3xf32>)
  // CHECK: tensor.extract %arg1[%{{.*}}, %c0]
  // CHECK: tensor.extract %arg1[%{{.*}}, %c1]
  // CHECK: tensor.extract %arg0[%{{.*}}, %{{.*}}, %{{.*}}]
  %0 = nn.gather_nd %x, %i : (tensor<4x5x3xf32>, tensor<2x2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @scatter_elements(
func.func @scatter_elements(%x: tensor<4xf16>, %i: tensor<3xi64>, %u: tensor<3xf16>) -> tensor<4xf16> {
  // CHECK: scf.for %[[I:[a-z0-9]+]] = %c0 to %c3 step %c1 iter_args(%[[Y:.*]] = %arg0)
  // CHECK: tensor.extract %arg1[%[[I]]]
  // CHECK: tensor.extract %arg2[%[[I]]]
  // CHECK: %[[OLD:.*]] = tensor.extract %[[Y]][%[[AT:.*]]]
  // CHECK: arith.extf %[[OLD]] : f16 to f32
  // CHECK: %[[SUM:.*]] = arith.addf
  // CHECK: %[[NEW:.*]] = arith.truncf %[[SUM]]
  // CHECK: tensor.insert %[[NEW]] into %[[Y]][%[[AT]]]
  %0 = nn.scatter_elements add %x, %i, %u {axis = 0 : i64} : (tensor<4xf16>, tensor<3xi64>, tensor<3xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// Every tuple selects a row, which an inner loop writes.
// CHECK-LABEL: func.func @scatter_nd(
func.func @scatter_nd(%x: tensor<4x2xui8>, %i: tensor<3x1xi64>, %u: tensor<3x2xui8>) -> tensor<4x2xui8> {
  // CHECK: scf.for
  // CHECK: scf.for
  // CHECK: arith.maxui
  // CHECK: tensor.insert
  %0 = nn.scatter_nd max %x, %i, %u : (tensor<4x2xui8>, tensor<3x1xi64>, tensor<3x2xui8>) -> tensor<4x2xui8>
  return %0 : tensor<4x2xui8>
}
