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

// The largest of table entries over a window, an image's channels and a row: equal and
// infinite entries, in no order and in that of the bytes, zeros of one sign, and NaN.
TEST_F(LoopsTest, LargestOfTables) {
  HostTensor mixed = random(DType::f32(), {256}), ascending = mixed;
  for (int64_t i = 0; i < 256; ++i)
    ascending.setFromDouble(i, std::floor(double(i) / 3) - 20);
  for (auto [i, v] : llvm::enumerate(std::vector<double>{0.0, 0.0, -INFINITY, 1.5, 1.5}))
    for (int64_t at : {7, 91})
      mixed.setFromDouble(at + 20 * i, v);
  HostTensor low = mixed;
  for (int64_t i = 0; i < 256; ++i)
    low.setFromDouble(i, i % 2 ? -0.0 : -double(i % 7));
  HostTensor number = mixed;
  number.setFromDouble(130, NAN);
  for (const HostTensor &t : {mixed, ascending, low, number})
    for (const char *type : {"i8", "ui8"})
      for (int64_t channels : {19, 64}) {
        llvm::StringRef bytes((const char *)t.getBytes().data(), t.getBytes().size());
        std::string x = formatv("tensor<?x5x{0}x{1}>", channels, type),
                    i = formatv("tensor<?x5x{0}xi32>", channels),
                    f = formatv("tensor<?x5x{0}xf32>", channels);
        compare(
            formatv("func.func @main(%x: {0}) -> (tensor<?x{3}xf32>, tensor<?x5xf32>) {{\n"
                    "%t = nn.constant dense<\"0x{4}\"> : tensor<256xf32>\n"
                    "%i = nn.cast %x : ({0}) -> {1}\n"
                    "%0 = nn.gather %t, %i {{axis = 0 : i64} : (tensor<256xf32>, {1}) -> {2}\n"
                    "%1 = nn.reduce max %0 {{axes = array<i64: 1>} : ({2}) -> tensor<?x{3}xf32>\n"
                    "%j = nn.cast %x : ({0}) -> {1}\n"
                    "%2 = nn.gather %t, %j {{axis = 0 : i64} : (tensor<256xf32>, {1}) -> {2}\n"
                    "%3 = nn.reduce max %2 {{axes = array<i64: 2>} : ({2}) -> tensor<?x5xf32>\n"
                    "return %1, %3 : tensor<?x{3}xf32>, tensor<?x5xf32> }",
                    x, i, f, channels, llvm::toHex(bytes)),
            {{0, 5, channels}, {1, 5, channels}, {3, 5, channels}});
      }
}

// Rows of a table, by indices inside of it and beyond.
TEST_F(LoopsTest, Rows) {
  for (const char *index : {"i32", "i64"})
    for (const char *type : {"i8", "f32"})
      for (int64_t columns : {1, 15, 64, 67}) {
        HostTensor t = random(*type == 'f' ? DType::f32() : DType::si(8), {601, columns});
        llvm::StringRef bytes((const char *)t.getBytes().data(), t.getBytes().size());
        std::string y = formatv("tensor<2x?x{0}x{1}>", columns, type),
                    table = formatv("tensor<601x{0}x{1}>", columns, type);
        compare(formatv("func.func @main(%x: tensor<2x?x{0}>) -> ({1}, {1}) {{\n"
                        "%t = nn.constant dense<\"0x{3}\"> : {2}\n"
                        "%0 = nn.gather %t, %x {{axis = 0 : i64} : ({2}, tensor<2x?x{0}>) -> {1}\n"
                        "%1 = nn.binary add %0, %0 : ({1}, {1}) -> {1}\n"
                        "return %0, %1 : {1}, {1} }",
                        index, y, table, llvm::toHex(bytes)),
                widths({2, 0}, 1));
      }
}

