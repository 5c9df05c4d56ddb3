//===- SelectSchedules.cpp - Choose how kernels are computed --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles of sums in registers: those that fit beside the operands and take the fewest cycles, all
// ends of lines and panels counted (`chooseTile`). Many sums hide the latency of multiply-adds and
// read each operand seldom.

#include "DecodedWeights.h"
#include "Utils.h"
#include "terse/Dialect/UKernel/IR/VectorTiles.h"
#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_SELECTSCHEDULESPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
struct SelectSchedulesPass : terse::ukernel::impl::SelectSchedulesPassBase<SelectSchedulesPass> {
  using SelectSchedulesPassBase::SelectSchedulesPassBase;

  // Instructions that multiply bf16; Portable if there are none.
  ISA bf16ISA = ISA::Portable;

  // The left operand's rows; dynamic if not known.
  static int64_t countRows(KernelOpInterface op) {
    int64_t m = 1;
    for (int64_t d : cast<ShapedType>(op.getInit().getType()).getShape().drop_back()) {
      if (ShapedType::isDynamic(d))
        return ShapedType::kDynamic;
      m *= d;
    }
    return m;
  }

  // The instructions for the op's types: those of the target that can do them.
  ISA chooseISA(KernelOpInterface op, ISA best) const {
    // Windows of single channels are vectors, of which these instructions round results.
    if (bf16ISA != ISA::Portable && getElementTypeOrSelf(op.getLhs().getType()).isBF16())
      return op.isDepthwise() ? ISA::AVX512BF16 : bf16ISA;
    bool floats = ::mlir::isa<FloatType>(getSumType(op));
    bool bytes = !floats && cast<ShapedType>(op.getRhs().getType()).getElementType().isInteger(8);
    if (op.isDepthwise() && bytes && !op.getRhsUnsigned()) {
      if (best == ISA::AVXVNNI || best >= ISA::AVX512VNNI)
        return std::min(best, ISA::AVX512VNNI);
    }
    if (floats || op.isDepthwise())
      return vectorBytes >= 64 ? ISA::AVX512 : vectorBytes >= 32 ? ISA::AVX2 : ISA::Portable;
    // vpdpbusd and its relatives take signed weights; vpmaddwd takes any bytes.
    if (op.getRhsUnsigned() && best >= ISA::AVXVNNI)
      return vectorBytes >= 64 ? ISA::AVX512 : ISA::AVX2;
    // Tiles of 16 rows and columns are wasted on few.
    int64_t m = countRows(op);
    int64_t least = chooseLines(op) ? 20 : 32;
    if (best == ISA::AMXInt8 &&
        ((!ShapedType::isDynamic(m) && m < 8) || getSizes(op).n < 8 || getSizes(op).k < least))
      return ISA::AVX512VNNI;
    return best;
  }

  // How many lines of a window tiles take together, with what is copied for that; 0 where a copy of
  // the windows takes less. In cycles for 32 results of all channels.
  static int64_t chooseLines(KernelOpInterface op) {
    WindowAttr window = op.getWindowOrNull();
    if (!window || op.isDepthwise())
      return 0;
    KernelSizes sizes = getSizes(op);
    auto lhs = cast<ShapedType>(op.getLhs().getType());
    int64_t elementBytes = lhs.getElementTypeBitWidth() / 8,
            channels =
                getColumnElements(lhs.getShape().back() / op.getParts(), lhs.getElementType()),
            tileDepth = 64 / elementBytes;
    // Channels that fill tiles are read where they lie.
    if (channels % tileDepth == 0)
      return 0;
    // Four products and what they load: rows that cross lines of the cache in copied lines.
    auto stepCycles = [](int64_t depth) { return 40 + 0.6 * double(depth); };
    double panels = double(llvm::divideCeil(sizes.n, 32));
    int64_t width = window.getKernel()[1] * channels, chosen = 0;
    double fewest = 70 * panels * double(llvm::divideCeil(sizes.k, tileDepth)) +
                    2.5 * 32 * double(sizes.height * llvm::divideCeil(width, tileDepth));
    for (int64_t lines = 1; lines <= sizes.height; ++lines) {
      int64_t depth = getLineDepth(op, lines);
      if (!depth)
        continue;
      int64_t steps =
          llvm::divideCeil(sizes.height, lines) * llvm::divideCeil(lines * width, depth);
      double cycles = stepCycles(depth * elementBytes) * panels * double(steps);
      // Vectors of columns, each of which takes a load and a shuffle for each line.
      if (lines > 1)
        cycles += 2. * double(lines + 1) * double(countPlanes(window, lines)) *
                  double(32 * window.getStrides()[1]) / double(64 / (lines * channels));
      if (cycles < fewest)
        fewest = cycles, chosen = lines;
    }
    return chosen;
  }

