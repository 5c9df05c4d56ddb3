//===- UKernelTest.h - Kernels against the interpreter --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_UNIT_CODEGEN_UKERNELTEST_H
#define TERSE_TEST_UNIT_CODEGEN_UKERNELTEST_H

#include "NativeTest.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "llvm/ADT/StringExtras.h"

namespace terse {

/// Runs models of one kernel both ways on random inputs.
class UKernelTest : public NativeTest {
protected:
  HostTensor random(DType dtype, llvm::ArrayRef<int64_t> shape) {
    HostTensor t = HostTensor::zeros(dtype, shape);
    std::uniform_real_distribution<double> real(-2, 2);
    std::uniform_int_distribution<int> integer(-128, 255);
    for (int64_t i = 0; i < t.getNumElements(); ++i)
      t.setFromDouble(i, dtype.isFloat() ? real(rng) : integer(rng));
    return t;
  }

  // Of convolutions with the same windows in both dimensions: results along one of `size`, and what
  // stands in text.
  static int64_t countWindows(int64_t size, int64_t kernel, int64_t stride, int64_t pad,
                              int64_t dilation = 1) {
    return (size + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
  }
  static std::string printWindows(int64_t stride, int64_t pad, int64_t dilation = 1,
                                  int64_t groups = 1) {
    return llvm::formatv("{{strides = array<i64: {0}, {0}>, pads = array<i64: {1}, {1}, {1}, {1}>, "
                         "dilations = array<i64: {2}, {2}>, groups = {3} : i64}",
                         stride, pad, dilation, groups);
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

  // Runs `text` on random inputs of `shapes` both ways, for every target (or for `only` one, with
  // floats within `tolerance` of the range).
  void compare(const std::string &text, llvm::ArrayRef<std::vector<int64_t>> shapes,
               llvm::StringRef only = "", double tolerance = 1e-5) {
    compareRuns(text, {shapes}, only, tolerance);
  }

  // The same for several inputs of one model.
  void compareRuns(const std::string &text,
                   llvm::ArrayRef<llvm::ArrayRef<std::vector<int64_t>>> runs,
                   llvm::StringRef only = "", double tolerance = 1e-5) {
    auto module = parse(text);
    ASSERT_TRUE(bool(module));
    std::vector<Tensors> inputs, want;
    for (const std::string &target : getTargets(targets)) {
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
      auto model = compile(*module, options);
      ASSERT_TRUE(bool(model));
      EXPECT_EQ(formed, formsKernel) << text;
      for (auto [i, shapes] : llvm::enumerate(runs)) {
        if (inputs.size() == i) {
          inputs.emplace_back();
          for (auto [n, shape] : llvm::enumerate(shapes))
            inputs[i].push_back(random(model->getInputs()[n].dtype, shape));
          want.push_back(interpret(*module, inputs[i]));
        }
        expectSame(want[i], run(*model, inputs[i]), target + "\n" + text, tolerance);
      }
    }
  }

  // A product whose sums are scaled for each channel, added to a residual and rounded to bytes; the
  // first size is `known` or open.
  void compareRequantized(const std::string &product, llvm::ArrayRef<int64_t> sums,
                          llvm::ArrayRef<int64_t> scales, std::vector<int64_t> input,
                          std::vector<int64_t> weights, std::string x, bool known,
                          llvm::StringRef only = "") {
    std::vector<int64_t> open(input), result(sums);
    if (!known)
      open[0] = result[0] = -1;
    std::string s = tensor(result, "i32"), c = tensor(scales, "f32"), q = tensor(result, "i8");
    HostTensor scale = HostTensor::zeros(DType::f32(), scales);
    for (int64_t i = 0; i < scale.getNumElements(); ++i)
      scale.setFromDouble(i, (1 + i % 7) * 1e-3);
    llvm::StringRef bytes((const char *)scale.getBytes().data(), scale.getBytes().size());
    compare(
        llvm::formatv("func.func @main(%x: {0}, %r: {6}) -> {6} {{\n%w = {1}\n%c = nn.constant "
                      "dense<\"0x{2}\"> : {3}\n%0 = {4} : ({0}, {7}) -> {5}\n"
                      "%1 = terse.requantize %0, %r scales(%c, %c : {3}, {3}) clamp(-128, 100) : "
                      "({5}, {6}) -> {6}\nreturn %1 : {6} }",
                      tensor(open, x), constant(weights, "i8"), llvm::toHex(bytes), c, product, s,
                      q, tensor(weights, "i8")),
        {input, std::vector<int64_t>(sums)}, only);
  }

  /// Targets of `compare`; none: the usual ones.
  llvm::ArrayRef<llvm::StringRef> targets;
  /// Of these, targets whose kernels of floats differ.
  static llvm::ArrayRef<llvm::StringRef> getFloatTargets() {
    static const llvm::StringRef all[] = {"x86-64", "x86-64-v3", "x86-64-v4"};
    return all;
  }
  /// Whether `compare` expects a kernel.
  bool formsKernel = true;
};

} // namespace terse

#endif
