//===- Conv.cpp - Convolutions ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Contraction.h"

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

// Far above any real window, and small enough that no size computation overflows.
static constexpr int64_t kMaxExtent = int64_t(1) << 30;

static void checkEntries(const Ints &list, size_t count, const char *name, int64_t least) {
  if (list.size() != count)
    fail("expected " + llvm::Twine(count) + " entries in " + name + " (got " +
         llvm::Twine(list.size()) + ")");
  for (int64_t v : list)
    if (v < least || v > kMaxExtent)
      fail(llvm::Twine(name) + " cannot have the entry " + llvm::Twine(v));
}

Window terse::onnx::getWindow(Node &n, Value x, Ints kernel, bool ceilMode) {
  Emitter &e = n.e;
  if (e.rankOf(x) < 3)
    fail("expected [N, C, spatial...] (got rank " + llvm::Twine(e.rankOf(x)) + ")");
  size_t spatial = e.rankOf(x) - 2;
  Window w;
  w.kernel = std::move(kernel);
  if (std::optional<Ints> given = n.attrInts("kernel_shape")) {
    if (!w.kernel.empty() && *given != w.kernel)
      fail("kernel_shape does not agree with the weight");
    w.kernel = *given;
  }
  if (w.kernel.empty())
    fail("attribute 'kernel_shape' is missing");
  w.strides = n.attrInts("strides").value_or(Ints(spatial, 1));
  w.dilations = n.attrInts("dilations").value_or(Ints(spatial, 1));
  w.pads = n.attrInts("pads").value_or(Ints(2 * spatial, 0));
  checkEntries(w.kernel, spatial, "kernel_shape", 1);
  checkEntries(w.strides, spatial, "strides", 1);
  checkEntries(w.dilations, spatial, "dilations", 1);
  checkEntries(w.pads, 2 * spatial, "pads", -kMaxExtent);
  std::string autoPad = n.attrString("auto_pad", "NOTSET");
  if (autoPad == "NOTSET" || autoPad.empty())
    return w;
  w.pads.assign(2 * spatial, 0);
  if (autoPad == "VALID")
    return w;
  if (autoPad != "SAME_UPPER" && autoPad != "SAME_LOWER")
    fail("auto_pad '" + autoPad + "' is not supported");
  for (size_t i = 0; i < spatial; ++i) {
    int64_t span = (w.kernel[i] - 1) * w.dilations[i] + 1;
    int64_t total = span - 1;
    // In unit steps the padding does not depend on the size.
    if (w.strides[i] != 1) {
      int64_t size = e.staticDim(x, i + 2, "with auto_pad, the size of the image");
      int64_t out = (size + w.strides[i] - 1) / w.strides[i];
      total = std::max<int64_t>((out - 1) * w.strides[i] + span - size, 0);
    }
    int64_t less = total / 2, more = total - less;
    w.pads[i] = autoPad == "SAME_UPPER" ? less : more;
    w.pads[i + spatial] = total - w.pads[i];
  }
  return w;
}

static Ints kernelOf(Emitter &e, Value weight) {
  Ints kernel;
  for (int64_t i = 2; i < e.rankOf(weight); ++i)
    kernel.push_back(e.staticDim(weight, i, "the size of the kernel"));
  return kernel;
}

static void convertConv(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), weight = n.in(1);
  Window w = getWindow(n, x, kernelOf(e, weight));
  n.set(0, e.op<nn::ConvOp>({x, weight, n.opt(2)},
                            {e.attr("strides", w.strides), e.attr("pads", w.pads),
                             e.attr("dilations", w.dilations),
                             e.attr("groups", n.attrInt("group", 1))}));
}

