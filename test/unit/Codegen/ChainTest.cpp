//===- ChainTest.cpp - Kernels that work strip by strip -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chains compute the same as the kernels one after the other, in every bit and for every number of
// threads, on the instruction sets that this machine has in turn; integers also the same as the
// interpreter.

#include "UKernelTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
/// A layer: a 1x1 convolution to `channels`, or a window of each channel (`channels` 0).
struct Layer {
  int64_t channels = 0, kernel = 1, stride = 1, pad = 0, dilation = 1;
};
Layer pointwise(int64_t channels) { return {channels}; }
Layer depthwise(int64_t stride, int64_t kernel = 3, int64_t pad = 1, int64_t dilation = 1) {
  return {0, kernel, stride, pad, dilation};
}

class ChainTest : public UKernelTest {
protected:
  // Layers with an epilogue each: scaled and rounded to bytes, or clamped at zero. `decoded`
  // weights are bytes with scales beside floats. With `residual`, the input is added to the result.
  std::string print(std::vector<int64_t> shape, const std::vector<Layer> &layers,
                    const std::string &type, bool decoded, bool residual) {
    std::string input = tensor(shape, type), text, at = "%x", from = input;
    for (auto [i, layer] : llvm::enumerate(layers)) {
      int64_t in = shape[1], out = layer.channels ? layer.channels : in,
              groups = layer.channels ? 1 : in;
      for (int64_t d : {2, 3})
        shape[d] = countWindows(shape[d], layer.kernel, layer.stride, layer.pad, layer.dilation);
      shape[1] = out;
      std::vector<int64_t> weight{out, in / groups, layer.kernel, layer.kernel};
      std::string w = tensor(weight, type), to = tensor(shape, type);
      std::string sum = tensor(shape, type == "i8" ? "i32" : "f32"), f = tensor(shape, "f32");
      if (decoded) {
        std::string bytes = tensor(weight, "i8"), scale = tensor({out, 1, 1, 1}, "f32");
        text +=
            formatv("%b{0} = {1}\n%s{0} = {2}\n%f{0} = nn.cast %b{0} : ({3}) -> {4}\n"
                    "%w{0} = nn.binary mul %f{0}, %s{0} : ({4}, {5}) -> {4}\n",
                    i, constant(weight, "i8"), constant({out, 1, 1, 1}, "f32"), bytes, w, scale);
      } else {
        text += formatv("%w{0} = {1}\n", i, constant(weight, type));
      }
      text += formatv("%c{0} = nn.conv {1}, %w{0} {2} : ({3}, {4}) -> {5}\n", i, at,
                      printWindows(layer.stride, layer.pad, layer.dilation, groups), from, w, sum);
      if (type == "i8")
        text += formatv("%g{0} = nn.constant dense<0.0021> : tensor<f32>\n%h{0} = nn.cast %c{0} : "
                        "({1}) -> {2}\n%m{0} = nn.binary mul %h{0}, %g{0} : ({2}, tensor<f32>) -> "
                        "{2}\n%y{0} = nn.cast %m{0} {{saturate = true} : ({2}) -> {3}\n",
                        i, sum, f, to);
      else
        text += formatv("%y{0} = nn.unary relu %c{0} : ({1}) -> {1}\n", i, to);
      at = formatv("%y{0}", i);
      from = to;
    }
    if (residual) {
      text += formatv("%z = nn.binary add {0}, %x : ({1}, {1}) -> {1}\n", at, from);
      at = "%z";
    }
    return formatv("func.func @main(%x: {0}) -> {1} {{\n{2}return {3} : {1} }", input, from, text,
                   at);
  }

  // Where layers run: one instruction set of floats after the other, and for bytes also the best
  // one, whose windows have a kernel of their own. Tiles do not work in strips; dot products of 256
  // bits have the kernels of AVX2, and may be emulated.
  std::vector<std::string> chooseTargets(bool floats) {
    std::vector<std::string> all = getTargets();
    llvm::erase_if(all, [&](llvm::StringRef target) {
      return target == kTiles || target.ends_with("avxvnni") ||
             (floats && target.ends_with("vnni"));
    });
    std::vector<std::string> chosen{all[turn % all.size()]};
    if (!floats && chosen[0] != all.back())
      chosen.push_back(all.back());
    return chosen;
  }

