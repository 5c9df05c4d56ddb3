// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-order-dimensions))' --split-input-file | FileCheck %s
// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-order-dimensions,terse-order-dimensions))' --split-input-file | FileCheck %s

#id = affine_map<(a, b, c) -> (a, b, c)>
#turned = affine_map<(a, b, c) -> (a, c, b)>
#row = affine_map<(a, b, c) -> (a, b)>

// Read and written as 5 x 7: so is what lies between.
// CHECK-LABEL: @norm
// CHECK: %[[X:.*]] = linalg.generic {indexing_maps = [#[[ID:.*]], #[[ID]]], iterator_types = ["parallel", "parallel", "parallel"]}
// CHECK-SAME: outs(%{{.*}} : tensor<?x5x7xf32>)
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]] : tensor<?x5x7xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #{{.*}}, #[[ID]]]{{.*}} ins(%[[X]], %{{.*}} : tensor<?x5x7xf32>, tensor<?x7xf32>)
func.func @norm(%x: tensor<?x5x7xf32>, %n: index, %sums: tensor<?x7xf32>, %out: tensor<?x5x7xf32>) -> (tensor<?x5x7xf32>, index) {
  %0 = tensor.empty(%n) : tensor<?x7x5xf32>
  %1 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x5x7xf32>) outs(%0 : tensor<?x7x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x7x5xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%1 : tensor<?x7x5xf32>) outs(%sums : tensor<?x7xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x7xf32>
  %3 = linalg.generic {indexing_maps = [#turned, affine_map<(a, b, c) -> (a, c)>, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%1, %2 : tensor<?x7x5xf32>, tensor<?x7xf32>) outs(%out : tensor<?x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x5x7xf32>
  %c0 = arith.constant 0 : index
  // CHECK: tensor.dim %[[X]], %{{.*}} : tensor<?x5x7xf32>
  %d = tensor.dim %1, %c0 : tensor<?x7x5xf32>
  return %3, %d : tensor<?x5x7xf32>, index
}

// -----

#id = affine_map<(a, b) -> (a, b)>
#turned = affine_map<(a, b) -> (b, a)>

// The program's result keeps its order.
// CHECK-LABEL: @result
// CHECK: -> tensor<7x5xf32>
func.func @result(%x: tensor<5x7xf32>) -> tensor<7x5xf32> {
  %0 = tensor.empty() : tensor<7x5xf32>
  %1 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<5x7xf32>) outs(%0 : tensor<7x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<7x5xf32>
  return %1 : tensor<7x5xf32>
}

// The reader writes in the order that is there; two inputs lie in two orders.
// CHECK-LABEL: @others
// CHECK: outs(%{{.*}} : tensor<7x5xf32>)
// CHECK: outs(%{{.*}} : tensor<7x5xf32>)
// CHECK: outs(%{{.*}} : tensor<7x5xf32>)
func.func @others(%x: tensor<5x7xf32>, %y: tensor<7x5xf32>) -> (tensor<7x5xf32>, tensor<7x5xf32>) {
  %0 = tensor.empty() : tensor<7x5xf32>
  %1 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<5x7xf32>) outs(%0 : tensor<7x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<7x5xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<7x5xf32>) outs(%0 : tensor<7x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<7x5xf32>
  %3 = linalg.generic {indexing_maps = [#turned, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<5x7xf32>, tensor<7x5xf32>) outs(%0 : tensor<7x5xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<7x5xf32>
  return %2, %3 : tensor<7x5xf32>, tensor<7x5xf32>
}
