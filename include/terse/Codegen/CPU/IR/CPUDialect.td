//===- CPUDialect.td - Dialect of CPU code generation -------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_IR_CPUDIALECT_TD
#define TERSE_CODEGEN_CPU_IR_CPUDIALECT_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def TerseCPU_Dialect : Dialect {
  let name = "terse_cpu";
  let cppNamespace = "::terse::cpu";
  let summary = "Choices of CPU code generation, written on the ops they concern, and ops that vector code needs";
  let useDefaultAttributePrinterParser = 1;
}

def TerseCPU_Kernel : I32Enum<"Kernel", "how a contraction is computed", [
  I32EnumCase<"Panel", 0, "panel">, // Vectors along the innermost dimension of the result, scalars from the other operand.
  I32EnumCase<"Dot", 1, "dot">,     // Vectors along the contracted dimension, added up at the end.
  I32EnumCase<"Product", 2, "product"> // As panel, with the operand of the vectors packed for many rows of the other.
]> {
  let cppNamespace = "::terse::cpu";
}
def TerseCPU_KernelAttr : EnumAttr<TerseCPU_Dialect, TerseCPU_Kernel, "kernel"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif
