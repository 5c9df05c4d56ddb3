//===- BlockProductTest.cpp - Integer products of blocks --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers whose activations are rounded to bytes at run time and whose weights have few bits and a
// scale for each block: for every kind of dot product that this machine has, over shapes with all
// kinds of ends, the interpreter's bits (without fused multiply-adds: within 1e-6 of the range).

#include "NativeTest.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "terse/Pipelines/Pipelines.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class BlockProductTest : public NativeTest {
protected:
  BlockProductTest() : NativeTest(11) {}

  // A layer of `op` on `m` rows (open: not known when code is made), and what follows it.
  void compare(int64_t m, int64_t n, int64_t k, llvm::StringRef format, bool open,
               llvm::StringRef op = "linear", bool bias = true) {
    bool transposed = op == "matmul";
    Type f32 = Float32Type::get(&context);
    int64_t rows = open ? ShapedType::kDynamic : m;
    auto encoding = cast<EncodingAttrInterface>(parseAttribute(format, &context));
    auto logical = RankedTensorType::get(
        transposed ? llvm::ArrayRef<int64_t>{k, n} : llvm::ArrayRef<int64_t>{n, k}, f32);
    auto components = encoding.encodeHost(drawNormal(logical.getShape()), logical, {},
                                          [] { return InFlightDiagnostic(); });
    std::string text, names, types;
    for (auto [i, tensor] : llvm::enumerate(*components)) {
      Type type = encoding.getComponents(logical)[i].type;
      llvm::raw_string_ostream os(text);
      os << "%c" << i << " = nn.constant ";
      toDenseElements(tensor, &context, cast<ShapedType>(type)).print(os);
      os << "\n";
      names += (i ? ", %c" : "%c") + std::to_string(i);
      types += (i ? ", " : "") + print(type);
    }
    std::string w = print(RankedTensorType::get(logical.getShape(), f32, encoding));
    auto xType = RankedTensorType::get({rows, k}, f32);
    auto row = cast<EncodingAttrInterface>(
        parseAttribute("#terse.uniform<i8, block = [1, ?], narrow, dynamic>", &context));
    std::string x = print(xType), y = print(RankedTensorType::get({rows, n}, f32)),
                e = print(RankedTensorType::get(xType.getShape(), f32, row));
    std::string extra;
    if (bias && !transposed) {
      text += formatv("%b = nn.constant dense<0.5> : tensor<{0}xf32>\n", n);
      extra = formatv(", tensor<{0}xf32>", n);
    }
    std::string all = formatv(
        "func.func @main(%x: {0}) -> {1} {{\n{2}%w = terse.assemble {3} : ({4}) -> {5}\n%e = "
        "terse.encode %x : {0} -> {6}\n%0 = nn.{7} %e, %w{8} : ({6}, {5}{9}) -> {1}\n%1 = nn.unary "
        "relu %0 : ({1}) -> {1}\nreturn %1 : {1} }",
        x, y, text, names, types, w, e, op, extra.empty() ? "" : ", %b", extra);
    auto module = parse(all);
    ASSERT_TRUE(bool(module));
    HostTensor input = drawNormal({m, k});
    OwningOpRef<ModuleOp> integers(module->clone());
    PassManager manager = PassManager::on<ModuleOp>(&context);
    buildIntegerPipeline(manager);
    ASSERT_TRUE(succeeded(manager.run(*integers)));
    Tensors want = interpret(*integers, {input});
    // What the integers stand for.
    expectSame(interpret(*module, {input}), want, all);
    std::vector<std::string> targets = getTargets();
    for (auto [i, target] : llvm::enumerate(targets)) {
      if (only >= 0 && (int64_t(i) + only) % 3)
        continue;
      CompileOptions options;
      options.target = target;
      options.optLevel = 1;
      int64_t products = 0;
      options.observer = [&](llvm::StringRef stage, ModuleOp m) {
        if (stage == "linalg")
          m.walk([&](ukernel::KernelOpInterface op) { products += isBlockProduct(op); });
      };
      auto model = compile(*module, options);
      ASSERT_TRUE(bool(model));
      EXPECT_EQ(products, 1) << target << "\n" << all;
      expectSame(want, run(*model, {input}),
                 formatv("{0} {1} {2} {3} {4} {5}", target, m, n, k, format, open),
                 target == "x86-64" ? 1e-6 : 0);
    }
  }

  // Every third target, from this one on; all if negative.
  int64_t only = -1;
};

