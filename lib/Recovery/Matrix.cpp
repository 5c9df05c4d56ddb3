//===- Matrix.cpp - The few matrix operations of the methods ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors are written out, in widths that the compiler splits where the machine
// has narrower ones; the functions exist once per instruction set.
//
//===----------------------------------------------------------------------===//

#include "Matrix.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

using namespace terse;

namespace {
// Elements of an array, wherever it begins.
typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef float HalfFloats __attribute__((vector_size(32), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(64), aligned(8), may_alias));
} // namespace

#if defined(__x86_64__) && !__has_feature(address_sanitizer)
#define TERSE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TERSE_CLONES
#endif
#define TERSE_INLINE static inline __attribute__((always_inline))
#define TERSE_UNROLL _Pragma("clang loop unroll(full)")

TERSE_INLINE void addTo(float *c, const Floats &sums) { *reinterpret_cast<Floats *>(c) += sums; }

TERSE_INLINE void addTo(double *c, const Floats &sums) {
  HalfFloats low = __builtin_shufflevector(sums, sums, 0, 1, 2, 3, 4, 5, 6, 7);
  HalfFloats high = __builtin_shufflevector(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15);
  *reinterpret_cast<Doubles *>(c) += __builtin_convertvector(low, Doubles);
  *reinterpret_cast<Doubles *>(c + 8) += __builtin_convertvector(high, Doubles);
}

/// A tile of `rows` x 16 * `vectors` elements.
template <int rows, int vectors, typename T>
TERSE_INLINE void multiplyTile(int64_t k, const float *a, int64_t aRow, int64_t aColumn,
                               const float *b, int64_t bRow, T *c, int64_t cRow) {
  Floats sums[rows][vectors];
  TERSE_UNROLL for (int r = 0; r < rows; ++r) TERSE_UNROLL for (int v = 0; v < vectors; ++v)
      sums[r][v] = Floats{};
  for (int64_t i = 0; i < k; ++i) {
    Floats row[vectors];
    TERSE_UNROLL for (int v = 0; v < vectors; ++v) row[v] =
        *reinterpret_cast<const Floats *>(b + i * bRow + v * 16);
    TERSE_UNROLL for (int r = 0; r < rows; ++r) {
      float factor = a[r * aRow + i * aColumn];
      TERSE_UNROLL for (int v = 0; v < vectors; ++v) sums[r][v] += row[v] * factor;
    }
  }
  TERSE_UNROLL for (int r = 0; r < rows; ++r) TERSE_UNROLL for (int v = 0; v < vectors; ++v)
      addTo(c + r * cRow + v * 16, sums[r][v]);
}

template <typename T>
TERSE_INLINE void multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow,
                           int64_t aColumn, const float *b, int64_t bRow, T *c, int64_t cRow,
                           bool upper) {
  for (int64_t j = 0; j < n; j += 32) {
    int64_t rows = upper ? std::min(m, j + 32) : m, i = 0;
    if (j + 32 <= n) {
      for (; i + 8 <= rows; i += 8)
        multiplyTile<8, 2>(k, a + i * aRow, aRow, aColumn, b + j, bRow, c + i * cRow + j, cRow);
      for (; i < rows; ++i)
        multiplyTile<1, 2>(k, a + i * aRow, aRow, aColumn, b + j, bRow, c + i * cRow + j, cRow);
    } else {
      for (; i + 8 <= rows; i += 8)
        multiplyTile<8, 1>(k, a + i * aRow, aRow, aColumn, b + j, bRow, c + i * cRow + j, cRow);
      for (; i < rows; ++i)
        multiplyTile<1, 1>(k, a + i * aRow, aRow, aColumn, b + j, bRow, c + i * cRow + j, cRow);
    }
  }
}

TERSE_CLONES static void multiplyFloats(int64_t m, int64_t n, int64_t k, const float *a,
                                        int64_t aRow, int64_t aColumn, const float *b, int64_t bRow,
                                        float *c, int64_t cRow) {
  multiply(m, n, k, a, aRow, aColumn, b, bRow, c, cRow, false);
}

TERSE_CLONES static void multiplyDoubles(int64_t m, int64_t n, int64_t k, const float *a,
                                         int64_t aRow, int64_t aColumn, const float *b,
                                         int64_t bRow, double *c, int64_t cRow, bool upper) {
  multiply(m, n, k, a, aRow, aColumn, b, bRow, c, cRow, upper);
}

