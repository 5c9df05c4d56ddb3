// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-rank-bytes))' | FileCheck %s
// RUN: terse-opt %s --pass-pipeline='builtin.module(func.func(terse-rank-bytes,terse-rank-bytes))' | FileCheck %s

#id = affine_map<(a, b) -> (a, b)>
#row = affine_map<(a, b) -> (a)>

// One value: rank 0 for all bytes, which are in order.
// CHECK-LABEL: @reduced
// CHECK: %[[ZERO:.*]] = linalg.fill ins(%{{.*}} : i8)
// CHECK: %[[LARGEST:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<?x9xi8>) outs(%[[ZERO]] : tensor<?xi8>)
// CHECK-NOT: lookup
// CHECK: arith.maxui
// CHECK: linalg.generic {{.*}} ins(%[[LARGEST]] : tensor<?xi8>) outs(%{{.*}} : tensor<?xf32>)
// CHECK: terse_cpu.lookup
func.func @reduced(%x: tensor<?x9xi8>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %least = arith.constant 0xFF800000 : f32
  %0 = linalg.fill ins(%least : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x9xi8>) outs(%0 : tensor<?xf32>) {
  ^bb0(%in: i8, %acc: f32):
    %v = terse_cpu.lookup %in in dense<2.5> : tensor<256xf32> : i8 -> f32
    %m = arith.maximumf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// The loop in front makes ranks: of 1.0 at the first 128 bytes, 0.0 at the others.
// CHECK-LABEL: @in_front
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<?x9xi32>) outs(%{{.*}} : tensor<?x9xi8>)
// CHECK: %[[B:.*]] = arith.trunci
// CHECK: terse_cpu.lookup %[[B]] in dense<"0x01{{(01)*(00)*}}"> : tensor<256xi8> : i8 -> i8
// CHECK: arith.maxui
// CHECK: terse_cpu.lookup %{{.*}} : i8 -> f32
func.func @in_front(%x: tensor<?x9xi32>, %n: index, %out: tensor<?xf32>) -> tensor<?xf32> {
  %least = arith.constant 0xFF800000 : f32
  %e = tensor.empty(%n) : tensor<?x9xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x9xi32>) outs(%e : tensor<?x9xf32>) {
  ^bb0(%in: i32, %o: f32):
    %b = arith.trunci %in : i32 to i8
    %v = terse_cpu.lookup %b in dense<"0x0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000803f0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"> : tensor<256xf32> : i8 -> f32
    linalg.yield %v : f32
  } -> tensor<?x9xf32>
  %0 = linalg.fill ins(%least : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%f : tensor<?x9xf32>) outs(%0 : tensor<?xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %m = arith.maximumf %acc, %in : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// Left alone: NaN, perhaps no elements, and another start.
// CHECK-LABEL: @left_alone
// CHECK-NOT: maxui
// CHECK: return
func.func @left_alone(%x: tensor<?x9xi8>, %y: tensor<?x?xi8>, %out: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %least = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %0 = linalg.fill ins(%least : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x9xi8>) outs(%0 : tensor<?xf32>) {
  ^bb0(%in: i8, %acc: f32):
    %v = terse_cpu.lookup %in in dense<0x7FC00000> : tensor<256xf32> : i8 -> f32
    %m = arith.maximumf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<?x?xi8>) outs(%0 : tensor<?xf32>) {
  ^bb0(%in: i8, %acc: f32):
    %v = terse_cpu.lookup %in in dense<2.5> : tensor<256xf32> : i8 -> f32
    %m = arith.maximumf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %3 = linalg.fill ins(%zero : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  %4 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x9xi8>) outs(%3 : tensor<?xf32>) {
  ^bb0(%in: i8, %acc: f32):
    %v = terse_cpu.lookup %in in dense<2.5> : tensor<256xf32> : i8 -> f32
    %m = arith.maximumf %acc, %v : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %1, %2, %4 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
