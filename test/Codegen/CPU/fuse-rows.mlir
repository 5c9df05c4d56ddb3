// RUN: terse-opt %s --terse-fuse-rows=min-elements=1 --split-input-file | FileCheck %s

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A maximum per row and what is computed with it: one loop, and nothing of the size of all rows in between.
// CHECK-LABEL: func @quantize_rows
// CHECK: scf.forall (%[[I:.*]]) in (40) shared_outs(%[[Q:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}) -> (tensor<40xf32>, tensor<40x100xi8>)
// CHECK:   linalg.fill {{.*}} outs({{.*}} : tensor<f32>)
// CHECK:   %[[X:.*]] = tensor.extract_slice %arg0[%[[I]], 0] [1, 100] [1, 1] : tensor<40x100xf32> to tensor<100xf32>
// CHECK:   linalg.generic {{.*}}iterator_types = ["reduction"]} ins(%[[X]] : tensor<100xf32>)
// CHECK:   linalg.generic {{.*}}iterator_types = ["parallel"]}
// CHECK:   scf.forall.in_parallel
// CHECK-NEXT: tensor.parallel_insert_slice {{.*}} : tensor<f32> into tensor<40xf32>
// CHECK-NEXT: tensor.parallel_insert_slice {{.*}} : tensor<100xi8> into tensor<40x100xi8>
func.func @quantize_rows(%x: tensor<40x100xf32>) -> (tensor<40x100xi8>, tensor<40xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<40xf32>) -> tensor<40xf32>
  %max = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<40x100xf32>) outs(%f : tensor<40xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %a = math.absf %v : f32
    %m = arith.maximumf %acc, %a : f32
    linalg.yield %m : f32
  } -> tensor<40xf32>
  %o = tensor.empty() : tensor<40x100xi8>
  %q = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<40x100xf32>, tensor<40xf32>) outs(%o : tensor<40x100xi8>) {
  ^bb0(%v: f32, %s: f32, %out: i8):
    %d = arith.divf %v, %s : f32
    %i = arith.fptosi %d : f32 to i8
    linalg.yield %i : i8
  } -> tensor<40x100xi8>
  return %q, %max : tensor<40x100xi8>, tensor<40xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#columns = affine_map<(d0, d1) -> (d1, d0)>

