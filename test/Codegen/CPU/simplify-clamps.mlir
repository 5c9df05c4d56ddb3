// RUN: terse-opt %s --terse-simplify-clamps --canonicalize | FileCheck %s

// Rounded, clamped to i8 and converted with saturation: one comparison is left, for NaN.
// CHECK-LABEL: @quantize
// CHECK: arith.cmpf ogt
// CHECK-NEXT: %[[HIGH:.*]] = arith.select
// CHECK-NEXT: %[[NUMBER:.*]] = arith.cmpf ord, %[[HIGH]], %[[HIGH]]
// CHECK-NEXT: %[[VALUE:.*]] = arith.select %[[NUMBER]], %[[HIGH]], %{{.*}} : f32
// CHECK-NEXT: %[[I:.*]] = arith.fptosi %[[VALUE]]
// CHECK-NEXT: return %[[I]]
func.func @quantize(%x: f32) -> i8 {
  %low = arith.constant -1.280000e+02 : f32
  %high = arith.constant 1.270000e+02 : f32
  %end = arith.constant 1.280000e+02 : f32
  %zero = arith.constant 0.000000e+00 : f32
  %min = arith.constant -128 : i8
  %max = arith.constant 127 : i8
  %r = math.roundeven %x : f32
  %c0 = arith.cmpf olt, %r, %low : f32
  %a = arith.select %c0, %low, %r : f32
  %c1 = arith.cmpf ogt, %a, %high : f32
  %b = arith.select %c1, %high, %a : f32
  %c2 = arith.cmpf olt, %b, %end : f32
  %c3 = arith.cmpf oge, %b, %low : f32
  %c4 = arith.andi %c2, %c3 : i1
  %v = arith.select %c4, %b, %zero : f32
  %i = arith.fptosi %v : f32 to i8
  %c5 = arith.cmpf olt, %b, %low : f32
  %j = arith.select %c5, %min, %i : i8
  %c6 = arith.cmpf oge, %b, %end : f32
  %k = arith.select %c6, %max, %j : i8
  return %k : i8
}

// The clamp is wider than the comparison: nothing is known.
// CHECK-LABEL: @wider
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf olt
func.func @wider(%x: f32) -> i1 {
  %low = arith.constant -2.000000e+02 : f32
  %end = arith.constant -1.280000e+02 : f32
  %c0 = arith.cmpf olt, %x, %low : f32
  %a = arith.select %c0, %low, %x : f32
  %c1 = arith.cmpf olt, %a, %end : f32
  return %c1 : i1
}

// Not a clamp: the other value is chosen.
// CHECK-LABEL: @notClamp
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf olt
func.func @notClamp(%x: f32) -> i1 {
  %low = arith.constant 1.000000e+00 : f32
  %end = arith.constant 0.000000e+00 : f32
  %c0 = arith.cmpf olt, %x, %low : f32
  %a = arith.select %c0, %x, %low : f32
  %c1 = arith.cmpf olt, %a, %end : f32
  return %c1 : i1
}
