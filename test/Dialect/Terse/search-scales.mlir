// RUN: terse-opt %s --split-input-file --terse-search-scales="steps=5 shrink=0.5" | FileCheck %s
// RUN: terse-opt %s --split-input-file --terse-search-scales="steps=1" | FileCheck %s --check-prefix=ONE
// RUN: not terse-opt %s --split-input-file --terse-search-scales="steps=0" 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: expected steps >= 1, 0 <= shrink < 1 and norm > 0 (got steps = 0

// i2 holds -2..1, so the largest magnitude 4 gives scale 4, and 2 / 4 rounds to 0: an error of 3 * 4. With 2.5 it is 3, with 2
// and 3 it is 4. The second channel is exact as it is, and the
// largest of equally good factors stays.

// CHECK-LABEL: @clip
// CHECK: 1 = #terse.static<#terse.uniform<i2, axis = 0>, [dense<[2.500000e+00, 1.000000e+00]> : tensor<2xf32>], origin = "searched">
// ONE-LABEL: @clip
// ONE: 1 = #terse.static<#terse.uniform<i2, axis = 0>, [dense<[4.000000e+00, 1.000000e+00]> : tensor<2xf32>], origin = "searched">
func.func @clip(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<[[4.0, 2.0, 2.0, 2.0], [1.0, 0.0, 1.0, 0.0]]> : tensor<2x4xf32>
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i2, axis = 0>>} : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Left alone: zero points, run-time parameters, computed weights, and a choice with given scales.

// CHECK-LABEL: @alone
// CHECK-NOT: searched
func.func @alone(%x: tensor<1x2xf32>, %v: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<[[4.0, 2.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %0 = nn.linear %x, %w {terse.choice = #terse.choice<0 = #terse.uniform<i8, dynamic>, 1 = #terse.uniform<ui4, zero_point>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = nn.linear %0, %v {terse.choice = #terse.choice<1 = #terse.uniform<i4>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %2 = nn.linear %1, %w {terse.choice = #terse.choice<1 = #terse.static<#terse.uniform<i4>, [dense<1.0> : tensor<f32>]>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}
