//===- IntegerContractionsTest.cpp - Integers against decoding ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An op on encoded tensors means: decode, then compute in float. Each program
// here runs in the interpreter as it means, and again after
// terse-integer-contractions. With scales that are powers of two the float form
// is exact, so that every bit must agree; with other scales the two agree
// within the rounding that docs/Numerics.md states.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Numerics/Requantize.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/MLIRBridge.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace terse;

namespace {

/// `op(attributes)` on x, w and perhaps a bias b, with their types.
struct Case {
  const char *op;
  const char *attributes;
  const char *x, *w, *b, *y;
};

void PrintTo(const Case &test, std::ostream *os) {
  *os << test.op << " " << test.attributes << " on " << test.x << " and " << test.w;
}

const Case kCases[] = {
    // Signedness, zero points, granularity.
    {"linear", "", "3x37xf32, #terse.uniform<i8>", "5x37xf32, #terse.uniform<i8>", "5xf32",
     "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<i8, axis = 0>", "5xf32",
     "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<ui8>", "5x9xf32, #terse.uniform<i8, axis = 0>", "",
     "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<ui8>", "", "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<ui8, zero_point>",
     "5x9xf32, #terse.uniform<i8, axis = 0, zero_point>", "5xf32", "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<ui8, block = [1, ?], zero_point>",
     "5x9xf32, #terse.uniform<ui8, block = [1, ?], zero_point>", "", "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8, axis = 0>",
     "5x9xf32, #terse.uniform<i8, block = [1, 16]>", "5xf32", "3x5xf32"},
    {"linear", "", "2x3x9xf32, #terse.uniform<i8, block = [1, 1, ?]>",
     "5x9xf32, #terse.uniform<i8, axis = 0>", "5xf32", "2x3x5xf32"},
    {"linear", "", "2x3x9xf32, #terse.uniform<ui8, block = [?, 1, ?], zero_point>",
     "1x9xf32, #terse.uniform<i8, axis = 0>", "1xf32", "2x3x1xf32"},
    {"linear", "", "9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<i8, axis = 0>", "",
     "5xf32"},
    // Narrower integers, other scales.
    {"linear", "", "3x9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<i4, axis = 0>", "",
     "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<ui4, zero_point>", "5x9xf32, #terse.uniform<si1>", "",
     "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8, scale = f16>",
     "5x9xf32, #terse.uniform<i2, axis = 0, scale = bf16, zero_point>", "", "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8>",
     "5x9xf32, #terse.uniform<i8, axis = 0, scale = #terse.uniform<ui8, zero_point>>", "",
     "3x5xf32"},
    // Dynamic shapes (3 at run time).
    {"linear", "", "?x9xf32, #terse.uniform<i8, block = [1, ?]>",
     "5x9xf32, #terse.uniform<i8, axis = 0>", "5xf32", "?x5xf32"},
    {"linear", "", "?x?x9xf32, #terse.uniform<ui8, block = [1, 1, ?], zero_point>",
     "5x9xf32, #terse.uniform<i8, axis = 0>", "5xf32", "?x?x5xf32"},
    {"matmul", "", "?x4xf32, #terse.uniform<i8>", "4x?xf32, #terse.uniform<i8>", "", "?x?xf32"},
    // Encoded bias and result.
    {"linear", "", "3x9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<i8, axis = 0>",
     "5xf32, #terse.uniform<i32>", "3x5xf32"},
    {"linear", "", "3x9xf32, #terse.uniform<i8>", "5x9xf32, #terse.uniform<i8, axis = 0>", "5xf32",
     "3x5xf32, #terse.uniform<i8, dynamic>"},
    // Matrix products.
    {"matmul", "", "3x9xf32, #terse.uniform<i8>", "9x5xf32, #terse.uniform<i8, axis = 1>", "",
     "3x5xf32"},
    {"matmul", "", "3x9xf32, #terse.uniform<ui8, block = [1, ?], zero_point>",
     "2x9x5xf32, #terse.uniform<i8, axis = 2, zero_point>", "", "2x3x5xf32"},
    {"matmul", "", "2x1x3x9xf32, #terse.uniform<i8, block = [1, 1, 1, ?]>",
     "4x9x5xf32, #terse.uniform<i8, block = [?, ?, 1]>", "", "2x4x3x5xf32"},
    // Convolutions: padding is the number zero, whatever the zero point.
    {"conv",
     "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>",
     "2x3x5x6xf32, #terse.uniform<ui8, zero_point>", "4x3x3x3xf32, #terse.uniform<i8, axis = 0>",
     "4xf32", "2x4x5x6xf32"},
    {"conv",
     "strides = array<i64: 1, 1>, pads = array<i64: 0, 2, 1, 0>, dilations = array<i64: 1, 1>",
     "2x3x5x6xf32, #terse.uniform<ui8, block = [1, ?, ?, ?], zero_point>",
     "4x3x3x3xf32, #terse.uniform<ui8, axis = 0, zero_point>", "4xf32", "2x4x4x6xf32"},
    {"conv",
     "strides = array<i64: 2, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 2>, "
     "groups = 2",
     "2x4x5x6xf32, #terse.uniform<i8, axis = 0>", "6x2x3x2xf32, #terse.uniform<i8, axis = 0>",
     "6xf32", "2x6x3x6xf32"},
    {"conv",
     "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, "
     "groups = 4",
     "1x4x5x6xf32, #terse.uniform<i8, zero_point>", "4x1x3x3xf32, #terse.uniform<i8, axis = 0>",
     "4xf32", "1x4x5x6xf32"},
    {"conv", "strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>",
     "?x3x7xf32, #terse.uniform<ui8, block = [1, ?, ?], zero_point>",
     "4x3x3xf32, #terse.uniform<i8, axis = 0>", "", "?x4x7xf32"},
    {"conv",
     "strides = array<i64: 1, 1, 1>, pads = array<i64: 1, 0, 1, 1, 0, 1>, dilations = array<i64: "
     "1, 1, 1>",
     "1x2x3x4x3xf32, #terse.uniform<ui8>", "3x2x3x1x3xf32, #terse.uniform<i8>", "3xf32",
     "1x3x3x4x3xf32"},
    {"conv_transpose",
     "strides = array<i64: 2>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, output_padding "
     "= array<i64: 1>",
     "2x3x4xf32, #terse.uniform<ui8, zero_point>", "3x5x3xf32, #terse.uniform<i8, axis = 1>",
     "5xf32", "2x5x9xf32"},
    {"conv_transpose",
     "strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding "
     "= array<i64: 0>, groups = 2",
     "2x4x4xf32, #terse.uniform<i8>", "4x3x3xf32, #terse.uniform<i8, zero_point>", "6xf32",
     "2x6x9xf32"},
};

std::string tensor(StringRef inner) { return ("tensor<" + inner + ">").str(); }

/// The program of a case: encoded operands are arguments, so that tests choose all components.
std::string getProgram(const Case &test, bool decoded) {
  bool hasBias = *test.b;
  std::string x = tensor(test.x), w = tensor(test.w), b = tensor(test.b), y = tensor(test.y);
  std::string text = "func.func @main(%x: " + x + ", %w: " + w;
  if (hasBias)
    text += ", %b: " + b;
  text += ") -> " + y + " {\n";
  std::string xName = "%x", wName = "%w";
  std::string xType = x, wType = w;
  if (decoded) {
    text += "  %xd = terse.decode %x : " + x + "\n  %wd = terse.decode %w : " + w + "\n";
    xName = "%xd";
    wName = "%wd";
    xType = tensor(StringRef(test.x).split(',').first);
    wType = tensor(StringRef(test.w).split(',').first);
  }
  text +=
      "  %y = nn." + std::string(test.op) + " " + xName + ", " + wName + (hasBias ? ", %b" : "");
  if (*test.attributes)
    text += " {" + std::string(test.attributes) + "}";
  text += " : (" + xType + ", " + wType + (hasBias ? ", " + b : "") + ") -> " + y + "\n";
  return text + "  return %y : " + y + "\n}\n";
}

class IntegerContractionsTest : public ::testing::TestWithParam<Case> {
protected:
  IntegerContractionsTest() {
    context.loadDialect<func::FuncDialect, nn::NNDialect, TerseDialect>();
  }

  OwningOpRef<ModuleOp> parse(StringRef text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }

  /// Runs the module after lowering, in integers or as it means; consumes it.
  std::vector<HostTensor> run(OwningOpRef<ModuleOp> module, ArrayRef<HostTensor> inputs,
                              bool integers, bool f64Accumulation = false) {
    PassManager manager(&context);
    if (integers)
      manager.addPass(createIntegerContractionsPass());
    manager.addPass(createDecomposeEncodingsPass());
    if (failed(manager.run(*module))) {
      ADD_FAILURE() << "lowering failed";
      return {};
    }
    bool isConverted = false;
    module->walk([&](nn::ContractionLike op) {
      isConverted |= getElementTypeOrSelf(op->getResult(0).getType()).isInteger(32);
    });
    EXPECT_EQ(isConverted, integers);
    InterpreterOptions options;
    options.f64Accumulation = f64Accumulation;
    llvm::Expected<std::vector<HostTensor>> results =
        interpret(module->lookupSymbol<func::FuncOp>("main"), inputs, options);
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }

  MLIRContext context;
};

/// A random tensor: integers over their whole range; floats positive, powers of two if `exact`.
HostTensor makeTensor(RankedTensorType type, std::mt19937 &random, bool exact) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &size : shape)
    size = ShapedType::isDynamic(size) ? 3 : size;
  DType dtype = *toDType(type.getElementType());
  HostTensor tensor = HostTensor::zeros(dtype, shape);
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i) {
    if (dtype.isFloat()) {
      double value = std::ldexp(1.0, -int(random() % 3));
      tensor.setFromDouble(i, exact ? value : value * (1 + random() % 1000 / 1000.0));
      continue;
    }
    // 32-bit integers stand for a bias and stay in the range of sums.
    int64_t bits = dtype.getBits() > 8 ? 12 : dtype.getBits();
    int64_t value = random() % (int64_t(1) << bits);
    tensor.setFromInt(i, dtype.isUnsignedInteger() ? value : value - (int64_t(1) << (bits - 1)));
  }
  return tensor;
}

