//===- WeightOnlyTest.cpp - Weights of few bits against the interpreter -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers whose weights are stored in a few bits, for every format that kernels decode and every
// level of vector instructions that this machine has, over shapes with all kinds of ends: within
// 1e-5 of the range of the result.

#include "NativeTest.h"
#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class WeightOnlyTest : public NativeTest {
protected:
  WeightOnlyTest() : NativeTest(11) {}

  // `%w` of this shape in `format`, as constants and an assemble op in text.
  std::string weights(llvm::ArrayRef<int64_t> shape, llvm::StringRef format) {
    auto encoding = dyn_cast_or_null<EncodingAttrInterface>(parseAttribute(format, &context));
    auto type = RankedTensorType::get(shape, Float32Type::get(&context));
    auto components =
        encoding.encodeHost(drawNormal(shape), type, {}, [] { return InFlightDiagnostic(); });
    std::string text, names, types;
    for (auto [i, tensor] : llvm::enumerate(*components)) {
      std::string line;
      llvm::raw_string_ostream os(line);
      Type componentType = encoding.getComponents(type)[i].type;
      os << "%c" << i << " = nn.constant ";
      toDenseElements(tensor, &context, cast<ShapedType>(componentType)).print(os);
      text += line + "\n";
      names += (i ? ", %c" : "%c") + std::to_string(i);
      types += (i ? ", " : "") + print(componentType);
    }
    return formatv("{0}%w = terse.assemble {1} : ({2}) -> {3}\n", text, names, types,
                   encoded(shape, format));
  }

  static std::string encoded(llvm::ArrayRef<int64_t> shape, llvm::StringRef format) {
    std::string type = tensor(shape);
    return type.substr(0, type.size() - 1) + ", " + format.str() + ">";
  }

  void compare(const std::string &text, llvm::ArrayRef<int64_t> input, bool formed = true) {
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    HostTensor x = drawNormal(input);
    Tensors want = interpret(*module, {x});
    llvm::SmallVector<llvm::StringRef> levels{"x86-64-v3", "x86-64-v4"};
    if (plain)
      levels.push_back("x86-64");
    if (rounded && terse_cpu_has_feature("amx-bf16") > 0)
      levels.push_back(kTiles);
    for (const std::string &target : getTargets(levels)) {
      CompileOptions options;
      options.target = target;
      options.optLevel = 1;
      bool decodes = false, tiles = false;
      options.observer = [&](llvm::StringRef stage, ModuleOp m) {
        if (stage == "linalg")
          m.walk([&](ukernel::KernelOpInterface op) {
            decodes |= bool(op.getDecodingAttr());
            tiles |= op.getScheduleAttr().getIsa() == ukernel::ISA::AMXBF16;
          });
      };
      auto model = compile(*module, options);
      ASSERT_TRUE(bool(model));
      EXPECT_EQ(decodes, formed) << text;
      EXPECT_EQ(tiles, target == kTiles && fillsTiles) << text;
      expectSame(want, run(*model, {x}), target + "\n" + text.substr(text.rfind("%w")));
    }
  }

  // The same with activations rounded to bf16.
  void roundedLinear(int64_t m, int64_t n, int64_t k, llvm::StringRef format, bool dynamic) {
    int64_t rows = dynamic ? -1 : m;
    std::string x = tensor({rows, k}), q = encoded({rows, k}, "#terse.cast<bf16>");
    rounded = true;
    fillsTiles = (dynamic || m >= 8) && n >= 16 && k >= 32;
    compare(
        formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%q = terse.encode %x : {0} -> {4}\n%0 = "
                "nn.linear %q, %w : ({4}, {3}) -> {1}\n%1 = nn.unary relu %0 : ({1}) -> "
                "{1}\nreturn %1 : {1} }",
                x, tensor({rows, n}), weights({n, k}, format), encoded({n, k}, format), q),
        {m, k});
  }

  void linear(int64_t m, int64_t n, int64_t k, llvm::StringRef format, bool dynamic) {
    std::vector<int64_t> w{n, k};
    int64_t rows = dynamic ? -1 : m;
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%0 = nn.linear %x, %w : ({0}, {3}) -> "
                    "{1}\nreturn %0 : {1} }",
                    tensor({rows, k}), tensor({rows, n}), weights(w, format), encoded(w, format)),
            {m, k});
  }

  // Whether code for the oldest machines is compared, too.
  bool plain = true;
  // Whether activations are rounded to bf16, and so many that tiles multiply them.
  bool rounded = false, fillsTiles = false;
};

