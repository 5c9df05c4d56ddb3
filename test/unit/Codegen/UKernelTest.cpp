//===- UKernelTest.cpp - Kernels against the interpreter ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every instruction set that this machine has, over shapes with all kinds of ends. Integers agree
// exactly, floats within 1e-5 of the range of the result.

#include "UKernelTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

TEST_F(UKernelTest, Linear) {
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] :
       {Shape{1, 2, 1}, Shape{1, 100, 64}, Shape{3, 10, 7}, Shape{16, 64, 130}, Shape{33, 20, 64},
        Shape{0, 16, 16}, Shape{70, 50, 200}, Shape{1, 330, 300}})
    for (auto [x, w] : {std::pair("i8", "i8"), std::pair("ui8", "i8"), std::pair("i8", "ui8"),
                        std::pair("ui8", "ui8"), std::pair("f32", "f32")}) {
      bool floats = x[0] == 'f';
      targets = floats ? getFloatTargets() : llvm::ArrayRef<llvm::StringRef>();
      std::string sum = floats ? "f32" : "i32";
      // All combinations of signs once; sizes known at compile time and at run time in turn.
      if ((x[0] == 'u' || w[0] == 'u') && m != 70)
        continue;
      for (int64_t rows : {n % 4 ? m : int64_t(-1)}) {
        std::string xs = tensor({rows, k}, x), ws = tensor({n, k}, w), ys = tensor({rows, n}, sum),
                    bs = tensor({n}, sum);
        compare(formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n%b = {4}\n%0 = nn.linear "
                        "%x, %w, %b : ({0}, {1}, {5}) -> {2}\nreturn %0 : {2} }",
                        xs, ws, ys, constant({n, k}, w), constant({n}, sum), bs),
                {{m, k}});
      }
    }
}

// Rows that are packed, whole and part by part, in pieces of equal and of different length.
TEST_F(UKernelTest, LongRows) {
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] : {Shape{75, 70, 1024}, Shape{120, 90, 5003}, Shape{40, 2100, 2100}})
    for (int64_t rows : {m, int64_t(-1)}) {
      std::string x = tensor({rows, k}, "f32"), w = tensor({n, k}, "f32"),
                  y = tensor({rows, n}, "f32"), b = tensor({n}, "f32");
      std::string text = formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n%b = {4}\n%0 = "
                                 "nn.linear %x, %w, %b : ({0}, {1}, {5}) -> {2}\nreturn %0 : {2} }",
                                 x, w, y, constant({n, k}, "f32"), constant({n}, "f32"), b);
      for (const char *target : {"x86-64-v3", "x86-64-v4"})
        compare(text, {{m, k}}, target);
    }
}

// What static quantization makes of a layer, with a residual.
TEST_F(UKernelTest, LinearWithEpilogue) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{5, 24, 40}, std::array<int64_t, 3>{64, 96, 100}}) {
    std::string x = tensor({-1, k}, "i8"), w = tensor({n, k}, "i8"), s = tensor({-1, n}, "i32"),
                f = tensor({-1, n}, "f32"), c = tensor({n}, "f32"), q = tensor({-1, n}, "i8");
    compare(formatv("func.func @main(%x: {0}, %r: {3}) -> ({5}, {3}) {{\n%w = {6}\n%c = {7}\n"
                    "%0 = nn.linear %x, %w : ({0}, {1}) -> {2}\n%1 = nn.cast %0 : ({2}) -> {3}\n"
                    "%2 = nn.binary mul %1, %c : ({3}, {4}) -> {3}\n%3 = nn.binary add %2, %r : "
                    "({3}, {3}) -> {3}\n"
                    "%4 = nn.cast %3 : ({3}) -> {5}\nreturn %4, %3 : {5}, {3} }",
                    x, w, s, f, c, q, constant({n, k}, "i8"), constant({n}, "f32")),
            {{m, k}, {m, n}});
  }
}

