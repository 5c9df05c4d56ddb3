//===- UniformEncodingTest.cpp - #terse.uniform on constants ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers computed by hand from the formulas in the attribute's documentation.
//
//===----------------------------------------------------------------------===//

#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/Terse/IR/EncodeWeight.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include <gtest/gtest.h>
#include <limits>

using namespace mlir;
using namespace terse;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

class UniformEncodingTest : public ::testing::Test {
protected:
  UniformEncodingTest() {
    context.loadDialect<TerseDialect>();
    context.getDiagEngine().registerHandler(
        [this](Diagnostic &diag) { messages += diag.str() + "\n"; });
  }

  /// Encodes `x`, row-major in the shape of `text`.
  SmallVector<HostTensor> encode(StringRef text, Floats x, ArrayRef<HostTensor> parameters = {}) {
    type = cast<RankedTensorType>(parseType(text, &context));
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

  MLIRContext context;
  RankedTensorType type;
  std::string messages;
};

TEST_F(UniformEncodingTest, PerTensorSymmetric) {
  auto c = encode("tensor<5xf32, #terse.uniform<i8>>", {127, -127, 0.5, 1.5, -2.5});
  ASSERT_EQ(c.size(), 2u);
  EXPECT_EQ(c[1].toFloats(), Floats{1});
  EXPECT_TRUE(c[1].shape.empty());
  EXPECT_EQ(c[0].toInts(), (Ints{127, -127, 0, 2, -2})); // ties to even
  EXPECT_EQ(decode(c), (Floats{127, -127, 0, 2, -2}));
}

TEST_F(UniformEncodingTest, PerAxis) {
  auto c = encode("tensor<2x3xf32, #terse.uniform<i4, axis = 0>>", {7, 1, -3, 14, 2, -14});
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 2}));
  EXPECT_EQ(c[0].toInts(), (Ints{7, 1, -3, 7, 1, -7}));
  c = encode("tensor<2x3xf32, #terse.uniform<i4, axis = 1>>", {7, 1, -3, 14, 7, -14});
  EXPECT_EQ(c[1].toFloats(), (Floats{2, 1, 2}));
  EXPECT_EQ(c[0].toInts(), (Ints{4, 1, -2, 7, 7, -7})); // 3.5 and -1.5 to even
}

TEST_F(UniformEncodingTest, PerBlockWithShortLastBlock) {
  auto c = encode("tensor<2x3xf32, #terse.uniform<i4, block = [1, 2]>>", {7, 1, 14, 21, -21, 28});
  EXPECT_EQ(c[1].shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(c[0].toInts(), (Ints{7, 1, 7, 7, -7, 7}));
  EXPECT_EQ(decode(c), (Floats{7, 1, 14, 21, -21, 28}));
}

TEST_F(UniformEncodingTest, TwoDimensionalBlocks) {
  auto c = encode("tensor<3x3xf32, #terse.uniform<i4, block = [2, 2]>>",
                  {1, 2, 14, 3, 7, 2, 21, -6, 28});
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(c[0].toInts(), (Ints{1, 2, 7, 3, 7, 1, 7, -2, 7}));
}

TEST_F(UniformEncodingTest, WholeDimensionIsAxis) {
  Floats x{7, 1, -3, 14, 2, -14};
  auto whole = encode("tensor<2x3xf32, #terse.uniform<i4, block = [1, ?]>>", x);
  auto axis = encode("tensor<2x3xf32, #terse.uniform<i4, axis = 0>>", x);
  EXPECT_TRUE(bitwiseEqual(whole[0], axis[0]));
  EXPECT_EQ(whole[1].shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(whole[1].toFloats(), axis[1].toFloats());
}

TEST_F(UniformEncodingTest, ZeroPoint) {
  // lo = -1, hi = 2: s = 3 / 255, z = rne(0 - -1 / s) = rne(84.99...) = 85.
  auto c = encode("tensor<4xf32, #terse.uniform<ui8, zero_point>>", {-1, 0, 1, 2});
  EXPECT_EQ(c[1].toFloats(), Floats{3.0f / 255.0f});
  EXPECT_EQ(c[2].toInts(), Ints{85});
  EXPECT_EQ(c[0].toInts(), (Ints{0, 85, 170, 255}));
  EXPECT_EQ(decode(c)[1], 0.0f);
}

TEST_F(UniformEncodingTest, ZeroPointOfPositiveValues) {
  // The range is widened to hold 0: s = 30 / 15, z = -8.
  auto c = encode("tensor<2xf32, #terse.uniform<i4, zero_point>>", {10, 30});
  EXPECT_EQ(c[1].toFloats(), Floats{2});
  EXPECT_EQ(c[2].toInts(), Ints{-8});
  EXPECT_EQ(c[0].toInts(), (Ints{-3, 7}));
}

TEST_F(UniformEncodingTest, UnsignedSymmetricCutsNegatives) {
  auto c = encode("tensor<3xf32, #terse.uniform<ui2>>", {-5, 1, 3});
  EXPECT_EQ(c[1].toFloats(), Floats{1});
  EXPECT_EQ(c[0].toInts(), (Ints{0, 1, 3}));
}

TEST_F(UniformEncodingTest, OneBit) {
  auto c = encode("tensor<3xf32, #terse.uniform<si1>>", {-4, 4, -1});
  EXPECT_EQ(c[1].toFloats(), Floats{4});
  EXPECT_EQ(c[0].toInts(), (Ints{-1, 0, 0}));
  c = encode("tensor<3xf32, #terse.uniform<ui1>>", {-4, 4, 1});
  EXPECT_EQ(c[0].toInts(), (Ints{0, 1, 0}));
}

TEST_F(UniformEncodingTest, NarrowRange) {
  HostTensor scale = HostTensor::from<float>({}, Floats{1});
  EXPECT_EQ(encode("tensor<2xf32, #terse.uniform<i8>>", {-300, 300}, {scale})[0].toInts(),
            (Ints{-128, 127}));
  EXPECT_EQ(encode("tensor<2xf32, #terse.uniform<i8, narrow>>", {-300, 300}, {scale})[0].toInts(),
            (Ints{-127, 127}));
}

TEST_F(UniformEncodingTest, WideValues) {
  HostTensor scale = HostTensor::from<float>({}, Floats{0.5});
  auto c = encode("tensor<3xf32, #terse.uniform<i32>>", {1e20f, -1e20f, 3}, {scale});
  EXPECT_EQ(c[0].toInts(), (Ints{2147483647, -2147483648LL, 6}));
  c = encode("tensor<2xf32, #terse.uniform<ui16>>", {1e20f, 3}, {scale});
  EXPECT_EQ(c[0].toInts(), (Ints{65535, 6}));
}

TEST_F(UniformEncodingTest, BlockOfZeros) {
  auto c = encode("tensor<4xf32, #terse.uniform<i8, block = [2]>>", {0, 0, 127, 0});
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 1}));
  EXPECT_EQ(c[0].toInts(), (Ints{0, 0, 127, 0}));
  c = encode("tensor<2xf32, #terse.uniform<ui8, zero_point>>", {0, 0});
  EXPECT_EQ(c[1].toFloats(), Floats{1});
  EXPECT_EQ(c[2].toInts(), Ints{0});
}

