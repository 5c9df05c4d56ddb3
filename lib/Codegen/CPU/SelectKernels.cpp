//===- SelectKernels.cpp - How contractions are computed ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ContractionShape.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_SELECTKERNELSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Below this many multiply-adds loops do as well as a call.
static constexpr int64_t kMinWork = 512;

namespace {
struct SelectKernelsPass : terse::impl::SelectKernelsPassBase<SelectKernelsPass> {
  void runOnOperation() override {
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(cpu::kKernelAttr))
        return;
      std::optional<ContractionShape> shape = analyzeContraction(op);
      if (!shape || (!ShapedType::isDynamic(shape->work) && shape->work < kMinWork))
        return;
      op->setAttr(cpu::kKernelAttr, cpu::KernelAttr::get(op.getContext(), shape->kernel));
    });
  }
};
} // namespace