  void check(std::vector<int64_t> shape, const std::vector<Layer> &layers,
             llvm::ArrayRef<int64_t> batches = {}, bool residual = false) {
    std::vector<int64_t> runs(batches);
    if (runs.empty())
      runs.push_back(shape[0]);
    else
      shape[0] = -1;
    ++turn;
    for (const char *kind : {"f32", "i8", "decoded"}) {
      bool decoded = kind[0] == 'd', floats = kind[0] != 'i';
      // Once is enough: what differs is in one kernel.
      if (decoded && !residual)
        continue;
      std::string text = print(shape, layers, decoded ? "f32" : kind, decoded, residual);
      auto module = parse(text);
      ASSERT_TRUE(bool(module));
      for (const std::string &target : chooseTargets(floats)) {
        int chains = 0;
        CompileOptions options;
        options.target = target;
        options.optLevel = 1;
        options.chains = "none";
        // Of integers the interpreter knows every bit.
        std::unique_ptr<JITModel> plain;
        if (floats)
          plain = compile(*module, options);
        options.chains = "all";
        options.observer = [&](llvm::StringRef stage, mlir::ModuleOp m) {
          if (stage == "buffers")
            m.walk([&](ukernel::ChainOp) { ++chains; });
        };
        auto chained = compile(*module, options);
        ASSERT_TRUE(chained && bool(plain) == floats);
        EXPECT_EQ(chains, 1) << target << "\n" << text.substr(0, 400);
        for (int64_t batch : runs) {
          std::vector<int64_t> size(shape);
          size[0] = batch;
          Tensors inputs{random(chained->getInputs()[0].dtype, size)};
          Tensors want = interpret(*module, inputs);
          if (plain) {
            JITModel::setNumThreads(1);
            Tensors same = run(*plain, inputs);
            expectSame(want, same, target);
            want = same;
          }
          ASSERT_EQ(want.size(), 1u);
          // More threads than parts of the scratch, too.
          for (unsigned threads : {1, 2, 3, 12}) {
            JITModel::setNumThreads(threads);
            Tensors have = run(*chained, inputs);
            ASSERT_EQ(have.size(), 1u);
            EXPECT_TRUE(want[0].getBytes() == have[0].getBytes())
                << target << ", " << kind << ", batch " << batch << ", " << threads
                << " threads, image " << shape[2] << " x " << shape[3] << " x " << shape[1];
          }
          JITModel::setNumThreads(0);
        }
      }
    }
  }

private:
  // Instruction sets of few kernels are those of all: which ones is for their own tests.
  size_t turn = 0;
};
} // namespace

TEST_F(ChainTest, ExpandWindowProject) {
  check({1, 8, 15, 13}, {pointwise(24), depthwise(1), pointwise(8)}, {}, /*residual=*/true);
  check({2, 5, 17, 19}, {pointwise(20), depthwise(2), pointwise(12)});
  check({1, 16, 33, 9}, {pointwise(70), depthwise(1, 5, 2), pointwise(24)});
}

TEST_F(ChainTest, Pairs) {
  check({1, 24, 20, 22}, {depthwise(1), pointwise(40)});
  check({1, 24, 21, 22}, {depthwise(2), pointwise(16)});
  check({3, 12, 18, 11}, {pointwise(34), depthwise(1)});
}

// Images of one line or column, or smaller than blocks, and windows that leave lines out.
TEST_F(ChainTest, OddImages) {
  check({2, 8, 1, 40}, {pointwise(16), depthwise(1), pointwise(8)});
  check({1, 8, 40, 1}, {pointwise(16), depthwise(1), pointwise(8)});
  check({8, 16, 4, 4}, {pointwise(32), depthwise(1), pointwise(16)});
  check({3, 8, 23, 21}, {pointwise(16), depthwise(3, 2, 0), pointwise(8)});
  check({1, 8, 22, 24}, {pointwise(16), depthwise(1, 3, 2, 2), pointwise(8)});
  check({2, 8, 20, 21}, {pointwise(16), depthwise(1, 3, 0), pointwise(8)});
}

// Several windows: each strip begins with lines of all layers.
TEST_F(ChainTest, Long) {
  check({1, 8, 26, 25},
        {depthwise(1), pointwise(16), depthwise(2), pointwise(24), depthwise(1), pointwise(16)});
  check({2, 3, 31, 30}, {{16, 3, 2, 1}, depthwise(1), pointwise(8), pointwise(40), depthwise(2)});
}

// Enough work for threads, where the batch is known and where it is open.
TEST_F(ChainTest, Threads) {
  std::vector<Layer> layers{pointwise(96), depthwise(1), pointwise(32)};
  check({1, 32, 37, 29}, layers, {}, /*residual=*/true);
  check({1, 32, 23, 28}, layers, {1, 8});
}
