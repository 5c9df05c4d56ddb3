//===- AttentionTest.cpp - Attention kernels against the interpreter *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes below, at and above tiles, blocks and pieces, with tails; floats agree within 1e-5 of the
// range of the result.

#include "NativeTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
struct Sizes {
  int64_t batch, heads, rows, keys, depth, width;
};

const Sizes kSizes[] = {{1, 1, 4, 1, 1, 1},
                        {2, 3, 7, 13, 5, 9},
                        {2, 1, 9, 300, 17, 80},
                        {1, 1, 130, 257, 64, 48},
                        {1, 1, 100, 1100, 8, 130}};

class AttentionTest : public NativeTest, public ::testing::WithParamInterface<const char *> {
protected:
  void compare(const std::string &text, llvm::ArrayRef<std::vector<int64_t>> shapes,
               unsigned threads = 0) {
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    CompileOptions options;
    options.target = GetParam();
    auto model = compile(*module, options);
    ASSERT_TRUE(bool(model));
    Tensors inputs;
    std::normal_distribution<double> real;
    for (auto [input, shape] : llvm::zip(model->getInputs(), shapes)) {
      bool isFloat = input.dtype.isFloat();
      inputs.push_back(
          fill(input.dtype, shape, [&] { return isFloat ? real(rng) : double(rng() % 4 != 0); }));
    }
    JITModel::setNumThreads(threads);
    Tensors have = run(*model, inputs);
    JITModel::setNumThreads(0);
    expectSame(interpret(*module, inputs), have, GetParam() + ("\n" + text));
  }

  static std::string type(llvm::ArrayRef<int64_t> shape, bool open, const char *element = "f32") {
    std::string text = "tensor<";
    for (auto [i, size] : llvm::enumerate(shape))
      text += (open && size != 1 && i != 1 ? "?" : std::to_string(size)) + "x";
    return text + element + ">";
  }
};
} // namespace

// As exporters write it: heads beside the channels, a scale, a mask that is added.
TEST_P(AttentionTest, Composed) {
  for (const Sizes &s : kSizes)
    for (bool open : {false, true}) {
      auto t = [&](llvm::ArrayRef<int64_t> shape) { return type(shape, open); };
      std::string q = type({s.batch, s.rows, s.heads, s.depth}, false),
                  k = type({s.batch, s.keys, s.heads, s.depth}, false),
                  v = type({s.batch, s.keys, s.heads, s.width}, false),
                  m = type({s.batch, 1, 1, s.keys}, false);
      if (open) {
        q = formatv("tensor<?x?x{0}x{1}xf32>", s.heads, s.depth);
        k = formatv("tensor<?x?x{0}x{1}xf32>", s.heads, s.depth);
        v = formatv("tensor<?x?x{0}x{1}xf32>", s.heads, s.width);
        m = "tensor<?x1x1x?xf32>";
      }
      std::string scores = t({s.batch, s.heads, s.rows, s.keys});
      if (open)
        scores = formatv("tensor<?x{0}x?x?xf32>", s.heads);
      std::string qt = open ? formatv("tensor<?x{0}x?x{1}xf32>", s.heads, s.depth).str()
                            : t({s.batch, s.heads, s.rows, s.depth}),
                  kt = open ? formatv("tensor<?x{0}x{1}x?xf32>", s.heads, s.depth).str()
                            : t({s.batch, s.heads, s.depth, s.keys}),
                  vt = open ? formatv("tensor<?x{0}x?x{1}xf32>", s.heads, s.width).str()
                            : t({s.batch, s.heads, s.keys, s.width}),
                  yt = open ? vt : t({s.batch, s.heads, s.rows, s.width}),
                  y = open ? v : t({s.batch, s.rows, s.heads, s.width});
      compare(
          formatv("func.func @main(%q: {0}, %k: {1}, %v: {2}, %m: {3}) -> {4} {{\n"
                  "%c = nn.constant dense<0.3> : tensor<f32>\n"
                  "%0 = nn.transpose %q {{permutation = array<i64: 0, 2, 1, 3>} : ({0}) -> {5}\n"
                  "%1 = nn.transpose %k {{permutation = array<i64: 0, 2, 3, 1>} : ({1}) -> {6}\n"
                  "%2 = nn.transpose %v {{permutation = array<i64: 0, 2, 1, 3>} : ({2}) -> {7}\n"
                  "%3 = nn.matmul %0, %1 : ({5}, {6}) -> {8}\n"
                  "%4 = nn.binary mul %3, %c : ({8}, tensor<f32>) -> {8}\n"
                  "%5 = nn.binary add %4, %m : ({8}, {3}) -> {8}\n"
                  "%6 = nn.softmax %5 {{axis = 3 : i64} : ({8}) -> {8}\n"
                  "%7 = nn.matmul %6, %2 : ({8}, {7}) -> {9}\n"
                  "%8 = nn.transpose %7 {{permutation = array<i64: 0, 2, 1, 3>} : ({9}) -> {4}\n"
                  "return %8 : {4} }",
                  q, k, v, m, y, qt, kt, vt, scores, yt)
              .str(),
          {{s.batch, s.rows, s.heads, s.depth},
           {s.batch, s.keys, s.heads, s.depth},
           {s.batch, s.keys, s.heads, s.width},
           {s.batch, 1, 1, s.keys}});
    }
}

