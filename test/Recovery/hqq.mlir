// RUN: terse-opt %s --terse-hqq | FileCheck %s
// RUN: not terse-opt %s --terse-hqq="norm=2" 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: expected 0 < norm <= 1, beta > 0 and growth >= 1 (got norm = 2

// One large weight sets the scale 4, at which all others become 4. Those count more.

// CHECK-LABEL: @outlier
// CHECK: 1 = #terse.static<#terse.uniform<i2, axis = 0>, [dense<[2.{{[0-9]*}}, 1.000000e+00]> : tensor<2xf32>], origin = "hqq">
func.func @outlier(%x: tensor<1x6xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<[[4.0, 2.2, 2.2, 2.2, 2.2, 2.2], [1.0, 0.0, 1.0, 0.0, 1.0, -1.0]]> : tensor<2x6xf32>
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<i2, axis = 0>>} : (tensor<1x6xf32>, tensor<2x6xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// Zero points move, too; they stay integers.

// CHECK-LABEL: @zero_point
// CHECK: #terse.static<#terse.uniform<ui2, zero_point>, [dense<{{.*}}> : tensor<f32>, dense<{{[0-3]}}> : tensor<ui2>], origin = "hqq">
func.func @zero_point(%x: tensor<1x6xf32>) -> tensor<1x1xf32> {
  %w = nn.constant dense<[[4.0, 1.5, 1.4, 1.5, 0.1, 0.0]]> : tensor<1x6xf32>
  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = #terse.uniform<ui2, zero_point>>} : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// Only zeros keep their scale. A tensor of one element is exact.

// CHECK-LABEL: @degenerate
// CHECK: dense<1.000000e+00> : tensor<f32>
// CHECK: dense<5.000000e-01> : tensor<f32>
func.func @degenerate(%x: tensor<1x3xf32>) -> tensor<1x1xf32> {
  %z = nn.constant dense<0.0> : tensor<1x3xf32>
  %o = nn.constant dense<0.5> : tensor<1x1xf32>
  %0 = nn.linear %x, %z {terse.choice = #terse.choice<1 = #terse.uniform<i2>>} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x1xf32>
  %1 = nn.linear %0, %o {terse.choice = #terse.choice<1 = #terse.uniform<i2>>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// Left alone: computed weights, encodings with other parameters, reasons.

// CHECK-LABEL: @alone
// CHECK-NOT: hqq
func.func @alone(%x: tensor<1x2xf32>, %v: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<[[4.0, 2.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %0 = nn.linear %x, %v {terse.choice = #terse.choice<1 = #terse.uniform<i4>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = nn.linear %0, %w {terse.choice = #terse.choice<1 = #terse.codebook<ui2, table = f32>>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %2 = nn.linear %1, %w {terse.choice = #terse.choice<1 = "small">} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}