const char *const kFormats[] = {
    "#terse.uniform<i4, block = [1, 32], scale = f16>",
    "#terse.uniform<ui4, block = [1, 32], scale = bf16, zero_point>",
    "#terse.uniform<i4, axis = 0>",
    "#terse.uniform<i4, axis = 0, zero_point>",
    "#terse.uniform<i2, block = [1, 16], scale = f16>",
    "#terse.uniform<ui2, block = [1, 64], scale = f8E8M0FNU, zero_point>",
    "#terse.uniform<i3, block = [1, 32]>",
    "#terse.uniform<ui5, block = [1, 20], zero_point>",
    "#terse.uniform<i6, axis = 0>",
    "#terse.uniform<i7, block = [1, 128]>",
    "#terse.uniform<i8, block = [1, 32], scale = f16>",
    "#terse.uniform<ui8, block = [1, 64], scale = f16, zero_point>",
    "#terse.uniform<ui8, block = [1, 64], scale = f16>",
    "#terse.uniform<i4, block = [1, 16], scale = #terse.uniform<ui8, block = [4, 4]>>",
    "#terse.uniform<i4, block = [2, 5]>",
};
} // namespace

TEST_F(BlockProductTest, OneRow) {
  for (auto [i, format] : llvm::enumerate(kFormats)) {
    only = i % 3;
    compare(1, 37, 100, format, false);
  }
}
TEST_F(BlockProductTest, ManyRows) {
  for (auto [i, format] : llvm::enumerate(kFormats)) {
    only = (i + 1) % 3;
    compare(19, 40, 128, format, false);
  }
}
TEST_F(BlockProductTest, OpenRows) {
  for (int64_t m : {1, 3, 35}) {
    only = m % 3;
    compare(m, 72, 160, kFormats[0], true);
  }
  // Numbers of rows below and at those that have code of their own, with tiles and without.
  for (int64_t m : {2, 5, 6, 16})
    for (int64_t which : {0, 1}) {
      only = which;
      compare(m, 72, 96, kFormats[0], true);
    }
  only = 1;
  compare(17, 30, 96, kFormats[1], true);
}
TEST_F(BlockProductTest, Shapes) {
  using Shape = std::array<int64_t, 3>;
  for (auto [m, n, k] :
       {Shape{1, 1, 1}, Shape{1, 16, 33}, Shape{1, 300, 7}, Shape{2, 50, 96}, Shape{4, 17, 40},
        Shape{7, 16, 32}, Shape{8, 130, 64}, Shape{16, 65, 288}, Shape{40, 70, 129}})
    for (const char *format : {kFormats[0], kFormats[3]}) {
      only = (only + 1) % 3;
      compare(m, n, k, format, false);
    }
}
// A panel that is unpacked in parts.
TEST_F(BlockProductTest, LongSums) {
  only = 1; // Tiles are the last one.
  compare(33, 64, 1152, kFormats[0], false);
  compare(20, 80, 512, kFormats[1], false);
  compare(16, 64, 1000, "#terse.uniform<i4, axis = 0>", false);
}
// Groups of many steps of tiles: one tile of rows beside panels of one to four vectors, several
// tiles, several groups, groups that are filled up, sizes that are known at run time.
TEST_F(BlockProductTest, LongGroups) {
  only = 1;
  const char *channel = "#terse.uniform<i4, axis = 0>";
  for (int64_t n : {16, 30, 48, 64, 100})
    compare(13, n, 320, channel, false);
  compare(50, 70, 1000, channel, false);
  compare(16, 64, 70, "#terse.uniform<i3, axis = 0>", false);
  compare(40, 48, 640, "#terse.uniform<i6, axis = 0>", false);
  const char *blocks = "#terse.uniform<ui4, block = [1, 260], scale = f16, zero_point>";
  compare(16, 64, 800, blocks, false);
  compare(37, 32, 800, blocks, false);
  for (int64_t m : {1, 5, 11, 16, 40})
    compare(m, 40, 512, channel, true);
}
TEST_F(BlockProductTest, Matmul) {
  for (const char *format : {"#terse.uniform<i4, block = [32, 1], scale = f16>",
                             "#terse.uniform<i8, block = [16, 1], scale = f16>"})
    compare(9, 33, 80, format, false, "matmul");
}
