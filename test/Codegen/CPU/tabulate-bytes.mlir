// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-tabulate-bytes))' | FileCheck %s
// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-tabulate-bytes,terse-tabulate-bytes))' | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// A table and what is done to its entry: one table. The entries count from 100 down, twice that is
// rounded to even halves and wraps nowhere.
// CHECK-LABEL: @composed
// CHECK: ^bb0(%[[X:.*]]: i8, %{{.*}}: i8):
// CHECK-NEXT: %[[Y:.*]] = terse_cpu.lookup %[[X]] in dense<6> : tensor<256xi8> : i8 -> i8
// CHECK-NEXT: linalg.yield %[[Y]]
func.func @composed(%x: tensor<?xi8>, %init: tensor<?xi8>) -> tensor<?xi8> {
  %table = arith.constant dense<11> : tensor<256xi8>
  %half = arith.constant 5.000000e-01 : f32
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xi8>) outs(%init : tensor<?xi8>) {
  ^bb0(%in: i8, %out: i8):
    %i = arith.extui %in : i8 to i32
    %at = arith.index_cast %i : i32 to index
    %entry = tensor.extract %table[%at] : tensor<256xi8>
    %f = arith.uitofp %entry : i8 to f32
    %h = arith.mulf %f, %half : f32
    %r = math.roundeven %h : f32
    %q = arith.fptosi %r : f32 to i8
    linalg.yield %q : i8
  } -> tensor<?xi8>
  return %y : tensor<?xi8>
}

// The entries are those of the bits, as unsigned numbers.
// CHECK-LABEL: @signed
// CHECK: terse_cpu.lookup %{{.*}} in dense<"0x000102{{.*}}7F7F7E{{.*}}0201">
func.func @signed(%x: tensor<?xi8>, %init: tensor<?xi8>) -> tensor<?xi8> {
  %one = arith.constant 1.000000e+00 : f32
  %most = arith.constant 127 : i32
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xi8>) outs(%init : tensor<?xi8>) {
  ^bb0(%in: i8, %out: i8):
    %f = arith.sitofp %in : i8 to f32
    %a = math.absf %f : f32
    %d = arith.divf %a, %one : f32
    %r = math.roundeven %d : f32
    %i = arith.fptosi %r : f32 to i32
    %m = arith.minsi %i, %most : i32
    %q = arith.trunci %m : i32 to i8
    linalg.yield %q : i8
  } -> tensor<?xi8>
  return %y : tensor<?xi8>
}

// What a sum is rounded to is where the table begins.
// CHECK-LABEL: @requantized
// CHECK: %[[Q:.*]] = arith.fptoui %{{.*}} : f32 to i8
// CHECK-NEXT: %[[Y:.*]] = terse_cpu.lookup %[[Q]]
// CHECK-NEXT: linalg.yield %[[Y]]
func.func @requantized(%x: tensor<?xi32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %table = arith.constant dense<2.500000e+00> : tensor<256xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xi32>) outs(%init : tensor<?xf32>) {
  ^bb0(%in: i32, %out: f32):
    %f = arith.sitofp %in : i32 to f32
    %q = arith.fptoui %f : f32 to i8
    %i = arith.extui %q : i8 to i32
    %at = arith.index_cast %i : i32 to index
    %entry = tensor.extract %table[%at] : tensor<256xf32>
    linalg.yield %entry : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// Two bytes, few operations, a function that rounds otherwise when it runs: no tables.
// CHECK-LABEL: @others
// CHECK-NOT: terse_cpu.lookup
func.func @others(%x: tensor<?xi8>, %z: tensor<?xi8>, %init: tensor<?xi8>) -> (tensor<?xi8>, tensor<?xi8>, tensor<?xi8>) {
  %two = arith.constant 2.000000e+00 : f32
  %y:3 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %z : tensor<?xi8>, tensor<?xi8>) outs(%init, %init, %init : tensor<?xi8>, tensor<?xi8>, tensor<?xi8>) {
  ^bb0(%a: i8, %b: i8, %o0: i8, %o1: i8, %o2: i8):
    %f = arith.sitofp %a : i8 to f32
    %g = arith.sitofp %b : i8 to f32
    %d = arith.divf %f, %g : f32
    %e = arith.divf %d, %two : f32
    %both = arith.fptosi %e : f32 to i8
    %few = arith.addi %a, %a : i8
    %h = arith.divf %f, %two : f32
    %exp = math.exp %h : f32
    %k = arith.divf %exp, %two : f32
    %inexact = arith.fptosi %k : f32 to i8
    linalg.yield %both, %few, %inexact : i8, i8, i8
  } -> (tensor<?xi8>, tensor<?xi8>, tensor<?xi8>)
  return %y#0, %y#1, %y#2 : tensor<?xi8>, tensor<?xi8>, tensor<?xi8>
}