const char *const kFormats[] = {
    "#terse.uniform<i4, block = [1, 32], scale = f16>",
    "#terse.uniform<ui4, block = [1, 16], scale = bf16, zero_point>",
    "#terse.uniform<i4, axis = 0, zero_point>",
    "#terse.uniform<i2, block = [1, 16], scale = f16>",
    "#terse.uniform<i3, block = [1, 32]>",
    "#terse.uniform<ui5, block = [1, 20], zero_point>",
    "#terse.uniform<i6, axis = 0>",
    "#terse.uniform<i7>",
    "#terse.uniform<i8, axis = 0>",
    "#terse.uniform<ui8, block = [1, 32], scale = f16, zero_point>",
    "#terse.uniform<i4, block = [1, 16], scale = #terse.uniform<ui8, block = [4, 4]>>",
    "#terse.codebook<ui4, table = nf4, block = [1, 64]>",
    "#terse.codebook<ui4, table = fp4, block = [1, 32], scale = f16>",
    "#terse.codebook<ui4, table = f16>",
    "#terse.codebook<ui4, table = f32, group = [16, ?]>",
    "#terse.codebook<ui3, table = f16, group = [3, ?], block = [1, 16], scale = f16>",
    "#terse.codebook<ui8, table = f16>",
    "#terse.codebook<ui1, table = binary, axis = 0>",
    "#terse.codebook<ui2, table = ternary, block = [1, 32]>",
    "#terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>",
    "#terse.minifloat<f4E2M1FN, block = [1, 16], scale = f8E4M3FN>",
    "#terse.minifloat<f6E2M3FN, block = [1, 32], scale = f8E8M0FNU>",
    "#terse.minifloat<f6E3M2FN, axis = 0>",
    "#terse.minifloat<f8E4M3FN, axis = 0>",
    "#terse.minifloat<f8E5M2, block = [1, 32], scale = f8E8M0FNU>",
};
} // namespace

// One row, which decodes in registers, and enough to decode panels.
TEST_F(WeightOnlyTest, Registers) {
  for (auto [i, format] : llvm::enumerate(kFormats)) {
    plain = i % 2 == 0;
    linear(1, 37, 100, format, false);
  }
}
TEST_F(WeightOnlyTest, Panels) {
  for (auto [i, format] : llvm::enumerate(kFormats)) {
    plain = i % 2 == 1;
    linear(9, 24, 64, format, false);
  }
}

TEST_F(WeightOnlyTest, Shapes) {
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] : {Shape{1, 1, 1}, Shape{1, 16, 33}, Shape{1, 130, 7}, Shape{2, 50, 96},
                         Shape{3, 17, 40}, Shape{4, 300, 31}, Shape{5, 16, 32}, Shape{40, 70, 129}})
    for (bool dynamic : {false, true})
      linear(m, n, k,
             dynamic ? kFormats[0]
                     : "#terse.codebook<ui4, table = nf4, block = [1, 12], scale = f16>",
             dynamic);
}

// Contractions of several pieces, which begin inside of units, groups and groups with gaps.
TEST_F(WeightOnlyTest, Pieces) {
  plain = false;
  linear(9, 70, 700, "#terse.codebook<ui4, table = nf4, block = [1, 12], scale = f16>", false);
  linear(7, 33, 1030, "#terse.uniform<i3, block = [1, 515]>", false);
  linear(6, 20, 650, "#terse.uniform<ui5, block = [1, 26], zero_point>", true);
  linear(50, 64, 999, "#terse.uniform<i8, axis = 0>", false);
  linear(8, 130, 514, "#terse.uniform<i2, block = [1, 16], scale = f16>", true);
}

// Beside activations of bf16: in tiles where there are some.
TEST_F(WeightOnlyTest, RoundedActivations) {
  plain = false;
  for (const char *format : kFormats)
    roundedLinear(9, 24, 64, format, false);
  const char *nf4 = "#terse.codebook<ui4, table = nf4, block = [1, 12], scale = f16>",
             *i4 = "#terse.uniform<i4, block = [1, 32], scale = f16>";
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] : {Shape{1, 40, 96}, Shape{3, 20, 64}, Shape{7, 16, 32}, Shape{8, 16, 32},
                         Shape{8, 15, 40}, Shape{16, 33, 31}, Shape{17, 47, 129},
                         Shape{40, 70, 257}, Shape{100, 64, 700}, Shape{256, 96, 160}})
    roundedLinear(m, n, k, k % 12 == 0 || k % 2 ? nf4 : i4, /*dynamic=*/m % 2);
  // Groups that begin inside of units and pieces.
  roundedLinear(33, 33, 1030, "#terse.uniform<i3, block = [1, 515]>", false);
  roundedLinear(20, 20, 650, "#terse.uniform<ui5, block = [1, 26], zero_point>", true);
  roundedLinear(50, 64, 999, "#terse.uniform<i8, axis = 0>", false);
  roundedLinear(64, 130, 514, "#terse.uniform<i2, block = [1, 2], scale = f16>", false);
}

// Output channels second, and rows of several dimensions.
TEST_F(WeightOnlyTest, Matmul) {
  for (const char *format :
       {"#terse.uniform<i4, block = [32, 1], scale = f16>", "#terse.uniform<i4, axis = 1>",
        "#terse.codebook<ui4, table = f16, group = [?, 5]>"}) {
    std::vector<int64_t> w{40, 33};
    compare(formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%0 = nn.matmul %x, %w : ({0}, {3}) -> "
                    "{1}\nreturn %0 : {1} }",
                    tensor({2, 3, 40}), tensor({2, 3, 33}), weights(w, format), encoded(w, format)),
            {2, 3, 40});
  }
}