static void convertConvTranspose(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), weight = n.in(1);
  if (e.rankOf(x) < 3 || e.rankOf(weight) != e.rankOf(x))
    fail("expected [N, C, spatial...] and a weight of the same rank");
  size_t spatial = e.rankOf(x) - 2;
  Ints kernel = kernelOf(e, weight), strides = n.attrInts("strides").value_or(Ints(spatial, 1)),
       dilations = n.attrInts("dilations").value_or(Ints(spatial, 1)),
       pads = n.attrInts("pads").value_or(Ints(2 * spatial, 0)),
       extra = n.attrInts("output_padding").value_or(Ints(spatial, 0));
  n.ignore("kernel_shape");
  checkEntries(kernel, spatial, "the weight's kernel", 1);
  checkEntries(strides, spatial, "strides", 1);
  checkEntries(dilations, spatial, "dilations", 1);
  checkEntries(pads, 2 * spatial, "pads", -kMaxExtent);
  checkEntries(extra, spatial, "output_padding", 0);
  std::string autoPad = n.attrString("auto_pad", "NOTSET");
  std::optional<Ints> shape = n.attrInts("output_shape");
  if (shape) {
    // Older exporters give batch and channels too.
    if (shape->size() == spatial + 2)
      shape->erase(shape->begin(), shape->begin() + 2);
    checkEntries(*shape, spatial, "output_shape", 0);
  }
  if (shape || llvm::StringRef(autoPad).starts_with("SAME")) {
    for (size_t i = 0; i < spatial; ++i) {
      // Without a given shape, `SAME` is input * stride.
      int64_t span = (kernel[i] - 1) * dilations[i] + 1, total;
      if (shape)
        total =
            strides[i] * (e.staticDim(x, i + 2, "with output_shape, the size of the image") - 1) +
            extra[i] + span - (*shape)[i];
      else
        total = span + extra[i] - strides[i];
      // A shape beyond the natural one gets more at the end.
      extra[i] += std::max<int64_t>(-total, 0) * (shape ? 1 : 0);
      total = std::max<int64_t>(total, 0);
      bool upper = autoPad == "SAME_UPPER";
      int64_t low = upper ? total / 2 : total - total / 2;
      pads[i] = low;
      pads[i + spatial] = total - low;
    }
  } else if (autoPad == "VALID") {
    pads.assign(2 * spatial, 0);
  } else if (autoPad != "NOTSET") {
    fail("auto_pad '" + autoPad + "' is not supported");
  }
  n.set(0, e.op<nn::ConvTransposeOp>(
               {x, weight, n.opt(2)},
               {e.attr("strides", strides), e.attr("pads", pads), e.attr("dilations", dilations),
                e.attr("output_padding", extra), e.attr("groups", n.attrInt("group", 1))}));
}

// A depthwise causal convolution over [B, C, L], with the last K-1 inputs as state before and
// after.
static void convertCausalConv(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), weight = n.in(1), bias = n.opt(2), state = n.opt(3);
  if (e.rankOf(x) != 3 || e.rankOf(weight) != 3)
    fail("expected an input [B, C, L] and a weight [C, 1, K]");
  int64_t kernel = e.staticDim(weight, 2, "the size of the kernel"),
          channels = e.staticDim(weight, 0, "the number of channels");
  if (kernel < 1)
    fail("the kernel is empty");
  std::string activation = n.attrString("activation", "none");
  Value padded = state ? e.concat({e.cast(state, e.elementOf(x)), x}, 2)
                       : e.pad(nn::PadMode::Constant, x, nullptr, {0, 0, kernel - 1}, {0, 0, 0});
  Value y = e.op<nn::ConvOp>({padded, weight, bias},
                             {e.attr("strides", Ints{1}), e.attr("pads", Ints{0, 0}),
                              e.attr("dilations", Ints{1}), e.attr("groups", channels)});
  if (activation == "silu" || activation == "swish")
    y = e.unary(UnaryKind::Silu, y, 1);
  else if (activation != "none")
    fail("activation '" + activation + "' is not supported");
  n.set(0, y);
  if (n.wants(1)) {
    Value last = kernel == 1
                     ? e.slice(padded, 2, 0, 0)
                     : e.slice(padded, 2, -(kernel - 1), std::numeric_limits<int64_t>::max());
    n.set(1, state ? e.cast(last, e.elementOf(state)) : last);
  }
}

void terse::onnx::registerConvOps(OpTable &t) {
  t.add("Conv", {1, 11, 22}, convertConv);
  t.add("ConvTranspose", {1, 11, 22}, convertConvTranspose);
  t.add("CausalConvWithState", {27}, convertCausalConv);
}
