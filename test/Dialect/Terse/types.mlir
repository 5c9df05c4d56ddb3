// RUN: terse-opt %s --allow-unregistered-dialect --verify-roundtrip | FileCheck %s
// RUN: terse-opt %s --allow-unregistered-dialect --emit-bytecode | terse-opt --allow-unregistered-dialect | FileCheck %s
// RUN: terse-opt %s --allow-unregistered-dialect --canonicalize --cse --inline --symbol-dce | FileCheck %s --check-prefix=PASSES

// Encoded tensors go wherever tensors go: function boundaries, calls, block arguments, structured
// control flow; through text and bytecode, and through upstream passes.

#e = #terse.uniform<i4, block = [1, 32], scale = #terse.uniform<ui8, axis = 0, scale = f16>>
!w = tensor<64x?xf32, #e>

// CHECK: func.func private @callee(tensor<64x?xf32, [[E:#terse.uniform<i4, block = \[1, 32\], scale = #terse.uniform<ui8, axis = 0, scale = f16>>]]>) -> tensor<64x?xf32, [[E]]>
func.func private @callee(!w) -> !w

// CHECK-LABEL: func.func @call
// CHECK: call @callee(%{{.*}}) : (tensor<64x?xf32, #terse.uniform<{{.*}}>>) -> tensor<64x?xf32, #terse.uniform<{{.*}}>>
func.func @call(%w: !w) -> !w {
  %0 = func.call @callee(%w) : (!w) -> !w
  return %0 : !w
}

func.func private @identity(%w: !w) -> !w {
  return %w : !w
}

// CHECK-LABEL: func.func @inlined
// PASSES-LABEL: func.func @inlined
// PASSES-SAME: %[[W:.*]]: tensor<
// PASSES-NEXT: return %[[W]]
func.func @inlined(%w: !w) -> !w {
  %0 = func.call @identity(%w) : (!w) -> !w
  return %0 : !w
}

// CHECK-LABEL: func.func @for
// PASSES-LABEL: func.func @for
func.func @for(%w: !w, %n: index) -> !w {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}) -> (tensor<64x?xf32, #terse.uniform<{{.*}}>>)
  // PASSES: scf.for {{.*}} -> (tensor<64x?xf32, #terse.uniform<{{.*}}>>)
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %w) -> !w {
    %1 = func.call @callee(%a) : (!w) -> !w
    scf.yield %1 : !w
  }
  return %0 : !w
}

// CHECK-LABEL: func.func @if
func.func @if(%c: i1, %w: !w) -> !w {
  // CHECK: scf.if %{{.*}} -> (tensor<64x?xf32, #terse.uniform<{{.*}}>>)
  %0 = scf.if %c -> !w {
    %1 = func.call @callee(%w) : (!w) -> !w
    scf.yield %1 : !w
  } else {
    scf.yield %w : !w
  }
  return %0 : !w
}

// CHECK-LABEL: func.func @while
func.func @while(%w: !w) -> !w {
  // CHECK: scf.while (%{{.*}} = %{{.*}}) : (tensor<64x?xf32, #terse.uniform<{{.*}}>>) -> tensor<64x?xf32, #terse.uniform<{{.*}}>>
  %0 = scf.while (%a = %w) : (!w) -> !w {
    %c = "test.condition"(%a) : (!w) -> i1
    scf.condition(%c) %a : !w
  } do {
  ^bb0(%b: !w):
    %1 = func.call @callee(%b) : (!w) -> !w
    scf.yield %1 : !w
  }
  return %0 : !w
}

// CHECK-LABEL: func.func @branch
func.func @branch(%c: i1, %v: !w, %w: !w) -> !w {
  cf.cond_br %c, ^bb1(%v : !w), ^bb1(%w : !w)
// CHECK: ^bb1(%{{.*}}: tensor<64x?xf32, #terse.uniform<{{.*}}>>):
^bb1(%a: !w):
  return %a : !w
}

// An op is written on logical values; the encoding of an operand changes nothing else.
// CHECK-LABEL: func.func @operand
func.func @operand(%x: tensor<2x32xf32>, %w: tensor<64x32xf32, #terse.uniform<i4, axis = 0>>) -> tensor<2x64xf32> {
  // CHECK: nn.linear %{{.*}}, %{{.*}} : (tensor<2x32xf32>, tensor<64x32xf32, #terse.uniform<i4, axis = 0>>) -> tensor<2x64xf32>
  %0 = nn.linear %x, %w : (tensor<2x32xf32>, tensor<64x32xf32, #terse.uniform<i4, axis = 0>>) -> tensor<2x64xf32>
  return %0 : tensor<2x64xf32>
}