TEST_F(UniformEncodingTest, ScaleIsRoundedFirst) {
  // 1 / 7 in f16 is 0.142822265625; 1 / that is 7.0017, still 7, and decode gives the f16 grid.
  auto c = encode("tensor<2xf32, #terse.uniform<i4, scale = f16>>", {1, 0.5});
  EXPECT_EQ(c[1].dtype, DType::f16());
  EXPECT_EQ(c[1].getAsDouble(0), 0.142822265625);
  EXPECT_EQ(c[0].toInts(), (Ints{7, 4})); // 0.5 / s = 3.5009; the unrounded scale gives a tie
  EXPECT_EQ(decode(c)[0], 7 * 0.142822265625f);
}

TEST_F(UniformEncodingTest, ScaleStaysInRangeOfItsType) {
  auto c = encode("tensor<1xf32, #terse.uniform<i8, scale = f16>>", {1e-20f});
  EXPECT_EQ(c[1].getAsDouble(0), 0x1p-24);
  EXPECT_EQ(c[0].toInts(), Ints{0});
  c = encode("tensor<1xf32, #terse.uniform<i8, scale = f16>>", {1e20f});
  EXPECT_EQ(c[1].getAsDouble(0), 65504.0);
  EXPECT_EQ(c[0].toInts(), Ints{127});
}

TEST_F(UniformEncodingTest, NestedScale) {
  // Scales 1 and 255 in ui8 with scale 1 are exact; a scale 0.4 would be stored as 0.
  auto c = encode("tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.uniform<ui8>>>",
                  {7, -7, 1785, 255});
  ASSERT_EQ(c.size(), 3u);
  EXPECT_EQ(c[1].toInts(), (Ints{1, 255}));
  EXPECT_EQ(c[2].toFloats(), Floats{1});
  EXPECT_EQ(c[0].toInts(), (Ints{7, -7, 7, 1}));
  EXPECT_EQ(decode(c), (Floats{7, -7, 1785, 255}));
}

TEST_F(UniformEncodingTest, NonFinite) {
  // Left out of the range; NaN becomes the zero point, infinities saturate.
  auto c = encode("tensor<4xf32, #terse.uniform<ui8, zero_point>>", {-1, kNaN, kInf, 2});
  EXPECT_EQ(c[1].toFloats(), Floats{3.0f / 255.0f});
  EXPECT_EQ(c[0].toInts(), (Ints{0, 85, 255, 255}));
  c = encode("tensor<4xf32, #terse.uniform<i8>>", {127, kNaN, kInf, -kInf});
  EXPECT_EQ(c[0].toInts(), (Ints{127, 0, 127, -128}));
}

