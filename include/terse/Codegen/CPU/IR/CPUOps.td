//===- CPUOps.td - Ops of CPU code generation ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_IR_CPUOPS_TD
#define TERSE_CODEGEN_CPU_IR_CPUOPS_TD

include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Codegen/CPU/IR/CPUDialect.td"

def TerseCPU_LookupOp : Op<TerseCPU_Dialect, "lookup", !listconcat(ElementwiseMappable.traits, [Pure])> {
  let summary = "entry of a table of 256";
  let description = [{
    `result = table[index]`, where the bits of `index` count as an unsigned number; elementwise on vectors.

    (C1) `table` is 1-D, has 256 entries and the element type of `result`.
    (C2) `result` has the shape of `index`.
  }];
  let arguments = (ins AnyTypeOf<[I8, VectorOfNonZeroRankOf<[I8]>]>:$index, ElementsAttr:$table);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$index `in` $table attr-dict `:` type($index) `->` type($result)";
  let hasVerifier = 1;
}

#endif
