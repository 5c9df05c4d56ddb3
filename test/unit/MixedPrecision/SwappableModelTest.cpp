//===- SwappableModelTest.cpp - Swapped weights against compiled ones -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/SwappableModel.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/InitAll.h"
#include "terse/Support/MLIRBridge.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

namespace {

HostTensor fill(llvm::ArrayRef<int64_t> shape, double phase) {
  HostTensor tensor = HostTensor::zeros(DType::f32(), shape);
  for (auto [i, value] : llvm::enumerate(tensor.getMutableAs<float>()))
    value = float(std::sin(double(i) * 0.37 + phase));
  return tensor;
}

class SwappableModelTest : public ::testing::Test {
protected:
  SwappableModelTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  /// The module with these values of its globals, in the order of `names`.
  OwningOpRef<ModuleOp> make(llvm::StringRef text, llvm::ArrayRef<std::string> names,
                             llvm::ArrayRef<HostTensor> values) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    SymbolTable symbols(*module);
    for (auto [name, value] : llvm::zip_equal(names, values)) {
      auto global = symbols.lookup<ml_program::GlobalOp>(name);
      auto data = toDenseResource(value, name, &context);
      global.setValueAttr(
          DenseResourceElementsAttr::get(cast<ShapedType>(global.getType()), data.getRawHandle()));
    }
    return module;
  }

  MLIRContext context;
};

const char *const kConvolutions = R"(
  ml_program.global private @a(dense<0.0> : tensor<24x3x3x3xf32>) : tensor<24x3x3x3xf32>
  ml_program.global private @b(dense<0.0> : tensor<24x1x3x3xf32>) : tensor<24x1x3x3xf32>
  ml_program.global private @c(dense<0.0> : tensor<10x1536xf32>) : tensor<10x1536xf32>
  func.func @main(%x: tensor<1x3x8x8xf32> {nn.name = "x"}) -> (tensor<1x10xf32> {nn.name = "y"}) {
    %a = ml_program.global_load_const @a : tensor<24x3x3x3xf32>
    %b = ml_program.global_load_const @b : tensor<24x1x3x3xf32>
    %c = ml_program.global_load_const @c : tensor<10x1536xf32>
    %0 = nn.conv %x, %a {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<1x3x8x8xf32>, tensor<24x3x3x3xf32>) -> tensor<1x24x8x8xf32>
    %1 = nn.unary relu %0 : (tensor<1x24x8x8xf32>) -> tensor<1x24x8x8xf32>
    %2 = nn.conv %1, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 24 : i64} : (tensor<1x24x8x8xf32>, tensor<24x1x3x3xf32>) -> tensor<1x24x8x8xf32>
    %3 = nn.reshape %2 : (tensor<1x24x8x8xf32>) -> tensor<1x1536xf32>
    %4 = nn.linear %3, %c : (tensor<1x1536xf32>, tensor<10x1536xf32>) -> tensor<1x10xf32>
    return %4 : tensor<1x10xf32>
  }
)";

TEST_F(SwappableModelTest, ComputesWhatACompiledModelComputes) {
  std::vector<std::string> names{"a", "b", "c"};
  std::vector<HostTensor> values{fill({24, 3, 3, 3}, 0), fill({24, 1, 3, 3}, 1),
                                 fill({10, 1536}, 2)};
  OwningOpRef<ModuleOp> module = make(kConvolutions, names, values);
  ASSERT_TRUE(module);
  auto model = SwappableModel::create(*module, names);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_TRUE((*model)->swapsInPlace());
  HostTensor x = fill({1, 3, 8, 8}, 5);
  for (size_t changed : {size_t(0), size_t(1), size_t(2), size_t(0)}) {
    values[changed] = fill(values[changed].shape, 10 + double(changed));
    ASSERT_FALSE(bool((*model)->set(changed, values[changed])));
    auto swapped = (*model)->run({x});
    ASSERT_TRUE(bool(swapped)) << llvm::toString(swapped.takeError());
    OwningOpRef<ModuleOp> other = make(kConvolutions, names, values);
    auto compiled = JITModel::create(*other);
    ASSERT_TRUE(bool(compiled)) << llvm::toString(compiled.takeError());
    auto expected = (*compiled)->run({x});
    ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
    EXPECT_TRUE(bitwiseEqual((*swapped)[0], (*expected)[0])) << "weight " << changed;
  }
}

TEST_F(SwappableModelTest, RefusesOtherShapes) {
  std::vector<std::string> names{"a", "b", "c"};
  OwningOpRef<ModuleOp> module = make(
      kConvolutions, names, {fill({24, 3, 3, 3}, 0), fill({24, 1, 3, 3}, 1), fill({10, 1536}, 2)});
  auto model = SwappableModel::create(*module, names);
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  llvm::Error error = (*model)->set(0, fill({24, 27}, 0));
  EXPECT_NE(llvm::toString(std::move(error)).find("weight 'a' is 24x3x3x3xf32, not 24x27xf32"),
            std::string::npos);
  auto missing = SwappableModel::create(*module, {"z"});
  EXPECT_NE(llvm::toString(missing.takeError()).find("there is no weight 'z'"), std::string::npos);
}

} // namespace
