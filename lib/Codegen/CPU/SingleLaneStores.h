//===- SingleLaneStores.h - Masked stores of one element ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_SINGLELANESTORES_H
#define TERSE_LIB_CODEGEN_CPU_SINGLELANESTORES_H

namespace llvm {
class Module;
}

namespace terse {

/// Turns masked stores of integers whose constant mask has one lane into stores of that element.
/// Must follow all optimizations. LLVM 22 does the same when it selects instructions for x86, but
/// not rightly where it has made a truncation part of the store: it writes all bytes of the element
/// that was truncated.
void lowerSingleLaneStores(llvm::Module &module);

} // namespace terse

#endif
