// RUN: terse-opt %s --terse-apply-encodings --split-input-file | FileCheck %s
// Nothing is left to do for a second run.
// RUN: terse-opt %s --terse-apply-encodings --split-input-file > %t.once
// RUN: terse-opt %t.once --terse-apply-encodings --split-input-file > %t.twice
// RUN: cmp %t.once %t.twice

// max|w| of the rows: 127 and 0.5
ml_program.global private @w(dense<[[127.0, -1.0, 2.5, 3.5], [0.5, -0.5, 0.25, 0.0]]> : tensor<2x4xf32>) : tensor<2x4xf32>

// CHECK-NOT: @w(
// CHECK: ml_program.global private @w.values({{.*}}) : tensor<2x4xi8>
// CHECK: ml_program.global private @w.scales({{.*}}) : tensor<2xf32>
// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
  %w = ml_program.global_load_const @w : tensor<2x4xf32>
  // CHECK: %[[V:.*]] = ml_program.global_load_const @w.values : tensor<2x4xi8>
  // CHECK: %[[S:.*]] = ml_program.global_load_const @w.scales : tensor<2xf32>
  // CHECK: %[[W:.*]] = terse.assemble %[[V]], %[[S]] : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32, #terse.uniform<i8, axis = 0>>
  // CHECK: nn.linear %{{.*}}, %[[W]] : (tensor<1x4xf32>, tensor<2x4xf32, #terse.uniform<i8, axis = 0>>) -> tensor<1x2xf32>
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 0>>} : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
// 7f ff 02 04: 2.5 and 3.5 round to even; 7f 81 40 00: 0.25 / (0.5 / 127) = 63.5 rounds to 64.
// CHECK: w.values: "0x{{........}}7FFF02047F814000"

// -----

ml_program.global private @w(dense<1.0> : tensor<4x4xf32>) : tensor<4x4xf32>

// Uses that share an encoding share the result; other uses keep the original. Reasons stay.
// CHECK: @w.values({{.*}}) : tensor<4x4xi8>
// CHECK: @w.values_0({{.*}}) : tensor<4x4xi4>
// CHECK: @w(dense<1.000000e+00>
// CHECK-LABEL: func.func @shared
func.func @shared(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x4xf32>
  // CHECK: %[[W4:.*]] = terse.assemble {{.*}} -> tensor<4x4xf32, #terse.uniform<i4>>
  // CHECK: %[[W8:.*]] = terse.assemble {{.*}} -> tensor<4x4xf32, #terse.uniform<i8>>
  // CHECK: nn.linear %{{.*}}, %[[W8]]
  %0 = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8>>} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  // CHECK: nn.linear %{{.*}}, %[[W4]]
  %1 = nn.linear %0, %w {terse.choice = #terse.choice<1 = #terse.uniform<i4>>} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  // CHECK: nn.linear %{{.*}}, %[[W8]]
  %2 = nn.linear %1, %w {terse.choice = #terse.choice<1 = #terse.uniform<i8>>} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  // CHECK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "why not">}
  %3 = nn.linear %2, %w {terse.choice = #terse.choice<1 = "why not">} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  return %3 : tensor<1x4xf32>
}

// -----

// A small constant that is no global becomes globals as well; computed operands are encoded where
// they are computed, once for all users.
// CHECK: ml_program.global private @k.values({{.*}}) : tensor<2x2xi8>
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: %[[X:.*]] = terse.encode %{{.*}} : tensor<?x2xf32> -> tensor<?x2xf32, #terse.uniform<i8, block = [1, ?], dynamic>>
  // CHECK-NOT: terse.encode
  %k = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> loc("k")
  // CHECK: nn.linear %[[X]]
  %0 = nn.linear %x, %k {terse.choice = #terse.choice<0 = #terse.uniform<i8, block = [1, ?], dynamic>, 1 = #terse.uniform<i8>>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // CHECK: nn.linear %[[X]]
  %1 = nn.linear %x, %k {terse.choice = #terse.choice<0 = #terse.uniform<i8, block = [1, ?], dynamic>>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

ml_program.global private @w(dense<1.0> : tensor<4x4xf32>) : tensor<4x4xf32>

// An op that does not take the encoded type gets the decoded tensor.
// CHECK-LABEL: func.func @refused
func.func @refused() -> tensor<4x4xf32> {
  %w = ml_program.global_load_const @w : tensor<4x4xf32>
  // CHECK: %[[W:.*]] = terse.assemble
  // CHECK: %[[D:.*]] = terse.decode %[[W]]
  // CHECK: return %[[D]]
  return {terse.choice = #terse.choice<0 = #terse.uniform<i8>>} %w : tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_to_do
// CHECK-NEXT: nn.linear
func.func @nothing_to_do(%x: tensor<1x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x4xf32> {
  %0 = nn.linear %x, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}
