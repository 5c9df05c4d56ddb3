//===- EncodingLoweringTest.cpp - Built ops against host methods -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An encoding defines its arithmetic on constants and again as ops. Here the
// interpreter runs the ops that terse.encode and terse.decode decompose into,
// and every bit must agree with encodeHost and decodeHost.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Reference/Interpreter.h"
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir;
using namespace terse;

namespace {

/// A logical type as it stands in the program, the shape at run time, and the encoding.
struct Case {
  std::string dims;
  std::string elementType;
  std::vector<int64_t> shape;
  std::string encoding;
};

std::string uniform(const char *text) { return "#terse.uniform<" + std::string(text) + ">"; }

/// GoogleTest would print the bytes otherwise.
void PrintTo(const Case &test, std::ostream *os) {
  *os << test.dims << " x " << test.elementType << ", " << test.encoding;
}

std::vector<Case> getUniformCases() {
  std::vector<Case> cases;
  // Every width, signed and unsigned, with and without zero point.
  for (const char *encoding : {"si1",
                               "i2",
                               "i3",
                               "i4",
                               "i5",
                               "i6",
                               "i7",
                               "i8",
                               "i16",
                               "i32",
                               "ui1",
                               "ui2",
                               "ui3",
                               "ui4",
                               "ui5",
                               "ui6",
                               "ui7",
                               "ui8",
                               "ui16",
                               "ui32",
                               "i8, narrow",
                               "i4, narrow",
                               "si1, zero_point",
                               "i2, zero_point",
                               "i4, zero_point",
                               "i8, zero_point",
                               "i16, zero_point",
                               "ui1, zero_point",
                               "ui4, zero_point",
                               "ui8, zero_point",
                               "ui16, zero_point"})
    cases.push_back({"6x10", "f32", {6, 10}, uniform(encoding)});
  // Every granularity, with blocks that divide and that do not.
  for (const char *encoding :
       {"i4, axis = 0",
        "i4, axis = 1",
        "i4, axis = 2",
        "i4, block = [1, 1, 8]",
        "i4, block = [2, 4, 4]",
        "i4, block = [1, 3, 1]",
        "i4, block = [2, 3, 5]",
        "i4, block = [100, 100, 100]",
        "i4, block = [?, 2, ?]",
        "i4, block = [1, 1, ?]",
        "ui4, axis = 1, zero_point",
        "ui4, block = [2, 3, 5], zero_point",
        "i4, block = [1, 2, 4], scale = f16",
        "ui4, block = [1, 2, 3], scale = bf16, zero_point",
        "i4, block = [1, 2, 4], scale = #terse.uniform<ui8, axis = 0, scale = f16>",
        "i4, block = [1, 2, 3], scale = #terse.uniform<ui8, zero_point>",
        "i4, axis = 2, scale = #terse.cast<bf16>",
        "i4, block = [1, 2, 4], scale = f8E8M0FNU",
        "i4, axis = 1, scale = f8E4M3FN",
        "ui4, axis = 1, scale = f8E8M0FNU, zero_point"}) {
    cases.push_back({"4x6x8", "f32", {4, 6, 8}, uniform(encoding)});
    cases.push_back({"?x?x?", "f32", {4, 6, 8}, uniform(encoding)});
    cases.push_back({"4x?x8", "f32", {4, 7, 8}, uniform(encoding)});
  }
  for (const char *elementType : {"f16", "bf16", "f64"})
    cases.push_back({"5x7", elementType, {5, 7}, uniform("i8, axis = 0")});
  cases.push_back({"", "f32", {}, uniform("i8")});
  cases.push_back({"1", "f32", {1}, uniform("i4, block = [32]")});
  return cases;
}

/// Encodings that can be computed at run time.
std::vector<Case> getMinifloatCases() {
  std::vector<Case> cases;
  for (const char *type : {"f8E4M3FN", "f8E5M2", "f6E2M3FN", "f6E3M2FN", "f4E2M1FN"})
    for (const char *scale : {"f32", "f16", "bf16", "f8E8M0FNU", "f8E4M3FN",
                              "#terse.minifloat<f8E4M3FN>", "#terse.uniform<ui8, axis = 0>"}) {
      std::string text =
          "#terse.minifloat<" + std::string(type) + ", block = [1, 4], scale = " + scale + ">";
      cases.push_back({"6x8", "f32", {6, 8}, text});
      cases.push_back({"?x?", "f32", {6, 10}, text});
    }
  for (const char *encoding :
       {"#terse.minifloat<f8E4M3FN>", "#terse.minifloat<f8E5M2, axis = 1>",
        "#terse.minifloat<f4E2M1FN, block = [2, 3], scale = f8E8M0FNU>",
        "#terse.minifloat<f4E2M1FN, block = [?, 3], scale = f8E8M0FNU>",
        "#terse.sum<#terse.minifloat<f4E2M1FN>, #terse.uniform<i4, axis = 0>>"}) {
    cases.push_back({"5x7", "f16", {5, 7}, encoding});
    cases.push_back({"5x7", "f32", {5, 7}, encoding});
  }
  return cases;
}

/// Encodings of constants only, which decode at run time.
std::vector<Case> getConstantCases() {
  std::vector<Case> cases;
  for (const char *encoding :
       {"#terse.codebook<ui4, table = nf4>",
        "#terse.codebook<ui4, table = nf4, axis = 0>",
        "#terse.codebook<ui4, table = nf4, block = [1, 2, 4]>",
        "#terse.codebook<ui4, table = nf4, block = [1, 2, 3], scale = bf16>",
        "#terse.codebook<ui4, table = nf4, block = [1, 2, 4], "
        "scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = [2, 2, 1]>>>",
        "#terse.codebook<ui4, table = fp4, block = [1, 2, 4], scale = f8E4M3FN>",
        "#terse.codebook<ui2, table = pow2>",
        "#terse.codebook<ui3, table = pow2, axis = 1>",
        "#terse.codebook<ui8, table = pow2, axis = 1>",
        "#terse.codebook<ui1, table = binary, axis = 0>",
        "#terse.codebook<ui2, table = ternary, axis = 0, scale = f16>",
        "#terse.codebook<ui1, table = f32>",
        "#terse.codebook<ui3, table = f16>",
        "#terse.codebook<ui8, table = bf16>",
        "#terse.codebook<ui2, table = f32, group = [2, ?, ?]>",
        "#terse.codebook<ui3, table = f32, group = [3, ?, ?]>",
        "#terse.codebook<ui3, table = f32, group = [2, ?, 4]>",
        "#terse.codebook<ui3, table = #terse.uniform<i8, axis = 0>, group = [2, ?, ?]>",
        "#terse.codebook<ui3, table = f16, vector = 2, vector_axis = 1>",
        "#terse.codebook<ui3, table = f16, vector = 4, vector_axis = 2, group = [2, ?, ?]>",
        "#terse.codebook<ui3, table = f16, vector = 2, vector_axis = 0, group = [2, ?, ?]>",
        "#terse.codebook<ui3, table = f16, group = [2, ?, ?], block = [1, 2, 4], scale = f16>",
        "#terse.codebook<ui3, table = f16, vector = 2, vector_axis = 1, axis = 0, scale = f32>",
        "#terse.mean<f16>",
        "#terse.columns<f16, count = 1, axis = 1>",
        "#terse.columns<f32, count = 3, axis = 0>",
        "#terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.uniform<i8, axis = 0>>",
        "#terse.sum<#terse.columns<bf16, count = 2, axis = 2>, #terse.uniform<i4, block = [1, 2, "
        "4]>>",
        "#terse.sum<#terse.codebook<ui3, table = f16>, #terse.codebook<ui3, table = f16>>"}) {
    cases.push_back({"4x6x8", "f32", {4, 6, 8}, encoding});
    cases.push_back({"4x6x8", "bf16", {4, 6, 8}, encoding});
  }
  return cases;
}

/// Numbers that quantizers get wrong: ties, zeros in rows, both infinities, NaN, tiny and huge
/// ones.
HostTensor makeInput(ArrayRef<int64_t> shape, DType dtype, unsigned seed, bool special) {
  std::mt19937 random(seed);
  HostTensor x = HostTensor::zeros(dtype, shape);
  int64_t row = shape.empty() ? 1 : shape.back();
  for (int64_t i = 0, e = x.getNumElements(); i < e; ++i) {
    if (i / row % 5 == 3)
      continue;
    double value = (static_cast<int>(random() % 4001) - 2000) / 16.0;
    if (special) {
      switch (random() % 16) {
      case 0:
        value = std::numeric_limits<double>::infinity();
        break;
      case 1:
        value = -std::numeric_limits<double>::infinity();
        break;
      case 2:
        value = std::numeric_limits<double>::quiet_NaN();
        break;
      case 3:
        value = 1e-42;
        break;
      case 4:
        value = -3e30;
        break;
      }
    }
    x.setFromDouble(i, value);
  }
  return x;
}

class EncodingLoweringTest : public ::testing::TestWithParam<Case> {
protected:
  EncodingLoweringTest() { context.loadDialect<func::FuncDialect, nn::NNDialect, TerseDialect>(); }

