//===- HalfQuadratic.h - HQQ ------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_RECOVERY_HALFQUADRATIC_H
#define TERSE_LIB_RECOVERY_HALFQUADRATIC_H

namespace terse {

/// The part of an error x that is put up with, so that |e|^norm + beta / 2 (e - x)^2 is small:
/// sign(x) max(0, |x| - |x|^(norm - 1) / beta).
double shrinkError(double x, double norm, double beta);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_HALFQUADRATIC_H
