// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-fuse-elementwise))' | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Rows of a table: only they are decoded.
// CHECK-LABEL: @embedding
// CHECK-SAME: %[[CODES:.*]]: tensor<8000x256xi8>, %[[SCALES:.*]]: tensor<8000xf32>
// CHECK: linalg.generic
// CHECK: %[[CODE:.*]] = tensor.extract %[[CODES]][%[[I:.*]], %[[J:.*]]]
// CHECK: %[[SCALE:.*]] = tensor.extract %[[SCALES]][%[[I]]]
// CHECK: %[[F:.*]] = arith.sitofp %[[CODE]]
// CHECK: %[[Y:.*]] = arith.mulf %[[F]], %[[SCALE]]
// CHECK: linalg.yield %[[Y]]
// CHECK-NOT: linalg.generic
func.func @embedding(%codes: tensor<8000x256xi8>, %scales: tensor<8000xf32>, %tokens: tensor<?xindex>,
                     %init: tensor<8000x256xf32>, %out: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %table = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%codes, %scales : tensor<8000x256xi8>, tensor<8000xf32>) outs(%init : tensor<8000x256xf32>) {
  ^bb0(%q: i8, %s: f32, %o: f32):
    %f = arith.sitofp %q : i8 to f32
    %y = arith.mulf %f, %s : f32
    linalg.yield %y : f32
  } -> tensor<8000x256xf32>
  %rows = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%tokens : tensor<?xindex>) outs(%out : tensor<?x256xf32>) {
  ^bb0(%token: index, %o: f32):
    %j = linalg.index 1 : index
    %y = tensor.extract %table[%token, %j] : tensor<8000x256xf32>
    linalg.yield %y : f32
  } -> tensor<?x256xf32>
  return %rows : tensor<?x256xf32>
}

// Much work for each row, and many columns that read it: done once.
// CHECK-LABEL: @repeated
// CHECK-COUNT-2: linalg.generic
func.func @repeated(%x: tensor<?xf32>, %y: tensor<?x?xf32>, %init: tensor<?xf32>) -> tensor<?x?xf32> {
  %c = arith.constant 3.0 : f32
  %rows = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %0 = arith.divf %in, %c : f32
    %1 = arith.divf %c, %0 : f32
    %2 = arith.addf %0, %1 : f32
    %3 = arith.divf %2, %1 : f32
    %4 = arith.divf %c, %3 : f32
    %5 = arith.addf %3, %4 : f32
    %6 = arith.divf %5, %4 : f32
    %7 = arith.divf %c, %6 : f32
    linalg.yield %7 : f32
  } -> tensor<?xf32>
  %z = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<?xf32>) outs(%y : tensor<?x?xf32>) {
  ^bb0(%r: f32, %v: f32):
    %0 = arith.mulf %r, %v : f32
    linalg.yield %0 : f32
  } -> tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

// A division whose divisor changes along the innermost loop would be done again for each row.
// CHECK-LABEL: @columns
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]}
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]}
// CHECK: arith.mulf
func.func @columns(%x: tensor<?xf32>, %y: tensor<?x?xf32>, %init: tensor<?xf32>) -> tensor<?x?xf32> {
  %c = arith.constant 1.0 : f32
  %scale = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %0 = arith.divf %c, %in : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%scale : tensor<?xf32>) outs(%y : tensor<?x?xf32>) {
  ^bb0(%r: f32, %v: f32):
    %0 = arith.mulf %r, %v : f32
    linalg.yield %0 : f32
  } -> tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

// What is done to sums of products stays in front of a reduction.
// CHECK-LABEL: @sums
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: linalg.generic
// CHECK: arith.maximumf
func.func @sums(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %acc: tensor<8x16xf32>, %out: tensor<8x16xf32>, %most: tensor<8xf32>) -> tensor<8xf32> {
  %c = arith.constant 3.0 : f32
  %s = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x4xf32>, tensor<4x16xf32>) outs(%acc : tensor<8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %o, %p : f32
    linalg.yield %q : f32
  } -> tensor<8x16xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<8x16xf32>) outs(%out : tensor<8x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    linalg.yield %p : f32
  } -> tensor<8x16xf32>
  %y = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%scaled : tensor<8x16xf32>) outs(%most : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.maximumf %o, %a : f32
    linalg.yield %p : f32
  } -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// A small table that is read often is computed once.
// CHECK-LABEL: @table
// CHECK: arith.sitofp
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @table(%codes: tensor<30x256xi8>, %tokens: tensor<?x90xindex>, %init: tensor<30x256xf32>, %out: tensor<?x90x256xf32>) -> tensor<?x90x256xf32> {
  %table = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%codes : tensor<30x256xi8>) outs(%init : tensor<30x256xf32>) {
  ^bb0(%q: i8, %o: f32):
    %f = arith.sitofp %q : i8 to f32
    linalg.yield %f : f32
  } -> tensor<30x256xf32>
  %rows = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%tokens : tensor<?x90xindex>) outs(%out : tensor<?x90x256xf32>) {
  ^bb0(%token: index, %o: f32):
    %j = linalg.index 2 : index
    %y = tensor.extract %table[%token, %j] : tensor<30x256xf32>
    linalg.yield %y : f32
  } -> tensor<?x90x256xf32>
  return %rows : tensor<?x90x256xf32>
}
