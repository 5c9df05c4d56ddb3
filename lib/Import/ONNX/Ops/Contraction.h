//===- Contraction.h - Matrix products --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_IMPORT_ONNX_OPS_CONTRACTION_H
#define TERSE_LIB_IMPORT_ONNX_OPS_CONTRACTION_H

#include "../Node.h"

namespace terse::onnx {

/// NumPy's matmul; with a constant matrix on the right an nn.linear.
Value emitMatMul(Emitter &e, Value l, Value r);

/// Window attributes of convolutions and pools, with defaults and auto_pad resolved.
struct Window {
  Ints kernel, strides, dilations, pads;
};
/// `kernel` is that of the weight for convolutions, empty for pools (which have an attribute).
Window getWindow(Node &n, Value x, Ints kernel, bool ceilMode = false);

} // namespace terse::onnx

#endif
