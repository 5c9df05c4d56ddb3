//===- BitEqualityTest.cpp - The same bits as the interpreter -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is not a contraction of floats is defined step by step, so that compiled code and the
// interpreter agree in every bit: on every target, with or without fused multiply-adds.

#include "NativeTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class BitEqualityTest : public NativeTest {
protected:
  BitEqualityTest() : NativeTest(11) {}

  // A function of tensors of `inputs`, made of lines that each compute one result.
  struct Program {
    std::vector<std::string> inputs;
    std::string body, results, types;
    int count = 0;

    std::string input(int i) { return formatv("%arg{0}", i).str(); }
    // `result = op : (operands) -> type`
    void add(llvm::StringRef op, llvm::StringRef operandTypes, llvm::StringRef type) {
      body += formatv("  %{0} = {1} : ({2}) -> {3}\n", count, op, operandTypes, type).str();
      results += formatv("{0}%{1}", count ? ", " : "", count).str();
      types += formatv("{0}{1}", count ? ", " : "", type).str();
      ++count;
    }
    std::string print() const {
      std::string args;
      for (auto [i, type] : llvm::enumerate(inputs))
        args += formatv("{0}%arg{1}: {2}", i ? ", " : "", i, type).str();
      return formatv("func.func @main({0}) -> ({1}) {{\n{2}  return {3} : {1}\n}\n", args, types,
                     body, results)
          .str();
    }
  };

  void expectEqualBits(const Program &program, llvm::ArrayRef<HostTensor> inputs,
                       llvm::StringRef target) {
    std::string text = program.print();
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    CompileOptions options;
    options.target = target.str();
    auto model = compile(*module, options);
    ASSERT_TRUE(bool(model));
    Tensors want = interpret(*module, inputs), have = run(*model, inputs);
    ASSERT_EQ(want.size(), have.size());
    for (size_t r = 0; r < want.size(); ++r) {
      const HostTensor &w = want[r], &h = have[r];
      ASSERT_EQ(w.shape, h.shape);
      int64_t different = 0, first = -1;
      for (int64_t i = 0; i < w.getNumElements(); ++i) {
        double a = w.getAsDouble(i), b = h.getAsDouble(i);
        bool same = (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b));
        if (!same && first < 0)
          first = i;
        different += !same;
      }
      EXPECT_EQ(different, 0) << target.str() << ", result " << r << ": element " << first << " is "
                              << h.getAsDouble(first) << " instead of " << w.getAsDouble(first)
                              << "\n"
                              << text;
    }
  }

  HostTensor random(DType dtype, llvm::ArrayRef<int64_t> shape, double low, double high) {
    std::uniform_real_distribution<double> real(low, high);
    return fill(dtype, shape, [&] { return real(rng); });
  }
};
} // namespace

static const char *const kTargets[] = {"native", "x86-64-v3", "x86-64"};

TEST_F(BitEqualityTest, Functions) {
  for (const char *target : kTargets)
    for (const char *element : {"f32", "f16"}) {
      if (target != kTargets[0] && element[1] != '3')
        continue;
      Program p;
      std::string type = formatv("tensor<4099x{0}>", element).str();
      p.inputs = {type};
      for (const char *kind :
           {"exp", "log", "tanh", "erf", "sigmoid", "gelu", "gelu_tanh", "silu", "softplus", "mish",
            "elu", "selu", "softsign", "hard_swish", "hard_sigmoid", "rsqrt", "sin", "cos"})
        p.add(formatv("nn.unary {0} %arg0 {{alpha = 1.25 : f64, beta = 0.5 : f64}", kind).str(),
              type, type);
      HostTensor x = random(element[1] == '3' ? DType::f32() : DType::f16(), {4099}, -12, 12);
      double special[] = {0.0,   -0.0,     1e-30,     -1e-30, 88.8,  -88.8, 104, -104, 3e38,
                          -3e38, INFINITY, -INFINITY, NAN,    0.625, 0.9,   1,   -1};
      for (auto [i, v] : llvm::enumerate(special))
        x.setFromDouble(i, v);
      expectEqualBits(p, {x}, target);
    }
}

