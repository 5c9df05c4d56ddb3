//===- EncodingTest.cpp - Encodings seen through the interface --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace terse;

namespace {

class EncodingTest : public ::testing::Test {
protected:
  EncodingTest() { context.loadDialect<TerseDialect>(); }

  RankedTensorType parse(StringRef text) {
    return dyn_cast_or_null<RankedTensorType>(parseType(text, &context));
  }
  std::optional<int64_t> bitsOf(StringRef text) {
    RankedTensorType type = parse(text);
    return getEncoding(type).getBits(stripEncoding(type));
  }
  std::vector<std::string> namesOf(StringRef text) {
    RankedTensorType type = parse(text);
    std::vector<std::string> names;
    for (const EncodingComponent &component : getEncoding(type).getComponents(stripEncoding(type)))
      names.push_back(component.name);
    return names;
  }

  MLIRContext context;
};

TEST_F(EncodingTest, GetEncoding) {
  EXPECT_TRUE(getEncoding(parse("tensor<4xf32, #terse.uniform<i8>>")));
  EXPECT_FALSE(getEncoding(parse("tensor<4xf32>")));
  EXPECT_FALSE(getEncoding(parse("tensor<4xf32, \"other\">")));
  EXPECT_FALSE(getEncoding(Type()));
  EXPECT_FALSE(getEncoding(Float32Type::get(&context)));
}

TEST_F(EncodingTest, LogicalType) {
  EXPECT_EQ(stripEncoding(parse("tensor<4xf32, #terse.uniform<i8>>")), parse("tensor<4xf32>"));
  EXPECT_EQ(getLogicalType(parse("tensor<4xf32, #terse.uniform<i8>>")), parse("tensor<4xf32>"));
  EXPECT_EQ(getLogicalType(parse("tensor<4xf32, \"other\">")), parse("tensor<4xf32, \"other\">"));
  EXPECT_EQ(getLogicalType(Float32Type::get(&context)), Float32Type::get(&context));
}

TEST_F(EncodingTest, ComponentNames) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(namesOf("tensor<4xf32, #terse.uniform<i8>>"), (Names{"values", "scales"}));
  EXPECT_EQ(namesOf("tensor<4xf32, #terse.uniform<ui8, zero_point>>"),
            (Names{"values", "scales", "zero_points"}));
  EXPECT_EQ(namesOf("tensor<4xf32, #terse.uniform<i4, block = [2], scale = #terse.uniform<ui8, "
                    "zero_point, scale = #terse.cast<bf16>>>>"),
            (Names{"values", "scales.values", "scales.scales.values", "scales.zero_points"}));
  EXPECT_EQ(namesOf("tensor<4xf32, #terse.cast<f16>>"), (Names{"values"}));
}

TEST_F(EncodingTest, Parameters) {
  RankedTensorType type = parse("tensor<4xf32, #terse.uniform<ui8, zero_point>>");
  SmallVector<EncodingComponent> parameters =
      getParameterComponents(getEncoding(type), stripEncoding(type));
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "scales");
  EXPECT_EQ(parameters[1].name, "zero_points");
}

TEST_F(EncodingTest, Bits) {
  // 4096 * 4096 values and one scale per 32 of them.
  EXPECT_EQ(bitsOf("tensor<4096x4096xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>"),
            4096 * 4096 * 4 + 4096 * 128 * 16);
  EXPECT_EQ(bitsOf("tensor<64x27xf32, #terse.uniform<i8, axis = 0>>"), 64 * 27 * 8 + 64 * 32);
  EXPECT_EQ(bitsOf("tensor<64x27xf32, #terse.uniform<ui3, axis = 0, scale = bf16, zero_point>>"),
            64 * 27 * 3 + 64 * (16 + 3));
  // A short last block has a scale of its own.
  EXPECT_EQ(bitsOf("tensor<2x33xf32, #terse.uniform<i4, block = [1, 32]>>"),
            2 * 33 * 4 + 2 * 2 * 32);
  EXPECT_EQ(bitsOf("tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = "
                   "#terse.uniform<ui8, axis = 0, scale = f16>>>"),
            8 * 64 * 4 + 16 * 8 + 8 * 16);
  EXPECT_EQ(bitsOf("tensor<100xf32, #terse.cast<bf16>>"), 1600);
  EXPECT_EQ(bitsOf("tensor<f32, #terse.uniform<i8>>"), 8 + 32);
  EXPECT_EQ(bitsOf("tensor<?xf32, #terse.uniform<i8>>"), std::nullopt);
}

TEST_F(EncodingTest, RunTime) {
  EXPECT_TRUE(getEncoding(parse("tensor<4xf32, #terse.uniform<i8>>")).isRunTimeEncodable());
  EXPECT_TRUE(getEncoding(parse("tensor<4xf32, #terse.cast<f16>>")).isRunTimeEncodable());
  EXPECT_FALSE(getEncoding(parse("tensor<4xf32, #terse.uniform<i8>>")).hasRunTimeParameters());
  EXPECT_TRUE(
      getEncoding(parse("tensor<4xf32, #terse.uniform<i8, dynamic>>")).hasRunTimeParameters());
}

TEST_F(EncodingTest, CastRoundsAndOverflows) {
  RankedTensorType type = parse("tensor<4xf32, #terse.cast<f16>>");
  HostTensor x =
      HostTensor::from<float>({4}, std::vector<float>{1.0f, 1.0f + 0x1p-11f, 1e6f, -0.0f});
  auto silent = [&]() { return mlir::emitError(UnknownLoc::get(&context)); };
  FailureOr<SmallVector<HostTensor>> components =
      getEncoding(type).encodeHost(x, stripEncoding(type), {}, silent);
  ASSERT_TRUE(succeeded(components));
  FailureOr<HostTensor> back =
      getEncoding(type).decodeHost(*components, stripEncoding(type), silent);
  ASSERT_TRUE(succeeded(back));
  EXPECT_EQ(back->dtype, DType::f32());
  EXPECT_EQ(back->getAsDouble(0), 1.0);
  EXPECT_EQ(back->getAsDouble(1), 1.0); // a tie, to even
  EXPECT_TRUE(std::isinf(back->getAsDouble(2)));
  EXPECT_TRUE(std::signbit(back->getAsDouble(3)));
}

} // namespace