// Weights stored in 8 bits with a scale for each output channel, activations in floats: in
// registers for few rows, by panel for many.
TEST_F(UKernelTest, DecodedWeights) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 24, 40}, std::array<int64_t, 3>{64, 100, 33}}) {
    std::string v = tensor({n, k}, "i8"), w = tensor({n, k}, "f32"), s = tensor({n, 1}, "f32"),
                x = tensor({-1, k}, "f32"), y = tensor({-1, n}, "f32");
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%v = {2}\n%s = {3}\n%b = {7}\n%f = "
                    "nn.cast %v : ({4}) -> {5}\n"
                    "%w = nn.binary mul %f, %s : ({5}, {6}) -> {5}\n%0 = nn.linear %x, %w, %b : "
                    "({0}, {5}, {8}) -> {1}\nreturn %0 : {1} }",
                    x, y, constant({n, k}, "i8"), constant({n, 1}, "f32"), v, w, s,
                    constant({n}, "f32"), tensor({n}, "f32")),
            {{m, k}});
  }
  for (int64_t groups : {1, 3, 12}) {
    std::vector<int64_t> shape{12, 12 / groups, 3, 3};
    std::string w = tensor(shape, "f32"), x = tensor({-1, 12, 9, 10}, "f32");
    compare(formatv("func.func @main(%x: {0}) -> {0} {{\n%v = {1}\n%s = {2}\n%f = nn.cast %v : "
                    "({3}) -> {4}\n"
                    "%w = nn.binary mul %f, %s : ({4}, {5}) -> {4}\n%0 = nn.conv %x, %w {{strides "
                    "= array<i64: 1, 1>, "
                    "pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = {6} : "
                    "i64} : ({0}, {4}) -> {0}\nreturn %0 : {0} }",
                    x, constant(shape, "i8"), constant({12, 1, 1, 1}, "f32"), tensor(shape, "i8"),
                    w, tensor({12, 1, 1, 1}, "f32"), groups),
            {{2, 12, 9, 10}});
  }
}

TEST_F(UKernelTest, MatmulWithConstant) {
  for (const char *type : {"f32", "i8"}) {
    std::string sum = type[0] == 'f' ? "f32" : "i32";
    compare(formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n%0 = nn.matmul %x, %w : ({0}, "
                    "{1}) -> {2}\nreturn %0 : {2} }",
                    tensor({2, 9, 20}, type), tensor({20, 33}, type), tensor({2, 9, 33}, sum),
                    constant({20, 33}, type)),
            {{2, 9, 20}});
  }
}

TEST_F(UKernelTest, Convolution) {
  struct Case {
    int64_t batch, channels, height, width, outputs, kernel, stride, pad, dilation, groups;
  };
  for (const Case &c :
       {Case{1, 3, 19, 21, 8, 3, 2, 1, 1, 1}, Case{2, 8, 7, 7, 16, 3, 1, 1, 1, 1},
        Case{1, 64, 9, 9, 33, 3, 1, 1, 1, 1}, Case{1, 16, 7, 7, 24, 1, 1, 0, 1, 1},
        Case{1, 20, 12, 13, 9, 1, 2, 0, 1, 1}, Case{1, 5, 12, 11, 7, 3, 1, 2, 2, 1},
        Case{1, 3, 23, 23, 16, 7, 2, 3, 1, 1}, Case{2, 40, 5, 6, 70, 2, 1, 0, 1, 1},
        Case{1, 8, 14, 14, 8, 3, 1, 1, 1, 8}, Case{2, 35, 9, 8, 35, 3, 2, 1, 1, 35},
        Case{1, 16, 4, 3, 16, 5, 1, 2, 1, 16}, Case{1, 4, 11, 30, 4, 3, 1, 2, 2, 4},
        // Groups of several channels, as many each way or not, in parts of one and of several.
        Case{1, 8, 7, 9, 12, 3, 1, 1, 1, 2}, Case{2, 12, 9, 6, 24, 3, 2, 1, 1, 3},
        Case{1, 128, 6, 5, 128, 3, 1, 1, 1, 32}, Case{1, 60, 8, 9, 30, 1, 1, 0, 1, 3},
        Case{1, 10, 11, 11, 20, 5, 1, 2, 2, 5}, Case{2, 128, 5, 7, 256, 3, 2, 1, 1, 2},
        Case{1, 30, 6, 7, 60, 3, 1, 1, 1, 3}, Case{1, 6, 8, 8, 12, 3, 1, 1, 1, 6},
        Case{1, 72, 6, 7, 72, 3, 1, 1, 1, 9}, Case{2, 40, 9, 8, 40, 3, 2, 1, 1, 20},
        Case{1, 4, 5, 6, 4, 3, 1, 1, 1, 2}}) {
    int64_t oh = countWindows(c.height, c.kernel, c.stride, c.pad, c.dilation),
            ow = countWindows(c.width, c.kernel, c.stride, c.pad, c.dilation);
    std::string attrs = printWindows(c.stride, c.pad, c.dilation, c.groups);
    for (const char *type : {"f32", "i8", "ui8"}) {
      std::string sum = type[0] == 'f' ? "f32" : "i32", weights = type[0] == 'f' ? "f32" : "i8";
      if (type[0] == 'u' && c.channels > 4)
        continue;
      targets = type[0] == 'f' ? getFloatTargets() : llvm::ArrayRef<llvm::StringRef>();
      // Groups of few channels of floats are loops.
      int64_t in = c.channels / c.groups, out = c.outputs / c.groups;
      formsKernel = type[0] != 'f' || c.groups == 1 || out >= 16 ||
                    (in == out && in < 16 && llvm::isPowerOf2_64(in));
      for (int64_t batch : {c.stride == 2 ? c.batch : int64_t(-1)}) {
        std::string x = tensor({batch, c.channels, c.height, c.width}, type),
                    b = tensor({c.outputs}, sum);
        std::string w = tensor({c.outputs, c.channels / c.groups, c.kernel, c.kernel}, weights),
                    y = tensor({batch, c.outputs, oh, ow}, sum);
        compare(formatv("func.func @main(%x: {0}) -> {3} {{\n%w = {5}\n%b = {6}\n%0 = nn.conv %x, "
                        "%w, %b {4} : ({0}, {1}, {2}) -> {3}\n"
                        "%1 = nn.unary relu %0 : ({3}) -> {3}\nreturn %1 : {3} }",
                        x, w, b, y, attrs,
                        constant({c.outputs, c.channels / c.groups, c.kernel, c.kernel}, weights),
                        constant({c.outputs}, sum)),
                {{c.batch, c.channels, c.height, c.width}});
      }
    }
  }
}