TEST_F(BitEqualityTest, RowsOfSoftmaxAndNorms) {
  for (const char *target : kTargets)
    for (auto [rows, size] : {std::pair(1, 1), std::pair(3, 7), std::pair(5, 120),
                              std::pair(2, 1000), std::pair(70, 131)}) {
      if (target != kTargets[0] && size != 120 && size != 131)
        continue;
      Program p;
      std::string type = formatv("tensor<{0}x{1}xf32>", rows, size).str();
      std::string row = formatv("tensor<{0}xf32>", size).str();
      p.inputs = {type, row};
      p.add("nn.softmax %arg0 {axis = 1 : i64}", type, type);
      p.add("nn.softmax %arg0 {axis = 0 : i64}", type, type);
      p.add("nn.softmax %arg0 {axis = 1 : i64, log = true}", type, type);
      p.add("nn.layer_norm %arg0, %arg1, %arg1 {axis = 1 : i64, epsilon = 1.0e-5 : f64, "
            "operandSegmentSizes = array<i32: 1, 1, 1>}",
            type + ", " + row + ", " + row, type);
      p.add("nn.rms_norm %arg0, %arg1 {axis = 1 : i64, epsilon = 1.0e-6 : f64}", type + ", " + row,
            type);
      for (const char *kind : {"sum", "mean", "l1", "l2", "sum_square", "log_sum_exp", "prod"}) {
        p.add(formatv("nn.reduce {0} %arg0 {{axes = array<i64: 1>}", kind).str(), type,
              formatv("tensor<{0}xf32>", rows).str());
        p.add(formatv("nn.reduce {0} %arg0 {{axes = array<i64: 0>}", kind).str(), type, row);
      }
      expectEqualBits(
          p, {random(DType::f32(), {rows, size}, -4, 4), random(DType::f32(), {size}, -2, 2)},
          target);
    }
}

TEST_F(BitEqualityTest, OpenRows) {
  for (const char *target : kTargets) {
    Program p;
    std::string type = "tensor<?x?xf32>", row = "tensor<?xf32>";
    p.inputs = {type, row};
    p.add("nn.softmax %arg0 {axis = 1 : i64}", type, type);
    p.add("nn.layer_norm %arg0, %arg1, %arg1 {axis = 1 : i64, epsilon = 1.0e-5 : f64, "
          "operandSegmentSizes = array<i32: 1, 1, 1>}",
          type + ", " + row + ", " + row, type);
    for (auto [rows, size] : {std::pair(1, 5), std::pair(9, 1000), std::pair(70, 131),
                              std::pair(0, 7), std::pair(300, 1030)})
      expectEqualBits(
          p, {random(DType::f32(), {rows, size}, -4, 4), random(DType::f32(), {size}, -2, 2)},
          target);
  }
}

TEST_F(BitEqualityTest, ImagesOfNormsAndPools) {
  for (const char *target : kTargets) {
    Program p;
    std::string type = "tensor<2x6x9x11xf32>", channels = "tensor<6xf32>";
    p.inputs = {type, channels};
    std::string operands = type + ", " + channels + ", " + channels;
    p.add("nn.group_norm %arg0, %arg1, %arg1 {groups = 2 : i64, epsilon = 1.0e-5 : f64}", operands,
          type);
    p.add("nn.instance_norm %arg0, %arg1, %arg1 {epsilon = 1.0e-5 : f64}", operands, type);
    p.add("nn.reduce mean %arg0 {axes = array<i64: 2, 3>}", type, "tensor<2x6xf32>");
    for (bool include : {false, true})
      p.add(
          formatv("nn.pool average %arg0 {{kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, "
                  "pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, "
                  "count_include_pad = {0}}",
                  include)
              .str(),
          type, "tensor<2x6x5x6xf32>");
    expectEqualBits(
        p, {random(DType::f32(), {2, 6, 9, 11}, -4, 4), random(DType::f32(), {6}, -2, 2)}, target);
  }
}
