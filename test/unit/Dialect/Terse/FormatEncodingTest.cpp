//===- FormatEncodingTest.cpp - Minifloats, codebooks, sums -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers computed by hand from the formulas in the attributes' documentation, and
// what becomes of tensors without a sensible range.
//
//===----------------------------------------------------------------------===//

#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace mlir;
using namespace terse;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

class FormatEncodingTest : public ::testing::Test {
protected:
  FormatEncodingTest() {
    context.loadDialect<TerseDialect>();
    context.getDiagEngine().registerHandler(
        [this](Diagnostic &diag) { messages += diag.str() + "\n"; });
  }

  /// Encodes `x`, row-major in `dims` ("2x3"), as `encoding`.
  SmallVector<HostTensor> encode(StringRef dims, StringRef encoding, Floats x,
                                 ArrayRef<HostTensor> parameters = {}) {
    type = cast<RankedTensorType>(
        parseType(("tensor<" + dims + "xf32, #terse." + encoding + ">").str(), &context));
    HostTensor tensor = HostTensor::from<float>(type.getShape(), x);
    FailureOr<SmallVector<HostTensor>> components =
        getEncoding(type).encodeHost(tensor, stripEncoding(type), parameters,
                                     [&] { return emitError(UnknownLoc::get(&context)); });
    return succeeded(components) ? *components : SmallVector<HostTensor>();
  }

  Floats decode(ArrayRef<HostTensor> components) {
    FailureOr<HostTensor> x = getEncoding(type).decodeHost(
        components, stripEncoding(type), [&] { return emitError(UnknownLoc::get(&context)); });
    return succeeded(x) ? x->toFloats() : Floats();
  }

  int64_t getBits() { return *getEncoding(type).getBits(stripEncoding(type)); }

  MLIRContext context;
  RankedTensorType type;
  std::string messages;
};

// The example of the MX specification's rule: the largest magnitude 7 has exponent 2, E2M1 has 2.
TEST_F(FormatEncodingTest, MXFP4) {
  auto c = encode("2x4", "minifloat<f4E2M1FN, block = [1, 4], scale = f8E8M0FNU>",
                  {7, 5, -0.25, 2.5, 0.75, -0.1, 0.3, 0.05});
  ASSERT_EQ(c.size(), 2u);
  // 2^0 and 2^-3: 0.75 has exponent -1.
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 0.125}));
  // 7 saturates at 6, 5 and 2.5 are ties to even; 0.25 is a tie between 0 and 0.5.
  EXPECT_EQ(decode(c), (Floats{6, 4, -0.0f, 2, 0.75, -0.125f, 0.25, 0.0625}));
  EXPECT_EQ(getBits(), 8 * 4 + 2 * 8);
}

TEST_F(FormatEncodingTest, MXScalesStayInRange) {
  auto c = encode("3", "minifloat<f8E4M3FN, block = [1], scale = f8E8M0FNU>", {0, 3e38f, 1e-40f});
  // No elements: 2^0. 2^127 / 2^8. Not below 2^-127.
  EXPECT_EQ(c[1].toFloats(), (Floats{1, std::ldexp(1.0f, 119), std::ldexp(1.0f, -127)}));
}

TEST_F(FormatEncodingTest, NVFP4) {
  auto c = encode("1x4", "minifloat<f4E2M1FN, block = [1, 2], scale = #terse.minifloat<f8E4M3FN>>",
                  {2688, 896, 6, 3});
  ASSERT_EQ(c.size(), 3u);
  // Block scales 448 and 1, so that the tensor's scale is 1 and both are exact in E4M3.
  EXPECT_EQ(c[1].toFloats(), (Floats{448, 1}));
  EXPECT_EQ(c[2].toFloats(), Floats{1});
  EXPECT_EQ(decode(c), (Floats{2688, 896, 6, 3}));
  EXPECT_EQ(getBits(), 4 * 4 + 2 * 8 + 32);
}