// Rows in place, in padded lines and copied; tiles of one line and of several, with all kinds of
// ends; contractions in pieces and in parts.
TEST_F(UKernelTest, FloatWindows) {
  struct Case {
    int64_t channels, height, width, outputs, kernelHeight, kernelWidth, stride, pad, dilation,
        groups;
    // Batches to run; how many of batch, height and width are open.
    std::vector<int64_t> batches;
    int64_t open;
  };
  for (const Case &c :
       {Case{16, 8, 8, 16, 3, 3, 1, 1, 1, 1, {0, 3}, 1},
        Case{7, 7, 7, 34, 3, 3, 1, 1, 1, 1, {2}, 1}, Case{48, 5, 17, 65, 3, 3, 1, 1, 1, 1, {1}, 0},
        Case{12, 9, 1, 20, 3, 3, 1, 1, 1, 1, {1, 2}, 1},
        Case{5, 6, 6, 17, 3, 3, 1, 5, 1, 1, {1}, 0}, Case{33, 1, 6, 8, 3, 4, 1, 1, 1, 1, {2}, 1},
        Case{9, 14, 15, 10, 3, 3, 2, 2, 2, 1, {2}, 1},
        Case{8, 11, 12, 16, 3, 3, 1, 0, 1, 1, {2}, 1}, Case{6, 9, 40, 18, 1, 5, 1, 0, 3, 1, {1}, 0},
        Case{200, 6, 5, 24, 1, 1, 1, 0, 1, 1, {1, 3}, 1},
        Case{1024, 4, 4, 24, 1, 1, 1, 0, 1, 1, {2}, 1},
        Case{512, 5, 5, 8, 1, 1, 2, 0, 1, 1, {1}, 0},
        Case{1700, 5, 3, 20, 1, 1, 1, 0, 1, 1, {2}, 1},
        Case{10, 9, 8, 20, 3, 3, 2, 1, 1, 1, {2}, 3},
        // Large samples, one after the other.
        Case{16, 64, 52, 16, 3, 3, 1, 1, 1, 4, {0, 3}, 1},
        Case{12, 60, 61, 20, 3, 3, 1, 1, 1, 1, {2}, 0},
        Case{18, 7, 7, 18, 3, 3, 1, 1, 1, 18, {0, 2}, 1},
        Case{16, 9, 22, 16, 3, 3, 2, 1, 1, 16, {1}, 0},
        Case{20, 12, 11, 20, 3, 3, 1, 2, 2, 20, {1}, 0},
        Case{16, 3, 4, 16, 3, 3, 1, 4, 1, 16, {1}, 0},
        Case{17, 8, 9, 17, 5, 5, 1, 2, 1, 17, {2}, 3},
        Case{24, 9, 8, 24, 3, 3, 1, 1, 1, 6, {0, 2}, 3},
        Case{24, 9, 8, 24, 3, 3, 2, 1, 1, 6, {1, 2}, 1},
        Case{40, 6, 6, 40, 3, 3, 1, 1, 1, 2, {2}, 3},
        Case{48, 9, 8, 51, 3, 3, 1, 0, 1, 3, {2}, 1}}) {
    int64_t oh = countWindows(c.height, c.kernelHeight, c.stride, c.pad, c.dilation),
            ow = countWindows(c.width, c.kernelWidth, c.stride, c.pad, c.dilation);
    auto open = [&](int64_t size, int64_t dim) { return dim < c.open ? -1 : size; };
    std::vector<int64_t> kernel{c.outputs, c.channels / c.groups, c.kernelHeight, c.kernelWidth};
    int64_t batch = c.batches[0];
    std::string x = tensor({open(batch, 0), c.channels, open(c.height, 1), open(c.width, 2)},
                           "f32"),
                y = tensor({open(batch, 0), c.outputs, open(oh, 1), open(ow, 2)}, "f32");
    std::string text =
        formatv("func.func @main(%x: {0}, %z: {1}) -> {1} {{\n%w = {2}\n%b = {3}\n"
                "%0 = nn.conv %x, %w, %b {6} : ({0}, {4}, {5}) -> {1}\n"
                "%1 = nn.binary add %0, %z : ({1}, {1}) -> {1}\n"
                "%2 = nn.unary relu %1 : ({1}) -> {1}\nreturn %2 : {1} }",
                x, y, constant(kernel, "f32"), constant({c.outputs}, "f32"), tensor(kernel, "f32"),
                tensor({c.outputs}, "f32"), printWindows(c.stride, c.pad, c.dilation, c.groups));
    std::vector<std::vector<std::vector<int64_t>>> shapes;
    for (int64_t size : c.batches)
      shapes.push_back({{size, c.channels, c.height, c.width}, {size, c.outputs, oh, ow}});
    std::vector<llvm::ArrayRef<std::vector<int64_t>>> runs(shapes.begin(), shapes.end());
    for (const char *target : {"x86-64-v3", "x86-64-v4"})
      compareRuns(text, runs, target);
  }
}

