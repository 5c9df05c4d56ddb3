// RUN: terse-opt %s --terse-choose-encodings --terse-choose-activation-encodings=method=min-max | FileCheck %s
// RUN: terse-opt %s --terse-choose-encodings "--terse-choose-activation-encodings=method=moving-average activation-type=i8 symmetric=true" \
// RUN:   | FileCheck %s --check-prefix=AVERAGE
// RUN: terse-opt %s --terse-choose-encodings "--terse-choose-activation-encodings=method=percentile percentile=75" | FileCheck %s --check-prefix=PERCENTILE
// RUN: terse-opt %s --terse-choose-encodings "--terse-choose-activation-encodings=except-layers=fc" | FileCheck %s --check-prefix=EXCEPT
// RUN: terse-opt %s --terse-choose-activation-encodings | FileCheck %s --check-prefix=WEIGHTS
// RUN: terse-opt %s --terse-choose-encodings --terse-search-scales --terse-choose-activation-encodings=method=min-max | FileCheck %s --check-prefix=SEARCHED
// RUN: not terse-opt %s --terse-choose-activation-encodings=activation-type=i16 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: not terse-opt %s "--terse-choose-activation-encodings=activation-type=ui8 symmetric=true" 2>&1 | FileCheck %s --check-prefix=SIGN
// RUN: not terse-opt %s --terse-choose-activation-encodings=percentile=20 2>&1 | FileCheck %s --check-prefix=SHARE

// The range [-1, 4] has 255 steps of 5/255; 0 is at 51. The clamped result keeps its own range. The bias gets the scale of the
// products.

// CHECK-LABEL: @linear
// CHECK-NOT: terse.observe
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.0196078438> : tensor<f32>, dense<51> : tensor<ui8>], origin = "min-max of 2 samples of 'x'
// CHECK-SAME: 1 = #terse.uniform<i8, axis = 0>
// CHECK-SAME: 2 = #terse.product<#terse.uniform<i32, axis = 0>>
// CHECK: nn.unary relu
// CHECK-NOT: terse.choice
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.00784313772> : tensor<f32>, dense<0> : tensor<ui8>]
// AVERAGE-LABEL: @linear
// AVERAGE: #terse.static<#terse.uniform<i8>, [dense<0.0236220472> : tensor<f32>]
// PERCENTILE-LABEL: @linear
// PERCENTILE: #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.00588235306> : tensor<f32>, dense<0> : tensor<ui8>]
// EXCEPT-LABEL: @linear
// EXCEPT: nn.linear
// EXCEPT-SAME: #terse.static
// EXCEPT: nn.linear
// EXCEPT-NOT: #terse.static
// EXCEPT: return
// Scales of the weight may be given already.
// SEARCHED-LABEL: @linear
// SEARCHED: nn.linear
// SEARCHED-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>
// SEARCHED-SAME: 1 = #terse.static<#terse.uniform<i8, axis = 0>, {{.*}}origin = "searched">
// SEARCHED-SAME: 2 = #terse.product<#terse.uniform<i32, axis = 0>>
// WEIGHTS-LABEL: @linear
// WEIGHTS: 0 = "float: its weight is not to be stored as integers"
// WIDE: option activation-type: expected i4 to i8 or ui4 to ui8 (got 'i16')
// SIGN: option symmetric: expected a signed activation-type (got 'ui8')
// SHARE: option percentile: expected more than 50 and at most 100
func.func @linear(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %b = nn.constant dense<[0.5, -0.5]> : tensor<2xf32>
  %0 = terse.observe %x "x" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [-1.0, 4.0, -0.5, 3.0], exponent = -1, first = -2, counts = [1, 0, 2, 2, 1, 1, 0, 0, 0, 0, 1]>} : tensor<8x2xf32>
  %1 = nn.linear %0, %w, %b : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<8x2xf32>
  %2 = nn.unary relu %1 : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %3 = terse.observe %2 "relu" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 0,
    range = [0.0, 2.0, 0.0, 2.0], exponent = -1, first = 0, counts = [4, 1, 1, 1, 1]>} : tensor<8x2xf32>
  %4 = nn.linear %3, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32> loc("fc")
  return %4 : tensor<8x2xf32>
}