// The op, with rows of which everything may be masked.
TEST_P(AttentionTest, Masked) {
  for (const Sizes &s : llvm::ArrayRef(kSizes).take_front(3))
    for (const char *element : {"f32", "i1"})
      for (bool causal : {false, true}) {
        std::string q = type({s.batch, s.heads, s.rows, s.depth}, false),
                    k = type({s.batch, s.heads, s.keys, s.depth}, false),
                    v = type({s.batch, s.heads, s.keys, s.width}, false),
                    y = type({s.batch, s.heads, s.rows, s.width}, false),
                    m = type({1, s.heads, s.rows, s.keys}, false, element);
        compare(
            formatv("func.func @main(%q: {0}, %k: {1}, %v: {2}, %m: {3}) -> {4} {{\n"
                    "%0 = nn.attention %q, %k, %v, %m {{scale = 0.4 : f64, causal = {5}, softcap "
                    "= {6} : f64} : ({0}, {1}, {2}, {3}) -> {4}\n"
                    "return %0 : {4} }",
                    q, k, v, m, y, causal, causal ? "3.0" : "0.0")
                .str(),
            {{s.batch, s.heads, s.rows, s.depth},
             {s.batch, s.heads, s.keys, s.depth},
             {s.batch, s.heads, s.keys, s.width},
             {1, s.heads, s.rows, s.keys}});
      }
}

// Several heads share keys and values.
TEST_P(AttentionTest, Grouped) {
  for (const char *mask : {"1x6x19x40", "1x19x40", "19x40"})
    compare(formatv("func.func @main(%q: tensor<2x6x19x24xf32>, %k: tensor<2x3x40x24xf32>, %m: "
                    "tensor<{0}xf32>) -> tensor<2x6x19x24xf32> {{\n"
                    "%0 = nn.attention %q, %k, %k, %m {{scale = 0.4 : f64, causal = true} : "
                    "(tensor<2x6x19x24xf32>, tensor<2x3x40x24xf32>, tensor<2x3x40x24xf32>, "
                    "tensor<{0}xf32>) -> tensor<2x6x19x24xf32>\n"
                    "return %0 : tensor<2x6x19x24xf32> }",
                    mask)
                .str(),
            {{2, 6, 19, 24},
             {2, 3, 40, 24},
             llvm::StringRef(mask).starts_with("1x6")  ? std::vector<int64_t>{1, 6, 19, 40}
             : llvm::StringRef(mask).starts_with("1x") ? std::vector<int64_t>{1, 19, 40}
                                                       : std::vector<int64_t>{19, 40}});
}

// Sizes that stretch, some of which only the run knows: heads of the keys, the mask's rows, and one
// key beside a wider mask.
TEST_P(AttentionTest, Stretched) {
  const char *text =
      "func.func @main(%q: tensor<?x?x?x?xf32>, %k: tensor<?x?x?x?xf32>, %v: tensor<?x?x?x?xf32>, "
      "%m: tensor<?x?xf32>) -> tensor<?x?x?x?xf32> {\n"
      "%0 = nn.matmul %q, %k : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>\n"
      "%1 = nn.binary add %0, %m : (tensor<?x?x?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?x?xf32>\n"
      "%2 = nn.softmax %1 {axis = 3 : i64} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>\n"
      "%3 = nn.matmul %2, %v : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>\n"
      "return %3 : tensor<?x?x?x?xf32> }";
  compare(text, {{2, 3, 10, 8}, {1, 1, 8, 20}, {2, 1, 20, 12}, {10, 20}});
  compare(text, {{1, 2, 1, 8}, {1, 2, 8, 70}, {1, 2, 70, 12}, {9, 70}});
  compare(text, {{1, 2, 5, 8}, {1, 2, 8, 1}, {1, 2, 70, 12}, {1, 70}});
}

TEST_P(AttentionTest, Threads) {
  std::string q = "tensor<3x200x64xf32>", k = "tensor<1x200x64xf32>";
  compare(formatv("func.func @main(%q: {0}, %k: {1}, %v: {1}) -> {0} {{\n"
                  "%0 = nn.transpose %k {{permutation = array<i64: 0, 2, 1>} : ({1}) -> "
                  "tensor<1x64x200xf32>\n"
                  "%1 = nn.matmul %q, %0 : ({0}, tensor<1x64x200xf32>) -> tensor<3x200x200xf32>\n"
                  "%2 = nn.softmax %1 {{axis = 2 : i64} : (tensor<3x200x200xf32>) -> "
                  "tensor<3x200x200xf32>\n"
                  "%3 = nn.matmul %2, %v : (tensor<3x200x200xf32>, {1}) -> {0}\n"
                  "return %3 : {0} }",
                  q, k)
              .str(),
          {{3, 200, 64}, {1, 200, 64}, {1, 200, 64}}, 3);
}

INSTANTIATE_TEST_SUITE_P(Targets, AttentionTest, ::testing::Values("native", "x86-64-v3", "x86-64"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });
