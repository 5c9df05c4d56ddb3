// RUN: terse-opt %s --convert-tosa-to-nn --split-input-file | FileCheck %s
// RUN: terse-opt %s --convert-tosa-to-nn --split-input-file | terse-opt --convert-tosa-to-nn --split-input-file | FileCheck %s

// The example of the pass description.
// CHECK-LABEL: func.func @add(
func.func @add(%a: tensor<2x3xf32>, %b: tensor<1x3xf32>) -> tensor<2x3xf32> {
  // CHECK-NEXT: %[[R:.*]] = nn.binary add %arg0, %arg1 : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: return %[[R]]
  %0 = tosa.add %a, %b : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @chain(
func.func @chain(%x: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: nn.unary sigmoid
  // CHECK: nn.unary tanh
  // CHECK: nn.unary clamp %{{.*}} {beta = 6.000000e+00 : f64}
  // CHECK: nn.unary neg
  %0 = tosa.sigmoid %x : (tensor<?xf32>) -> tensor<?xf32>
  %1 = tosa.tanh %0 : (tensor<?xf32>) -> tensor<?xf32>
  %2 = tosa.clamp %1 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<?xf32>) -> tensor<?xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %3 = tosa.negate %2, %zp, %zp : (tensor<?xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %3 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @choose(
func.func @choose(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  // CHECK: %[[C:.*]] = nn.compare ge %arg0, %arg1
  // CHECK: %[[M:.*]] = nn.binary mul %arg0, %arg1
  // CHECK: nn.select %[[C]], %[[M]], %arg1
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.greater_equal %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
  %1 = tosa.mul %a, %b, %shift : (tensor<4xi32>, tensor<4xi32>, tensor<1xi8>) -> tensor<4xi32>
  %2 = tosa.select %0, %1, %b : (tensor<4xi1>, tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %2 : tensor<4xi32>
}

// -----

// TOSA rounds where nn.cast truncates.
// CHECK-LABEL: func.func @cast(
func.func @cast(%x: tensor<4xf32>) -> (tensor<4xi8>, tensor<4xf16>) {
  // CHECK: %[[R:.*]] = nn.unary round %arg0
  // CHECK: nn.cast %[[R]] : (tensor<4xf32>) -> tensor<4xi8>
  // CHECK: nn.cast %arg0 : (tensor<4xf32>) -> tensor<4xf16>
  %0 = tosa.cast %x : (tensor<4xf32>) -> tensor<4xi8>
  %1 = tosa.cast %x : (tensor<4xf32>) -> tensor<4xf16>
  return %0, %1 : tensor<4xi8>, tensor<4xf16>
}

// -----

// A shifting product and a rescale have no counterpart.
// CHECK-LABEL: func.func @left_alone(
func.func @left_alone(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  // CHECK: tosa.mul
  // CHECK-NOT: nn.binary
  %shift = "tosa.const"() {values = dense<3> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.mul %a, %b, %shift : (tensor<4xi32>, tensor<4xi32>, tensor<1xi8>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// CHECK-LABEL: func.func @ignores_nan(
func.func @ignores_nan(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: tosa.maximum
  %0 = tosa.maximum %a, %a {nan_mode = IGNORE} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Other dialects are not touched.
// CHECK-LABEL: func.func @no_tosa(
func.func @no_tosa(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[R:.*]] = arith.addf %arg0, %arg0
  // CHECK-NEXT: return %[[R]]
  %0 = arith.addf %a, %a : tensor<4xf32>
  return %0 : tensor<4xf32>
}
