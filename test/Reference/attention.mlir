// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-decompose --terse-interpret -o /dev/null

// Equal scores average the values; causally the first query sees the first value only.
func.func @causal() {
  %q = nn.constant dense<0.0> : tensor<1x1x2x1xf32>
  %v = nn.constant dense<[[[[2.0], [4.0]]]]> : tensor<1x1x2x1xf32>
  %y = nn.attention %q, %q, %v {scale = 1.0} : (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>) -> tensor<1x1x2x1xf32>
  %e = nn.constant dense<[[[[3.0], [3.0]]]]> : tensor<1x1x2x1xf32>
  check.expect_close %y, %e : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>
  %c = nn.attention %q, %q, %v {scale = 1.0, causal = true} : (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>) -> tensor<1x1x2x1xf32>
  %ce = nn.constant dense<[[[[2.0], [3.0]]]]> : tensor<1x1x2x1xf32>
  check.expect_close %c, %ce : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>
  return
}

// Scores 0 and ln 3: weights 1/4 and 3/4. The boolean mask hides the second key.
func.func @masks_and_grouped_heads() {
  %q = nn.constant dense<1.0> : tensor<1x2x1x1xf32>
  %k = nn.constant dense<[[[[0.0], [1.09861229]]]]> : tensor<1x1x2x1xf32>
  %v = nn.constant dense<[[[[4.0, 0.0], [8.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %mask = nn.constant dense<[[[[true, true]], [[true, false]]]]> : tensor<1x2x1x2xi1>
  %y = nn.attention %q, %k, %v, %mask {scale = 1.0} : (tensor<1x2x1x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x2xf32>, tensor<1x2x1x2xi1>) -> tensor<1x2x1x2xf32>
  %e = nn.constant dense<[[[[7.0, 3.0]], [[4.0, 0.0]]]]> : tensor<1x2x1x2xf32>
  check.expect_close %y, %e : tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>
  %bias = nn.constant dense<[1.09861229, 0.0]> : tensor<2xf32>
  %z = nn.attention %q, %k, %v, %bias {scale = 1.0} : (tensor<1x2x1x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x2xf32>, tensor<2xf32>) -> tensor<1x2x1x2xf32>
  %ze = nn.constant dense<[[[[6.0, 2.0]], [[6.0, 2.0]]]]> : tensor<1x2x1x2xf32>
  check.expect_close %z, %ze : tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>
  return
}

// A row without any key to attend to is 0.
func.func @masked_row() {
  %q = nn.constant dense<1.0> : tensor<1x1x2x1xf32>
  %v = nn.constant dense<[[[[2.0], [4.0]]]]> : tensor<1x1x2x1xf32>
  %mask = nn.constant dense<[[true, true], [false, false]]> : tensor<2x2xi1>
  %y = nn.attention %q, %q, %v, %mask {scale = 1.0} : (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<2x2xi1>) -> tensor<1x1x2x1xf32>
  %e = nn.constant dense<[[[[3.0], [0.0]]]]> : tensor<1x1x2x1xf32>
  check.expect_close %y, %e : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>
  return
}

// softcap * tanh(2 / softcap) with a cap of 2 is 2 tanh(1) = 1.5231884.
func.func @softcap() {
  %q = nn.constant dense<2.0> : tensor<1x1x1x1xf64>
  %k = nn.constant dense<[[[[0.0], [1.0]]]]> : tensor<1x1x2x1xf64>
  %v = nn.constant dense<[[[[0.0], [1.0]]]]> : tensor<1x1x2x1xf64>
  %y = nn.attention %q, %k, %v {scale = 1.0, softcap = 2.0} : (tensor<1x1x1x1xf64>, tensor<1x1x2x1xf64>, tensor<1x1x2x1xf64>) -> tensor<1x1x1x1xf64>
  %e = nn.constant dense<0.8210074> : tensor<1x1x1x1xf64>
  check.expect_close %y, %e : tensor<1x1x1x1xf64>, tensor<1x1x1x1xf64>
  return
}

func.func @rotary() {
  %x = nn.constant dense<[[[[1.0, 2.0, 3.0, 4.0, 5.0]]]]> : tensor<1x1x1x5xf32>
  %cos = nn.constant dense<[[[0.0, 1.0]]]> : tensor<1x1x2xf32>
  %sin = nn.constant dense<[[[1.0, 0.0]]]> : tensor<1x1x2xf32>
  %y = nn.rotary_embedding %x, %cos, %sin : (tensor<1x1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x1x1x5xf32>
  %e = nn.constant dense<[[[[-3.0, 2.0, 1.0, 4.0, 5.0]]]]> : tensor<1x1x1x5xf32>
  check.expect_eq %y, %e : tensor<1x1x1x5xf32>, tensor<1x1x1x5xf32>
  %z = nn.rotary_embedding %x, %cos, %sin {interleaved = true} : (tensor<1x1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x1x1x5xf32>
  %ze = nn.constant dense<[[[[-2.0, 1.0, 3.0, 4.0, 5.0]]]]> : tensor<1x1x1x5xf32>
  check.expect_eq %z, %ze : tensor<1x1x1x5xf32>, tensor<1x1x1x5xf32>
  return
}