TERSE_CLONES static void addScaledFloats(int64_t size, float factor, const float *x, float *y) {
  int64_t i = 0;
  for (; i + 16 <= size; i += 16)
    *reinterpret_cast<Floats *>(y + i) += *reinterpret_cast<const Floats *>(x + i) * factor;
  for (; i < size; ++i)
    y[i] += x[i] * factor;
}

TERSE_CLONES static double dotFloats(int64_t size, const float *x, const float *y) {
  Doubles sums{};
  int64_t i = 0;
  for (; i + 8 <= size; i += 8)
    sums += __builtin_convertvector(*reinterpret_cast<const HalfFloats *>(x + i), Doubles) *
            __builtin_convertvector(*reinterpret_cast<const HalfFloats *>(y + i), Doubles);
  double sum = 0;
  for (int lane = 0; lane < 8; ++lane)
    sum += sums[lane];
  for (; i < size; ++i)
    sum += double(x[i]) * double(y[i]);
  return sum;
}

TERSE_CLONES static double dotDoubles(int64_t size, const double *x, const double *y) {
  Doubles sums[4] = {};
  int64_t i = 0;
  for (; i + 32 <= size; i += 32)
    for (int v = 0; v < 4; ++v)
      sums[v] += *reinterpret_cast<const Doubles *>(x + i + 8 * v) *
                 *reinterpret_cast<const Doubles *>(y + i + 8 * v);
  Doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = 0;
  for (int lane = 0; lane < 8; ++lane)
    sum += all[lane];
  for (; i < size; ++i)
    sum += x[i] * y[i];
  return sum;
}

void terse::multiplyAdd(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow,
                        int64_t aColumn, const float *b, int64_t bRow, float *c, int64_t cRow) {
  multiplyFloats(m, n, k, a, aRow, aColumn, b, bRow, c, cRow);
}

void terse::multiplyAdd(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow,
                        int64_t aColumn, const float *b, int64_t bRow, double *c, int64_t cRow,
                        bool upper) {
  multiplyDoubles(m, n, k, a, aRow, aColumn, b, bRow, c, cRow, upper);
}

void terse::addScaled(int64_t size, float factor, const float *x, float *y) {
  addScaledFloats(size, factor, x, y);
}

double terse::dot(int64_t size, const float *x, const float *y) { return dotFloats(size, x, y); }

bool terse::factorUpper(int64_t n, double *a) {
  // Column by column from the last one: all that a step needs are rows of what is done.
  for (int64_t k = n - 1; k >= 0; --k) {
    double *row = a + k * n;
    int64_t done = n - 1 - k;
    double pivot = row[k] - dotDoubles(done, row + k + 1, row + k + 1);
    if (!(pivot > 0) || !std::isfinite(pivot))
      return false;
    double root = std::sqrt(pivot);
    row[k] = root;
    for (int64_t i = 0; i < k; ++i)
      a[i * n + k] = (a[i * n + k] - dotDoubles(done, a + i * n + k + 1, row + k + 1)) / root;
  }
  return true;
}

TERSE_CLONES static void addScaledDoubles(int64_t size, double factor, const double *x, double *y) {
  int64_t i = 0;
  for (; i + 8 <= size; i += 8)
    *reinterpret_cast<Doubles *>(y + i) += *reinterpret_cast<const Doubles *>(x + i) * factor;
  for (; i < size; ++i)
    y[i] += x[i] * factor;
}

void terse::solveUpper(int64_t n, const double *a, double *b) {
  // R y = b from the last row, then R^T x = y from the first.
  for (int64_t i = n - 1; i >= 0; --i)
    b[i] = (b[i] - dotDoubles(n - 1 - i, a + i * n + i + 1, b + i + 1)) / a[i * n + i];
  for (int64_t i = 0; i < n; ++i) {
    b[i] /= a[i * n + i];
    addScaledDoubles(n - 1 - i, -b[i], a + i * n + i + 1, b + i + 1);
  }
}

bool terse::solvePositive(int64_t n, std::vector<double> &a, std::vector<double> &b) {
  if (!factorUpper(n, a.data()))
    return false;
  solveUpper(n, a.data(), b.data());
  return true;
}