TEST_F(WeightOnlyTest, Convolution) {
  struct Case {
    int64_t channels, outputs, size, kernel, stride, pad;
    const char *format;
  };
  for (const Case &c :
       {Case{16, 24, 9, 3, 1, 1, "#terse.uniform<i4, block = [1, 8, 1, 3], scale = f16>"},
        Case{64, 20, 7, 3, 2, 1, "#terse.uniform<i4, block = [1, 32, 1, 1], scale = f16>"},
        Case{3, 16, 11, 3, 2, 1, "#terse.uniform<i4, block = [1, 3, 3, 3], scale = f16>"},
        Case{5, 16, 8, 3, 1, 1, "#terse.codebook<ui4, table = f16, group = [8, ?, ?, ?]>"},
        // Blocks that do not lie side by side.
        Case{16, 18, 7, 3, 1, 1, "#terse.codebook<ui4, table = nf4, block = [1, 7, 3, 3]>"},
        Case{10, 18, 7, 3, 1, 1,
             "#terse.uniform<ui4, block = [1, 3, 3, 3], scale = f16, zero_point>"},
        Case{48, 33, 6, 1, 1, 0, "#terse.codebook<ui4, table = nf4, block = [1, 24, 1, 1]>"},
        // Several pieces of runs that are no whole units.
        Case{21, 17, 8, 5, 1, 2, "#terse.uniform<i4, axis = 0>"},
        Case{12, 7, 6, 1, 2, 0, "#terse.uniform<i4, axis = 0>"}}) {
    int64_t out = (c.size + 2 * c.pad - c.kernel) / c.stride + 1;
    std::vector<int64_t> w{c.outputs, c.channels, c.kernel, c.kernel};
    // Known when code is made, or not.
    for (int64_t batch : {c.outputs % 2 || c.kernel == 1 ? int64_t(1) : int64_t(-1)}) {
      std::string x = tensor({batch, c.channels, c.size, c.size}),
                  y = tensor({batch, c.outputs, out, out});
      compare(formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%0 = nn.conv %x, %w {{strides = "
                      "array<i64: {4}, {4}>, pads = array<i64: {5}, {5}, {5}, {5}>, dilations = "
                      "array<i64: 1, 1>, groups = 1 : i64} : ({0}, {3}) -> {1}\n%1 = nn.unary relu "
                      "%0 : ({1}) -> {1}\nreturn %1 : {1} }",
                      x, y, weights(w, c.format), encoded(w, c.format), c.stride, c.pad),
              {batch < 0 ? 2 : batch, c.channels, c.size, c.size});
    }
  }
}

// A window for each channel.
TEST_F(WeightOnlyTest, Windows) {
  for (const char *format : {"#terse.uniform<i8, axis = 0>",
                             "#terse.uniform<ui8, axis = 0, "
                             "zero_point>",
                             "#terse.uniform<i4, axis = 0>"})
    for (int64_t channels : {5, 32, 50}) {
      std::vector<int64_t> w{channels, 1, 3, 3};
      std::string x = tensor({1, channels, 7, 9});
      compare(formatv("func.func @main(%x: {0}) -> {0} {{\n{1}%0 = nn.conv %x, %w {{strides = "
                      "array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, "
                      "1>, groups = {3} : i64} : ({0}, {2}) -> {0}\nreturn %0 : {0} }",
                      x, weights(w, format), encoded(w, format), channels),
              {1, channels, 7, 9}, /*formed=*/false);
    }
}

// A weight that more than products read, and a table that changes along the contraction.
TEST_F(WeightOnlyTest, Others) {
  const char *format = "#terse.uniform<i4, block = [1, 16], scale = f16>";
  std::vector<int64_t> w{12, 32};
  compare(formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%0 = nn.linear %x, %w : ({0}, {3}) -> "
                  "{1}\n%v = terse.decode %w : {3}\n%1 = nn.reduce sum %v {{axes = array<i64: 1>, "
                  "keepdims = false} : ({4}) -> {5}\n%2 = nn.binary add %0, %1 : ({1}, {5}) -> "
                  "{1}\nreturn %2 : {1} }",
                  tensor({2, 32}), tensor({2, 12}), weights(w, format), encoded(w, format),
                  tensor(w), tensor({12})),
          {2, 32});
  format = "#terse.codebook<ui4, table = f16, group = [?, 16]>";
  compare(formatv("func.func @main(%x: {0}) -> {1} {{\n{2}%0 = nn.linear %x, %w : ({0}, {3}) -> "
                  "{1}\nreturn %0 : {1} }",
                  tensor({2, 32}), tensor({2, 12}), weights(w, format), encoded(w, format)),
          {2, 32}, /*formed=*/false);
}