// One spatial dimension is two, the first of size 1.
TEST_F(UKernelTest, Convolution1D) {
  struct Case {
    int64_t channels, width, outputs, kernel, stride, pad, dilation;
  };
  for (const Case &c : {Case{64, 40, 32, 3, 1, 1, 1}, Case{1, 90, 17, 9, 4, 0, 1},
                        Case{20, 33, 24, 5, 1, 4, 2}, Case{48, 16, 40, 1, 1, 0, 1}}) {
    int64_t out = (c.width + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
    for (const char *type : {"f32", "i8"}) {
      std::string sum = type[0] == 'f' ? "f32" : "i32";
      std::string x = tensor({-1, c.channels, c.width}, type), b = tensor({c.outputs}, sum),
                  w = tensor({c.outputs, c.channels, c.kernel}, type),
                  y = tensor({-1, c.outputs, out}, sum);
      compare(formatv("func.func @main(%x: {0}) -> {3} {{\n%w = {4}\n%b = {5}\n"
                      "%0 = nn.conv %x, %w, %b {{strides = array<i64: {6}>, pads = array<i64: "
                      "{7}, {7}>, dilations = array<i64: {8}>, groups = 1 : i64} : ({0}, {1}, {2}) "
                      "-> {3}\nreturn %0 : {3} }",
                      x, w, b, y, constant({c.outputs, c.channels, c.kernel}, type),
                      constant({c.outputs}, sum), c.stride, c.pad, c.dilation),
              {{2, c.channels, c.width}});
    }
  }
}

// A window for each channel: vectors and tails of channels, one and several rows of the result at
// once, windows of up to two times four columns, edges of every kind, padding that is not zero.
TEST_F(UKernelTest, Depthwise) {
  struct Case {
    int64_t channels, height, width, kernelHeight, kernelWidth, stride, pad, dilation;
  };
  for (const Case &c : {Case{64, 25, 5, 3, 3, 1, 1, 1}, Case{16, 8, 9, 3, 3, 1, 1, 1},
                        Case{24, 7, 7, 3, 3, 1, 1, 1}, Case{5, 13, 4, 3, 3, 1, 1, 1},
                        Case{33, 9, 11, 3, 3, 2, 1, 1}, Case{17, 8, 8, 3, 3, 2, 1, 1},
                        Case{16, 1, 1, 3, 3, 1, 1, 1}, Case{16, 2, 2, 3, 3, 1, 2, 1},
                        Case{20, 6, 3, 2, 2, 1, 0, 1}, Case{16, 6, 10, 1, 3, 1, 1, 1},
                        Case{16, 10, 6, 5, 1, 1, 2, 1}, Case{32, 9, 9, 5, 5, 1, 2, 1},
                        Case{18, 11, 12, 5, 5, 2, 2, 1}, Case{16, 12, 13, 7, 7, 1, 3, 1},
                        Case{16, 9, 14, 3, 3, 1, 2, 2}, Case{48, 10, 10, 3, 4, 1, 1, 1}}) {
    int64_t reachY = (c.kernelHeight - 1) * c.dilation + 1,
            reachX = (c.kernelWidth - 1) * c.dilation + 1;
    for (const char *type : {"i8", "ui8"}) {
      int64_t value = (c.height + type[0]) % 2 ? 7 : 0;
      int64_t top = c.kernelHeight > 1 ? c.pad : 0, left = c.kernelWidth > 1 ? c.pad : 0;
      std::vector<int64_t> padded{2, c.channels, c.height + 2 * top, c.width + 2 * left};
      std::vector<int64_t> out{2, c.channels, (padded[2] - reachY) / c.stride + 1,
                               (padded[3] - reachX) / c.stride + 1};
      std::vector<int64_t> kernel{c.channels, 1, c.kernelHeight, c.kernelWidth};
      std::vector<int64_t> in{2, c.channels, c.height, c.width};
      std::string x = tensor(in, type), p = tensor(padded, type), y = tensor(out, "i32");
      compare(formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n"
                      "%v = nn.constant dense<{4}> : tensor<{5}>\n"
                      "%p = nn.pad constant %x, %v {{low = array<i64: 0, 0, {6}, {7}>, "
                      "high = array<i64: 0, 0, {6}, {7}>} : ({0}, tensor<{5}>) -> {1}\n"
                      "%0 = nn.conv %p, %w {{strides = array<i64: {8}, {8}>, "
                      "pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: {9}, {9}>, "
                      "groups = {10} : i64} : ({1}, {11}) -> {2}\nreturn %0 : {2} }",
                      x, p, y, constant(kernel, "i8"), value, type, top, left, c.stride, c.dilation,
                      c.channels, tensor(kernel, "i8")),
              {in}, getTargets().back()); // Convolution covers the others.
    }
  }
}

