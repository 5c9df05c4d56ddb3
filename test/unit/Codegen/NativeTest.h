//===- NativeTest.h - Models run natively and interpreted -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_UNIT_CODEGEN_NATIVETEST_H
#define TERSE_TEST_UNIT_CODEGEN_NATIVETEST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/InitAll.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Runtime/services.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <optional>
#include <random>

namespace terse {

class NativeTest : public ::testing::Test {
protected:
  using Tensors = std::vector<HostTensor>;

  explicit NativeTest(unsigned seed = 7) : rng(seed) {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  /// The level "amx" without half floats, which processors that have tiles by emulation lack.
  static constexpr const char *kTiles =
      "x86-64-v4+avx512vbmi+avx512vnni+avx512bf16+amx-tile+amx-int8+amx-bf16";

  /// Those of `wanted` that this machine can run, or all levels that differ in their kernels.
  static std::vector<std::string> getTargets(llvm::ArrayRef<llvm::StringRef> wanted = {}) {
    static const std::pair<const char *, std::vector<const char *>> all[] = {
        {"x86-64", {}},
        {"x86-64-v3", {"avx2", "fma"}},
        {"x86-64-v3+avxvnni", {"avx2", "fma", "avxvnni"}},
        {"x86-64-v4", {"avx512bw", "avx512vl"}},
        {"x86-64-v4+avx512vnni", {"avx512bw", "avx512vl", "avx512vnni"}},
        {"x86-64-v4+avx512vbmi", {"avx512bw", "avx512vl", "avx512vbmi"}},
        {"x86-64-v4+avx512bf16", {"avx512bw", "avx512vl", "avx512bf16"}},
        {kTiles, {"avx512bw", "avx512vl", "avx512vbmi", "avx512vnni", "avx512bf16", "amx-int8"}}};
    std::vector<std::string> targets;
    for (auto &[target, features] : all)
      if ((wanted.empty() ? !llvm::StringRef(target).ends_with("+avx512vbmi") &&
                                !llvm::StringRef(target).ends_with("+avx512bf16")
                          : llvm::is_contained(wanted, target)) &&
          llvm::all_of(features, [](const char *f) { return terse_cpu_has_feature(f) > 0; }))
        targets.push_back(target);
    return targets;
  }

  /// In text; negative sizes are open.
  static std::string tensor(llvm::ArrayRef<int64_t> shape, llvm::StringRef element = "f32") {
    std::string text = "tensor<";
    for (int64_t d : shape)
      text += (d < 0 ? "?" : std::to_string(d)) + "x";
    return text + element.str() + ">";
  }

  static std::string print(mlir::Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  }

  /// Elements drawn from `draw`.
  template <typename Draw>
  static HostTensor fill(DType dtype, llvm::ArrayRef<int64_t> shape, Draw draw) {
    HostTensor t = HostTensor::zeros(dtype, shape);
    for (int64_t i = 0; i < t.getNumElements(); ++i)
      t.setFromDouble(i, draw());
    return t;
  }
  HostTensor drawNormal(llvm::ArrayRef<int64_t> shape) {
    std::normal_distribution<float> normal;
    return fill(DType::f32(), shape, [&] { return normal(rng); });
  }

  /// Null, after a failure, where `text` is not a module.
  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(bool(module)) << text;
    return module;
  }

  /// Null, after a failure, where it does not compile.
  static std::unique_ptr<JITModel> compile(mlir::ModuleOp module, const CompileOptions &options) {
    auto model = JITModel::create(module, options);
    if (model)
      return std::move(*model);
    ADD_FAILURE() << options.target << ": " << llvm::toString(model.takeError());
    module->dump();
    return nullptr;
  }

  /// Results of `main`; none after a failure.
  static Tensors interpret(mlir::ModuleOp module, llvm::ArrayRef<HostTensor> inputs) {
    Interpreter interpreter(module);
    return take(interpreter.call(module.lookupSymbol<mlir::func::FuncOp>("main"), inputs));
  }
  static Tensors run(JITModel &model, llvm::ArrayRef<HostTensor> inputs) {
    return take(model.run(inputs));
  }

  /// The largest difference, of the range of `want`.
  static double getWorst(const HostTensor &want, const HostTensor &have) {
    double range = 0, worst = 0;
    for (int64_t i = 0; i < want.getNumElements(); ++i) {
      double x = want.getAsDouble(i), y = have.getAsDouble(i);
      range = std::max(range, std::abs(x));
      worst = std::max(worst, std::isnan(x - y) ? INFINITY : std::abs(x - y));
    }
    return worst == 0 ? 0 : worst / range;
  }

  /// Integers are equal, floats within `tolerance` of the range, or within what their type can
  /// hold. `what` says of which case.
  static void expectSame(const Tensors &want, const Tensors &have, const std::string &what,
                         std::optional<double> tolerance = {}) {
    ASSERT_FALSE(want.empty()) << what;
    ASSERT_EQ(want.size(), have.size()) << what;
    for (auto [w, h] : llvm::zip(want, have)) {
      ASSERT_EQ(w.shape, h.shape) << what;
      double most = w.dtype == DType::bf16() ? 1e-2 : w.dtype == DType::f16() ? 2e-3 : 1e-5;
      EXPECT_LE(getWorst(w, h), w.dtype.isFloat() ? tolerance.value_or(most) : 0) << what;
    }
  }

  mlir::MLIRContext context;
  std::mt19937 rng;

private:
  static Tensors take(llvm::Expected<Tensors> results) {
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }
};

} // namespace terse

#endif