// Without statistics, and with values that are no numbers, ops stay in float and say why; so do ops without an integer form.

// CHECK-LABEL: @reasons
// CHECK: nn.linear
// CHECK-SAME: 0 = "float: there are no statistics of its data"
// CHECK: nn.linear
// CHECK-SAME: 0 = "float: calibration saw 3 values of 'bad' that are no finite numbers"
// CHECK: nn.softmax
// CHECK-SAME: 0 = "float: exponentials and their sum are computed in float"
func.func @reasons(%x: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>) {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %0 = nn.linear %x, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %1 = terse.observe %0 "bad" histogram {terse.statistics = #terse.statistics<samples = 2, elements = 8, non_finite = 3,
    range = [0.0, 2.0, 0.0, 2.0], exponent = -1, first = 0, counts = [4, 1]>} : tensor<8x2xf32>
  %2 = nn.linear %1, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %3 = nn.softmax %2 {axis = 1 : i64} : (tensor<8x2xf32>) -> tensor<8x2xf32>
  return %2, %3 : tensor<8x2xf32>, tensor<8x2xf32>
}

// What is only moved shares parameters; a range of zeros has scale 1.

// CHECK-LABEL: @shared
// CHECK: nn.concat
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.0156862754> : tensor<f32>, dense<0> : tensor<ui8>]
// CHECK-SAME: 1 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.0156862754> : tensor<f32>, dense<0> : tensor<ui8>]
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.0156862754> : tensor<f32>, dense<0> : tensor<ui8>]
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static<#terse.uniform<ui8, zero_point>, [dense<1.000000e+00> : tensor<f32>, dense<0> : tensor<ui8>]
func.func @shared(%x: tensor<8x1xf32>, %y: tensor<8x1xf32>, %z: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x2xf32>) {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %0 = terse.observe %x "x" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 8, non_finite = 0,
    range = [0.0, 2.0, 0.0, 2.0], exponent = -160, first = 0>} : tensor<8x1xf32>
  %1 = terse.observe %y "y" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 8, non_finite = 0,
    range = [0.0, 4.0, 0.0, 4.0], exponent = -160, first = 0>} : tensor<8x1xf32>
  %2 = nn.concat %0, %1 {axis = 1 : i64} : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x2xf32>
  %3 = terse.observe %2 "c" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 4.0, 0.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %4 = nn.linear %3, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %5 = terse.observe %z "z" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 0.0, 0.0, 0.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %6 = nn.linear %5, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %4, %6 : tensor<8x2xf32>, tensor<8x2xf32>
}

// A softmax that is written out stays in float, with what is computed for it alone; the layer before it does not.

// CHECK-LABEL: @written_out
// CHECK: nn.linear
// CHECK-SAME: 0 = #terse.static
// CHECK: nn.reduce max
// CHECK-SAME: "float: rounding errors would grow here"
// CHECK: nn.binary sub
// CHECK-SAME: "float: rounding errors would grow here"
// CHECK: nn.unary exp
// CHECK-SAME: "float: rounding errors would grow here"
func.func @written_out(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = nn.constant dense<[[1.0, -1.0], [2.0, 0.5]]> : tensor<2x2xf32>
  %0 = terse.observe %x "x" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 4.0, 0.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %1 = nn.linear %0, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  %2 = terse.observe %1 "y" min_max {terse.statistics = #terse.statistics<samples = 1, elements = 16, non_finite = 0,
    range = [0.0, 4.0, 0.0, 4.0], exponent = -160, first = 0>} : tensor<8x2xf32>
  %3 = nn.reduce max %2 {axes = array<i64: 1>, keepdims = true} : (tensor<8x2xf32>) -> tensor<8x1xf32>
  %4 = nn.binary sub %2, %3 : (tensor<8x2xf32>, tensor<8x1xf32>) -> tensor<8x2xf32>
  %5 = nn.unary exp %4 : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %6 = nn.reduce sum %5 {axes = array<i64: 1>, keepdims = true} : (tensor<8x2xf32>) -> tensor<8x1xf32>
  %7 = nn.binary div %5, %6 : (tensor<8x2xf32>, tensor<8x1xf32>) -> tensor<8x2xf32>
  return %7 : tensor<8x2xf32>
}
