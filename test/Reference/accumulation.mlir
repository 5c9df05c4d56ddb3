// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: not terse-opt %s --terse-interpret=f64-accumulation=false 2>&1 | FileCheck %s

// 2^24 + 1 + 1: in f32 every addition of 1 rounds back.
// CHECK: expected 16777218 at [0, 0] (got 16777216)
func.func @needs_f64() {
  %a = nn.constant dense<[[16777216.0, 1.0, 1.0]]> : tensor<1x3xf32>
  %b = nn.constant dense<1.0> : tensor<1x3xf32>
  %y = nn.linear %a, %b : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x1xf32>
  %e = nn.constant dense<16777218.0> : tensor<1x1xf32>
  check.expect_eq %y, %e : tensor<1x1xf32>, tensor<1x1xf32>
  return
}