TEST_F(FormatEncodingTest, MinifloatSpecialValues) {
  auto c = encode("4", "minifloat<f8E4M3FN>", {kInf, -kInf, kNaN, 448});
  Floats x = decode(c);
  EXPECT_EQ(x[0], 448);
  EXPECT_EQ(x[1], -448);
  EXPECT_TRUE(std::isnan(x[2]));
  // Formats without NaN have -0 for it.
  x = decode(encode("2", "minifloat<f4E2M1FN>", {kNaN, 6}));
  EXPECT_EQ(x, (Floats{-0.0f, 6}));
  EXPECT_TRUE(std::signbit(x[0]));
}

TEST_F(FormatEncodingTest, MinifloatGivenScales) {
  HostTensor scales = HostTensor::from<float>({2}, {2, 1});
  auto c = encode("2x2", "minifloat<f8E5M2, axis = 0>", {2, 4, 2, 4}, scales);
  EXPECT_EQ(c[0].toFloats(), (Floats{1, 2, 2, 4}));
  encode("2x2", "minifloat<f8E5M2, axis = 1>", {2, 4, 2, 4}, HostTensor::from<float>({1}, {2}));
  EXPECT_NE(messages.find("expected component 'scales'"), std::string::npos) << messages;
}

TEST_F(FormatEncodingTest, NF4) {
  auto c = encode("1x4", "codebook<ui4, table = nf4, axis = 0>", {2, -2, 0, 0.17f});
  EXPECT_EQ(c[0].toInts(), (Ints{15, 0, 7, 8}));
  EXPECT_EQ(c[1].toFloats(), Floats{2});
  EXPECT_EQ(decode(c)[3], 0.07958029955625534f * 2);
}

TEST_F(FormatEncodingTest, FP4Table) {
  auto c = encode("4", "codebook<ui4, table = fp4>", {6, -3, -0.0f, 0.5});
  // The indices are the bit patterns of f4E2M1FN; both zeros are the first one.
  EXPECT_EQ(c[0].toInts(), (Ints{7, 13, 0, 1}));
}

TEST_F(FormatEncodingTest, PowersOfTwo) {
  auto c = encode("5", "codebook<ui3, table = pow2>", {8, -4, 2, 0.5, 3});
  // -1, -1/2, -1/4, 0, 1/4, 1/2, 1; 3 / 8 is a tie between 1/4 and 1/2.
  EXPECT_EQ(c[0].toInts(), (Ints{6, 1, 4, 3, 4}));
  EXPECT_EQ(decode(c), (Floats{8, -4, 2, 0, 2}));
}

TEST_F(FormatEncodingTest, Binary) {
  auto c = encode("2x3", "codebook<ui1, table = binary, axis = 0>", {1, -2, 3, 0, 0, -3});
  EXPECT_EQ(c[1].toFloats(), (Floats{2, 1}));
  EXPECT_EQ(decode(c), (Floats{2, -2, 2, 1, 1, -1}));
  EXPECT_EQ(getBits(), 6 + 2 * 32);
}

TEST_F(FormatEncodingTest, Ternary) {
  // Two largest: (4 + 2)^2 / 2 = 18; one: 16; three: 37.2 / 3 = 12.4.
  auto c = encode("4", "codebook<ui2, table = ternary>", {4, -2, 0.1f, 0});
  EXPECT_EQ(c[1].toFloats(), Floats{3});
  EXPECT_EQ(decode(c), (Floats{3, -3, 0, 0}));
}

