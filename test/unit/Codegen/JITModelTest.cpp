//===- JITModelTest.cpp - Compiled functions run and agree ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/InitAll.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace terse;

namespace {
class JITModelTest : public ::testing::Test {
protected:
  JITModelTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  llvm::Expected<std::unique_ptr<JITModel>> compile(const std::string &text,
                                                    const std::string &target = "native") {
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return llvm::createStringError("parse error");
    CompileOptions options;
    options.target = target;
    return JITModel::create(*module, options);
  }

  std::vector<HostTensor> run(const std::string &text, llvm::ArrayRef<HostTensor> inputs) {
    auto model = compile(text);
    if (!model) {
      ADD_FAILURE() << llvm::toString(model.takeError());
      return {};
    }
    auto results = (*model)->run(inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    return *results;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

template <typename T>
std::vector<T> values(const HostTensor &t) {
  auto a = t.getAs<T>();
  return {a.begin(), a.end()};
}
} // namespace

TEST_F(JITModelTest, BroadcastsRunTimeSizes) {
  const char *text = R"(
    func.func @main(%a: tensor<2x?xf32> {nn.name = "a"}, %b: tensor<?x?xf32>) -> (tensor<2x?xf32> {nn.name = "sum"}) {
      %0 = nn.binary add %a, %b : (tensor<2x?xf32>, tensor<?x?xf32>) -> tensor<2x?xf32>
      return %0 : tensor<2x?xf32>
    })";
  auto model = compile(text);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_EQ((*model)->getInputs()[0].name, "a");
  EXPECT_EQ((*model)->getOutputs()[0].name, "sum");
  auto a = HostTensor::from<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  struct Case {
    std::vector<int64_t> shape;
    std::vector<float> data, want;
  };
  for (const Case &c : {Case{{2, 3}, {10, 20, 30, 40, 50, 60}, {11, 22, 33, 44, 55, 66}},
                        Case{{1, 3}, {10, 20, 30}, {11, 22, 33, 14, 25, 36}},
                        Case{{2, 1}, {10, 20}, {11, 12, 13, 24, 25, 26}},
                        Case{{1, 1}, {10}, {11, 12, 13, 14, 15, 16}}}) {
    auto result = (*model)->run({a, HostTensor::from<float>(c.shape, c.data)});
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    EXPECT_EQ((*result)[0].shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(values<float>((*result)[0]), c.want);
  }
}

TEST_F(JITModelTest, ReturnsInputsAndConstants) {
  auto x = HostTensor::from<float>({3}, std::vector<float>{1, -2, 3});
  auto r = run(R"(
    func.func @main(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<2xi64>, tensor<3xf32>) {
      %0 = nn.constant dense<[7, 8]> : tensor<2xi64>
      %1 = nn.unary neg %x : (tensor<3xf32>) -> tensor<3xf32>
      return %x, %0, %1 : tensor<3xf32>, tensor<2xi64>, tensor<3xf32>
    })",
               {x});
  ASSERT_EQ(r.size(), 3u);
  EXPECT_EQ(values<float>(r[0]), (std::vector<float>{1, -2, 3}));
  EXPECT_EQ(values<int64_t>(r[1]), (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(values<float>(r[2]), (std::vector<float>{-1, 2, -3}));
  EXPECT_EQ(values<float>(x), (std::vector<float>{1, -2, 3}));
}

TEST_F(JITModelTest, ReadsPackedWeights) {
  // -8 7 3 -1 0 as nibbles, the low one first: 0x78, 0xF3, 0x00.
  auto r = run(R"(
    ml_program.global private @pad(dense_resource<pad> : tensor<3xf32>) : tensor<3xf32>
    ml_program.global private @w(dense_resource<w> : tensor<5xi4>) : tensor<5xi4>
    func.func @main() -> (tensor<5xi4>, tensor<5xf32>, tensor<3xf32>) {
      %w = ml_program.global_load_const @w : tensor<5xi4>
      %p = ml_program.global_load_const @pad : tensor<3xf32>
      %0 = nn.cast %w : (tensor<5xi4>) -> tensor<5xf32>
      return %w, %0, %p : tensor<5xi4>, tensor<5xf32>, tensor<3xf32>
    }
    {-# dialect_resources: { builtin: {
      pad: "0x040000000000803F0000004000004040",
      w: "0x0100000078F300"
    } } #-})",
               {});
  ASSERT_EQ(r.size(), 3u);
  EXPECT_EQ(values<int8_t>(r[0]), (std::vector<int8_t>{-8, 7, 3, -1, 0}));
  EXPECT_EQ(values<float>(r[1]), (std::vector<float>{-8, 7, 3, -1, 0}));
  EXPECT_EQ(values<float>(r[2]), (std::vector<float>{1, 2, 3}));
}

TEST_F(JITModelTest, CastsSaturate) {
  float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  auto x = HostTensor::from<float>({6}, std::vector<float>{-1.9f, 200.5f, nan, inf, -inf, 3e9f});
  auto r = run(R"(
    func.func @main(%x: tensor<6xf32>) -> (tensor<6xi8>, tensor<6xui8>, tensor<6xi32>, tensor<6xi4>) {
      %0 = nn.cast %x : (tensor<6xf32>) -> tensor<6xi8>
      %1 = nn.cast %x : (tensor<6xf32>) -> tensor<6xui8>
      %2 = nn.cast %x : (tensor<6xf32>) -> tensor<6xi32>
      %3 = nn.cast %x : (tensor<6xf32>) -> tensor<6xi4>
      return %0, %1, %2, %3 : tensor<6xi8>, tensor<6xui8>, tensor<6xi32>, tensor<6xi4>
    })",
               {x});
  ASSERT_EQ(r.size(), 4u);
  EXPECT_EQ(values<int8_t>(r[0]), (std::vector<int8_t>{-1, 127, 0, 127, -128, 127}));
  EXPECT_EQ(values<uint8_t>(r[1]), (std::vector<uint8_t>{0, 200, 0, 255, 0, 255}));
  EXPECT_EQ(values<int32_t>(r[2]),
            (std::vector<int32_t>{-1, 200, 0, INT32_MAX, INT32_MIN, INT32_MAX}));
  EXPECT_EQ(values<int8_t>(r[3]), (std::vector<int8_t>{-1, 7, 0, 7, -8, 7}));
}

// Every pattern of a small float decodes, and encodes back, as Numerics does.
TEST_F(JITModelTest, SmallFloatsAreThoseOfNumerics) {
  for (const char *name : {"f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ", "f8E8M0FNU",
                           "f6E2M3FN", "f6E3M2FN", "f4E2M1FN", "f16", "bf16"}) {
    DType dtype = *DType::parse(name);
    auto kind = dtype.getFloatKind();
    // Decoded patterns and values around them, beyond the range on both ends.
    int64_t patterns = dtype.getBits() == 16 ? 65536 : int64_t(1) << dtype.getBits();
    std::vector<float> wide;
    for (int64_t p = 0; p < patterns; p += dtype.getBits() == 16 ? 37 : 1) {
      float v = numerics::decodeFloat(kind, uint16_t(p));
      for (float scale : {1.0f, 1.03125f, 1.0625f, 0.96875f, 2.0f, 0.5f, 0.25f, 1.5f})
        wide.push_back(v * scale);
    }
    for (float v : {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e30f, -1e30f, 1e-30f, 448.0f, 464.0f,
                    480.0f, 5.0f, 7.0f})
      wide.push_back(v);
    int64_t n = wide.size();
    std::string t = "tensor<" + std::to_string(n) + "x", s = t + name + ">", f = t + "f32>",
                d = t + "f64>";
    std::string text =
        "func.func @main(%x: " + f + ") -> (" + s + ", " + s + ", " + f + ", " + s + ") {\n";
    text += "%0 = nn.cast %x : (" + f + ") -> " + s + "\n";
    text += "%1 = nn.cast %x {saturate = false} : (" + f + ") -> " + s + "\n";
    text += "%2 = nn.cast %0 : (" + s + ") -> " + f + "\n";
    text += "%3 = nn.cast %x : (" + f + ") -> " + d + "\n";
    text += "%4 = nn.cast %3 : (" + d + ") -> " + s + "\n";
    text += "return %0, %1, %2, %4 : " + s + ", " + s + ", " + f + ", " + s + "\n}";
    auto r = run(text, {HostTensor::from<float>({n}, wide)});
    ASSERT_EQ(r.size(), 4u) << name;
    int64_t bad = 0;
    for (int64_t i = 0; i < n && bad < 5; ++i) {
      auto get = [&](const HostTensor &t) {
        return dtype.getBits() == 16 ? t.getAs<uint16_t>()[i] : t.getAs<uint8_t>()[i];
      };
      bool is16 = dtype.getBits() == 16;
      uint16_t want = numerics::encodeFloat(kind, wide[i], !is16),
               loose = numerics::encodeFloat(kind, wide[i], false);
      if (is16 && std::isnan(wide[i]))
        continue; // Payloads are the hardware's business.
      bad += get(r[0]) != want || get(r[1]) != loose || get(r[3]) != want;
      EXPECT_EQ(get(r[0]), want) << name << " of " << wide[i];
      EXPECT_EQ(get(r[1]), loose) << name << " of " << wide[i] << " without saturation";
      EXPECT_EQ(get(r[3]), want) << name << " of " << wide[i] << " as f64";
      float back = r[2].getAs<float>()[i], decoded = numerics::decodeFloat(kind, want);
      EXPECT_TRUE(back == decoded || (std::isnan(back) && std::isnan(decoded)))
          << name << " " << want;
    }
  }
}

TEST_F(JITModelTest, IntegerDivisionDoesNotTrap) {
  auto x = HostTensor::from<int32_t>({4}, std::vector<int32_t>{7, -7, INT32_MIN, 5});
  auto y = HostTensor::from<int32_t>({4}, std::vector<int32_t>{-2, 2, -1, 0});
  auto r = run(R"(
    func.func @main(%x: tensor<4xi32>, %y: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) {
      %0 = nn.binary div %x, %y : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
      %1 = nn.binary mod %x, %y : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
      %2 = nn.binary fmod %x, %y : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
      return %0, %1, %2 : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
    })",
               {x, y});
  ASSERT_EQ(r.size(), 3u);
  EXPECT_EQ(values<int32_t>(r[0]), (std::vector<int32_t>{-3, -3, INT32_MIN, 0}));
  EXPECT_EQ(values<int32_t>(r[1]), (std::vector<int32_t>{-1, 1, 0, 0}));
  EXPECT_EQ(values<int32_t>(r[2]), (std::vector<int32_t>{1, -1, 0, 0}));
}

TEST_F(JITModelTest, RefusesWhatDoesNotFit) {
  const char *text =
      "func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> { return %x : tensor<3xf32> }";
  auto model = compile(text);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  auto shape = (*model)->run({HostTensor::zeros(DType::f32(), {4})});
  EXPECT_EQ(llvm::toString(shape.takeError()), "input 'input0': expected 3xf32 (got 4xf32)");
  auto count = (*model)->run({});
  EXPECT_EQ(llvm::toString(count.takeError()), "expected 1 inputs (got 0)");
  auto target = compile(text, "z80");
  EXPECT_NE(llvm::toString(target.takeError()).find("unknown target 'z80'"), std::string::npos);
}
