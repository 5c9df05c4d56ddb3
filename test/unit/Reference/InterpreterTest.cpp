//===- InterpreterTest.cpp - Tests of the reference interpreter -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions and pools are compared with a second, independent formulation: one multiplication
// per element of the padded input that a window can meet, all in f64.
//
//===----------------------------------------------------------------------===//

#include "terse/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Parser/Parser.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Support/MLIRBridge.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace terse;

namespace {

using Shape = std::vector<int64_t>;

class InterpreterTest : public ::testing::Test {
protected:
  InterpreterTest() { context.loadDialect<nn::NNDialect, func::FuncDialect>(); }

  /// A value of the tensor's type that an op under test can read.
  Value makeOperand(const HostTensor &tensor) {
    return block.addArgument(toTensorType(tensor, &context), builder.getUnknownLoc());
  }

  HostTensor random(ArrayRef<int64_t> shape, DType dtype = DType::f32()) {
    HostTensor tensor = HostTensor::zeros(dtype, shape);
    std::uniform_int_distribution<int> distribution(-100, 100);
    for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
      tensor.setFromDouble(i, distribution(generator) / (dtype.isFloat() ? 64.0 : 1.0));
    return tensor;
  }

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(generator);
  }

  HostTensor evaluate(Operation *op, ArrayRef<HostTensor> operands,
                      const InterpreterOptions &options = {}) {
    auto results = evaluateOp(op, operands, options);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return HostTensor();
    }
    return results->front();
  }

  MLIRContext context;
  OpBuilder builder{&context};
  Block block;
  std::mt19937 generator{42};
};

/// x[n, c, h, w], zero outside of the tensor.
double at(const HostTensor &x, int64_t n, int64_t c, int64_t h, int64_t w) {
  if (h < 0 || w < 0 || h >= x.shape[2] || w >= x.shape[3])
    return 0;
  return x.getAsDouble(((n * x.shape[1] + c) * x.shape[2] + h) * x.shape[3] + w);
}

/// Two spatial attributes and four pads of a random convolution or pool.
struct Geometry {
  Shape strides, dilations, pads;
};

TEST_F(InterpreterTest, ConvMatchesDefinition) {
  for (int trial = 0; trial < 40; ++trial) {
    int64_t groups = pick(1, 3), inPerGroup = pick(1, 3), outPerGroup = pick(1, 3);
    Shape kernel{pick(1, 3), pick(1, 3)};
    Geometry g{{pick(1, 2), pick(1, 3)},
               {pick(1, 2), pick(1, 2)},
               {pick(0, 2), pick(0, 2), pick(0, 2), pick(0, 2)}};
    HostTensor x = random({pick(1, 2), groups * inPerGroup, pick(5, 9), pick(5, 9)});
    HostTensor w = random({groups * outPerGroup, inPerGroup, kernel[0], kernel[1]});
    HostTensor b = random({groups * outPerGroup});
    auto op = nn::ConvOp::create(builder, builder.getUnknownLoc(), makeOperand(x), makeOperand(w),
                                 makeOperand(b), g.strides, g.pads, g.dilations, groups);
    HostTensor y = evaluate(op, {x, w, b});
    op->erase();

    int64_t i = 0;
    for (int64_t n = 0; n < y.shape[0]; ++n)
      for (int64_t o = 0; o < y.shape[1]; ++o)
        for (int64_t r = 0; r < y.shape[2]; ++r)
          for (int64_t s = 0; s < y.shape[3]; ++s, ++i) {
            double sum = b.getAsDouble(o);
            for (int64_t c = 0; c < inPerGroup; ++c)
              for (int64_t kh = 0; kh < kernel[0]; ++kh)
                for (int64_t kw = 0; kw < kernel[1]; ++kw)
                  sum += at(x, n, o / outPerGroup * inPerGroup + c,
                            r * g.strides[0] - g.pads[0] + kh * g.dilations[0],
                            s * g.strides[1] - g.pads[1] + kw * g.dilations[1]) *
                         at(w, o, c, kh, kw);
            ASSERT_NEAR(y.getAsDouble(i), sum, 1e-4);
          }
    ASSERT_EQ(i, y.getNumElements());
  }
}

/// <conv(x), y> = <x, conv_transpose(y)>: the definition of an adjoint.
TEST_F(InterpreterTest, ConvTransposeIsTheAdjoint) {
  for (int trial = 0; trial < 20; ++trial) {
    int64_t groups = pick(1, 2);
    Shape kernel{pick(1, 3), pick(1, 3)};
    Geometry g{{pick(1, 3), pick(1, 3)}, {pick(1, 2), pick(1, 2)}, {1, 0, 0, 1}};
    HostTensor x = random({1, groups * 2, pick(5, 9), pick(5, 9)}, DType::f64());
    HostTensor w = random({groups * 3, 2, kernel[0], kernel[1]}, DType::f64());
    auto conv = nn::ConvOp::create(builder, builder.getUnknownLoc(), makeOperand(x), makeOperand(w),
                                   Value(), g.strides, g.pads, g.dilations, groups);
    HostTensor convolved = evaluate(conv, {x, w});
    HostTensor y = random(convolved.shape, DType::f64());
    // Rows that the strides of the convolution left over.
    Shape outputPadding;
    for (int64_t d = 0; d < 2; ++d)
      outputPadding.push_back(x.shape[2 + d] -
                              ((y.shape[2 + d] - 1) * g.strides[d] +
                               (kernel[d] - 1) * g.dilations[d] + 1 - g.pads[d] - g.pads[d + 2]));
    auto transposed = nn::ConvTransposeOp::create(builder, builder.getUnknownLoc(), makeOperand(y),
                                                  makeOperand(w), Value(), g.strides, g.pads,
                                                  g.dilations, outputPadding, groups);
    HostTensor back = evaluate(transposed, {y, w});
    conv->erase();
    transposed->erase();

    ASSERT_EQ(back.shape, x.shape);
    double left = 0, right = 0;
    for (int64_t i = 0; i < y.getNumElements(); ++i)
      left += convolved.getAsDouble(i) * y.getAsDouble(i);
    for (int64_t i = 0; i < x.getNumElements(); ++i)
      right += x.getAsDouble(i) * back.getAsDouble(i);
    EXPECT_NEAR(left, right, 1e-6 * (1 + std::fabs(left)));
  }
}