TEST_F(FormatEncodingTest, PaletteHoldsFewValuesExactly) {
  Floats x = {1, 5, -2, 5, 1, 1, 0.5, -2};
  auto c = encode("2x4", "codebook<ui2, table = f16>", x);
  EXPECT_EQ(c[1].toFloats(), (Floats{-2, 0.5, 1, 5}));
  EXPECT_EQ(decode(c), x);
  EXPECT_EQ(getBits(), 8 * 2 + 4 * 16);
  c = encode("2x4", "codebook<ui1, table = f32, vector = 2, vector_axis = 0>",
             {1, 2, 1, 2, 3, 4, 3, 4});
  EXPECT_EQ(c[0].shape, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 3, 2, 4}));
  EXPECT_EQ(decode(c), (Floats{1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST_F(FormatEncodingTest, PaletteGroups) {
  auto c = encode("3x2", "codebook<ui1, table = f32, group = [2, ?]>", {1, 2, 1, 2, 7, 8});
  EXPECT_EQ(c[1].shape, (std::vector<int64_t>{2, 1, 2}));
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 2, 7, 8}));
  EXPECT_EQ(decode(c), (Floats{1, 2, 1, 2, 7, 8}));
}

TEST_F(FormatEncodingTest, GivenTable) {
  HostTensor table = HostTensor::from<float>({4}, {3, 1, 2, 1});
  auto c = encode("3", "codebook<ui2, table = f32>", {2.5f, 1.1f, 9}, table);
  // 2.5 is a tie between entries 0 and 2; of the two ones the first counts.
  EXPECT_EQ(c[0].toInts(), (Ints{0, 1, 0}));
}

TEST_F(FormatEncodingTest, CodebookSpecialValues) {
  EXPECT_EQ(decode(encode("3", "codebook<ui4, table = nf4>", {kInf, kNaN, 2})), (Floats{2, 0, 2}));
  EXPECT_EQ(decode(encode("3", "codebook<ui1, table = f32>", {kInf, kNaN, 2}))[2], 2);
  EXPECT_EQ(decode(encode("2", "codebook<ui2, table = ternary>", {0, 0})), (Floats{0, 0}));
  EXPECT_EQ(decode(encode("0", "codebook<ui4, table = f16>", {})), Floats{});
  EXPECT_EQ(decode(encode("1", "codebook<ui8, table = f16>", {3})), Floats{3});
}

TEST_F(FormatEncodingTest, Outliers) {
  auto c = encode("2x3", "sum<#terse.columns<f16, count = 1, axis = 1>, #terse.uniform<i8>>",
                  {1, 100, -127, 2, -1000, 3});
  ASSERT_EQ(c.size(), 4u);
  EXPECT_EQ(c[0].toFloats(), (Floats{100, -1000}));
  EXPECT_EQ(c[1].toInts(), Ints{1});
  EXPECT_EQ(c[2].toInts(), (Ints{1, 0, -127, 2, 0, 3}));
  EXPECT_EQ(c[3].toFloats(), Floats{1});
  EXPECT_EQ(decode(c), (Floats{1, 100, -127, 2, -1000, 3}));
  EXPECT_EQ(getBits(), 2 * 16 + 16 + 6 * 8 + 32);
}

// The arithmetic of QLoRA: 32 bits per 64 weights become 8 bits per 64 and 32 per 64 * 256.
TEST_F(FormatEncodingTest, DoubleQuantizationBits) {
  auto bits = [&](StringRef encoding) {
    type = cast<RankedTensorType>(parseType(
        ("tensor<256x4096xf32, #terse.codebook<ui4, table = nf4, block = [1, 64]" + encoding + ">>")
            .str(),
        &context));
    return double(getBits()) / (256 * 4096);
  };
  EXPECT_DOUBLE_EQ(bits(""), 4 + 32.0 / 64);
  EXPECT_DOUBLE_EQ(
      bits(", scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = [4, 64]>>"),
      4 + 8.0 / 64 + 32.0 / (64 * 256) + 32.0 / (256 * 4096));
}

TEST_F(FormatEncodingTest, MeanLeavesTheRest) {
  auto c = encode("4", "sum<#terse.mean<f32>, #terse.uniform<i8>>", {10, 11, 12, 13});
  EXPECT_EQ(c[0].toFloats(), Floats{11.5});
  EXPECT_EQ(c[1].toInts(), (Ints{-127, -42, 42, 127}));
  EXPECT_EQ(decode(encode("2", "mean<f16>", {kInf, 3})), (Floats{3, 3}));
}

} // namespace