  std::vector<HostTensor> run(ModuleOp module, ArrayRef<HostTensor> arguments) {
    auto function = module.lookupSymbol<func::FuncOp>("main");
    llvm::Expected<std::vector<HostTensor>> results = interpret(function, arguments);
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }

  /// Parses a program and decomposes its encodings.
  OwningOpRef<ModuleOp> prepare(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return nullptr;
    type = cast<RankedTensorType>( // Before its encoding is decomposed.
        module->lookupSymbol<func::FuncOp>("main").getFunctionType().getResult(0));
    PassManager manager(&context);
    manager.addPass(createDecomposeEncodingsPass());
    return succeeded(manager.run(*module)) ? std::move(module) : nullptr;
  }

  /// The components of `x`, and what they decode to.
  std::vector<HostTensor> encodeAndDecode(const HostTensor &x, RankedTensorType encoded) {
    auto emit = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
    auto components = getEncoding(encoded).encodeHost(x, stripEncoding(encoded), {}, emit);
    if (failed(components))
      return {};
    auto decoded = getEncoding(encoded).decodeHost(*components, stripEncoding(encoded), emit);
    if (failed(decoded))
      return {};
    std::vector<HostTensor> result(components->begin(), components->end());
    result.push_back(*decoded);
    return result;
  }

