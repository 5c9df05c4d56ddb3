//===- BF16KernelTest.cpp - Kernels of bf16 against the interpreter --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UKernelTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class BF16KernelTest : public UKernelTest {
protected:
  // One for each way: extended to floats, by vectors, by tiles.
  void SetUp() override {
    static const llvm::StringRef all[] = {"x86-64", "x86-64-v3", "x86-64-v4",
                                          "x86-64-v4+avx512bf16", kTiles};
    targets = all;
  }

  // A tensor whose numbers are stored in bf16.
  static std::string encoded(llvm::ArrayRef<int64_t> shape) {
    std::string text = tensor(shape, "f32");
    text.pop_back();
    return text + ", #terse.cast<bf16>>";
  }

  // Weights stored in bf16, inputs rounded to it.
  std::string begin(llvm::ArrayRef<int64_t> xs, llvm::ArrayRef<int64_t> ws,
                    llvm::ArrayRef<int64_t> ys) {
    return formatv("func.func @main(%x: {0}) -> {1} {{\n%v = {2}\n%w = terse.assemble %v : ({3}) "
                   "-> {4}\n%q = terse.encode %x : {0} -> {5}\n%b = {6}\n",
                   tensor(xs, "f32"), tensor(ys, "f32"), constant(ws, "bf16"), tensor(ws, "bf16"),
                   encoded(ws), encoded(xs), constant({ws[0]}, "f32"))
        .str();
  }
};
} // namespace

TEST_F(BF16KernelTest, Products) {
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] :
       {Shape{1, 2, 1}, Shape{1, 100, 64}, Shape{3, 10, 7}, Shape{16, 64, 130}, Shape{33, 20, 64},
        Shape{70, 50, 200}, Shape{1, 330, 300}, Shape{1, 514, 303}, Shape{1, 260, 1001},
        Shape{40, 70, 1024}, Shape{9, 17, 2048}, Shape{5, 33, 4099}, Shape{50, 20, 13001},
        Shape{13, 130, 641}}) {
    int64_t rows = n % 4 ? m : int64_t(-1);
    compare(begin({rows, k}, {n, k}, {rows, n}) +
                formatv("%0 = nn.linear %q, %w, %b : ({0}, {1}, {2}) -> {3}\n%1 = nn.unary relu %0 "
                        ": ({3}) -> {3}\nreturn %1 : {3} }",
                        encoded({rows, k}), encoded({n, k}), tensor({n}, "f32"),
                        tensor({rows, n}, "f32"))
                    .str(),
            {{m, k}});
    // Tensors of bf16, whose results are rounded: to a neighbour where sums differ in the last bit.
    std::string xs = tensor({rows, k}, "bf16"), ws = tensor({n, k}, "bf16"),
                ys = tensor({rows, n}, "bf16");
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%w = {2}\n%0 = nn.linear %x, %w : ({0}, "
                    "{3}) -> {1}\nreturn %0 : {1} }",
                    xs, ys, constant({n, k}, "bf16"), ws),
            {{m, k}}, "", 1.0 / 256);
  }
  // Channels that fill tiles and that do not, all kinds of windows.
  for (auto [channels, outputs, size, kernel, stride, dilation] :
       {std::array<int64_t, 6>{3, 20, 15, 3, 2, 1}, std::array<int64_t, 6>{3, 64, 30, 7, 2, 1},
        std::array<int64_t, 6>{2, 9, 21, 5, 1, 2}, std::array<int64_t, 6>{5, 8, 9, 3, 1, 1},
        std::array<int64_t, 6>{32, 40, 9, 3, 1, 1}, std::array<int64_t, 6>{64, 16, 12, 3, 2, 2},
        std::array<int64_t, 6>{64, 33, 7, 1, 1, 1}, std::array<int64_t, 6>{3, 17, 11, 3, 1, 2},
        std::array<int64_t, 6>{130, 20, 9, 3, 1, 1}, std::array<int64_t, 6>{7, 5, 10, 1, 2, 1}}) {
    int64_t pad = dilation * (kernel / 2), out = countWindows(size, kernel, stride, pad, dilation);
    std::vector<int64_t> xs{2, channels, size, size}, ws{outputs, channels, kernel, kernel},
        ys{2, outputs, out, out};
    compare(begin(xs, ws, ys) +
                formatv("%0 = nn.conv %q, %w, %b {0} : ({1}, {2}, {3}) -> {4}\nreturn %0 : {4} }",
                        printWindows(stride, pad, dilation), encoded(xs), encoded(ws),
                        tensor({outputs}, "f32"), tensor(ys, "f32"))
                    .str(),
            {xs});
  }
}

