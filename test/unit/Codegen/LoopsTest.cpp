//===- LoopsTest.cpp - Loops that no kernel takes -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise integers, tables, pools and transposes over sizes that are known at run time only:
// none, one, odd ones and more than a vector. They agree with the interpreter in every bit on every
// target that this machine can run.

#include "NativeTest.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class LoopsTest : public NativeTest {
protected:
  LoopsTest() : NativeTest(17) {}

  HostTensor random(DType dtype, llvm::ArrayRef<int64_t> shape) {
    HostTensor t = HostTensor::zeros(dtype, shape);
    std::uniform_real_distribution<double> real(-300, 300);
    for (int64_t i = 0; i < t.getNumElements(); ++i)
      t.setFromDouble(i, dtype.isFloat() ? real(rng) : std::round(real(rng)));
    return t;
  }

  // 256 random bytes in text.
  std::string table(llvm::StringRef type) {
    HostTensor t = random(type == "i8" ? DType::si(8) : DType::ui(8), {256});
    llvm::StringRef bytes((const char *)t.getBytes().data(), t.getBytes().size());
    return formatv("nn.constant dense<\"0x{0}\"> : tensor<256x{1}>", llvm::toHex(bytes), type);
  }

  // Runs `text` on inputs of each of `shapes` both ways, on every target.
  void compare(const std::string &text, llvm::ArrayRef<std::vector<int64_t>> shapes) {
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    for (const std::string &target :
         getTargets({"x86-64", "x86-64-v3", "x86-64-v4", "x86-64-v4+avx512vbmi"})) {
      CompileOptions options;
      options.target = target;
      options.optLevel = 1;
      auto model = compile(*module, options);
      ASSERT_TRUE(bool(model));
      for (const std::vector<int64_t> &shape : shapes) {
        Tensors inputs;
        for (const TensorSignature &input : model->getInputs())
          inputs.push_back(random(input.dtype, shape));
        Tensors want = interpret(*module, inputs), have = run(*model, inputs);
        ASSERT_FALSE(want.empty());
        ASSERT_EQ(want.size(), have.size());
        for (size_t r = 0; r < want.size(); ++r) {
          ASSERT_EQ(want[r].shape, have[r].shape);
          EXPECT_TRUE(want[r].getBytes() == have[r].getBytes())
              << target << ", result " << r << ", last size " << shape.back() << "\n"
              << text;
        }
      }
    }
  }
};
} // namespace

static std::vector<std::vector<int64_t>> widths(std::vector<int64_t> shape, size_t open) {
  std::vector<std::vector<int64_t>> result;
  for (int64_t n : {0, 1, 2, 7, 16, 17, 33, 100, 131}) {
    result.push_back(shape);
    result.back()[open] = n;
  }
  return result;
}

// A table, what is rounded behind it, and another table.
TEST_F(LoopsTest, Tables) {
  for (const char *type : {"i8", "ui8"}) {
    std::string x = formatv("tensor<3x?x{0}>", type), f = "tensor<3x?xf32>", i = "tensor<3x?xi32>",
                t = formatv("tensor<256x{0}>", type), scalar = "tensor<f32>";
    std::string text = formatv(
        "func.func @main(%x: {0}) -> ({0}, {0}, {1}) {{\n%t = {4}\n%u = {5}\n"
        "%a = nn.constant dense<0.37> : {6}\n%b = nn.constant dense<-3.25> : {6}\n"
        "%i = nn.cast %x : ({0}) -> {2}\n"
        "%0 = nn.gather %t, %i {{axis = 0 : i64} : ({3}, {2}) -> {0}\n"
        "%1 = nn.cast %0 : ({0}) -> {1}\n%2 = nn.binary mul %1, %a : ({1}, {6}) -> {1}\n"
        "%3 = nn.binary add %2, %b : ({1}, {6}) -> {1}\n"
        "%4 = nn.binary div %3, %a : ({1}, {6}) -> {1}\n%5 = nn.unary round %4 : ({1}) -> {1}\n"
        "%6 = nn.cast %5 {{saturate = true} : ({1}) -> {0}\n"
        "%7 = nn.cast %6 : ({0}) -> {2}\n"
        "%8 = nn.gather %u, %7 {{axis = 0 : i64} : ({3}, {2}) -> {0}\n"
        "%9 = nn.cast %8 : ({0}) -> {1}\n%10 = nn.binary mul %9, %2 : ({1}, {1}) -> {1}\n"
        "return %0, %8, %10 : {0}, {0}, {1} }",
        x, f, i, t, table(type), table(type), scalar);
    compare(text, widths({3, 0}, 1));
  }
}

// Tables of words, between words.
TEST_F(LoopsTest, TablesOfWords) {
  HostTensor t = random(DType::f32(), {256});
  llvm::StringRef bytes((const char *)t.getBytes().data(), t.getBytes().size());
  compare(formatv("func.func @main(%x: tensor<2x?xui8>) -> tensor<2x?xf32> {{\n"
                  "%t = nn.constant dense<\"0x{0}\"> : tensor<256xf32>\n"
                  "%i = nn.cast %x : (tensor<2x?xui8>) -> tensor<2x?xi32>\n"
                  "%0 = nn.gather %t, %i {{axis = 0 : i64} : (tensor<256xf32>, tensor<2x?xi32>) -> "
                  "tensor<2x?xf32>\nreturn %0 : tensor<2x?xf32> }",
                  llvm::toHex(bytes)),
          widths({2, 0}, 1));
}

// Sums, means and maxima of channels over images.
TEST_F(LoopsTest, Channels) {
  for (const char *type : {"i8", "i32", "f32"}) {
    std::string x = formatv("tensor<2x5x3x?x{0}>", type), y = formatv("tensor<2x?x{0}>", type);
    std::string text = formatv("func.func @main(%x: {0}) -> ({1}, {1}, {1}) {{\n", x, y);
    for (const char *kind : {"sum", "max", "min"})
      text += formatv("%{0} = nn.reduce {0} %x {{axes = array<i64: 1, 2>} : ({1}) -> {2}\n", kind,
                      x, y);
    compare(text + formatv("return %sum, %max, %min : {0}, {0}, {0} }", y).str(),
            widths({2, 5, 3, 0}, 3));
  }
}

// Axes in another order, with conversions on the way.
TEST_F(LoopsTest, Transposes) {
  for (const char *type : {"i8", "i32", "f32"}) {
    std::string x = formatv("tensor<2x3x4x?x{0}>", type), y = formatv("tensor<2x4x?x3x{0}>", type),
                z = formatv("tensor<2x?x3x4x{0}>", type), w = "tensor<2x?x3x4xf32>";
    compare(formatv("func.func @main(%x: {0}) -> ({1}, {2}, {3}) {{\n"
                    "%0 = nn.transpose %x {{permutation = array<i64: 0, 2, 3, 1>} : ({0}) -> {1}\n"
                    "%1 = nn.transpose %x {{permutation = array<i64: 0, 3, 1, 2>} : ({0}) -> {2}\n"
                    "%2 = nn.cast %1 : ({2}) -> {3}\n%3 = nn.unary abs %2 : ({3}) -> {3}\n"
                    "return %0, %1, %3 : {1}, {2}, {3} }",
                    x, y, z, w),
            widths({2, 3, 4, 0}, 3));
  }
}