TEST_F(InterpreterTest, PoolsMatchDefinition) {
  for (int trial = 0; trial < 60; ++trial) {
    Shape kernel{pick(1, 3), pick(1, 3)};
    Geometry g{{pick(1, 3), pick(1, 3)},
               {pick(1, 2), pick(1, 2)},
               {pick(0, kernel[0] - 1), pick(0, kernel[1] - 1), pick(0, kernel[0] - 1),
                pick(0, kernel[1] - 1)}};
    bool max = trial % 2, ceil = trial % 4 < 2, includePad = trial % 3 == 0;
    HostTensor x = random({1, 2, pick(5, 9), pick(5, 9)});
    auto op = nn::PoolOp::create(builder, builder.getUnknownLoc(),
                                 max ? nn::PoolKind::Max : nn::PoolKind::Average, makeOperand(x),
                                 kernel, g.strides, g.pads, g.dilations, ceil, includePad, 2);
    HostTensor y = evaluate(op, {x});
    op->erase();

    int64_t i = 0, height = x.shape[2], width = x.shape[3];
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t r = 0; r < y.shape[2]; ++r)
        for (int64_t s = 0; s < y.shape[3]; ++s, ++i) {
          double sum = 0, best = -INFINITY;
          int64_t inside = 0, padded = 0;
          for (int64_t kh = 0; kh < kernel[0]; ++kh)
            for (int64_t kw = 0; kw < kernel[1]; ++kw) {
              int64_t h = r * g.strides[0] - g.pads[0] + kh * g.dilations[0];
              int64_t w = s * g.strides[1] - g.pads[1] + kw * g.dilations[1];
              padded += h < height + g.pads[2] && w < width + g.pads[3];
              if (h < 0 || w < 0 || h >= height || w >= width)
                continue;
              ++inside;
              sum += at(x, 0, c, h, w);
              best = std::max(best, at(x, 0, c, h, w));
            }
          double expected = max ? best : sum / static_cast<double>(includePad ? padded : inside);
          if (inside)
            ASSERT_NEAR(y.getAsDouble(i), expected, 1e-5);
        }
    ASSERT_EQ(i, y.getNumElements());
  }
}

TEST_F(InterpreterTest, IntegerContractionsWrapTo32Bits) {
  // 2^17 products of -128 * -128 = 2^14 make 2^31, which i32 wraps to its lowest value.
  int64_t depth = 1 << 17;
  HostTensor x = HostTensor::from<int8_t>({1, depth}, std::vector<int8_t>(depth, -128));
  auto op = nn::LinearOp::create(builder, builder.getUnknownLoc(), makeOperand(x), makeOperand(x),
                                 Value());
  HostTensor y = evaluate(op, {x, x});
  EXPECT_EQ(y.dtype, DType::i32());
  EXPECT_EQ(y.getAsInt(0), std::numeric_limits<int32_t>::min());
  op->erase();
}

TEST_F(InterpreterTest, OperandsThatDoNotFitAreErrors) {
  HostTensor x = random({2, 3});
  auto op =
      nn::UnaryOp::create(builder, builder.getUnknownLoc(), nn::UnaryKind::Exp, makeOperand(x));
  for (const HostTensor &wrong : {random({3, 2}), random({2, 3}, DType::f64())}) {
    auto results = evaluateOp(op, {wrong});
    ASSERT_FALSE(static_cast<bool>(results));
    EXPECT_NE(llvm::toString(results.takeError()).find("which its type does not allow"),
              std::string::npos);
  }
  auto none = evaluateOp(op, {});
  ASSERT_FALSE(static_cast<bool>(none));
  llvm::consumeError(none.takeError());
  op->erase();
}

TEST_F(InterpreterTest, FunctionsTakeInputsAndShowValues) {
  auto module = parseSourceString<ModuleOp>(R"mlir(
    func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
      %y = nn.unary relu %x : (tensor<?xf32>) -> tensor<?xf32>
      %z = nn.binary add %y, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
      return %z : tensor<?xf32>
    }
  )mlir",
                                            &context);
  ASSERT_TRUE(module);
  InterpreterOptions options;
  std::vector<std::vector<float>> seen;
  options.observer = [&](Value, const HostTensor &tensor) { seen.push_back(tensor.toFloats()); };
  Interpreter interpreter(*module, options);
  auto main = module->lookupSymbol<func::FuncOp>("main");
  for (int call = 0; call < 2; ++call) {
    auto results = interpreter.call(main, {HostTensor::from<float>({2}, {-1.0f, 2.0f})});
    ASSERT_TRUE(static_cast<bool>(results)) << llvm::toString(results.takeError());
    EXPECT_EQ(results->front().toFloats(), (std::vector<float>{0, 4}));
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen.front(), (std::vector<float>{0, 2}));

  auto wrong = interpreter.call(main, {HostTensor::from<double>({2}, {-1.0, 2.0})});
  ASSERT_FALSE(static_cast<bool>(wrong));
  EXPECT_NE(llvm::toString(wrong.takeError()).find("argument 0 cannot be 2xf64"),
            std::string::npos);
}

} // namespace