/// Random arguments for main, component by component.
std::vector<HostTensor> makeInputs(ModuleOp module, unsigned seed, bool exact) {
  std::mt19937 random(seed);
  std::vector<HostTensor> inputs;
  for (Type type : module.lookupSymbol<func::FuncOp>("main").getArgumentTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    EncodingAttrInterface encoding = getEncoding(type);
    if (!encoding) {
      inputs.push_back(makeTensor(tensor, random, exact));
      continue;
    }
    for (Type component : getComponentTypes(encoding, stripEncoding(tensor)))
      inputs.push_back(makeTensor(cast<RankedTensorType>(component), random, exact));
  }
  return inputs;
}

TEST_P(IntegerContractionsTest, EqualsDecodingWhereThatIsExact) {
  for (bool decoded : {false, true}) {
    std::string text = getProgram(GetParam(), decoded);
    SCOPED_TRACE(text);
    for (unsigned seed = 0; seed < 4; ++seed) {
      OwningOpRef<ModuleOp> module = parse(text);
      ASSERT_TRUE(module);
      std::vector<HostTensor> inputs = makeInputs(*module, seed, /*exact=*/true);
      std::vector<HostTensor> expected = run(std::move(module), inputs, /*integers=*/false);
      std::vector<HostTensor> actual = run(parse(text), inputs, /*integers=*/true);
      ASSERT_EQ(expected.size(), actual.size());
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(bitwiseEqual(expected[i], actual[i])) << "result " << i << ", seed " << seed;
    }
  }
}

