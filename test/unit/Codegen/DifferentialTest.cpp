//===- DifferentialTest.cpp - Compiled code against the interpreter -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generated shapes: 1, powers of two, 9, odd rectangles and tails of every vector width. Integers
// agree exactly, floats within 1e-5 of the range of the result.

#include "NativeTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class DifferentialTest : public NativeTest {
protected:
  HostTensor random(DType dtype, llvm::ArrayRef<int64_t> shape) {
    HostTensor t = HostTensor::zeros(dtype, shape);
    std::uniform_real_distribution<double> real(-2, 2);
    std::uniform_int_distribution<int> integer(-200, 300);
    for (int64_t i = 0; i < t.getNumElements(); ++i)
      t.setFromDouble(i, dtype.isFloat() ? real(rng) : integer(rng));
    return t;
  }

  // Runs `text` on random inputs of `shapes` both ways, for one target.
  void compare(const std::string &text, llvm::ArrayRef<std::vector<int64_t>> shapes,
               llvm::StringRef target = "native") {
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    CompileOptions options;
    options.target = target.str();
    auto model = compile(*module, options);
    ASSERT_TRUE(bool(model));
    Tensors inputs;
    for (auto [input, shape] : llvm::zip(model->getInputs(), shapes))
      inputs.push_back(random(input.dtype, shape));
    expectSame(interpret(*module, inputs), run(*model, inputs), target.str() + "\n" + text);
  }
};
} // namespace

TEST_F(DifferentialTest, Linear) {
  for (const char *target : {"native", "x86-64-v3", "x86-64"})
    for (auto [m, n, k] : {std::tuple(1, 1, 1), std::tuple(1, 10, 64), std::tuple(9, 33, 17),
                           std::tuple(5, 7, 130), std::tuple(4, 16, 8)}) {
      compare(formatv("func.func @main(%x: tensor<{0}x{2}xf32>, %w: tensor<{1}x{2}xf32>, %b: "
                      "tensor<{1}xf32>) -> tensor<{0}x{1}xf32> {{\n"
                      "%0 = nn.linear %x, %w, %b : (tensor<{0}x{2}xf32>, tensor<{1}x{2}xf32>, "
                      "tensor<{1}xf32>) -> tensor<{0}x{1}xf32>\n"
                      "return %0 : tensor<{0}x{1}xf32> }",
                      m, n, k)
                  .str(),
              {{m, k}, {n, k}, {n}}, target);
      compare(formatv("func.func @main(%x: tensor<?x{1}xi8>, %w: tensor<{0}x{1}xi8>) -> "
                      "tensor<?x{0}xi32> {{\n"
                      "%0 = nn.linear %x, %w : (tensor<?x{1}xi8>, tensor<{0}x{1}xi8>) -> "
                      "tensor<?x{0}xi32>\n"
                      "return %0 : tensor<?x{0}xi32> }",
                      n, k)
                  .str(),
              {{m, k}, {n, k}}, target);
    }
}

TEST_F(DifferentialTest, Matmul) {
  for (const char *target : {"native", "x86-64-v3"})
    for (auto [m, n, k] : {std::tuple(1, 1, 1), std::tuple(9, 33, 17), std::tuple(8, 48, 20),
                           std::tuple(13, 100, 5)})
      for (const char *type : {"f32", "bf16", "f16", "i8", "ui8", "i32", "f64"}) {
        std::string sum = llvm::StringRef(type).ends_with("i8") ? "i32" : type;
        compare(formatv("func.func @main(%x: tensor<2x{0}x{2}x{3}>, %y: tensor<{2}x{1}x{3}>) -> "
                        "tensor<2x{0}x{1}x{4}> {{\n"
                        "%0 = nn.matmul %x, %y : (tensor<2x{0}x{2}x{3}>, tensor<{2}x{1}x{3}>) -> "
                        "tensor<2x{0}x{1}x{4}>\n"
                        "return %0 : tensor<2x{0}x{1}x{4}> }",
                        m, n, k, type, sum)
                    .str(),
                {{2, m, k}, {k, n}}, target);
      }
  for (int64_t n : {1, 3, 16, 40})
    compare("func.func @main(%x: tensor<?x?x?xf32>, %y: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {\n"
            "%0 = nn.matmul %x, %y : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>\n"
            "return %0 : tensor<?x?x?xf32> }",
            {{3, n, 5}, {1, 5, n}});
}

