//===- Functions.h - Functions of f32 and f64 -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f32 has the algorithms of Numerics, which native code carries out as well. f64, and what is not
// among them, comes from the C library on both sides.

#ifndef TERSE_LIB_REFERENCE_FUNCTIONS_H
#define TERSE_LIB_REFERENCE_FUNCTIONS_H

#include "terse/Numerics/Elementary.h"

namespace terse::reference {

inline float exp(float x) { return numerics::exp(x); }
inline double exp(double x) { return std::exp(x); }
inline float expm1(float x) { return numerics::expm1(x); }
inline double expm1(double x) { return std::expm1(x); }
inline float log(float x) { return numerics::log(x); }
inline double log(double x) { return std::log(x); }
inline float log1p(float x) { return numerics::log1p(x); }
inline double log1p(double x) { return std::log1p(x); }
inline float tanh(float x) { return numerics::tanh(x); }
inline double tanh(double x) { return std::tanh(x); }
inline float erf(float x) { return numerics::erf(x); }
inline double erf(double x) { return std::erf(x); }

/// Squares and roots are what compilers make of powers with such constants.
template <typename T>
T pow(T x, T y) {
  if (y == 2)
    return x * x;
  if (y == T(0.5))
    return std::isinf(x) ? std::fabs(x) : std::fabs(std::sqrt(x));
  return std::pow(x, y);
}

} // namespace terse::reference

#endif // TERSE_LIB_REFERENCE_FUNCTIONS_H