// Windows of single channels whose results are packed to bytes: groups of up to 14 rows that share
// rows of the input, several groups, rows left over; whole and partial blocks of channels.
TEST_F(UKernelTest, DepthwiseBytes) {
  struct Case {
    int64_t channels, height, width, kernel, stride;
  };
  // Others have the kernels of these.
  static const llvm::StringRef kTargets[] = {"x86-64-v3", "x86-64-v4", "x86-64-v4+avx512vnni"};
  targets = kTargets;
  for (const Case &c : {Case{64, 14, 9, 3, 1}, Case{32, 28, 12, 3, 2}, Case{80, 13, 8, 3, 1},
                        Case{16, 42, 11, 3, 1}, Case{128, 27, 5, 3, 2}, Case{40, 20, 7, 3, 2},
                        Case{64, 38, 6, 5, 2}, Case{96, 7, 7, 5, 1}, Case{64, 34, 10, 3, 1},
                        Case{56, 9, 6, 3, 2}, Case{28, 6, 5, 3, 1}})
    for (const char *type : {"i8", "ui8"}) {
      int64_t pad = c.kernel / 2, oh = countWindows(c.height, c.kernel, c.stride, pad),
              ow = countWindows(c.width, c.kernel, c.stride, pad);
      std::vector<int64_t> in{2, c.channels, c.height, c.width}, out{2, c.channels, oh, ow},
          kernel{c.channels, 1, c.kernel, c.kernel}, scales{c.channels, 1, 1};
      HostTensor scale = HostTensor::zeros(DType::f32(), scales);
      for (int64_t i = 0; i < c.channels; ++i)
        scale.setFromDouble(i, (1 + i % 7) * 4e-3);
      llvm::StringRef bytes((const char *)scale.getBytes().data(), scale.getBytes().size());
      std::string x = tensor(in, type), s = tensor(out, "i32"), q = tensor(out, type),
                  f = tensor(scales, "f32");
      compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%w = {2}\n%c = nn.constant "
                      "dense<\"0x{3}\"> : {4}\n%0 = nn.conv %x, %w {5} : ({0}, {6}) -> {7}\n"
                      "%1 = terse.requantize %0 scales(%c : {4}) clamp({8}) : ({7}) -> {1}\n"
                      "return %1 : {1} }",
                      x, q, constant(kernel, "i8"), llvm::toHex(bytes), f,
                      printWindows(c.stride, pad, 1, c.channels), tensor(kernel, "i8"), s,
                      type[0] == 'u' ? "0, 255" : "-128, 127"),
              {in});
    }
}