  // Rows that are multiplied with weights as they are decoded, in registers. More rows read decoded
  // panels from memory.
  static constexpr int64_t kFewRows = 4;
  // Rows of integer products that vectors multiply as fast as tiles do.
  static constexpr int64_t kFewProducts = 6;

  // Vectors of a panel: each is a stream of memory of its own, and a sum that does not wait for
  // the others.
  static int64_t choosePanel(int64_t vectors, int64_t most) {
    int64_t widest = std::min(vectors, most), panel = widest, best = INT64_MAX;
    for (int64_t v = widest; v >= std::max<int64_t>(1, widest / 2); --v)
      if (int64_t padded = llvm::alignTo(vectors, v); padded < best)
        best = padded, panel = v;
    return panel;
  }

  // Integer products of blocks: rows by panels of sums in registers, of integers and of floats.
  // Tiles pay where their rows are used, and want blocks that fill their steps.
  ScheduleAttr chooseBlocks(KernelOpInterface op, WeightsOp weights, ISA best) const {
    WeightForm form =
        *weights.getFormat().getForm(cast<RankedTensorType>(weights.getResult().getType()));
    int64_t m = countRows(op), k = getSizes(op).k;
    bool open = ShapedType::isDynamic(m) || m == 0;
    ISA isa = best;
    if (isa == ISA::AMXInt8) {
      bool isByte = form.value.getIntOrFloatBitWidth() == 8;
      bool fits = !isByte || (form.value.isSignlessInteger() && !form.zeroPoints);
      if (!fits || k < 32 || (!open && m <= kFewProducts))
        isa = ISA::AVX512VNNI;
    }
    int64_t lanes = getLanes(isa), vectors = llvm::divideCeil(getSizes(op).n, lanes);
    bool many = lanes == 16;
    if (isa == ISA::AMXInt8) {
      int64_t panel = choosePanel(vectors, 4), rows = open ? 16 : std::min<int64_t>(m, 16);
      int64_t most = std::clamp<int64_t>((512 << 10) / k, 16, 256);
      int64_t block = open ? most : std::min<int64_t>(most, m);
      if (!open)
        block = llvm::divideCeil(m, llvm::divideCeil(m, block));
      return ScheduleAttr::get(op->getContext(), isa, rows, panel * lanes, 4, 4,
                               llvm::alignTo(block, rows));
    }
    int64_t sums = many ? 8 : 4, rows = open ? sums / 2 : std::min<int64_t>(m, sums);
    if (!open)
      rows = llvm::divideCeil(m, llvm::divideCeil(m, rows));
    int64_t panel = choosePanel(vectors, sums / rows);
    int64_t block = std::clamp<int64_t>((96 << 10) / k, rows, 192);
    if (!open)
      block = std::min(block, m);
    return ScheduleAttr::get(op->getContext(), isa, rows, panel * lanes, 4, 4,
                             llvm::alignTo(block, rows));
  }

  // The schedule of few rows that multiply weights as they are decoded.
  ScheduleAttr chooseFewRows(KernelOpInterface op, ISA isa, int64_t m) const {
    if (isa == ISA::AMXBF16)
      isa = ISA::AVX512;
    int64_t vectors = llvm::divideCeil(getSizes(op).n, getLanes(isa));
    int64_t many = isa == ISA::AVX512 ? 2 : 1;
    int64_t panel = choosePanel(vectors, (m == 1 ? 4 : m == 2 ? 2 : 1) * many);
    return ScheduleAttr::get(op->getContext(), isa, m, panel * getLanes(isa), 1, 1, m);
  }

  // A tile of floats or of dot products in vector registers.
  struct Tile {
    int64_t rows = 1, vectors = 1;
  };

  // The tile of at most `widest` vectors that takes the fewest cycles, all ends of lines and panels
  // counted. `stepCycles` are those of a step along the contraction, of which there are `steps`,
  // for (rows, vectors).
  static Tile chooseTile(KernelOpInterface op, ISA isa, int64_t lanes, int64_t registers,
                         int64_t widest, int64_t steps,
                         llvm::function_ref<double(int64_t, int64_t)> stepCycles) {
    int64_t vectors = llvm::divideCeil(getSizes(op).n, lanes);
    bool floats = ::mlir::isa<FloatType>(getSumType(op));
    double fewest = 0;
    Tile chosen;
    for (int64_t v = std::min(vectors, widest); v >= 1; --v)
      for (int64_t r = (registers - 1 - v) / v; r >= 1; --r) {
        VectorTiles tiles(op, r, isa);
        if (tiles.tileLines * tiles.tileWidth > r)
          continue;
        int64_t width = ShapedType::isDynamic(tiles.width) ? r * 8 : tiles.width;
        double cycles = 0;
        // Steps that tiles of `height` lines have together.
        auto countSteps = [&](int64_t y, int64_t height) {
          if (floats || !tiles.skipsLines)
            return double(steps);
          auto [from, to] = tiles.getWindowLines(y, height);
          return double(steps * (to - from)) / double(getSizes(op).height);
        };
        for (int64_t y = 0; y < tiles.lines;) {
          int64_t height = std::min(tiles.tileLines, tiles.lines - y);
          auto add = [&](int64_t across, int64_t count) {
            if (across)
              cycles += double(count) * (stepCycles(height * across, v) * countSteps(y, height) +
                                         double(height * across * v) * 2 + 30);
          };
          add(tiles.tileWidth, width / tiles.tileWidth);
          add(width % tiles.tileWidth, 1);
          y += height;
        }
        cycles *= double(llvm::divideCeil(vectors, v)) / double(std::max<int64_t>(width, 1));
        if (fewest == 0 || cycles < fewest) {
          fewest = cycles;
          chosen = {tiles.tileLines * tiles.tileWidth, v};
        }
      }
    return chosen;
  }

  // Dot products of bytes, or of words.
  ScheduleAttr chooseBytes(KernelOpInterface op, ISA isa) const {
    bool wide = isa == ISA::AVX512 || isa == ISA::AVX512VNNI;
    // Of 16 registers one is left free: with all of them in use, LLVM moves sums to memory and back
    // in each step.
    int64_t lanes = countLanes(isa), registers = wide ? 32 : 15;
    LeftBytes bytes(op, isa);
    // Products of words are added by another instruction.
    bool adds = bytes.depth < 4;
    auto stepCycles = [&](int64_t rows, int64_t vectors) {
      double products = double(rows * vectors) * (adds ? 2 : 1);
      return std::max(products, 5.) + double(rows + vectors) / 4;
    };
    int64_t padded = llvm::alignTo(getSizes(op).k, bytes.depth);
    // A panel and the next one leave room for rows in the second-level cache.
    int64_t widest = std::clamp<int64_t>((192 << 10) / std::max<int64_t>(padded * lanes, 1), 2, 4);
    Tile tile =
        chooseTile(op, isa, lanes, registers - adds, widest, padded / bytes.depth, stepCycles);
    // Rows that stay in the second-level cache while the panels pass by, or in the first-level one
    // with all panels.
    VectorTiles tiles(op, tile.rows, isa);
    int64_t width = ShapedType::isDynamic(tiles.width) ? 1024 : tiles.width,
            whole = tiles.lines * width;
    int64_t rowBytes =
        tiles.bytes *
        (tiles.lines == 1 ? tiles.runLength : tiles.lineStep / std::max<int64_t>(width, 1));
    int64_t room = (640 << 10) - std::min<int64_t>(padded * tile.vectors * lanes, 384 << 10);
    if (padded * getSizes(op).n <= 20 << 10)
      rowBytes += getSizes(op).n, room = 20 << 10;
    int64_t most = std::clamp<int64_t>(room / std::max<int64_t>(rowBytes, 1), tile.rows, 1024);
    int64_t block = llvm::divideCeil(
        whole, std::max<int64_t>(llvm::divideCeil(whole, most), whole > 512 ? 4 : 1));
    block = llvm::alignTo(std::max<int64_t>(block, 1), tile.rows);
    return ScheduleAttr::get(op->getContext(), isa, tile.rows, tile.vectors * lanes, bytes.depth,
                             bytes.depth, block);
  }

  // Floats, and pairs of bf16.
  ScheduleAttr chooseFloats(KernelOpInterface op, ISA isa) const {
    KernelSizes sizes = getSizes(op);
    bool pairs = isa == ISA::AVX512BF16;
    // One of 16 is left free, as above.
    int64_t lanes = getLanes(isa), registers = lanes == 16 ? 32 : 15;
    // Along the contraction, of 4 bytes each.
    int64_t steps = llvm::divideCeil(sizes.k, pairs ? 2 : 1);
    // Multiply-adds (dot products of bf16 on one unit), what is loaded, the latency of a sum. Loads
    // take a little also where they are not the most.
    auto stepCycles = [&](int64_t rows, int64_t vectors) {
      double loads = double(rows + vectors);
      return std::max({double(rows * vectors) / (pairs ? 1 : 2), loads, pairs ? 6. : 4.}) +
             loads / 8;
    };
    auto [rows, panel] = chooseTile(op, isa, lanes, registers, 4, steps, stepCycles);
    // Rows that stay in the second-level cache while the panels pass by, in enough blocks for some
    // threads.
    VectorTiles tiles(op, rows, isa);
    int64_t width = ShapedType::isDynamic(tiles.width) ? 1024 : tiles.width;
    int64_t whole = tiles.lines * width, depth = std::min<int64_t>(steps, 1024);
    int64_t most = std::clamp<int64_t>((256 << 10) / (4 * depth), 48, 256);
    if (op.getWindowOrNull())
      most = std::clamp<int64_t>((512 << 10) / (4 * depth), 64, 1024);
    // Long rows are packed part by part, so that many share the weights, if columns suffice for
    // some threads.
    if (tiles.left == VectorTiles::Left::Packed && steps > 2 * depth && sizes.n >= 2048)
      most = 256;
    // Each block decodes them.
    bool converts = tiles.step == 1 && getElementTypeOrSelf(op.getRhs().getType()).isBF16();
    if (getWeights(op.getRhs()) || converts)
      most = std::max<int64_t>(most, 192);
    int64_t block = llvm::divideCeil(
        whole, std::max<int64_t>(llvm::divideCeil(whole, most), whole > 512 ? 4 : 1));
    block = llvm::alignTo(std::max<int64_t>(block, 1), rows);
    return ScheduleAttr::get(op->getContext(), isa, rows, panel * lanes, tiles.step, tiles.step,
                             block, /*lines=*/tiles.isOdd && tiles.runs > 1);
  }

  // Into how many parts a grouped convolution of integers is cut: parts of several groups fill
  // tiles and vectors of sums, and multiply more zeros. In cycles for one position of the result,
  // with the copy of what it reads. Zeros times floats of other groups need not be zero.
  void chooseParts(ConvOp op, ISA best) const {
    if (::mlir::isa<FloatType>(getSumType(op)))
      return;
    int64_t channels = cast<ShapedType>(op.getLhs().getType()).getShape().back(),
            groups = op.getParts(), chosen = groups;
    double fewest = 0;
    for (int64_t parts = groups; parts >= 1; --parts) {
      if (groups % parts)
        continue;
      op.setParts(parts);
      ISA isa = chooseISA(op, best);
      KernelSizes sizes = getSizes(op);
      bool tiles = isa == ISA::AMXInt8;
      int64_t step = tiles ? 64 : 4,
              vectors =
                  llvm::divideCeil(sizes.n, tiles ? 16 : std::max<int64_t>(4, vectorBytes / 4));
      // A tile multiplies 16 rows of 64 bytes with 16 columns in 16 cycles.
      double rate = tiles ? 64 : isa >= ISA::AVXVNNI ? 8 : 4;
      double compute = double(vectors * llvm::alignTo(sizes.k, step)) / rate,
             copy = 3. * double(llvm::divideCeil(channels / parts, int64_t(vectorBytes)));
      double cycles = double(parts) * (compute + copy + 2. * double(vectors));
      if (fewest == 0 || cycles < fewest)
        fewest = cycles, chosen = parts;
    }
    op.setParts(chosen);
  }

  // Lanes of a register of 32 bits each.
  int64_t countLanes(ISA isa) const {
    return isa == ISA::AVX2 || isa == ISA::AVXVNNI ? 8 : std::max<int64_t>(4, vectorBytes / 4);
  }

  // One row, which waits for its weights alone: panels that divide the channels, wide ones first. A
  // row of floats reads eight narrow ones side by side.
  ScheduleAttr chooseRow(KernelOpInterface op, ISA isa) const {
    bool floats = ::mlir::isa<FloatType>(getSumType(op)),
         many = isa == ISA::AVX512 || isa == ISA::AVX512VNNI;
    int64_t depth = isa == ISA::AVX512BF16 ? 2 : floats ? 1 : LeftBytes(op, isa).depth;
    int64_t lanes = countLanes(isa), vectors = llvm::divideCeil(getSizes(op).n, lanes),
            wide = many && !floats ? 4 : 2, panel = 0;
    for (int64_t v = wide; v >= 1 && !panel; --v)
      if (vectors % v == 0 && (v > 1 || vectors <= 1))
        panel = v;
    if (!panel)
      panel = std::min(vectors, wide);
    return ScheduleAttr::get(op->getContext(), isa, 1, panel * lanes, depth, depth, 1);
  }

  ScheduleAttr chooseTiles(KernelOpInterface op, ISA isa) const {
    KernelSizes sizes = getSizes(op);
    bool floats = isa == ISA::AMXBF16;
    int64_t m = countRows(op), lines = chooseLines(op), depth = floats ? 2 : 4;
    int64_t align = lines ? getLineDepth(op, lines) : floats ? 32 : 64;
    int64_t columns = sizes.n <= 16 ? 16 : 32,
            rows = !ShapedType::isDynamic(m) && m <= 16 ? 16 : 32;
    // Rows that stay in the second-level cache while the panels pass by.
    int64_t bytes = (floats ? 2 : 1) * llvm::alignTo(sizes.k, align);
    int64_t room = 512 << 10, most = 512, parts = 4;
    // Tiles read windows in lines of the input, each of which the block has once.
    if (WindowAttr window = op.getWindowOrNull(); window && (lines || fillTiles(op))) {
      auto lhs = cast<ShapedType>(op.getLhs().getType());
      bytes = std::min(bytes, window.getStrides()[0] * window.getStrides()[1] *
                                  (lhs.getShape().back() / op.getParts()) *
                                  int64_t(lhs.getElementTypeBitWidth()) / 8);
      // Large blocks have few ends. Threads may share their panels.
      if (!lines)
        most = 1024, parts = 2;
    }
    // Weights from afar come once for each block, through the part of that cache which is left.
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getInit().getType()).getShape();
    if (shape.size() != 4)
      room = 1 << 20, most = 256;
    int64_t block = std::clamp<int64_t>(room / std::max<int64_t>(bytes, 1), rows, most);
    // Enough blocks for some threads, of equal height.
    if (shape.size() == 4) {
      int64_t image = 1;
      for (int64_t d : shape.slice(1, 2))
        image *= ShapedType::isDynamic(d) ? 1024 : d;
      block = std::min(block, image <= 256 ? image * 2 : image / parts);
    } else if (!ShapedType::isDynamic(m) && m > 0) {
      block = llvm::divideCeil(m, llvm::divideCeil(m, block));
      block = llvm::alignTo(block, rows);
    }
    block = std::max<int64_t>(rows, lines ? block / rows * rows : llvm::alignTo(block, rows));
    return ScheduleAttr::get(op->getContext(), isa, rows, columns, depth, align, block, lines);
  }

  ScheduleAttr choose(KernelOpInterface op, ISA best) const {
    bool floats = ::mlir::isa<FloatType>(getSumType(op)), decodes = bool(getWeights(op.getRhs()));
    ISA isa = chooseISA(op, best);
    if (op.isDepthwise())
      return ScheduleAttr::get(op->getContext(), isa, 1, countLanes(isa), 1, 1, 1);
    int64_t m = countRows(op);
    if (decodes && m >= 1 && m <= kFewRows)
      return chooseFewRows(op, isa, m);
    if (isa == ISA::AMXInt8 || isa == ISA::AMXBF16)
      return chooseTiles(op, isa);
    if (m == 1 && !decodes && !(isa == ISA::AVX512BF16 && op.getWindowOrNull()))
      return chooseRow(op, isa);
    return floats ? chooseFloats(op, isa) : chooseBytes(op, isa);
  }

  void runOnOperation() override {
    std::optional<ISA> best = readIntegerISA(getOperation(), isa);
    if (!best)
      return signalPassFailure();
    std::optional<ISA> pairs = bf16 == "none" ? ISA::Portable : symbolizeISA(bf16);
    if (!pairs || (bf16 != "none" && *pairs != ISA::AVX512BF16 && *pairs != ISA::AMXBF16)) {
      getOperation().emitError("unknown instructions '")
          << bf16 << "' in option bf16; expected none, avx512bf16 or amx_bf16";
      return signalPassFailure();
    }
    bf16ISA = *pairs;
    getOperation().walk([&](KernelOpInterface op) {
      WeightsOp weights = getWeights(op.getRhs());
      if (auto conv = dyn_cast<ConvOp>(op.getOperation());
          conv && conv.getParts() > 1 && !op.getScheduleAttr())
        chooseParts(conv, *best);
      if (!op.getScheduleAttr())
        op.setScheduleAttr(isBlockProduct(op) ? chooseBlocks(op, weights, *best)
                                              : choose(op, *best));
      // Also where the schedule was given.
      if (weights && !op.getDecodingAttr())
        op.setDecodingAttr(chooseDecoding(weights, op, op.getScheduleAttr().getIsa()));
    });
  }
};
} // namespace