// Operands that are packed: pieces of long sums, tails of tiles, matrices that all of a batch read,
// sizes that only the run knows.
TEST_F(DifferentialTest, Products) {
  for (const char *target : {"native", "x86-64-v3", "x86-64"})
    for (auto [m, n, k] : {std::tuple(8, 8, 4), std::tuple(50, 70, 257), std::tuple(97, 64, 128),
                           std::tuple(13, 129, 600), std::tuple(1, 40, 30)}) {
      for (const char *type : {"f32", "bf16"})
        compare(
            formatv("func.func @main(%x: tensor<3x1x{0}x{2}x{3}>, %y: tensor<1x2x{2}x{1}x{3}>) "
                    "-> tensor<3x2x{0}x{1}x{3}> {{\n"
                    "%0 = nn.matmul %x, %y : (tensor<3x1x{0}x{2}x{3}>, tensor<1x2x{2}x{1}x{3}>) "
                    "-> tensor<3x2x{0}x{1}x{3}>\n"
                    "return %0 : tensor<3x2x{0}x{1}x{3}> }",
                    m, n, k, type)
                .str(),
            {{3, 1, m, k}, {1, 2, k, n}}, target);
      compare("func.func @main(%x: tensor<?x?x?xf32>, %y: tensor<?x?x?xf32>) -> "
              "tensor<?x?x?xf32> {\n"
              "%0 = nn.matmul %x, %y : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> "
              "tensor<?x?x?xf32>\n"
              "return %0 : tensor<?x?x?xf32> }",
              {{2, m, k}, {2, k, n}}, target);
    }
}

// The same of bytes: pairs that end early, each operand turned or not, either of them unsigned.
TEST_F(DifferentialTest, ProductsOfBytes) {
  auto print = [](std::array<int64_t, 3> shape, llvm::StringRef type) {
    return formatv("tensor<{0}x{1}x{2}x{3}>", shape[0], shape[1], shape[2], type).str();
  };
  const std::pair<const char *, const char *> kTypes[] = {
      {"i8", "i8"}, {"ui8", "i8"}, {"i8", "ui8"}};
  const std::array<int64_t, 3> kSizes[] = {
      {8, 8, 4}, {50, 70, 257}, {97, 64, 64}, {13, 129, 601}, {60, 33, 31}};
  for (const char *target : {"native", "x86-64-v3", "x86-64"})
    for (auto [i, sizes] : llvm::enumerate(kSizes))
      for (size_t turned : {i % 4, (i + 3) % 4}) {
        auto [m, n, k] = sizes;
        auto [left, right] = kTypes[(i + turned) % 3];
        std::array<int64_t, 3> x{2, m, k}, y{2, k, n};
        std::string text, types[2] = {print(x, left), print(y, right)}, names[2] = {"%x", "%y"};
        std::string inputs[2] = {types[0], types[1]};
        for (int side : {0, 1})
          if (turned >> side & 1) {
            std::array<int64_t, 3> &shape = side ? y : x;
            std::swap(shape[1], shape[2]);
            inputs[side] = print(shape, side ? right : left);
            text += formatv("%t{0} = nn.transpose {1} {{permutation = array<i64: 0, 2, 1>} : ({2}) "
                            "-> {3}\n",
                            side, names[side], inputs[side], types[side])
                        .str();
            names[side] = "%t" + std::to_string(side);
          }
        std::string result = print({2, m, n}, "i32");
        compare(formatv("func.func @main(%x: {0}, %y: {1}) -> {2} {{\n{3}%0 = nn.matmul {4}, {5} : "
                        "({6}, {7}) -> {2}\nreturn %0 : {2} }",
                        inputs[0], inputs[1], result, text, names[0], names[1], types[0], types[1])
                    .str(),
                {{x[0], x[1], x[2]}, {y[0], y[1], y[2]}}, target);
      }
  for (int64_t m : {3, 20})
    compare("func.func @main(%x: tensor<?x?x?xi8>, %y: tensor<?x?x?xi8>) -> tensor<?x?x?xi32> {\n"
            "%0 = nn.matmul %x, %y : (tensor<?x?x?xi8>, tensor<?x?x?xi8>) -> tensor<?x?x?xi32>\n"
            "return %0 : tensor<?x?x?xi32> }",
            {{3, m, 77}, {3, 77, 40}});
}

