//===- AcmeOps.td - A dialect that knows nothing of Terse ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpBase.td"

def Acme_Dialect : Dialect {
  let name = "acme";
  let cppNamespace = "::acme";
}

def Acme_DenseOp : Op<Acme_Dialect, "dense", [Pure]> {
  let summary = "`result[n, o] = sum over i of x[n, i] * kernel[i, o]`";
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$kernel);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $kernel attr-dict `:` functional-type(operands, results)";
}
