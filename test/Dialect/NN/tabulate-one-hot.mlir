// RUN: terse-opt %s --nn-tabulate-one-hot --split-input-file | FileCheck %s
// RUN: terse-opt %s --nn-tabulate-one-hot --nn-tabulate-one-hot --split-input-file | FileCheck %s

// Numbers from 5 on; the third row is for all others.
// CHECK-LABEL: @product
// CHECK: %[[T:.*]] = nn.constant dense<{{\[\[\[}}1.050000e+01, 2.000000e+01], [1.150000e+01, 2.100000e+01], [5.000000e-01, 0.000000e+00]]]>
// CHECK: %[[ROWS:.*]] = nn.reshape %[[T]] : (tensor<1x3x2xf32>) -> tensor<3x2xf32>
// CHECK: nn.compare lt %arg0
// CHECK: nn.compare lt %arg0
// CHECK: %[[I:.*]] = nn.select
// CHECK: %[[Y:.*]] = nn.gather %[[ROWS]], %[[I]] {axis = 0 : i64} : (tensor<3x2xf32>, tensor<?x4xi32>) -> tensor<?x4x2xf32>
// CHECK-NOT: nn.linear
// CHECK: return %[[Y]]
func.func @product(%x: tensor<?x4xi32>) -> tensor<?x4x2xf32> {
  %n = nn.constant dense<[5, 6]> : tensor<2xi32>
  %w = nn.constant dense<[[10.0, 11.0], [20.0, 21.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %0 = nn.reshape %x : (tensor<?x4xi32>) -> tensor<?x4x1xi32>
  %1 = nn.compare eq %0, %n : (tensor<?x4x1xi32>, tensor<2xi32>) -> tensor<?x4x2xi1>
  %2 = nn.cast %1 : (tensor<?x4x2xi1>) -> tensor<?x4x2xf32>
  %3 = nn.linear %2, %w, %b : (tensor<?x4x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x4x2xf32>
  return %3 : tensor<?x4x2xf32>
}

// -----

// The table is stored as bytes; what follows runs on its 3 rows, not on 100.
// CHECK-LABEL: @bytes
// CHECK: %[[T:.*]] = nn.constant dense<{{.*}}> : tensor<3x2xui8>
// CHECK: %[[F:.*]] = nn.cast %[[T]] : (tensor<3x2xui8>) -> tensor<3x2xf32>
// CHECK: %[[E:.*]] = nn.unary exp %[[F]]
// CHECK: nn.gather %[[E]], %{{.*}} {axis = 0 : i64} : (tensor<3x2xf32>, tensor<100xi64>) -> tensor<100x2xf32>
func.func @bytes(%x: tensor<100x1xi64>) -> tensor<100x2xf32> {
  %n = nn.constant dense<[[0, 1]]> : tensor<1x2xi64>
  %w = nn.constant dense<[[10, 11], [20, 21]]> : tensor<2x2xi8>
  %1 = nn.compare eq %n, %x : (tensor<1x2xi64>, tensor<100x1xi64>) -> tensor<100x2xi1>
  %2 = nn.cast %1 : (tensor<100x2xi1>) -> tensor<100x2xui8>
  %3 = nn.linear %2, %w : (tensor<100x2xui8>, tensor<2x2xi8>) -> tensor<100x2xi32>
  %4 = nn.cast %3 : (tensor<100x2xi32>) -> tensor<100x2xui8>
  %5 = nn.cast %4 : (tensor<100x2xui8>) -> tensor<100x2xf32>
  %6 = nn.unary exp %5 : (tensor<100x2xf32>) -> tensor<100x2xf32>
  return %6 : tensor<100x2xf32>
}

// -----

// As few rows as the table has: what follows runs on them.
// CHECK-LABEL: @few
// CHECK: %[[Y:.*]] = nn.gather %{{.*}} : (tensor<3x2xui8>, tensor<2xi64>) -> tensor<2x2xui8>
// CHECK: nn.cast %[[Y]]
func.func @few(%x: tensor<2x1xi64>) -> tensor<2x2xf32> {
  %n = nn.constant dense<[[0, 1]]> : tensor<1x2xi64>
  %w = nn.constant dense<[[10, 11], [20, 21]]> : tensor<2x2xi8>
  %1 = nn.compare eq %n, %x : (tensor<1x2xi64>, tensor<2x1xi64>) -> tensor<2x2xi1>
  %2 = nn.cast %1 : (tensor<2x2xi1>) -> tensor<2x2xui8>
  %3 = nn.linear %2, %w : (tensor<2x2xui8>, tensor<2x2xi8>) -> tensor<2x2xi32>
  %4 = nn.cast %3 : (tensor<2x2xi32>) -> tensor<2x2xui8>
  %5 = nn.cast %4 : (tensor<2x2xui8>) -> tensor<2x2xf32>
  return %5 : tensor<2x2xf32>
}

// -----

// Left alone: other numbers than consecutive ones, no product, and a row that something else reads.
// CHECK-LABEL: @left_alone
// CHECK-NOT: nn.gather
// CHECK: return
func.func @left_alone(%x: tensor<9x1xi32>) -> (tensor<9x2xf32>, tensor<9x2xf32>, tensor<9x2xf32>, tensor<9x2xi1>) {
  %n = nn.constant dense<[5, 7]> : tensor<2xi32>
  %m = nn.constant dense<[5, 6]> : tensor<2xi32>
  %w = nn.constant dense<[[10.0, 11.0], [20.0, 21.0]]> : tensor<2x2xf32>
  %1 = nn.compare eq %x, %n : (tensor<9x1xi32>, tensor<2xi32>) -> tensor<9x2xi1>
  %2 = nn.cast %1 : (tensor<9x2xi1>) -> tensor<9x2xf32>
  %3 = nn.linear %2, %w : (tensor<9x2xf32>, tensor<2x2xf32>) -> tensor<9x2xf32>
  %4 = nn.compare eq %x, %m : (tensor<9x1xi32>, tensor<2xi32>) -> tensor<9x2xi1>
  %5 = nn.cast %4 : (tensor<9x2xi1>) -> tensor<9x2xf32>
  %6 = nn.compare eq %x, %m : (tensor<9x1xi32>, tensor<2xi32>) -> tensor<9x2xi1>
  %7 = nn.cast %6 : (tensor<9x2xi1>) -> tensor<9x2xf32>
  %8 = nn.linear %7, %w : (tensor<9x2xf32>, tensor<2x2xf32>) -> tensor<9x2xf32>
  return %3, %5, %8, %6 : tensor<9x2xf32>, tensor<9x2xf32>, tensor<9x2xf32>, tensor<9x2xi1>
}