// Products of one-hot rows: bytes that are rounded behind them, read more often than there are
// numbers and less often, and floats.
TEST_F(LoopsTest, OneHot) {
  for (int64_t rows : {3, 700})
    for (int64_t first : {0, -100}) {
      HostTensor w = random(DType::si(8), {33, 200}),
                 numbers = HostTensor::zeros(DType::si(32), {200});
      for (int64_t i = 0; i < 200; ++i)
        numbers.setFromInt(i, first + i);
      auto hex = [](const HostTensor &t) {
        return llvm::toHex(llvm::StringRef((const char *)t.getBytes().data(), t.getBytes().size()));
      };
      auto t = [&](int64_t last, const char *type) {
        return formatv("tensor<?x{0}x{1}x{2}>", rows, last, type).str();
      };
      std::string h = t(200, "i1"), q = t(200, "ui8"), f = t(200, "f32"), s = t(33, "i32"),
                  y = t(33, "f32"), b = t(33, "ui8"), x = formatv("tensor<?x{0}xi32>", rows);
      std::string text = formatv(
          "func.func @main(%x: {0}) -> ({1}, {2}) {{\n"
          "%n = nn.constant dense<\"0x{3}\"> : tensor<200xi32>\n"
          "%w = nn.constant dense<\"0x{4}\"> : tensor<33x200xi8>\n"
          "%c = nn.constant dense<7> : tensor<33xi32>\n"
          "%e = nn.constant dense<0.5> : tensor<f32>\n%k = nn.constant dense<4> : tensor<ui8>\n",
          x, b, y, hex(numbers), hex(w));
      text +=
          formatv("%xx = nn.reshape %x : ({0}) -> {1}\n"
                  "%h = nn.compare eq %xx, %n : ({1}, tensor<200xi32>) -> {2}\n"
                  "%0 = nn.cast %h : ({2}) -> {3}\n%1 = nn.cast %0 : ({3}) -> {4}\n"
                  "%2 = nn.linear %1, %w, %c : ({4}, tensor<33x200xi8>, tensor<33xi32>) -> {5}\n",
                  x, t(1, "i32"), h, f, q, s);
      text += formatv(
          "%3 = nn.cast %2 : ({0}) -> {1}\n%4 = nn.binary mul %3, %e : ({1}, tensor<f32>) -> {1}\n"
          "%5 = nn.unary round %4 : ({1}) -> {1}\n%kk = nn.cast %k : (tensor<ui8>) -> tensor<f32>\n"
          "%6 = nn.binary add %5, %kk : ({1}, tensor<f32>) -> {1}\n"
          "%7 = nn.cast %6 : ({1}) -> {2}\n%8 = nn.cast %7 : ({2}) -> {1}\n"
          "%9 = nn.unary sqrt %8 : ({1}) -> {1}\n",
          s, y, b);
      // The same numbers as floats: another one-hot matrix.
      text += formatv("%wf = nn.cast %w : (tensor<33x200xi8>) -> tensor<33x200xf32>\n"
                      "%h2 = nn.compare eq %n, %xx : (tensor<200xi32>, {0}) -> {1}\n"
                      "%10 = nn.cast %h2 : ({1}) -> {2}\n"
                      "%11 = nn.linear %10, %wf : ({2}, tensor<33x200xf32>) -> {3}\n"
                      "%12 = nn.binary sub %9, %11 : ({3}, {3}) -> {3}\n"
                      "return %7, %12 : {4}, {3} }",
                      t(1, "i32"), h, f, y, b);
      compare(text, {{0, rows}, {1, rows}, {2, rows}});
    }
}

// A norm over other than the last dimension, as transposes around one over the last, rounded.
TEST_F(LoopsTest, NormsOfTransposes) {
  for (auto [rows, columns] : {std::pair(40, 64), std::pair(33, 19), std::pair(5, 1)}) {
    std::string x = formatv("tensor<?x{0}x{1}xf32>", rows, columns),
                z = formatv("tensor<?x{1}x{0}xf32>", rows, columns),
                q = formatv("tensor<?x{0}x{1}xui8>", rows, columns),
                g = formatv("tensor<{0}xf32>", rows);
    compare(formatv("func.func @main(%x: {0}) -> ({2}, {0}) {{\n"
                    "%g = nn.constant dense<1.25> : {3}\n%b = nn.constant dense<0.5> : {3}\n"
                    "%s = nn.constant dense<0.031> : tensor<f32>\n%z = nn.constant dense<9.9e1> : "
                    "tensor<f32>\n"
                    "%0 = nn.transpose %x {{permutation = array<i64: 0, 2, 1>} : ({0}) -> {1}\n"
                    "%1 = nn.layer_norm %0, %g, %b {{axis = 2 : i64, epsilon = 1.0e-6 : f64, "
                    "operandSegmentSizes = array<i32: 1, 1, 1>} : ({1}, {3}, {3}) -> {1}\n"
                    "%2 = nn.binary div %1, %s : ({1}, tensor<f32>) -> {1}\n"
                    "%3 = nn.unary round %2 : ({1}) -> {1}\n"
                    "%4 = nn.binary add %3, %z : ({1}, tensor<f32>) -> {1}\n",
                    x, z, q, g)
                    .str() +
                formatv("%5 = nn.transpose %4 {{permutation = array<i64: 0, 2, 1>} : ({1}) -> {0}\n"
                        "%6 = nn.cast %5 : ({0}) -> {2}\n"
                        "%7 = nn.transpose %1 {{permutation = array<i64: 0, 2, 1>} : ({1}) -> {0}\n"
                        "return %6, %7 : {2}, {0} }",
                        x, z, q)
                    .str(),
            {{0, rows, columns}, {1, rows, columns}, {3, rows, columns}});
  }
}

