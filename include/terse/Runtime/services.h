//===- services.h - The loader's side of the native interface --------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For loaders of code objects other than terse_model_load, such as the JIT.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RUNTIME_SERVICES_H
#define TERSE_RUNTIME_SERVICES_H

#include "terse/Runtime/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The services that this library offers to compiled code. Parallel loops run in the OpenMP library
/// that the process has, else in the first that can be loaded, else in the calling thread.
const terse_services *terse_default_services(void);

/// Threads that parallel loops started by the calling thread use from now on; 0: OpenMP's default.
/// Returns the value until now.
int32_t terse_set_thread_count(int32_t threads);

/// 1 when the CPU and the operating system offer the feature with this LLVM name, 0 when they do
/// not, -1 when this library does not know the name. Features that the environment
/// variable TERSE_EMULATED_FEATURES lists ("amx-tile,amx-int8") count as offered: for emulators;
/// elsewhere the process ends at the first such instruction.
int terse_cpu_has_feature(const char *name);

#ifdef __cplusplus
}
#endif

#endif // TERSE_RUNTIME_SERVICES_H