// Tiles: many blocks and panels, ends of both, epilogues of tiles whose sums are few steps long;
// convolutions that read their windows in place, with strides, dilations and padding.
TEST_F(UKernelTest, Tiles) {
  auto compareBoth = [&](const std::string &product, llvm::ArrayRef<int64_t> sums,
                         llvm::ArrayRef<int64_t> scales, std::vector<int64_t> input,
                         std::vector<int64_t> weights, std::string x) {
    for (bool known : {true, false})
      compareRequantized(product, sums, scales, input, weights, x, known, kTiles);
  };
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{40, 70, 64}, std::array<int64_t, 3>{300, 200, 130},
        std::array<int64_t, 3>{8, 32, 2500}, std::array<int64_t, 3>{100, 544, 2048},
        std::array<int64_t, 3>{50, 96, 2048}, std::array<int64_t, 3>{70, 1100, 960}})
    compareBoth("nn.linear %x, %w", {m, n}, {n}, {m, k}, {n, k}, "i8");
  struct Case {
    int64_t batch, channels, height, width, outputs, kernel, stride, pad, dilation;
  };
  for (const Case &c : {Case{2, 64, 12, 13, 40, 3, 2, 1, 1}, Case{1, 64, 11, 11, 20, 3, 1, 2, 2},
                        Case{1, 128, 9, 40, 32, 1, 2, 0, 1}, Case{3, 64, 10, 33, 33, 3, 1, 1, 1},
                        Case{1, 64, 20, 7, 16, 2, 3, 1, 1}, Case{2, 3, 30, 29, 40, 7, 2, 3, 1},
                        Case{1, 3, 21, 34, 33, 3, 2, 1, 1}, Case{1, 24, 12, 11, 24, 3, 1, 1, 1},
                        Case{2, 1, 28, 27, 16, 5, 1, 2, 1}, Case{1, 40, 9, 9, 32, 3, 3, 1, 1},
                        Case{1, 128, 6, 5, 35, 3, 1, 1, 1}, Case{1, 256, 6, 9, 480, 3, 1, 1, 1},
                        Case{1, 64, 7, 7, 33, 3, 1, 1, 1}, Case{2, 64, 14, 14, 32, 3, 1, 1, 1},
                        Case{1, 64, 41, 28, 70, 5, 1, 2, 1}, Case{1, 64, 28, 30, 32, 3, 2, 1, 1}}) {
    int64_t oh = countWindows(c.height, c.kernel, c.stride, c.pad, c.dilation),
            ow = countWindows(c.width, c.kernel, c.stride, c.pad, c.dilation);
    compareBoth("nn.conv %x, %w " + printWindows(c.stride, c.pad, c.dilation),
                {c.batch, c.outputs, oh, ow}, {c.outputs, 1, 1},
                {c.batch, c.channels, c.height, c.width},
                {c.outputs, c.channels, c.kernel, c.kernel}, c.batch == 2 ? "ui8" : "i8");
  }
}