// Bytes over rows of whole vectors of bytes and of parts.
TEST_F(LoopsTest, LargestBytes) {
  for (const char *type : {"i8", "ui8"})
    for (int64_t columns : {16, 32, 48, 64, 96, 128, 129}) {
      std::string x = formatv("tensor<2x?x{0}x{1}>", columns, type),
                  y = formatv("tensor<2x{0}x{1}>", columns, type);
      compare(formatv("func.func @main(%x: {0}) -> ({1}, {1}) {{\n"
                      "%0 = nn.reduce max %x {{axes = array<i64: 1>} : ({0}) -> {1}\n"
                      "%1 = nn.reduce min %x {{axes = array<i64: 1>} : ({0}) -> {1}\n"
                      "return %0, %1 : {1}, {1} }",
                      x, y),
              {{2, 1, columns}, {2, 7, columns}});
    }
}

// Squares of vectors, whole ones and their ends, beside operands that are read as they lie, along
// rows or along columns.
TEST_F(LoopsTest, Squares) {
  auto text = [](llvm::StringRef type, llvm::StringRef n) {
    std::string x = formatv("tensor<2x{0}x{0}x{1}>", n, type), row, column;
    row = formatv("tensor<2x1x{0}x{1}>", n, type), column = formatv("tensor<2x{0}x1x{1}>", n, type);
    return formatv("func.func @main(%x: {0}) -> ({0}, {0}) {{\n"
                   "%r = nn.reduce max %x {{axes = array<i64: 1>, keepdims = true} : ({0}) -> {1}\n"
                   "%c = nn.reduce min %x {{axes = array<i64: 2>, keepdims = true} : ({0}) -> {2}\n"
                   "%0 = nn.transpose %x {{permutation = array<i64: 0, 2, 1>} : ({0}) -> {0}\n"
                   "%1 = nn.binary add %0, %x : ({0}, {0}) -> {0}\n"
                   "%2 = nn.binary max %1, %r : ({0}, {1}) -> {0}\n"
                   "%3 = nn.binary min %2, %c : ({0}, {2}) -> {0}\n"
                   "%4 = nn.transpose %x {{permutation = array<i64: 0, 2, 1>} : ({0}) -> {0}\n"
                   "return %3, %4 : {0}, {0} }",
                   x, row, column)
        .str();
  };
  for (const char *type : {"i8", "i16", "i32", "f32", "f64"}) {
    for (int64_t n : {4, 15, 16, 17, 40, 100})
      compare(text(type, std::to_string(n)), {{2, n, n}});
    compare(text(type, "?"), {{2, 1, 1}, {2, 7, 7}, {2, 16, 16}, {2, 19, 19}, {2, 40, 40}});
  }
}

// More rows than columns and the other way round, axes that become one, and whole strips.
TEST_F(LoopsTest, Images) {
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{2, 6, 5, 35}, {1, 70, 4, 4}, {3, 5, 8, 8}}) {
    auto type = [](llvm::ArrayRef<int64_t> dims) {
      std::string text = "tensor<";
      for (int64_t d : dims)
        text += std::to_string(d) + "x";
      return text + "f32>";
    };
    std::string x = type(shape), y = type({shape[0], shape[2], shape[3], shape[1]}),
                z = type({shape[0], shape[3], shape[1], shape[2]});
    compare(formatv("func.func @main(%x: {0}) -> ({1}, {2}) {{\n"
                    "%0 = nn.transpose %x {{permutation = array<i64: 0, 2, 3, 1>} : ({0}) -> {1}\n"
                    "%1 = nn.transpose %x {{permutation = array<i64: 0, 3, 1, 2>} : ({0}) -> {2}\n"
                    "return %0, %1 : {1}, {2} }",
                    x, y, z),
            {shape});
  }
}
