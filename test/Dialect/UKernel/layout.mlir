// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-propagate-layout))' -split-input-file | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-collapse-loops))' -split-input-file | FileCheck %s --check-prefix=COLLAPSE

#map = affine_map<(a, b, c, d) -> (a, b, c, d)>

// Elementwise ops run in the layout they get.
// CHECK-LABEL: func @between
// CHECK-NOT: linalg.transpose
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<2x5x6x3xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: return
// COLLAPSE-LABEL: func @between
// COLLAPSE: linalg.generic {{.*}}iterator_types = ["parallel"]} ins(%{{.*}} : tensor<180xf32>)
func.func @between(%x: tensor<2x5x6x3xf32>) -> tensor<2x5x6x3xf32> {
  %0 = tensor.empty() : tensor<2x3x5x6xf32>
  %1 = linalg.transpose ins(%x : tensor<2x5x6x3xf32>) outs(%0 : tensor<2x3x5x6xf32>) permutation = [0, 3, 1, 2]
  %2 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%1 : tensor<2x3x5x6xf32>) outs(%0 : tensor<2x3x5x6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5x6xf32>
  %3 = tensor.empty() : tensor<2x5x6x3xf32>
  %4 = linalg.transpose ins(%2 : tensor<2x3x5x6xf32>) outs(%3 : tensor<2x5x6x3xf32>) permutation = [0, 2, 3, 1]
  return %4 : tensor<2x5x6x3xf32>
}

// -----

// Only another name for the same elements.
// CHECK-LABEL: func @one_channel
// CHECK-NOT: linalg.transpose
// CHECK: tensor.collapse_shape
// CHECK: tensor.expand_shape
// COLLAPSE-LABEL: func @one_channel
func.func @one_channel(%x: tensor<?x1x5x6xf32>, %o: tensor<?x5x6x1xf32>) -> tensor<?x5x6x1xf32> {
  %0 = linalg.transpose ins(%x : tensor<?x1x5x6xf32>) outs(%o : tensor<?x5x6x1xf32>) permutation = [0, 2, 3, 1]
  return %0 : tensor<?x5x6x1xf32>
}

// -----

// The program transposes on its own, once alone and once while it computes.
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#first = affine_map<(a, b, c, d) -> (a, c, d, b)>
#last = affine_map<(a, b, c, d) -> (a, d, b, c)>
// CHECK-LABEL: func @of_the_program
// CHECK-NOT: linalg.transpose
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<2x5x6x3xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: return
// COLLAPSE-LABEL: func @of_the_program
func.func @of_the_program(%x: tensor<2x5x6x3xf32>) -> tensor<2x5x6x3xf32> {
  %0 = tensor.empty() : tensor<2x3x5x6xf32>
  %1 = linalg.generic {indexing_maps = [#first, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x5x6x3xf32>) outs(%0 : tensor<2x3x5x6xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x5x6xf32>
  %3 = tensor.empty() : tensor<2x5x6x3xf32>
  %4 = linalg.generic {indexing_maps = [#last, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%1 : tensor<2x3x5x6xf32>) outs(%3 : tensor<2x5x6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<2x5x6x3xf32>
  return %4 : tensor<2x5x6x3xf32>
}

// -----

// A transpose of other axes in front of one to channels-last: together they move a dimension of size 1.
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#turned = affine_map<(a, b, c, d) -> (a, c, b, d)>
// CHECK-LABEL: func @of_columns
// CHECK-NOT: linalg.generic
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %arg0
// CHECK: %[[Y:.*]] = tensor.expand_shape %[[FLAT]]
// CHECK: return %[[Y]]
// COLLAPSE-LABEL: func @of_columns
func.func @of_columns(%x: tensor<?x9x5x1xi8>, %n: index) -> (tensor<?x9x1x5xi8>, index) {
  %c1 = arith.constant 1 : index
  %0 = tensor.empty(%n) : tensor<?x5x9x1xi8>
  %1 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x9x5x1xi8>) outs(%0 : tensor<?x5x9x1xi8>) {
  ^bb0(%a: i8, %b: i8):
    linalg.yield %a : i8
  } -> tensor<?x5x9x1xi8>
  %d = tensor.dim %1, %c1 : tensor<?x5x9x1xi8>
  %2 = tensor.empty(%n) : tensor<?x9x1x5xi8>
  %3 = linalg.transpose ins(%1 : tensor<?x5x9x1xi8>) outs(%2 : tensor<?x9x1x5xi8>) permutation = [0, 2, 3, 1]
  return %3, %d : tensor<?x9x1x5xi8>, index
}

// -----

// A reduction over the lines of an image of one column.
// CHECK-LABEL: func @largest_of_columns
// CHECK-NOT: linalg.transpose
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<2x9x1x5xf32>)
// COLLAPSE-LABEL: func @largest_of_columns
func.func @largest_of_columns(%x: tensor<2x9x1x5xf32>, %init: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %0 = tensor.empty() : tensor<2x5x9x1xf32>
  %1 = linalg.transpose ins(%x : tensor<2x9x1x5xf32>) outs(%0 : tensor<2x5x9x1xf32>) permutation = [0, 3, 1, 2]
  %2 = tensor.collapse_shape %1 [[0], [1], [2, 3]] : tensor<2x5x9x1xf32> into tensor<2x5x9xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%2 : tensor<2x5x9xf32>) outs(%init : tensor<2x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.maximumf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x5xf32>
  return %3 : tensor<2x5xf32>
}
