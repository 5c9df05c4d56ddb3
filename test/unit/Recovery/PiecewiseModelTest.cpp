//===- PiecewiseModelTest.cpp - Pieces against the whole --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PiecewiseModel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/InitAll.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace terse;

namespace {

/// Three layers; what the first gives is read by the second and, beside it, by the sum behind it.
constexpr const char *kModel = R"(
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
  %w1 = nn.constant dense<[[1.0, 2.0, 0.0, -1.0], [0.5, 0.5, 0.5, 0.5]]> : tensor<2x4xf32>
  %w2 = nn.constant dense<[[3.0, 1.0], [-1.0, 2.0]]> : tensor<2x2xf32>
  %w3 = nn.constant dense<[[1.0, 1.0], [2.0, 0.0]]> : tensor<2x2xf32>
  %0 = nn.linear %x, %w1 : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
  %1 = nn.unary relu %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = nn.linear %1, %w2 : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %3 = nn.binary add %2, %1 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %4 = nn.linear %3, %w3 : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %4 : tensor<1x2xf32>
}
)";

class PiecewiseModelTest : public ::testing::TestWithParam<bool> {
protected:
  PiecewiseModelTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(kModel, &context);
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_P(PiecewiseModelTest, ShowsWhatTheWholeModelComputes) {
  ASSERT_TRUE(module);
  SmallVector<nn::ContractionLike> layers;
  module->walk([&](nn::ContractionLike op) { layers.push_back(op); });
  ASSERT_EQ(layers.size(), 3u);
  constexpr int kSamples = 5;
  auto model = llvm::cantFail(
      PiecewiseModel::create(*module, {/*encodeActivations=*/false, GetParam(), kSamples}));
  for (size_t stage = 0; stage < 3; ++stage) {
    llvm::cantFail(model->prepare(stage ? layers[stage].getOperation() : nullptr, layers[stage]));
    // Something is kept since the second stage, so that the third does without inputs.
    EXPECT_EQ(model->needsInputs(), stage < 2);
    for (int s = 0; s < kSamples; ++s) {
      float x = float(s) - 1.5f;
      HostTensor input = HostTensor::from<float>({1, 4}, {x, 1, 2, -x});
      auto result = llvm::cantFail(model->run(s, input));
      ASSERT_EQ(result.activations.size(), 1u);
      float a = std::max(0.0f, 2 * x + 2), b = 1.5f;
      std::vector<float> expected[] = {{x, 1, 2, -x}, {a, b}, {3 * a + b + a, -a + 2 * b + b}};
      EXPECT_EQ(result.activations[0].toFloats(), expected[stage]);
      llvm::cantFail(model->keep(result));
    }
    model->finish();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, PiecewiseModelTest, ::testing::Values(true, false));

} // namespace