  MLIRContext context;
  RankedTensorType type;
};

TEST_P(EncodingLoweringTest, AgreesWithHost) {
  const Case &test = GetParam();
  std::string logical = test.dims + (test.dims.empty() ? "" : "x") + test.elementType;
  std::string plain = "tensor<" + logical + ">";
  std::string encoded = "tensor<" + logical + ", " + test.encoding + ">";
  std::string text = "func.func @main(%x: " + plain + ") -> (" + encoded + ", " + plain +
                     ") {\n  %q = terse.encode %x : " + plain + " -> " + encoded +
                     "\n  %d = terse.decode %q : " + encoded + "\n  return %q, %d : " + encoded +
                     ", " + plain + "\n}\n";
  SCOPED_TRACE(text);
  OwningOpRef<ModuleOp> module = prepare(text);
  ASSERT_TRUE(module);

  for (bool special : {false, true}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      HostTensor x = makeInput(test.shape, *DType::parse(test.elementType), seed, special);
      std::vector<HostTensor> expected = encodeAndDecode(x, type);
      std::vector<HostTensor> actual = run(*module, {x});
      ASSERT_EQ(expected.size(), actual.size());
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(bitwiseEqual(expected[i], actual[i]))
            << "result " << i << ", seed " << seed << (special ? ", special values" : "");
    }
  }
}

class EncodingDecodeTest : public EncodingLoweringTest {};

TEST_P(EncodingDecodeTest, AgreesWithHost) {
  const Case &test = GetParam();
  std::string logical = test.dims + "x" + test.elementType;
  std::string plain = "tensor<" + logical + ">";
  std::string encoded = "tensor<" + logical + ", " + test.encoding + ">";
  std::string text = "func.func @main(%q: " + encoded + ") -> (" + encoded + ", " + plain +
                     ") {\n  %d = terse.decode %q : " + encoded + "\n  return %q, %d : " + encoded +
                     ", " + plain + "\n}\n";
  SCOPED_TRACE(text);
  OwningOpRef<ModuleOp> module = prepare(text);
  ASSERT_TRUE(module);

  for (bool special : {false, true}) {
    for (unsigned seed = 0; seed < 3; ++seed) {
      HostTensor x = makeInput(test.shape, *DType::parse(test.elementType), seed, special);
      std::vector<HostTensor> expected = encodeAndDecode(x, type);
      ASSERT_FALSE(expected.empty());
      std::vector<HostTensor> actual = run(*module, ArrayRef(expected).drop_back());
      ASSERT_EQ(expected.size(), actual.size());
      EXPECT_TRUE(bitwiseEqual(expected.back(), actual.back()))
          << "seed " << seed << (special ? ", special values" : "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Uniform, EncodingLoweringTest, ::testing::ValuesIn(getUniformCases()));
INSTANTIATE_TEST_SUITE_P(Minifloat, EncodingLoweringTest, ::testing::ValuesIn(getMinifloatCases()));
INSTANTIATE_TEST_SUITE_P(Constant, EncodingDecodeTest, ::testing::ValuesIn(getConstantCases()));

} // namespace