TEST_P(IntegerContractionsTest, AgreesWithDecodingWithinRounding) {
  // A result in integers may differ by one, near ties.
  bool isEncoded = StringRef(GetParam().y).contains("terse");
  std::string text = getProgram(GetParam(), /*decoded=*/false);
  SCOPED_TRACE(text);
  for (unsigned seed = 0; seed < 4; ++seed) {
    OwningOpRef<ModuleOp> module = parse(text);
    ASSERT_TRUE(module);
    std::vector<HostTensor> inputs = makeInputs(*module, seed, /*exact=*/false);
    std::vector<HostTensor> expected =
        run(std::move(module), inputs, /*integers=*/false, /*f64Accumulation=*/true);
    std::vector<HostTensor> actual = run(parse(text), inputs, /*integers=*/true);
    ASSERT_EQ(isEncoded ? 2u : 1u, expected.size());
    ASSERT_EQ(expected.size(), actual.size());
    double range = 0;
    for (int64_t i = 0, e = expected[0].getNumElements(); i < e; ++i)
      range = std::max(range, std::fabs(expected[0].getAsDouble(i)));
    for (int64_t i = 0, e = expected[0].getNumElements(); i < e; ++i)
      EXPECT_NEAR(expected[0].getAsDouble(i), actual[0].getAsDouble(i),
                  isEncoded ? 1 : 1e-5 * range);
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, IntegerContractionsTest, ::testing::ValuesIn(kCases));

/// linear, then terse.encode with parameters: what ONNX calls QLinearMatMul.
class RequantizeTest : public IntegerContractionsTest {};

TEST_F(RequantizeTest, IsTheOneRoundingOfNumerics) {
  const int64_t rows = 16, depth = 9, columns = 24;
  const char *text = R"(
    func.func @main(%x: tensor<16x9xf32, #terse.uniform<ui8, zero_point>>,
                    %w: tensor<24x9xf32, #terse.uniform<i8, axis = 0>>,
                    %s: tensor<f32>, %z: tensor<ui8>)
        -> tensor<16x24xf32, #terse.uniform<ui8, zero_point>> {
      %y = nn.linear %x, %w : (tensor<16x9xf32, #terse.uniform<ui8, zero_point>>,
                               tensor<24x9xf32, #terse.uniform<i8, axis = 0>>) -> tensor<16x24xf32>
      %q = terse.encode %y params(%s, %z : tensor<f32>, tensor<ui8>)
         : tensor<16x24xf32> -> tensor<16x24xf32, #terse.uniform<ui8, zero_point>>
      return %q : tensor<16x24xf32, #terse.uniform<ui8, zero_point>>
    })";
  for (unsigned seed = 0; seed < 32; ++seed) {
    bool exact = seed % 2;
    OwningOpRef<ModuleOp> module = parse(text);
    ASSERT_TRUE(module);
    std::vector<HostTensor> inputs = makeInputs(*module, seed, exact);
    ASSERT_EQ(7u, inputs.size()); // x, sx, zx, w, sw, sy, zy
    inputs[5].setFromDouble(0, inputs[5].getAsDouble(0) * 256);
    std::vector<HostTensor> expected = run(std::move(module), inputs, /*integers=*/false);
    std::vector<HostTensor> actual = run(parse(text), inputs, /*integers=*/true);
    ASSERT_EQ(3u, expected.size());
    ASSERT_EQ(3u, actual.size());
    // With exact scales every path rounds once, so that ties are decided alike.
    if (exact)
      EXPECT_TRUE(bitwiseEqual(expected[0], actual[0]));
    float sx = inputs[1].getAsDouble(0), sy = inputs[5].getAsDouble(0);
    int64_t zx = inputs[2].getAsInt(0), zy = inputs[6].getAsInt(0);
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < columns; ++n) {
        int32_t acc = 0;
        for (int64_t k = 0; k < depth; ++k)
          acc += (inputs[0].getAsInt(m * depth + k) - zx) * inputs[3].getAsInt(n * depth + k);
        float sw = inputs[4].getAsDouble(n);
        float product = sx * sw;
        EXPECT_EQ(numerics::requantize(acc, product / sy, zy, {0, 255}),
                  actual[0].getAsInt(m * columns + n));
      }
  }
}

TEST_F(RequantizeTest, ReachesTheEndsOfI32) {
  // 33025 * 255 * 255 is just below 2^31, and one more summand is not.
  auto program = [](int64_t depth) {
    std::string k = std::to_string(depth);
    std::string type = "tensor<1x" + k + "xf32, #terse.uniform<ui8>>";
    return "func.func @main(%x: " + type + ", %w: " + type + ") -> tensor<1x1xf32> {\n" +
           "  %y = nn.linear %x, %w : (" + type + ", " + type +
           ") -> tensor<1x1xf32>\n  return %y : tensor<1x1xf32>\n}\n";
  };
  std::string text = program(33025);
  OwningOpRef<ModuleOp> module = parse(text);
  ASSERT_TRUE(module);
  std::vector<HostTensor> inputs = makeInputs(*module, 0, /*exact=*/true);
  for (HostTensor *values : {&inputs[0], &inputs[2]})
    for (int64_t i = 0, e = values->getNumElements(); i < e; ++i)
      values->setFromInt(i, 255);
  inputs[1].setFromDouble(0, 1);
  inputs[3].setFromDouble(0, 1);
  std::vector<HostTensor> actual = run(std::move(module), inputs, /*integers=*/true);
  ASSERT_EQ(1u, actual.size());
  EXPECT_EQ(double(float(33025ll * 255 * 255)), actual[0].getAsDouble(0));

  OwningOpRef<ModuleOp> longer = parse(program(33026));
  PassManager manager(&context);
  manager.addPass(createIntegerContractionsPass());
  ASSERT_TRUE(succeeded(manager.run(*longer)));
  longer->walk([&](nn::LinearOp op) { EXPECT_TRUE(op.getType().getElementType().isF32()); });
}

} // namespace