// Windows of few channels, which are read in copied lines: odd and even numbers of channels, ends
// of lines, windows that reach far out of the image, an open batch.
TEST_F(BF16KernelTest, Lines) {
  struct Case {
    int64_t channels, height, width, outputs, kernelHeight, kernelWidth, stride, pad;
  };
  for (const Case &c : {Case{1, 49, 10, 64, 10, 4, 2, 4}, Case{3, 40, 41, 64, 7, 7, 2, 3},
                        Case{3, 33, 32, 24, 3, 3, 2, 1}, Case{3, 12, 90, 40, 3, 3, 1, 1},
                        Case{2, 17, 16, 16, 5, 7, 3, 2}, Case{8, 14, 14, 70, 3, 3, 1, 1},
                        Case{16, 70, 9, 32, 3, 3, 1, 1}, Case{20, 9, 12, 48, 3, 5, 2, 2},
                        Case{5, 11, 30, 9, 1, 9, 1, 0}, Case{4, 30, 4, 33, 9, 1, 2, 0},
                        Case{12, 5, 5, 16, 5, 5, 1, 4}, Case{48, 6, 6, 8, 2, 2, 1, 0},
                        Case{7, 8, 33, 20, 3, 3, 1, 0}, Case{67, 7, 9, 50, 3, 3, 1, 1},
                        Case{5, 5, 3, 10, 5, 3, 1, 0}, Case{8, 1, 9, 16, 7, 7, 1, 3},
                        Case{128, 4, 28, 70, 3, 3, 1, 1}}) {
    int64_t batch = c.height % 2 ? -1 : 2;
    std::vector<int64_t> in{batch, c.channels, c.height, c.width},
        ws{c.outputs, c.channels, c.kernelHeight, c.kernelWidth},
        out{batch, c.outputs, countWindows(c.height, c.kernelHeight, c.stride, c.pad),
            countWindows(c.width, c.kernelWidth, c.stride, c.pad)};
    std::string code =
        begin(in, ws, out) + formatv("%0 = nn.conv %q, %w, %b {0} : ({1}, {2}, {3}) -> {4}\n"
                                     "return %0 : {4} }",
                                     printWindows(c.stride, c.pad), encoded(in), encoded(ws),
                                     tensor({c.outputs}, "f32"), tensor(out, "f32"))
                                 .str();
    in[0] = 2;
    compare(code, {in});
  }
}

// Groups of channels: as few as vectors take, whole vectors, odd numbers; sizes that are open.
TEST_F(BF16KernelTest, Groups) {
  struct Case {
    int64_t groups, in, out, size, kernel, stride, dilation;
  };
  for (const Case &c :
       {Case{4, 2, 2, 9, 3, 1, 1}, Case{3, 8, 8, 7, 3, 2, 1}, Case{2, 5, 16, 9, 3, 1, 1},
        Case{3, 16, 18, 8, 3, 1, 2}, Case{2, 3, 20, 11, 5, 2, 2}, Case{2, 32, 32, 6, 1, 1, 1},
        Case{2, 3, 33, 10, 3, 1, 1}}) {
    int64_t pad = c.dilation * (c.kernel / 2),
            o = countWindows(c.size, c.kernel, c.stride, pad, c.dilation);
    std::vector<int64_t> xs{2, c.groups * c.in, c.size, c.size},
        ws{c.groups * c.out, c.in, c.kernel, c.kernel}, ys{2, c.groups * c.out, o, o}, open = xs;
    if (c.out == 33)
      open[0] = open[2] = open[3] = ys[0] = ys[2] = ys[3] = -1;
    std::string attributes = printWindows(c.stride, pad, c.dilation, c.groups);
    std::string in = tensor(open, "bf16"), out = tensor(ys, "bf16");
    // Tiles leave groups to loops.
    static const llvm::StringRef vectors[] = {"x86-64", "x86-64-v3", "x86-64-v4",
                                              "x86-64-v4+avx512bf16"};
    targets = vectors;
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%w = {2}\n%0 = nn.conv %x, %w {3} : ({0}, "
                    "{4}) -> {1}\nreturn %0 : {1} }",
                    in, out, constant(ws, "bf16"), attributes, tensor(ws, "bf16")),
            {xs}, "", 1.0 / 256);
  }
}

// A window for each channel: ends of channels and rows, strides, dilations, one and several rows
// of the result at once, an open size; results in f32 and rounded to bf16.
TEST_F(BF16KernelTest, Depthwise) {
  struct Case {
    int64_t channels, height, width, kernel, stride, pad, dilation;
  };
  for (const Case &c :
       {Case{64, 25, 5, 3, 1, 1, 1}, Case{16, 8, 9, 3, 1, 1, 1}, Case{24, 7, 7, 3, 1, 0, 1},
        Case{5, 13, 4, 3, 1, 1, 1}, Case{33, 9, 11, 3, 2, 1, 1}, Case{17, 8, 8, 3, 2, 1, 1},
        Case{16, 1, 1, 3, 1, 1, 1}, Case{20, 6, 3, 2, 1, 0, 1}, Case{32, 9, 9, 5, 1, 2, 1},
        Case{40, 9, 14, 3, 1, 2, 2}}) {
    std::vector<int64_t> in{2, c.channels, c.height, c.width},
        ws{c.channels, 1, c.kernel, c.kernel};
    std::vector<int64_t> out{2, c.channels,
                             countWindows(c.height, c.kernel, c.stride, c.pad, c.dilation),
                             countWindows(c.width, c.kernel, c.stride, c.pad, c.dilation)};
    std::string attributes = printWindows(c.stride, c.pad, c.dilation, c.channels);
    auto open = [&](std::vector<int64_t> shape) {
      if (c.channels == 40)
        shape[0] = shape[2] = shape[3] = -1;
      return shape;
    };
    compare(begin(open(in), ws, open(out)) +
                formatv("%0 = nn.conv %q, %w, %b {0} : ({1}, {2}, {3}) -> {4}\n%1 = nn.unary relu "
                        "%0 : ({4}) -> {4}\nreturn %1 : {4} }",
                        attributes, encoded(open(in)), encoded(ws), tensor({c.channels}, "f32"),
                        tensor(open(out), "f32"))
                    .str(),
            {in});
    std::string xs = tensor(open(in), "bf16"), ys = tensor(open(out), "bf16");
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%w = {2}\n%0 = nn.conv %x, %w {3} : ({0}, "
                    "{4}) -> {1}\nreturn %0 : {1} }",
                    xs, ys, constant(ws, "bf16"), attributes, tensor(ws, "bf16")),
            {in}, "", 1.0 / 256);
  }
}
