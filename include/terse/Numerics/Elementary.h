//===- Elementary.h - exp, log, tanh, erf in f32 ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One algorithm for each function, as a sequence of IEEE operations, so that everybody who carries
// it out gets the same bits: the interpreter on numbers, the code generator on vectors of code.
// What carries it out is the parameter `A`, an arithmetic:
//
//   Float, Bits, Bool               f32, i32 of the same width, a condition
//   c(float), bits(int32_t)         constants
//   add sub mul div fma neg abs     rounded once each, to nearest
//   lt(x, y), eq(x, y)              false on NaN
//   select(p, x, y)                 x if p, else y; of Floats
//   copySign(x, sign)
//   toBits fromBits toFloat         reinterpretation, and conversion of Bits to Float
//   addBits subBits shl shr         modulo 2^32; shr copies the sign
//
// A NaN gives a NaN. Polynomials are minimax fits of the exact functions (Remez exchange, computed
// with 40 digits for this header). The largest errors found are in docs/Numerics.md.
//
// The reductions are the usual ones: J.-M. Muller, "Elementary Functions" (2016), chapters 9 to 11;
// the constant that splits ln 2 is after Cody and Waite, "Software Manual for the Elementary
// Functions" (1980).
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_ELEMENTARY_H
#define TERSE_NUMERICS_ELEMENTARY_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

namespace terse::numerics {

namespace detail {
// c0 + c1 x + ... by Horner's rule, constant first.
template <typename A>
typename A::Float polynomial(const A &a, typename A::Float x, std::initializer_list<float> c) {
  const float *last = c.end() - 1;
  typename A::Float y = a.c(*last);
  while (last != c.begin())
    y = a.fma(y, x, a.c(*--last));
  return y;
}

// 2^k for k in [-126, 127].
template <typename A>
typename A::Float powerOfTwo(const A &a, typename A::Bits k) {
  return a.fromBits(a.shl(a.addBits(k, a.bits(127)), 23));
}

// x = k ln 2 + r with |r| <= 0.3469, and exp(r) - 1.
template <typename A>
struct ReducedExp {
  typename A::Bits k;
  typename A::Float minusOne;

  ReducedExp(const A &a, typename A::Float x) {
    // Adding 3 * 2^22 leaves no fraction bits: the sum is rounded, and its low bits are the
    // integer.
    typename A::Float magic = a.c(12582912.0f);
    typename A::Float shifted = a.fma(x, a.c(1.44269502f), magic);
    typename A::Float n = a.sub(shifted, magic);
    typename A::Float r = a.fma(n, a.c(-0.693147182f), x);
    r = a.fma(n, a.c(1.90465421e-09f), r);
    k = a.subBits(a.toBits(shifted), a.bits(0x4b400000));
    typename A::Float q = polynomial(
        a, r, {0.49999994f, 0.166665211f, 0.0416683443f, 0.00836870633f, 0.00138167455f});
    minusOne = a.fma(a.mul(q, r), r, r);
  }
};

// log(m 2^k) of a positive normal number, plus `more`.
template <typename A>
typename A::Float logOfNormal(const A &a, typename A::Float x, typename A::Float exponent,
                              const typename A::Float *more = nullptr) {
  // m from sqrt(1/2) on to sqrt(2).
  typename A::Bits pattern = a.toBits(x);
  typename A::Bits k = a.shr(a.subBits(pattern, a.bits(0x3f3504f3)), 23);
  typename A::Float f = a.sub(a.fromBits(a.subBits(pattern, a.shl(k, 23))), a.c(1.0f));
  typename A::Float e = a.add(a.toFloat(k), exponent);
  typename A::Float square = a.mul(f, f);
  typename A::Float p =
      polynomial(a, f,
                 {0.333333105f, -0.249999866f, 0.200021476f, -0.166692391f, 0.142199948f,
                  -0.123851128f, 0.118649311f, -0.117834322f, 0.0692489222f});
  typename A::Float y = a.mul(a.mul(f, square), p);
  if (more)
    y = a.add(y, *more);
  y = a.fma(e, a.c(-1.90465421e-09f), y);
  y = a.fma(square, a.c(-0.5f), y);
  return a.fma(e, a.c(0.693147182f), a.add(f, y));
}
} // namespace detail

template <typename A>
typename A::Float exp(const A &a, typename A::Float x) {
  // Beyond these bounds the result is infinite or rounds to 0. NaN passes.
  x = a.select(a.lt(a.c(89.0f), x), a.c(89.0f), x);
  x = a.select(a.lt(x, a.c(-104.0f)), a.c(-104.0f), x);
  detail::ReducedExp<A> e(a, x);
  // 2^k in two factors: the first product is exact, the second one rounds also to subnormals.
  typename A::Bits half = a.shr(e.k, 1);
  typename A::Float y = a.mul(a.add(e.minusOne, a.c(1.0f)), detail::powerOfTwo(a, half));
  return a.mul(y, detail::powerOfTwo(a, a.subBits(e.k, half)));
}

template <typename A>
typename A::Float expm1(const A &a, typename A::Float x) {
  typename A::Float bounded = a.select(a.lt(a.c(89.0f), x), a.c(89.0f), x);
  bounded = a.select(a.lt(bounded, a.c(-18.0f)), a.c(-18.0f), bounded);
  detail::ReducedExp<A> e(a, bounded);
  // Halves, because 2^128 is none of f32.
  typename A::Float scale = detail::powerOfTwo(a, a.subBits(e.k, a.bits(1)));
  typename A::Float y = a.fma(e.minusOne, scale, a.sub(scale, a.c(0.5f)));
  y = a.add(y, y);
  // Subnormals and the sign of zero.
  return a.select(a.lt(a.abs(x), a.c(2.98023224e-08f)), x, y);
}

template <typename A>
typename A::Float log(const A &a, typename A::Float x) {
  typename A::Bool tiny = a.lt(x, a.c(1.17549435e-38f));
  typename A::Float normal = a.select(tiny, a.mul(x, a.c(8388608.0f)), x);
  typename A::Float y = detail::logOfNormal(a, normal, a.select(tiny, a.c(-23.0f), a.c(0.0f)));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  y = a.select(a.lt(x, a.c(kInfinity)), y, x);
  y = a.select(a.lt(x, a.c(0.0f)), a.c(std::numeric_limits<float>::quiet_NaN()), y);
  return a.select(a.eq(x, a.c(0.0f)), a.c(-kInfinity), y);
}

template <typename A>
typename A::Float log1p(const A &a, typename A::Float x) {
  typename A::Float one = a.c(1.0f), u = a.add(one, x);
  // What rounding 1 + x lost, exactly, relative to u: the larger summand is subtracted first.
  typename A::Bool small = a.lt(x, one);
  typename A::Float large = a.select(small, one, x), rest = a.select(small, x, one);
  typename A::Float lost = a.div(a.sub(rest, a.sub(u, large)), u);
  typename A::Float y = detail::logOfNormal(a, u, a.c(0.0f), &lost);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  y = a.select(a.lt(x, a.c(kInfinity)), y, x);
  y = a.select(a.lt(x, a.c(-1.0f)), a.c(std::numeric_limits<float>::quiet_NaN()), y);
  y = a.select(a.eq(x, a.c(-1.0f)), a.c(-kInfinity), y);
  return a.select(a.lt(a.abs(x), a.c(2.98023224e-08f)), x, y);
}

/// An odd polynomial near 0; beyond, 1 - 2 s / (1 + s) with s = exp(-2 |x|).
template <typename A>
typename A::Float tanh(const A &a, typename A::Float x) {
  typename A::Float square = a.mul(x, x), t = a.abs(x);
  typename A::Float p = detail::polynomial(
      a, square, {-0.333332837f, 0.133315146f, -0.0537451431f, 0.0206552204f, -0.00572163099f});
  typename A::Float small = a.fma(a.mul(p, square), x, x);
  typename A::Float bounded = a.select(a.lt(a.c(10.0f), t), a.c(10.0f), t);
  detail::ReducedExp<A> e(a, a.mul(bounded, a.c(-2.0f)));
  typename A::Float scale = detail::powerOfTwo(a, e.k);
  typename A::Float s = a.fma(e.minusOne, scale, scale), one = a.c(1.0f);
  typename A::Float large = a.sub(one, a.div(a.add(s, s), a.add(one, s)));
  return a.copySign(a.select(a.lt(t, a.c(0.625f)), small, large), x);
}

/// An odd polynomial near 0; beyond, 1 - exp(t p(t)), where t p(t) is log(1 - erf(t)).
template <typename A>
typename A::Float erf(const A &a, typename A::Float x) {
  typename A::Float square = a.mul(x, x), t = a.abs(x);
  typename A::Float p =
      detail::polynomial(a, square,
                         {0.128379166f, -0.376126349f, 0.112837195f, -0.0268607531f, 0.0052044359f,
                          -0.000818192493f, 8.53883103e-05f});
  typename A::Float small = a.fma(p, x, x);
  typename A::Float bounded = a.select(a.lt(a.c(4.0f), t), a.c(4.0f), t);
  // One is taken out of the constant and added last.
  p = detail::polynomial(a, bounded,
                         {-0.12862992f, -0.635227263f, -0.106110923f, 0.0236532912f, -0.0035909256f,
                          0.000310108968f, -9.96130802e-06f});
  typename A::Float large = a.sub(a.c(1.0f), exp(a, a.fma(p, bounded, a.neg(bounded))));
  return a.select(a.lt(t, a.c(0.9f)), small, a.copySign(large, x));
}

/// The arithmetic of plain numbers. Compilers must not contract its operations.
struct FloatArithmetic {
  using Float = float;
  using Bits = int32_t;
  using Bool = bool;