// What reads the result along other rows stays behind the loop; what the loop needs of it would keep ops apart.
// CHECK-LABEL: func @convex
// CHECK: %[[R:.*]] = linalg.generic {{.*}}"reduction"
// CHECK: %[[T:.*]] = tensor.expand_shape %[[R]]
// CHECK-NOT: scf.forall
// CHECK: linalg.generic
// CHECK: return
func.func @convex(%x: tensor<16x16xf32>, %init: tensor<16xf32>) -> tensor<16x16xf32> {
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<16x16xf32>) outs(%init : tensor<16xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<16xf32>
  %t = tensor.expand_shape %sum [[0, 1]] output_shape [1, 16] : tensor<16xf32> into tensor<1x16xf32>
  %u = tensor.collapse_shape %t [[0, 1]] : tensor<1x16xf32> into tensor<16xf32>
  %o = tensor.empty() : tensor<16x16xf32>
  %y = linalg.generic {indexing_maps = [#rows, affine_map<(d0, d1) -> (d1)>, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %u, %sum : tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) outs(%o : tensor<16x16xf32>) {
  ^bb0(%v: f32, %c: f32, %s: f32, %out: f32):
    %d = arith.subf %v, %c : f32
    %r = arith.addf %d, %s : f32
    linalg.yield %r : f32
  } -> tensor<16x16xf32>
  return %y : tensor<16x16xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Rows and their length may be open.
// CHECK-LABEL: func @open
// CHECK: %[[N:.*]] = tensor.dim
// CHECK: scf.forall (%{{.*}}) in (%[[N]])
// CHECK: tensor.empty(%{{.*}}) : tensor<?xf32>
func.func @open(%x: tensor<?x?xf32>, %init: tensor<?xf32>, %o: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %e = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%o : tensor<?x?xf32>) {
  ^bb0(%v: f32, %out: f32):
    %d = math.exp %v : f32
    linalg.yield %d : f32
  } -> tensor<?x?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<?x?xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%e, %sum : tensor<?x?xf32>, tensor<?xf32>) outs(%o : tensor<?x?xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %d = arith.divf %v, %s : f32
    linalg.yield %d : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Few rows: threads would have nothing to share.
// CHECK-LABEL: func @few
// CHECK-NOT: scf.forall
func.func @few(%x: tensor<2x100xf32>, %init: tensor<2xf32>, %o: tensor<2x100xf32>) -> tensor<2x100xf32> {
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x100xf32>) outs(%init : tensor<2xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<2xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<2x100xf32>, tensor<2xf32>) outs(%o : tensor<2x100xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %d = arith.divf %v, %s : f32
    linalg.yield %d : f32
  } -> tensor<2x100xf32>
  return %y : tensor<2x100xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Sizes come from outside of the loop, also where a member makes what another one starts from.
// CHECK-LABEL: func @open_fill
// CHECK-SAME: %[[INIT:[a-z0-9]+]]: tensor<?xf32>
// CHECK: tensor.dim %[[INIT]]
// CHECK: scf.forall {{.*}} -> (tensor<?xf32>, tensor<?x64xf32>)
func.func @open_fill(%x: tensor<?x64xf32>, %init: tensor<?xf32>, %o: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x64xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<?x64xf32>, tensor<?xf32>) outs(%o : tensor<?x64xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %d = arith.divf %v, %s : f32
    linalg.yield %d : f32
  } -> tensor<?x64xf32>
  return %y, %sum : tensor<?x64xf32>, tensor<?xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Results that start from one tensor without contents do not share its memory.
// CHECK-LABEL: func @shared_init
// CHECK: tensor.empty() : tensor<16x64xf32>
// CHECK-NEXT: %[[A:.*]] = tensor.empty() : tensor<16x64xf32>
// CHECK-NEXT: %[[B:.*]] = tensor.empty() : tensor<16x64xf32>
// CHECK: scf.forall {{.*}} shared_outs(%{{.*}} = %[[A]], %{{.*}} = %[[B]])
func.func @shared_init(%x: tensor<16x64xf32>, %init: tensor<16xf32>) -> (tensor<16x64xf32>, tensor<16x64xf32>) {
  %o = tensor.empty() : tensor<16x64xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<16x64xf32>) outs(%init : tensor<16xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<16xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<16x64xf32>, tensor<16xf32>) outs(%o : tensor<16x64xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %d = arith.divf %v, %s : f32
    linalg.yield %d : f32
  } -> tensor<16x64xf32>
  %z = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%y, %sum : tensor<16x64xf32>, tensor<16xf32>) outs(%o : tensor<16x64xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %d = arith.subf %v, %s : f32
    linalg.yield %d : f32
  } -> tensor<16x64xf32>
  return %y, %z : tensor<16x64xf32>, tensor<16x64xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// Norms of all rows are read by each row: they are there before the loop.
// CHECK-LABEL: func @all_rows
// CHECK-NOT: scf.forall
// CHECK: return
func.func @all_rows(%x: tensor<16x16xf32>, %init: tensor<16xf32>, %o: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<16x16xf32>) outs(%init : tensor<16xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %m = arith.addf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<16xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #column, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum, %sum : tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) outs(%o : tensor<16x16xf32>) {
  ^bb0(%v: f32, %s: f32, %t: f32, %out: f32):
    %p = arith.mulf %s, %t : f32
    %d = arith.divf %v, %p : f32
    linalg.yield %d : f32
  } -> tensor<16x16xf32>
  return %y : tensor<16x16xf32>
}
