// Products of two computed tensors, as attention has them, with integers made at run time.
// RUN: terse-opt %s --terse-choose-encodings="activations=row products" | FileCheck %s --check-prefix=ROW
// RUN: terse-opt %s --terse-choose-encodings="activations=tensor products" | FileCheck %s --check-prefix=TENSOR
// RUN: terse-opt %s --terse-choose-encodings="activations=row" | FileCheck %s --check-prefix=NONE
// RUN: terse-opt %s --terse-choose-encodings="products" | FileCheck %s --check-prefix=NONE
// RUN: terse-opt %s --terse-choose-encodings="activations=row products" --terse-apply-encodings \
// RUN:   --terse-integer-contractions | FileCheck %s --check-prefix=INTEGER
// RUN: terse-opt %s --terse-choose-encodings="activations=row products" --terse-apply-encodings \
// RUN:   --terse-integer-contractions --terse-interpret -o /dev/null

// A scale per row of the left operand and per column of the right one, each batch for itself.
// ROW-LABEL: @batched(
// ROW: nn.matmul
// ROW-SAME: 0 = #terse.uniform<i8, block = [1, 1, 1, ?], dynamic>
// ROW-SAME: 1 = #terse.uniform<i8, block = [1, 1, ?, 1], dynamic>
// TENSOR-LABEL: @batched(
// TENSOR: nn.matmul
// TENSOR-SAME: 0 = #terse.uniform<i8, dynamic>
// TENSOR-SAME: 1 = #terse.uniform<i8, dynamic>
// NONE-LABEL: @batched(
// NONE-NOT: terse.choice
// INTEGER-LABEL: @batched(
// INTEGER: nn.binary mul %{{.*}}, %{{.*}} : (tensor<?x2x?x1xf32>, tensor<?x2x1x?xf32>)
// INTEGER: nn.matmul %{{.*}}, %{{.*}} : (tensor<?x2x?x8xi8>, tensor<?x2x8x?xi8>) -> tensor<?x2x?x?xi32>
// INTEGER: nn.matmul %{{.*}}, %{{.*}} : (tensor<?x2x?x?xi8>, tensor<?x2x?x8xi8>) -> tensor<?x2x?x8xi32>
func.func @batched(%q: tensor<?x2x?x8xf32>, %k: tensor<?x2x8x?xf32>, %v: tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32> {
  %s = nn.matmul %q, %k : (tensor<?x2x?x8xf32>, tensor<?x2x8x?xf32>) -> tensor<?x2x?x?xf32>
  %p = nn.softmax %s {axis = 3 : i64} : (tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %y = nn.matmul %p, %v : (tensor<?x2x?x?xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  return %y : tensor<?x2x?x8xf32>
}

// The numbers: each row and column has its largest magnitude at 127, so that these integers are exact.
func.func @numbers() {
  %a = nn.constant dense<[[[127.0, -1.0], [0.0, 1.27]], [[254.0, 2.0], [12.7, 0.1]]]> : tensor<2x2x2xf32>
  %b = nn.constant dense<[[[127.0, 1.0], [3.0, -12.7]], [[1.27, 254.0], [0.01, 4.0]]]> : tensor<2x2x2xf32>
  %x = call @opaque(%a) : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %z = call @opaque(%b) : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %y = nn.matmul %x, %z : (tensor<2x2x2xf32>, tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %e = nn.constant dense<[[[16126.0, 139.7], [3.81, -16.129]], [[322.6, 64524.0], [16.13, 3226.2]]]> : tensor<2x2x2xf32>
  check.expect_close %y, %e : tensor<2x2x2xf32>, tensor<2x2x2xf32>
  return
}
func.func private @opaque(%x: tensor<2x2x2xf32>) -> tensor<2x2x2xf32> {
  return %x : tensor<2x2x2xf32>
}

// Left alone: integers, a constant operand without a decision of its own, ops without an integer form.
// ROW-LABEL: @kept(
// ROW-NOT: dynamic
// ROW: return
func.func @kept(%x: tensor<2x2xi32>, %y: tensor<2x2xf32>, %z: tensor<2x2xf64>) -> (tensor<2x2xi32>, tensor<2x2xf32>, tensor<2x2xf64>) {
  %c = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = nn.matmul %x, %x : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi32>
  %1 = nn.matmul %c, %y : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = nn.matmul %z, %z : (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf64>
  return %0, %1, %2 : tensor<2x2xi32>, tensor<2x2xf32>, tensor<2x2xf64>
}