// Windows whose lines are copied side by side: one line, several and all of them together, in as
// many planes as the stride, groups of lines that reach past the window, steps of equal pieces;
// padding that is not zero, lines that lie apart, images of one tile and of many blocks.
TEST_F(UKernelTest, LinesTogether) {
  struct Case {
    int64_t channels, height, width, outputs, kernelHeight, kernelWidth, stride, pad;
  };
  for (const Case &c : {Case{1, 49, 10, 64, 10, 4, 2, 4}, Case{3, 40, 41, 64, 7, 7, 2, 3},
                        Case{3, 33, 32, 24, 3, 3, 2, 1}, Case{3, 12, 90, 40, 3, 3, 1, 1},
                        Case{2, 17, 16, 16, 5, 7, 3, 2}, Case{8, 14, 14, 70, 3, 3, 1, 1},
                        Case{16, 70, 9, 32, 3, 3, 1, 1}, Case{20, 9, 12, 48, 3, 5, 2, 2},
                        Case{32, 7, 8, 40, 3, 3, 1, 1}, Case{5, 11, 30, 9, 1, 9, 1, 0},
                        Case{4, 30, 4, 33, 9, 1, 2, 0}, Case{12, 5, 5, 16, 5, 5, 1, 4},
                        Case{48, 6, 6, 8, 2, 2, 1, 0}})
    for (const char *type : {"i8", "ui8"}) {
      int64_t value = type[0] == 'u' ? 200 : -3, batch = c.height % 2 ? -1 : 2;
      std::vector<int64_t> padded{batch, c.channels, c.height + 2 * c.pad, c.width + 2 * c.pad};
      std::vector<int64_t> out{batch, c.outputs, (padded[2] - c.kernelHeight) / c.stride + 1,
                               (padded[3] - c.kernelWidth) / c.stride + 1};
      std::vector<int64_t> kernel{c.outputs, c.channels, c.kernelHeight, c.kernelWidth};
      std::vector<int64_t> in{batch, c.channels, c.height, c.width};
      std::string x = tensor(in, type), p = tensor(padded, type), y = tensor(out, "i32");
      in[0] = 2;
      compare(formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n"
                      "%v = nn.constant dense<{4}> : tensor<{5}>\n"
                      "%p = nn.pad constant %x, %v {{low = array<i64: 0, 0, {6}, {6}>, "
                      "high = array<i64: 0, 0, {6}, {6}>} : ({0}, tensor<{5}>) -> {1}\n"
                      "%0 = nn.conv %p, %w {{strides = array<i64: {7}, {7}>, "
                      "pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
                      "groups = 1 : i64} : ({1}, {8}) -> {2}\nreturn %0 : {2} }",
                      x, p, y, constant(kernel, "i8"), value, type, c.pad, c.stride,
                      tensor(kernel, "i8")),
              {in}, kTiles);
    }
}

// Results of bytes, which are packed four vectors at once: signed and unsigned ones, clamps of all
// kinds, zero points, ends of rows and columns; rows of the left operand that tiles read in place.
TEST_F(UKernelTest, ByteResults) {
  struct Case {
    int64_t m, n, k, low, high, zero;
    const char *type;
  };
  for (const Case &c :
       {Case{100, 64, 64, 0, 255, 0, "ui8"}, Case{33, 16, 128, 0, 255, 3, "ui8"},
        Case{50, 41, 64, 5, 200, 17, "ui8"}, Case{97, 72, 192, -128, 127, -20, "i8"},
        Case{32, 9, 64, -5, 90, 11, "i8"}, Case{35, 128, 70, 0, 127, 0, "i8"},
        Case{41, 32, 256, -128, 127, 0, "i8"}}) {
    for (int64_t rows : {c.m, int64_t(-1)}) {
      std::string x = tensor({rows, c.k}, "ui8"), w = tensor({c.n, c.k}, "i8"),
                  s = tensor({rows, c.n}, "i32"), q = tensor({rows, c.n}, c.type),
                  f = tensor({c.n}, "f32"), z = tensor({}, c.type);
      HostTensor scale = HostTensor::zeros(DType::f32(), {c.n});
      for (int64_t i = 0; i < c.n; ++i)
        scale.setFromDouble(i, (1 + i % 7) * 3e-4);
      llvm::StringRef bytes((const char *)scale.getBytes().data(), scale.getBytes().size());
      compare(formatv("func.func @main(%x: {0}) -> {1} {{\n%w = {2}\n%c = nn.constant "
                      "dense<\"0x{3}\"> : {4}\n%0 = nn.linear %x, %w : ({0}, {5}) -> {6}\n"
                      "%z = nn.constant dense<{9}> : {10}\n"
                      "%1 = terse.requantize %0 scales(%c : {4}) zero_point(%z : {10}) "
                      "clamp({7}, {8}) : ({6}) -> {1}\nreturn %1 : {1} }",
                      x, q, constant({c.n, c.k}, "i8"), llvm::toHex(bytes), f, w, s, c.low, c.high,
                      c.zero, z),
              {{c.m, c.k}});
    }
  }
}

