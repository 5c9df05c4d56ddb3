// RUN: rm -rf %t && mkdir -p %t
// RUN: split-file %s %t
// RUN: terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/good.json isa=avx512vnni}))' | FileCheck %t/kernel.mlir
// RUN: not terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/good.json isa=avx2}))' 2>&1 | FileCheck %t/kernel.mlir --check-prefix=TARGET
// RUN: not terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/depth.json isa=avx512vnni}))' 2>&1 | FileCheck %t/kernel.mlir --check-prefix=DEPTH
// RUN: not terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/other.json isa=avx512vnni}))' 2>&1 | FileCheck %t/kernel.mlir --check-prefix=OTHER
// RUN: not terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/text.json isa=avx512vnni}))' 2>&1 | FileCheck %t/kernel.mlir --check-prefix=TEXT
// RUN: not terse-opt %t/kernel.mlir --pass-pipeline='builtin.module(func.func(ukernel-apply-tuning{file=%t/none.json isa=avx512vnni}))' 2>&1 | FileCheck %t/kernel.mlir --check-prefix=NONE

//--- kernel.mlir
// CHECK: ukernel.gemm {{.*}}schedule = #ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 4, align = 4, block = 60>
// TARGET: error: '{{.*}}good.json': the schedule of 'gemm 9x6xi8 unsigned, 50x6xi8 -> 9x50xi32' does not fit: 'avx512vnni' are not instructions of the target for these types; remove it from the file to measure again
// DEPTH: does not fit: expected depth 4 and align 4
// OTHER: error: '{{.*}}other.json': not a file of tuned kernels
// TEXT: does not fit: not a schedule
// NONE: error: '{{.*}}none.json': No such file
func.func @gemm(%x: tensor<9x6xi8>, %w: tensor<50x6xi8>, %init: tensor<9x50xi32>) -> tensor<9x50xi32> {
  %0 = ukernel.gemm %x, %w into %init {extra_maps = [], lhs_unsigned}
    : tensor<9x6xi8>, tensor<50x6xi8> into tensor<9x50xi32> -> tensor<9x50xi32> epilogue {
  ^bb0(%sum: i32):
    ukernel.yield %sum : i32
  }
  return %0 : tensor<9x50xi32>
}

//--- good.json
{"terse_tuning": 1, "features": "", "kernels": {
  "gemm 9x6xi8 unsigned, 50x6xi8 -> 9x50xi32": "#ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 4, align = 4, block = 60>"}}
//--- depth.json
{"terse_tuning": 1, "features": "", "kernels": {
  "gemm 9x6xi8 unsigned, 50x6xi8 -> 9x50xi32": "#ukernel.schedule<avx512vnni, rows = 6, columns = 64, depth = 2, align = 2, block = 60>"}}
//--- text.json
{"terse_tuning": 1, "features": "", "kernels": {"gemm 9x6xi8 unsigned, 50x6xi8 -> 9x50xi32": "42 : i32"}}
//--- other.json
{"terse_bench": 1}