  static float c(float v) { return v; }
  static int32_t bits(int32_t v) { return v; }
  static float add(float x, float y) { return x + y; }
  static float sub(float x, float y) { return x - y; }
  static float mul(float x, float y) { return x * y; }
  static float div(float x, float y) { return x / y; }
  static float fma(float x, float y, float z) { return std::fma(x, y, z); }
  static float neg(float x) { return -x; }
  static float abs(float x) { return std::fabs(x); }
  static bool lt(float x, float y) { return x < y; }
  static bool eq(float x, float y) { return x == y; }
  static float select(bool p, float x, float y) { return p ? x : y; }
  static float copySign(float x, float sign) { return std::copysign(x, sign); }
  static int32_t toBits(float x) {
    int32_t v;
    std::memcpy(&v, &x, sizeof v);
    return v;
  }
  static float fromBits(int32_t v) {
    float x;
    std::memcpy(&x, &v, sizeof x);
    return x;
  }
  static float toFloat(int32_t v) { return static_cast<float>(v); }
  static int32_t addBits(int32_t x, int32_t y) {
    return static_cast<int32_t>(static_cast<uint32_t>(x) + static_cast<uint32_t>(y));
  }
  static int32_t subBits(int32_t x, int32_t y) {
    return static_cast<int32_t>(static_cast<uint32_t>(x) - static_cast<uint32_t>(y));
  }
  static int32_t shl(int32_t x, unsigned count) {
    return static_cast<int32_t>(static_cast<uint32_t>(x) << count);
  }
  static int32_t shr(int32_t x, unsigned count) { return x >> count; }
};

inline float exp(float x) { return exp(FloatArithmetic(), x); }
inline float expm1(float x) { return expm1(FloatArithmetic(), x); }
inline float log(float x) { return log(FloatArithmetic(), x); }
inline float log1p(float x) { return log1p(FloatArithmetic(), x); }
inline float tanh(float x) { return tanh(FloatArithmetic(), x); }
inline float erf(float x) { return erf(FloatArithmetic(), x); }

} // namespace terse::numerics

#endif // TERSE_NUMERICS_ELEMENTARY_H
