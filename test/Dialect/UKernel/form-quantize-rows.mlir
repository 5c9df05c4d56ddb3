// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form-quantize-rows))' | FileCheck %s
// RUN: terse-opt %s -pass-pipeline='builtin.module(func.func(ukernel-form-quantize-rows,ukernel-form-quantize-rows))' | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>

// A scale per row.
// CHECK-LABEL: @rounded
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} into %{{.*}} : memref<3x200xf32> by memref<3xf32> into memref<3x200xi8>
// CHECK-NOT: linalg.generic
func.func @rounded(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// A zero point that is known is part of the bounds.
// CHECK-LABEL: @constant_zero
// CHECK: %[[ZERO:.*]] = arith.constant 8.000000e+00 : f32
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} plus %[[ZERO]] into %{{.*}} {out_unsigned}
// CHECK-NOT: linalg.generic
func.func @constant_zero(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -8.0 : f32
  %high = arith.constant 247.0 : f32
  %zp = arith.constant 8 : i32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %shifted = arith.addi %8, %zp : i32
    %9 = arith.trunci %shifted : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// One scale for all.
// CHECK-LABEL: @constant_scale
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} into %{{.*}} : memref<3x200xf32> by f32 into memref<3x200xi8>
// CHECK-NOT: linalg.generic
func.func @constant_scale(%x: memref<3x200xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %scale = arith.constant 0.5 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<3x200xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %c: i8):
    %0 = arith.divf %a, %scale : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// Zero points that are computed at run time.
// CHECK-LABEL: @variable_zero
// CHECK: ukernel.quantize_rows %{{.*}} by %{{.*}} plus %{{.*}} into %{{.*}} {out_unsigned} : memref<3x200xf32> by memref<3xf32> plus memref<3xf32> into memref<3x200xi8>
// CHECK-NOT: linalg.generic
func.func @variable_zero(%x: memref<3x200xf32>, %s: memref<3xf32>, %z: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %z : memref<3x200xf32>, memref<3xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %p: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf oeq, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.addf %3, %p : f32
    %5 = arith.cmpf olt, %4, %zero : f32
    %6 = arith.select %5, %zero, %4 : f32
    %7 = arith.cmpf ogt, %6, %high : f32
    %8 = arith.select %7, %high, %6 : f32
    %9 = arith.cmpf ord, %8, %8 : f32
    %10 = arith.select %9, %8, %zero : f32
    %11 = arith.fptoui %10 : f32 to i8
    linalg.yield %11 : i8
  }
  return
}

// Another bound than that of bytes.
// CHECK-LABEL: @narrow
// CHECK-NOT: ukernel.quantize_rows
// CHECK: linalg.generic
func.func @narrow(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -127.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// Where NaN is not replaced.
// CHECK-LABEL: @nan
// CHECK-NOT: ukernel.quantize_rows
// CHECK: linalg.generic
func.func @nan(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %high : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// A scale for each column.
// CHECK-LABEL: @columns
// CHECK-NOT: ukernel.quantize_rows
// CHECK: linalg.generic
func.func @columns(%x: memref<3x200xf32>, %s: memref<200xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<200xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// Results that do not lie side by side.
// CHECK-LABEL: @strided
// CHECK-NOT: ukernel.quantize_rows
// CHECK: linalg.generic
func.func @strided(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8, strided<[400, 2]>>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8, strided<[400, 2]>>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    linalg.yield %9 : i8
  }
  return
}

// Rounding and something else.
// CHECK-LABEL: @fused
// CHECK-NOT: ukernel.quantize_rows
// CHECK: linalg.generic
func.func @fused(%x: memref<3x200xf32>, %s: memref<3xf32>, %y: memref<3x200xi8>) {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %magic = arith.constant 0x4B400000 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<3x200xf32>, memref<3xf32>) outs(%y : memref<3x200xi8>) {
  ^bb0(%a: f32, %b: f32, %c: i8):
    %0 = arith.divf %a, %b : f32
    %1 = arith.cmpf ord, %0, %0 : f32
    %2 = arith.select %1, %0, %zero : f32
    %3 = arith.cmpf olt, %2, %low : f32
    %4 = arith.select %3, %low, %2 : f32
    %5 = arith.cmpf ogt, %4, %high : f32
    %6 = arith.select %5, %high, %4 : f32
    %7 = arith.addf %6, %magic : f32
    %8 = arith.bitcast %7 : f32 to i32
    %9 = arith.trunci %8 : i32 to i8
    %10 = arith.addi %9, %9 : i8
    linalg.yield %10 : i8
  }
  return
}
