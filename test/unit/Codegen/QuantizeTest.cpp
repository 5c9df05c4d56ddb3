//===- QuantizeTest.cpp - Quantization by run-time scales -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Native code may divide by a scale with multiply-adds. Every integer is the one of a division.

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/InitAll.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace terse;

namespace {

constexpr int64_t kRows = 600, kColumns = 333;

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

float step(float value, int ulps) {
  for (; ulps > 0; --ulps)
    value = std::nextafterf(value, INFINITY);
  for (; ulps < 0; ++ulps)
    value = std::nextafterf(value, -INFINITY);
  return value;
}

int quantize(float x, float scale, float zero, float least, float most) {
  float q = std::nearbyintf(x / scale);
  q = (std::isnan(q) ? 0 : q) + zero;
  return int(std::min(most, std::max(least, q)));
}

// How a body makes bytes of quotients, and which bytes these are.
struct Rounding {
  const char *body;
  float zero, least, most;
};

class QuantizeTest : public testing::TestWithParam<Rounding> {};

TEST_P(QuantizeTest, RoundsQuotients) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(GetParam().body, &context);
  ASSERT_TRUE(bool(module));
  HostTensor x = HostTensor::zeros(DType::f32(), {kRows, kColumns});
  HostTensor s = HostTensor::zeros(DType::f32(), {kRows, 1});
  HostTensor zeros = HostTensor::zeros(DType::f32(), {kRows, 1});
  std::fill_n(reinterpret_cast<float *>(zeros.getMutableBytes().data()), kRows, GetParam().zero);
  std::mt19937 rng(3);
  auto xs = [&](int64_t i) -> float & {
    return reinterpret_cast<float *>(x.getMutableBytes().data())[i];
  };
  auto ss = [&](int64_t i) -> float & {
    return reinterpret_cast<float *>(s.getMutableBytes().data())[i];
  };
  for (int64_t r = 0; r < kRows; ++r) {
    // Every exponent, denormal ones included, and random bits; a mantissa of ones is the hard case.
    uint32_t mantissa = r % 5 == 0 ? 0x7fffff : rng() & 0x7fffff;
    ss(r) = r < 255 ? fromBits(uint32_t(r) << 23 | mantissa) : fromBits(rng() & 0x7fffffff);
    if (r == kRows - 1)
      ss(r) = 0;
    for (int64_t c = 0; c < kColumns; ++c) {
      float &value = xs(r * kColumns + c);
      switch (c % 4) {
      case 0: // Around ties.
      case 1:
        value = step((float(int(rng() % 300) - 150) + 0.5f) * ss(r), int(rng() % 7) - 3);
        break;
      case 2:
        value = ss(r) * (float(rng()) / float(1u << 24) - 128);
        break;
      default: // Anything, infinities and NaN too.
        value = c % 16 == 3 ? fromBits(0x7f800000u | uint32_t(rng() % 3) << 31 | (rng() % 2))
                            : fromBits(uint32_t(rng()));
      }
    }
  }
  for (const char *target : {"native", "x86-64-v3", "x86-64"}) {
    CompileOptions options;
    options.target = target;
    auto model = JITModel::create(*module, options);
    ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
    auto outputs = (*model)->run({x, s, zeros});
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    int64_t wrong = 0;
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      int want =
          quantize(xs(i), ss(i / kColumns), GetParam().zero, GetParam().least, GetParam().most);
      int have = int((*outputs)[0].getAsDouble(i));
      if (want != have && ++wrong < 5)
        ADD_FAILURE() << target << ": " << xs(i) << " / " << ss(i / kColumns) << " is " << want
                      << ", not " << have;
    }
    EXPECT_EQ(wrong, 0);
  }
}

const Rounding kRoundings[] = {
    {R"(
    func.func @main(%x: tensor<?x333xf32>, %s: tensor<?x1xf32>, %p: tensor<?x1xf32>) -> tensor<?x333xi8> {
      %0 = nn.binary div %x, %s : (tensor<?x333xf32>, tensor<?x1xf32>) -> tensor<?x333xf32>
      %1 = nn.unary round %0 : (tensor<?x333xf32>) -> tensor<?x333xf32>
      %2 = nn.unary clamp %1 {alpha = -128.0 : f64, beta = 127.0 : f64} :
        (tensor<?x333xf32>) -> tensor<?x333xf32>
      %3 = nn.cast %2 : (tensor<?x333xf32>) -> tensor<?x333xi8>
      return %3 : tensor<?x333xi8>
    })",
     0, -128, 127},
    // A zero point that is known.
    {R"(
    func.func @main(%x: tensor<?x333xf32>, %s: tensor<?x1xf32>, %p: tensor<?x1xf32>) -> tensor<?x333xui8> {
      %zero = arith.constant dense<0.0> : tensor<f32>
      %z = arith.constant dense<77.0> : tensor<f32>
      %0 = nn.binary div %x, %s : (tensor<?x333xf32>, tensor<?x1xf32>) -> tensor<?x333xf32>
      %n = nn.compare eq %0, %0 : (tensor<?x333xf32>, tensor<?x333xf32>) -> tensor<?x333xi1>
      %1 = nn.select %n, %0, %zero : (tensor<?x333xi1>, tensor<?x333xf32>, tensor<f32>) -> tensor<?x333xf32>
      %2 = nn.unary round %1 : (tensor<?x333xf32>) -> tensor<?x333xf32>
      %3 = nn.binary add %2, %z : (tensor<?x333xf32>, tensor<f32>) -> tensor<?x333xf32>
      %4 = nn.unary clamp %3 {alpha = 0.0 : f64, beta = 255.0 : f64} :
        (tensor<?x333xf32>) -> tensor<?x333xf32>
      %5 = nn.cast %4 : (tensor<?x333xf32>) -> tensor<?x333xui8>
      return %5 : tensor<?x333xui8>
    })",
     77, 0, 255},
    // One for each row, which the compiler does not know.
    {R"(
    func.func @main(%x: tensor<?x333xf32>, %s: tensor<?x1xf32>, %p: tensor<?x1xf32>) -> tensor<?x333xi8> {
      %zero = arith.constant dense<0.0> : tensor<f32>
      %0 = nn.binary div %x, %s : (tensor<?x333xf32>, tensor<?x1xf32>) -> tensor<?x333xf32>
      %n = nn.compare eq %0, %0 : (tensor<?x333xf32>, tensor<?x333xf32>) -> tensor<?x333xi1>
      %1 = nn.select %n, %0, %zero : (tensor<?x333xi1>, tensor<?x333xf32>, tensor<f32>) -> tensor<?x333xf32>
      %2 = nn.unary round %1 : (tensor<?x333xf32>) -> tensor<?x333xf32>
      %3 = nn.binary add %2, %p : (tensor<?x333xf32>, tensor<?x1xf32>) -> tensor<?x333xf32>
      %4 = nn.unary clamp %3 {alpha = -128.0 : f64, beta = 127.0 : f64} :
        (tensor<?x333xf32>) -> tensor<?x333xf32>
      %5 = nn.cast %4 : (tensor<?x333xf32>) -> tensor<?x333xi8>
      return %5 : tensor<?x333xi8>
    })",
     -33, -128, 127},
};

INSTANTIATE_TEST_SUITE_P(Roundings, QuantizeTest, testing::ValuesIn(kRoundings));

} // namespace