// Kernels one after the other, with what stands between them in networks: padding, pooling, a
// residual, a flattening.
TEST_F(UKernelTest, Network) {
  for (const char *type : {"f32", "i32"}) {
    bool floats = type[0] == 'f';
    std::string input = floats ? "f32" : "i8";
    std::string x = tensor({-1, 3, 16, 16}, input), a = tensor({-1, 12, 16, 16}, type),
                q = tensor({-1, 12, 16, 16}, input);
    std::string p = tensor({-1, 12, 8, 8}, type), g = tensor({-1, 12, 1, 1}, "f32"),
                pf = tensor({-1, 12, 8, 8}, "f32");
    std::string conv =
        "{strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}";
    std::string pool = "{kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: "
                       "0, 0, 0, 0>, dilations = array<i64: 1, 1>}";
    compare(formatv("func.func @main(%x: {0}) -> {5} {{\n%w = {6}\n%v = {7}\n"
                    "%0 = nn.conv %x, %w {9} : ({0}, {10}) -> {1}\n%1 = nn.cast %0 : ({1}) -> {2}\n"
                    "%2 = nn.conv %1, %v {9} : ({2}, {11}) -> {1}\n%3 = nn.binary add %2, %0 : "
                    "({1}, {1}) -> {1}\n"
                    "%4 = nn.pool max %3 {8} : ({1}) -> {3}\n%5 = nn.cast %4 : ({3}) -> {4}\n"
                    "%6 = nn.reduce mean %5 {{axes = array<i64: 2, 3>, keepdims = true} : ({4}) -> "
                    "{5}\nreturn %6 : {5} }",
                    x, a, q, p, pf, g, constant({12, 3, 3, 3}, input),
                    constant({12, 12, 3, 3}, input), pool, conv, tensor({12, 3, 3, 3}, input),
                    tensor({12, 12, 3, 3}, input)),
            {{2, 3, 16, 16}});
  }
}

// The largest magnitudes of samples come from the kernel: samples that share blocks of rows, ends
// of channels, several threads.
TEST_F(UKernelTest, Magnitudes) {
  struct Case {
    int64_t batch, channels, height, width, outputs, groups, kernel, pad = 0;
  };
  for (const Case &c : {Case{1, 16, 9, 9, 40, 1, 3}, Case{5, 64, 7, 7, 33, 1, 1},
                        Case{3, 40, 4, 4, 64, 1, 1}, Case{2, 24, 8, 8, 24, 24, 3},
                        Case{3, 32, 20, 17, 32, 32, 3}, Case{2, 64, 7, 7, 40, 1, 3, 1}})
    for (const char *type : {"i8", "f32"}) {
      bool floats = type[0] == 'f';
      int64_t oh = c.height + 2 * c.pad - c.kernel + 1, ow = c.width + 2 * c.pad - c.kernel + 1;
      std::vector<int64_t> weights{c.outputs, c.channels / c.groups, c.kernel, c.kernel};
      std::string form = "#terse.uniform<i8, block = [1, ?, ?, ?], dynamic>";
      std::string x = tensor({-1, c.channels, c.height, c.width}, type),
                  y = tensor({-1, c.outputs, oh, ow}, floats ? "f32" : "i32"),
                  f = tensor({-1, c.outputs, oh, ow}, "f32"), w = tensor(weights, type),
                  e = tensor({-1, c.outputs, oh, ow}, "f32, " + form);
      compare(formatv("func.func @main(%x: {0}) -> tensor<?x1x1x1xf32> {{\n%w = {1}\n"
                      "%0 = nn.conv %x, %w {{strides = array<i64: 1, 1>, pads = array<i64: {9}, "
                      "{9}, {9}, {9}>, dilations = array<i64: 1, 1>, groups = {2} : i64} : ({0}, "
                      "{3}) -> {4}\n{5}\n%e = terse.encode %{6} : {7} -> {8}\n%q, %s = "
                      "terse.components %e : "
                      "{8}\nreturn %s : tensor<?x1x1x1xf32> }",
                      x, constant(weights, type), c.groups, w, y,
                      floats ? "" : formatv("%1 = nn.cast %0 : ({0}) -> {1}", y, f).str(),
                      floats ? "0" : "1", f, e, c.pad),
              {{c.batch, c.channels, c.height, c.width}},
              c.batch == 5 ? std::string() : getTargets().back());
    }
}

// One artifact for any number of rows: one row has code of its own, on the same packed weights.
TEST_F(UKernelTest, OneRowOrMany) {
  for (auto [type, sum] :
       {std::pair("i8", "i32"), std::pair("ui8", "i32"), std::pair("f32", "f32")})
    for (auto [n, k] :
         {std::pair<int64_t, int64_t>(130, 300), std::pair<int64_t, int64_t>(40, 64)}) {
      std::string weights = type[0] == 'f' ? "f32" : "i8", x = tensor({-1, k}, type),
                  w = tensor({n, k}, weights), y = tensor({-1, n}, sum);
      std::string text = formatv("func.func @main(%x: {0}) -> {2} {{\n%w = {3}\n%0 = nn.linear %x, "
                                 "%w : ({0}, {1}) -> {2}\nreturn %0 : {2} }",
                                 x, w, y, constant({n, k}, weights));
      for (int64_t m : {1, 7})
        compare(text, {{m, k}}, n == 40 ? getTargets().back() : std::string());
    }
}
