//===- UKernelTest.h - Kernels against the interpreter --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_UNIT_CODEGEN_UKERNELTEST_H
#define TERSE_TEST_UNIT_CODEGEN_UKERNELTEST_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "terse/InitAll.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Runtime/services.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

namespace terse {

/// Runs models of one kernel both ways on random inputs.
class UKernelTest : public ::testing::Test {
protected:
  UKernelTest() {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  // Targets down to plain vectors.
  static std::vector<std::string> targets() {
    std::vector<std::string> result{"x86-64"};
    auto has = [](const char *feature) { return terse_cpu_has_feature(feature) > 0; };
    if (has("avx2") && has("fma"))
      result.push_back("x86-64-v3");
    if (has("avxvnni"))
      result.push_back("x86-64-v3+avxvnni");
    if (has("avx512bw") && has("avx512vl"))
      result.push_back("x86-64-v4");
    if (has("avx512vnni"))
      result.push_back("x86-64-v4+avx512vnni");
    if (has("amx-int8"))
      result.push_back("amx");
    return result;
  }

  HostTensor random(DType dtype, llvm::ArrayRef<int64_t> shape) {
    HostTensor t = HostTensor::zeros(dtype, shape);
    std::uniform_real_distribution<double> real(-2, 2);
    std::uniform_int_distribution<int> integer(-128, 255);
    for (int64_t i = 0; i < t.getNumElements(); ++i)
      t.setFromDouble(i, dtype.isFloat() ? real(rng) : integer(rng));
    return t;
  }

  // A constant of random elements in text.
  std::string constant(llvm::ArrayRef<int64_t> shape, llvm::StringRef type) {
    DType dtype = type == "f32"    ? DType::f32()
                  : type == "bf16" ? DType::bf16()
                  : type == "i8"   ? DType::si(8)
                  : type == "ui8"  ? DType::ui(8)
                                   : DType::si(32);
    HostTensor t = random(dtype, shape);
    llvm::ArrayRef<uint8_t> bytes = t.getBytes();
    return llvm::formatv("nn.constant dense<\"0x{0}\"> : {1}",
                   llvm::toHex(llvm::StringRef((const char *)bytes.data(), bytes.size())),
                   tensor(shape, type));
  }

  static std::string tensor(llvm::ArrayRef<int64_t> shape, llvm::StringRef type) {
    std::string text = "tensor<";
    for (int64_t d : shape)
      text += (d < 0 ? "?" : std::to_string(d)) + "x";
    return text + type.str() + ">";
  }

  // Runs `text` on random inputs of `shapes` both ways, for every target (or for `only` one, with
  // floats within `tolerance` of the range).
  void compare(const std::string &text, llvm::ArrayRef<std::vector<int64_t>> shapes,
               llvm::StringRef only = "", double tolerance = 1e-5) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(bool(module)) << text;
    std::vector<HostTensor> inputs, want;
    for (const std::string &target : targets()) {
      if (!only.empty() && target != only)
        continue;
      CompileOptions options;
      options.target = target;
      options.optLevel = 1;
      bool formed = false;
      options.observer = [&](llvm::StringRef stage, mlir::ModuleOp m) {
        if (stage == "linalg")
          m.walk([&](ukernel::KernelOpInterface) { formed = true; });
      };
      auto model = JITModel::create(*module, options);
      ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError()) << "\n" << text;
      EXPECT_TRUE(formed) << text;
      if (inputs.empty()) {
        for (auto [i, shape] : llvm::enumerate(shapes))
          inputs.push_back(random((*model)->getInputs()[i].dtype, shape));
        Interpreter interpreter(*module);
        auto results = interpreter.call(module->lookupSymbol<mlir::func::FuncOp>("main"), inputs);
        ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
        want = std::move(*results);
      }
      auto have = (*model)->run(inputs);
      ASSERT_TRUE(bool(have)) << llvm::toString(have.takeError());
      for (size_t r = 0; r < want.size(); ++r) {
        const HostTensor &w = want[r], &h = (*have)[r];
        ASSERT_EQ(w.shape, h.shape) << text;
        double range = 0, worst = 0;
        for (int64_t i = 0; i < w.getNumElements(); ++i) {
          double x = w.getAsDouble(i), y = h.getAsDouble(i);
          range = std::max(range, std::abs(x));
          worst = std::max(worst, std::isnan(x - y) ? INFINITY : std::abs(x - y));
        }
        EXPECT_LE(worst, (w.dtype.isFloat() ? tolerance : 0) * range) << target << "\n" << text;
      }
    }
  }

  mlir::MLIRContext context;
  std::mt19937 rng{7};
};

} // namespace terse

#endif
