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
  const char *dims;
  const char *elementType;
  std::vector<int64_t> shape;
  const char *encoding;
};

/// GoogleTest would print the bytes otherwise.
void PrintTo(const Case &test, std::ostream *os) {
  *os << test.dims << " x " << test.elementType << ", " << test.encoding;
}

std::vector<Case> getCases() {
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
    cases.push_back({"6x10", "f32", {6, 10}, encoding});
  // Every granularity, with blocks that divide and that do not.
  for (const char *encoding :
       {"i4, axis = 0", "i4, axis = 1", "i4, axis = 2", "i4, block = [1, 1, 8]",
        "i4, block = [2, 4, 4]", "i4, block = [1, 3, 1]", "i4, block = [2, 3, 5]",
        "i4, block = [100, 100, 100]", "i4, block = [?, 2, ?]", "i4, block = [1, 1, ?]",
        "ui4, axis = 1, zero_point", "ui4, block = [2, 3, 5], zero_point",
        "i4, block = [1, 2, 4], scale = f16", "ui4, block = [1, 2, 3], scale = bf16, zero_point",
        "i4, block = [1, 2, 4], scale = #terse.uniform<ui8, axis = 0, scale = f16>",
        "i4, block = [1, 2, 3], scale = #terse.uniform<ui8, zero_point>",
        "i4, axis = 2, scale = #terse.cast<bf16>"}) {
    cases.push_back({"4x6x8", "f32", {4, 6, 8}, encoding});
    cases.push_back({"?x?x?", "f32", {4, 6, 8}, encoding});
    cases.push_back({"4x?x8", "f32", {4, 7, 8}, encoding});
  }
  for (const char *elementType : {"f16", "bf16", "f64"})
    cases.push_back({"5x7", elementType, {5, 7}, "i8, axis = 0"});
  cases.push_back({"", "f32", {}, "i8"});
  cases.push_back({"1", "f32", {1}, "i4, block = [32]"});
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

  std::vector<HostTensor> run(ModuleOp module, const HostTensor &x) {
    auto function = module.lookupSymbol<func::FuncOp>("main");
    llvm::Expected<std::vector<HostTensor>> results = interpret(function, {x});
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }

  MLIRContext context;
};

TEST_P(EncodingLoweringTest, AgreesWithHost) {
  const Case &test = GetParam();
  std::string logical =
      std::string(test.dims) + (*test.dims ? "x" : "") + std::string(test.elementType);
  std::string plain = "tensor<" + logical + ">";
  std::string encoded = "tensor<" + logical + ", #terse.uniform<" + test.encoding + ">>";
  std::string text = "func.func @main(%x: " + plain + ") -> (" + encoded + ", " + plain +
                     ") {\n  %q = terse.encode %x : " + plain + " -> " + encoded +
                     "\n  %d = terse.decode %q : " + encoded + "\n  return %q, %d : " + encoded +
                     ", " + plain + "\n}\n";
  SCOPED_TRACE(text);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  auto type = cast<RankedTensorType>(
      module->lookupSymbol<func::FuncOp>("main").getFunctionType().getResult(0));
  PassManager manager(&context);
  manager.addPass(createDecomposeEncodingsPass());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  auto emit = [&] { return mlir::emitError(UnknownLoc::get(&context)); };

  for (bool special : {false, true}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      HostTensor x = makeInput(test.shape, *DType::parse(test.elementType), seed, special);
      auto encodedHost = getEncoding(type).encodeHost(x, stripEncoding(type), {}, emit);
      ASSERT_TRUE(succeeded(encodedHost));
      auto decodedHost = getEncoding(type).decodeHost(*encodedHost, stripEncoding(type), emit);
      ASSERT_TRUE(succeeded(decodedHost));
      SmallVector<HostTensor> expected = *encodedHost;
      expected.push_back(*decodedHost);
      std::vector<HostTensor> actual = run(*module, x);
      ASSERT_EQ(expected.size(), actual.size());
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(bitwiseEqual(expected[i], actual[i]))
            << "result " << i << ", seed " << seed << (special ? ", special values" : "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Uniform, EncodingLoweringTest, ::testing::ValuesIn(getCases()));

} // namespace