TEST_F(DifferentialTest, Convolution) {
  struct Case {
    int64_t batch, channels, height, width, outputs, kernel, stride, pad, dilation, groups;
  };
  for (const char *target : {"native", "x86-64-v3"})
    for (const Case &c :
         {Case{1, 3, 9, 11, 8, 3, 2, 1, 1, 1}, Case{2, 8, 7, 7, 16, 3, 1, 1, 1, 1},
          Case{1, 8, 14, 14, 8, 3, 1, 1, 1, 8}, Case{1, 16, 7, 7, 24, 1, 1, 0, 1, 1},
          Case{1, 6, 12, 50, 9, 3, 2, 0, 2, 3}, Case{1, 32, 1, 1, 10, 1, 1, 0, 1, 1},
          Case{1, 4, 5, 100, 4, 3, 1, 1, 1, 4}}) {
      int64_t oh = (c.height + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
      int64_t ow = (c.width + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
      std::string attrs =
          formatv("{{strides = array<i64: {0}, {0}>, pads = array<i64: {1}, {1}, {1}, {1}>, "
                  "dilations = array<i64: {2}, {2}>, groups = {3} : i64}",
                  c.stride, c.pad, c.dilation, c.groups)
              .str();
      for (const char *type : {"f32", "i8"}) {
        const char *sum = type[0] == 'i' ? "i32" : type;
        std::string x =
            formatv("tensor<{0}x{1}x{2}x{3}x{4}>", c.batch, c.channels, c.height, c.width, type)
                .str();
        std::string w =
            formatv("tensor<{0}x{1}x{2}x{2}x{3}>", c.outputs, c.channels / c.groups, c.kernel, type)
                .str();
        std::string b = formatv("tensor<{0}x{1}>", c.outputs, sum).str();
        std::string y =
            formatv("tensor<{0}x{1}x{2}x{3}x{4}>", c.batch, c.outputs, oh, ow, sum).str();
        compare(formatv("func.func @main(%x: {0}, %w: {1}, %b: {2}) -> {3} {{\n%0 = nn.conv %x, "
                        "%w, %b {4} : ({0}, {1}, {2}) -> {3}\nreturn %0 : {3} }",
                        x, w, b, y, attrs)
                    .str(),
                {{c.batch, c.channels, c.height, c.width},
                 {c.outputs, c.channels / c.groups, c.kernel, c.kernel},
                 {c.outputs}},
                target);
      }
      std::string dyn = "tensor<?x" + std::to_string(c.channels) + "x?x?xf32>",
                  out = "tensor<?x" + std::to_string(c.outputs) + "x?x?xf32>";
      std::string w =
          formatv("tensor<{0}x{1}x{2}x{2}xf32>", c.outputs, c.channels / c.groups, c.kernel).str();
      compare(formatv("func.func @main(%x: {0}, %w: {1}) -> {2} {{\n%0 = nn.conv %x, %w {3} : "
                      "({0}, {1}) -> {2}\nreturn %0 : {2} }",
                      dyn, w, out, attrs)
                  .str(),
              {{c.batch, c.channels, c.height, c.width},
               {c.outputs, c.channels / c.groups, c.kernel, c.kernel}},
              target);
    }
}

TEST_F(DifferentialTest, ConvTranspose) {
  compare("func.func @main(%x: tensor<1x8x5x6xf32>, %w: tensor<8x3x2x3xf32>) -> "
          "tensor<1x6x10x17xf32> {\n"
          "%0 = nn.conv_transpose %x, %w {strides = array<i64: 2, 3>, pads = array<i64: 1, 0, 0, "
          "3>, dilations = array<i64: 1, 2>,"
          " output_padding = array<i64: 1, 0>, groups = 2 : i64} : (tensor<1x8x5x6xf32>, "
          "tensor<8x3x2x3xf32>) -> tensor<1x6x10x17xf32>\n"
          "return %0 : tensor<1x6x10x17xf32> }",
          {{1, 8, 5, 6}, {8, 3, 2, 3}});
}

TEST_F(DifferentialTest, ElementwiseFunctions) {
  for (const char *kind : {"exp",
                           "tanh",
                           "erf",
                           "sigmoid",
                           "softplus",
                           "gelu",
                           "gelu_tanh",
                           "mish",
                           "silu {alpha = 1.0 : f64}",
                           "elu {alpha = 1.5 : f64}",
                           "sin",
                           "cos",
                           "tan",
                           "atan",
                           "sinh",
                           "cosh",
                           "asinh",
                           "round",
                           "floor",
                           "sign",
                           "hard_swish"}) {
    llvm::StringRef name = kind;
    auto [op, attrs] = name.split(' ');
    for (const char *type : {"f32", "f16", "bf16", "f64"})
      compare(formatv("func.func @main(%x: tensor<3x37x{2}>) -> tensor<3x37x{2}> {{\n"
                      "%0 = nn.unary {0} %x {1} : (tensor<3x37x{2}>) -> tensor<3x37x{2}>\nreturn "
                      "%0 : tensor<3x37x{2}> }",
                      op, attrs, type)
                  .str(),
              {{3, 37}});
  }
}

// The same numbers from one thread and from several.
TEST_F(DifferentialTest, ThreadsDoNotChangeResults) {
  const char *text = "func.func @main(%x: tensor<1x32x40x40xf32>, %w: tensor<64x32x3x3xf32>) -> "
                     "tensor<1x64x38x38xf32> {\n"
                     "%0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, "
                     "0>, dilations = array<i64: 1, 1>} :"
                     " (tensor<1x32x40x40xf32>, tensor<64x32x3x3xf32>) -> tensor<1x64x38x38xf32>\n"
                     "return %0 : tensor<1x64x38x38xf32> }";
  auto module = parseSourceString<ModuleOp>(text, &context);
  auto model = JITModel::create(*module);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  std::vector<HostTensor> inputs{random(DType::f32(), {1, 32, 40, 40}),
                                 random(DType::f32(), {64, 32, 3, 3})};
  JITModel::setNumThreads(1);
  auto one = (*model)->run(inputs);
  JITModel::setNumThreads(3);
  auto three = (*model)->run(inputs);
  JITModel::setNumThreads(0);
  ASSERT_TRUE(bool(one) && bool(three));
  EXPECT_TRUE(bitwiseEqual((*one)[0], (*three)[0]));
}