TEST_F(UniformEncodingTest, NonFiniteWeights) {
  type = cast<RankedTensorType>(parseType("tensor<2x2xf32, #terse.uniform<i8>>", &context));
  auto fails = [&](Floats x, StringRef message) {
    messages.clear();
    auto components =
        encodeWeight(getEncoding(type), HostTensor::from<float>({2, 2}, x), stripEncoding(type),
                     /*parameters=*/{}, [&] { return emitError(UnknownLoc::get(&context)); });
    EXPECT_TRUE(failed(components));
    EXPECT_EQ(messages, message);
  };
  fails({127, 1, kNaN, 2}, "element [1, 0] is NaN; a weight must be finite to be compressed\n");
  fails({127, -kInf, 1, 2},
        "element [0, 1] is infinite; a weight must be finite to be compressed\n");
}

TEST_F(UniformEncodingTest, HalfPrecisionLogicalType) {
  type = cast<RankedTensorType>(parseType("tensor<2xf16, #terse.uniform<i8>>", &context));
  HostTensor x = HostTensor::from<float>({2}, Floats{127, -3}).convertTo(DType::f16());
  auto emit = [&] { return emitError(UnknownLoc::get(&context)); };
  auto c = getEncoding(type).encodeHost(x, stripEncoding(type), {}, emit);
  ASSERT_TRUE(succeeded(c));
  EXPECT_EQ((*c)[0].toInts(), (Ints{127, -3}));
  auto back = getEncoding(type).decodeHost(*c, stripEncoding(type), emit);
  ASSERT_TRUE(succeeded(back));
  EXPECT_TRUE(bitwiseEqual(*back, x));
}

TEST_F(UniformEncodingTest, RankZeroAndEmpty) {
  auto c = encode("tensor<f32, #terse.uniform<i8>>", {-127});
  EXPECT_EQ(c[0].toInts(), Ints{-127});
  c = encode("tensor<0x4xf32, #terse.uniform<i8, block = [2, 2]>>", {});
  EXPECT_EQ(c[0].getNumElements(), 0);
  EXPECT_EQ(c[1].shape, (std::vector<int64_t>{0, 2}));
  c = encode("tensor<0x4xf32, #terse.uniform<i8, axis = 1>>", {});
  EXPECT_EQ(c[1].toFloats(), (Floats{1, 1, 1, 1}));
}

TEST_F(UniformEncodingTest, DynamicLogicalType) {
  type = cast<RankedTensorType>(
      parseType("tensor<?x?xf32, #terse.uniform<i4, block = [1, 2]>>", &context));
  HostTensor x = HostTensor::from<float>({2, 3}, Floats{7, 1, 14, 21, -21, 28});
  auto emit = [&] { return emitError(UnknownLoc::get(&context)); };
  auto c = getEncoding(type).encodeHost(x, stripEncoding(type), {}, emit);
  ASSERT_TRUE(succeeded(c));
  EXPECT_EQ((*c)[1].shape, (std::vector<int64_t>{2, 2}));
  auto back = getEncoding(type).decodeHost(*c, stripEncoding(type), emit);
  ASSERT_TRUE(succeeded(back));
  EXPECT_TRUE(bitwiseEqual(*back, x));
}

TEST_F(UniformEncodingTest, WrongShape) {
  type = cast<RankedTensorType>(parseType("tensor<?x4xf32, #terse.uniform<i8>>", &context));
  HostTensor x = HostTensor::from<float>({2, 3}, Floats(6, 1));
  EXPECT_TRUE(failed(getEncoding(type).encodeHost(
      x, stripEncoding(type), {}, [&] { return emitError(UnknownLoc::get(&context)); })));
  EXPECT_EQ(messages, "expected a tensor of type 'tensor<?x4xf32>' (got 2x3xf32)\n");
}

TEST_F(UniformEncodingTest, WrongParameter) {
  HostTensor scale = HostTensor::from<float>({1}, Floats{1});
  EXPECT_TRUE(encode("tensor<2xf32, #terse.uniform<i8>>", {1, 2}, {scale}).empty());
  EXPECT_EQ(messages, "expected component 'scales' of type 'tensor<f32>' (got 1xf32)\n");
}

TEST_F(UniformEncodingTest, WrongComponents) {
  auto c = encode("tensor<2xf32, #terse.uniform<i8>>", {1, 2});
  EXPECT_TRUE(decode(c[0]).empty());
  EXPECT_EQ(messages, "expected 2 components (got 1)\n");
}

} // namespace
