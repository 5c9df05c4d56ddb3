//===- Matrix.h - The few matrix operations of the methods -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row-major and sequential. Every sum has one order, whatever the machine's
// vectors are, and products are never fused with additions: results are the same
// bits on every x86-64.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_MATRIX_H
#define TERSE_LIB_RECOVERY_MATRIX_H

#include <cstdint>
#include <vector>

namespace terse {

/// Rows are padded to this many floats, with zeros.
constexpr int64_t kPadding = 16;

inline int64_t padRow(int64_t size) { return (size + kPadding - 1) / kPadding * kPadding; }

/// c[i][j] += sum over k of a[i][k] * b[k][j], where `a[i][k]` is `a[i * aRow + k * aColumn]`. `n`,
/// the number of columns, is a multiple of kPadding.
void multiplyAdd(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow, int64_t aColumn,
                 const float *b, int64_t bRow, float *c, int64_t cRow);

/// The same with sums in f32 over all of `k`, which are then added to `c`: for `k` of a few
/// hundred. With `upper`, blocks of `c` that lie below the diagonal are left as they are.
void multiplyAdd(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow, int64_t aColumn,
                 const float *b, int64_t bRow, double *c, int64_t cRow, bool upper);

/// y += factor * x, for `size` floats.
void addScaled(int64_t size, float factor, const float *x, float *y);

/// The sum of the products of `size` floats.
double dot(int64_t size, const float *x, const float *y);

/// Factors the symmetric positive definite n x n matrix `a`, of which the upper triangle is read,
/// as R R^T with an upper triangular R, which overwrites that triangle. Returns false if it is not
/// positive definite in f64.
bool factorUpper(int64_t n, double *a);

/// Solves R R^T x = b for the R that factorUpper left in `a`; `b` becomes x.
void solveUpper(int64_t n, const double *a, double *b);

/// Solves the symmetric positive definite system a x = b of size n in f64 (both are overwritten,
/// the result is in b); false if it is not.
bool solvePositive(int64_t n, std::vector<double> &a, std::vector<double> &b);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_MATRIX_H
