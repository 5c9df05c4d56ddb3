//===- VectorTiles.cpp - How vector kernels go over their rows --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/IR/VectorTiles.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse::ukernel;

// Rows at multiples of this many bytes meet in one set of the first-level cache, or in two of them.
static constexpr int64_t kSetBytes = 4096, kTwoSetsBytes = 2048;
// Longer rows than this are not read in place: they lie on as many pages as there are rows.
static constexpr int64_t kLongRowBytes = 8192;
// Results of an image that is worth tiles of its own.
static constexpr int64_t kImage = 64;

// A size of at most `most` that cuts `total` into parts as equal as possible.
static int64_t cutEvenly(int64_t total, int64_t most) {
  return llvm::divideCeil(total, llvm::divideCeil(total, most));
}

LeftBytes::LeftBytes(KernelOpInterface op, ISA isa) {
  // vpmaddwd works on words, vpdpbusd on unsigned bytes.
  widened = isa == ISA::AVX2 || isa == ISA::AVX512;
  depth = widened ? 2 : isa == ISA::Portable ? 1 : 4;
  flipped = (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI) && !op.getLhsUnsigned();
}

VectorTiles::VectorTiles(KernelOpInterface op, int64_t rows, ISA isa) {
  auto x = cast<ShapedType>(op.getLhs().getType()), y = cast<ShapedType>(op.getInit().getType());
  auto memory = dyn_cast<MemRefType>(x);
  // Parts of the channels do not lie side by side.
  bool plain = op.getParts() == 1 && (!memory || memory.getLayout().isIdentity());
  window = op.getWindowOrNull();
  int64_t channels = x.getShape().back() / op.getParts();
  runLength = getSizes(op).k;
  bool isFloat = ::mlir::isa<FloatType>(getSumType(op)),
       converts = x.getElementType().isBF16() && isa != ISA::AVX512BF16;
  if (isa == ISA::AVX512BF16)
    step = bytes = 2;
  bool flipped = false;
  if (!isFloat) {
    LeftBytes left(op, isa);
    step = left.depth, bytes = left.widened ? 2 : 1, converts = left.isConverted();
    flipped = left.flipped;
  }
  // Bytes have taller tiles.
  int64_t setDistance = (isFloat ? kSetBytes : kTwoSetsBytes) / bytes,
          longRow = kLongRowBytes / bytes;

  // Images that follow each other, or all rows at once.
  ArrayRef<int64_t> shape = y.getShape();
  bool dynamicBatch = y.isDynamicDim(0), knownImage = shape.size() == 4 && !y.isDynamicDim(1) &&
                                                      !y.isDynamicDim(2) && shape[1] * shape[2] > 0;
  images = knownImage && (dynamicBatch || shape[1] * shape[2] >= kImage);
  if (images)
    width = shape[1] * shape[2];
  else if (!llvm::any_of(shape.drop_back(), ShapedType::isDynamic))
    width = ShapedType::getNumElements(shape.drop_back());

  bool known = knownImage && !x.isDynamicDim(1) && !x.isDynamicDim(2);
  line = !window ||
         (known && runLength == channels && window.getStrides()[0] == 1 &&
          window.getStrides()[1] == 1 && window.getPads()[0] == 0 && window.getPads()[1] == 0 &&
          x.getDimSize(1) == shape[1] && x.getDimSize(2) == shape[2]);
  int64_t pixel = line ? channels : channels * window.getStrides()[1];
  // What stands between runs, or behind a row, is not multiplied.
  int64_t run =
      window && window.getDilations()[1] == 1 ? channels * window.getKernel()[1] : channels;
  bool fillsSteps = run % step == 0;
  // The last one of an odd number of bf16 is read alone; lines of windows are packed apart then.
  if (isFloat && (!window || window.getDilations()[1] == 1))
    fillsSteps = true;
  if (isFloat && line && channels >= setDistance &&
      (channels % setDistance == 0 || channels > longRow)) {
    left = Left::Packed;
  } else if ((plain || !line) && pixel % setDistance != 0 && pixel > 0 && fillsSteps) {
    if (line && !converts) {
      left = Left::Direct;
      pixelStep = channels;
    } else if (!line && known) {
      ArrayRef<int64_t> kernel = window.getKernel(), strides = window.getStrides(),
                        dilations = window.getDilations(), pads = window.getPads();
      images = true;
      lines = shape[1];
      width = shape[2];
      int64_t height = (lines - 1) * strides[0] + (kernel[0] - 1) * dilations[0] + 1,
              across = (width - 1) * strides[1] + (kernel[1] - 1) * dilations[1] + 1;
      bool inside = plain && !converts && pads[0] == 0 && pads[1] == 0 &&
                    height <= x.getDimSize(1) && across <= x.getDimSize(2);
      left = inside ? Left::Direct : Left::Padded;
      lineElements = channels * (inside ? x.getDimSize(2) : across);
      pixelStep = pixel;
      lineStep = strides[0] * lineElements;
      lineRuns = dilations[1] == 1 ? 1 : kernel[1];
      runs = kernel[0] * lineRuns;
      runLength = channels * kernel[1] / lineRuns;
      runLineStep = dilations[0] * lineElements;
      runStep = dilations[1] * channels;
    }
  }
  isOdd = isFloat && runLength % step != 0;
  runLength = llvm::alignTo(runLength, step);
  // Products with zeros need not be computed, unless 128 stands for zero.
  if (left == Left::Padded && window.getPadValue() == 0 && !flipped) {
    inHeight = x.getDimSize(1), inWidth = x.getDimSize(2);
    findPadding(channels);
  }

  if (ShapedType::isDynamic(width) || width == 0) {
    tileWidth = rows;
  } else if (width >= rows || lines == 1) {
    tileWidth = cutEvenly(width, rows);
  } else {
    tileWidth = width;
    tileLines = cutEvenly(lines, rows / width);
  }
}

void VectorTiles::findPadding(int64_t channels) {
  bool sees = true, seesAll = true;
  for (int64_t y = 0; y < lines; ++y) {
    auto [from, to] = getWindowLines(y, 1);
    sees &= from < to;
    seesAll &= to - from == window.getKernel()[0];
  }
  // Sums without any product would be left out, too.
  skipsLines = sees && !seesAll;
  // Nor would there be part of a step.
  if (channels % step)
    return;
  for (int64_t j = 0; j < window.getKernel()[1]; ++j) {
    auto [from, to] = getInside(j, 0, width);
    skipsColumns |= to - from < width;
  }
}

std::pair<int64_t, int64_t> VectorTiles::getWindowLines(int64_t y, int64_t height) const {
  int64_t stride = window.getStrides()[0], pad = window.getPads()[0],
          step = window.getDilations()[0], count = window.getKernel()[0];
  int64_t last = (y + height - 1) * stride;
  return {llvm::divideCeil(std::max<int64_t>(pad - last, 0), step),
          std::clamp<int64_t>(llvm::divideCeilSigned(inHeight + pad - y * stride, step), 0, count)};
}

std::pair<int64_t, int64_t> VectorTiles::getInside(int64_t j, int64_t x, int64_t width) const {
  int64_t stride = window.getStrides()[1],
          shift = j * window.getDilations()[1] - window.getPads()[1];
  int64_t from = llvm::divideCeilSigned(-shift, stride),
          to = llvm::divideCeilSigned(inWidth - shift, stride);
  from = std::clamp(from, x, x + width);
  return {from, std::clamp(to, from, x + width)};
}
