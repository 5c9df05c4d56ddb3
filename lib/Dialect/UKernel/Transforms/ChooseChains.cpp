//===- ChooseChains.cpp - Which kernels work strip by strip ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chain saves what the tensors in between cost that the second-level cache cannot hold. It pays
// for that with calls for each strip, with lines that are moved to the front of their buffer, and,
// where a range of a thread begins, with lines that the range above computes, too.

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Dialect/UKernel/Transforms/CostModel.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_CHOOSECHAINSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

// Kernels of a chain at most: a range begins with lines of all of them.
static constexpr size_t kMostKernels = 4;
// Strips of an image that suffice for some threads.
static constexpr int64_t kStrips = 8;
// Ranges of strips that threads begin with.
static constexpr double kRanges = 2;
// Cycles of a call for a few blocks.
static constexpr double kCall = 300;
// What a chain must save, of what its kernels take.
static constexpr double kLeastShare = 0.03;
// Rows of a strip that are worth the calls.
static constexpr int64_t kLeastRows = 96;

using Kernels = ArrayRef<KernelOpInterface>;

static ArrayRef<int64_t> getShape(Value v) { return cast<ShapedType>(v.getType()).getShape(); }

static bool isImage(Value v) {
  return getShape(v).size() == 4 &&
         !llvm::any_of(getShape(v).drop_front(), ShapedType::isDynamic) && getShape(v)[1] > 0 &&
         getShape(v)[2] > 0 && getShape(v)[0] != 0;
}

// Of one sample where the batch is not known.
static double getBytes(Value v) {
  ArrayRef<int64_t> shape = getShape(v);
  double bytes = double(ShapedType::getNumElements(shape.drop_front())) *
                 cast<ShapedType>(v.getType()).getElementTypeBitWidth() / 8;
  return ShapedType::isDynamic(shape[0]) ? bytes : bytes * double(shape[0]);
}

static double getLineBytes(Value v) {
  ArrayRef<int64_t> shape = getShape(v);
  return double(shape[2] * shape[3]) * cast<ShapedType>(v.getType()).getElementTypeBitWidth() / 8;
}

static bool fits(KernelOpInterface op) {
  ScheduleAttr schedule = op.getScheduleAttr();
  if (!schedule || op->getNumResults() != 1 || op.getMagnitudes() || op.getParts() != 1 ||
      isBlockProduct(op) || !isImage(op.getLhs()) || !isImage(op.getInit()))
    return false;
  // Tiles of rows are not blocks of lines. Few rows have kernels of their own.
  ISA isa = schedule.getIsa();
  return isa != ISA::AMXInt8 && isa != ISA::AMXBF16 &&
         getShape(op.getInit())[1] * getShape(op.getInit())[2] >= 16;
}

// The kernel that computes what `op` reads, if nothing else uses that.
static KernelOpInterface getBefore(KernelOpInterface op) {
  auto before = op.getLhs().getDefiningOp<KernelOpInterface>();
  if (!before || !fits(before) || !op.getLhs().hasOneUse() || before->getBlock() != op->getBlock())
    return {};
  return before;
}

// Lines of the left operand that a line of the result adds, and those that one line sees.
static std::pair<int64_t, int64_t> getLines(KernelOpInterface op) {
  WindowAttr window = op.getWindowOrNull();
  if (!window)
    return {1, 1};
  return {window.getStrides()[0], (window.getKernel()[0] - 1) * window.getDilations()[0] + 1};
}

namespace {
/// Kernels that follow each other, in strips of some lines of the last result.
struct Candidate {
  Candidate(Kernels kernels, int64_t lines) : kernels(kernels.begin(), kernels.end()) {
    // Lines that each result grows by.
    steps.assign(kernels.size(), lines);
    for (size_t s = kernels.size() - 1; s > 0; --s)
      steps[s - 1] = steps[s] * getLines(kernels[s]).first;
  }

  // Bytes of the tensors in between that exist at a time.
  double getFootprint() {
    double bytes = 0;
    for (size_t s = 0; s + 1 < kernels.size(); ++s)
      bytes += double(steps[s] + steps[s] / 2 + getLines(kernels[s + 1]).second) *
               getLineBytes(kernels[s].getInit());
    return bytes;
  }

  // Cycles saved, less what strips cost.
  double getGain(double cacheBytes, double &total) {
    double gain = 0, samples = std::max<double>(double(getShape(kernels[0].getInit())[0]), 1);
    double strips =
        samples * double(llvm::divideCeil(getShape(kernels.back().getInit())[1], steps.back()));
    total = 0;
    for (auto [s, op] : llvm::enumerate(kernels)) {
      KernelCost cost = estimateCost(op, op.getScheduleAttr());
      total += cost.getCycles();
      gain -= strips * kCall;
      if (s + 1 == kernels.size())
        break;
      // Its result, written and read again. What is a little too large for the cache stays there in
      // part.
      Value between = op.getInit();
      double bytes = getBytes(between);
      double out = std::clamp((bytes + getBytes(op.getLhs())) / cacheBytes - 1, 0., 1.);
      gain += 2 * bytes * out * (1 / getBytesPerCycle(cacheBytes * 4) - 1 / getBytesPerCycle(0));
      auto [step, reach] = getLines(kernels[s + 1]);
      double moved = double(std::max<int64_t>(reach - step, 0) + steps[s] / 4);
      gain -= strips * moved * getLineBytes(between) * 2 / getBytesPerCycle(0);
      double perLine = cost.getCycles() / samples / double(getShape(between)[1]);
      gain -= kRanges * double(std::max<int64_t>(reach - step, 0)) * perLine;
    }
    return gain;
  }

  // As few lines as give threads something to share, or fewer, so that they stay near.
  static Candidate plan(Kernels kernels, double cacheBytes) {
    KernelOpInterface last = kernels.back();
    int64_t height = getShape(last.getInit())[1];
    int64_t lines = llvm::divideCeil(height, kStrips), width = getShape(last.getInit())[2];
    lines = std::min(height, std::max<int64_t>(lines, llvm::divideCeil(kLeastRows, width)));
    while (lines > 1 && Candidate(kernels, lines).getFootprint() > cacheBytes / 2)
      --lines;
    return Candidate(kernels, llvm::divideCeil(height, llvm::divideCeil(height, lines)));
  }

  int64_t getRows() { return steps.back() * getShape(kernels.back().getInit())[2]; }

  SmallVector<KernelOpInterface> kernels;
  SmallVector<int64_t> steps;
};

struct ChooseChainsPass : terse::ukernel::impl::ChooseChainsPassBase<ChooseChainsPass> {
  using ChooseChainsPassBase::ChooseChainsPassBase;

  // Blocks are as large as a strip, or as half of it where others wait for them.
  static void shrinkBlock(KernelOpInterface op, int64_t lines, bool isLast) {
    ScheduleAttr old = op.getScheduleAttr();
    int64_t rows = lines * getShape(op.getInit())[2], block = old.getBlock();
    if (op.isDepthwise()) {
      // Only this one takes many lines at a time.
      if (old.getIsa() == ISA::AVX512VNNI)
        block = lines;
    } else {
      // Weights that are not floats yet are decoded for each block.
      bool decodes = op.getDecodingAttr() ||
                     (isa<FloatType>(getSumType(op)) && !getElementTypeOrSelf(op.getRhs()).isF32());
      if (!isLast && !decodes)
        rows = llvm::divideCeil(rows, 2);
      block = std::min(old.getBlock(), int64_t(llvm::alignTo(rows, old.getRows())));
    }
    op.setScheduleAttr(ScheduleAttr::get(op.getContext(), old.getIsa(), old.getRows(),
                                         old.getColumns(), old.getDepth(), old.getAlign(), block,
                                         old.getLines()));
  }

  void apply(Candidate chain) {
    KernelOpInterface last = chain.kernels.back();
    for (auto [op, lines] : llvm::zip(chain.kernels, chain.steps)) {
      shrinkBlock(op, lines, op == last);
      if (op != last)
        op->moveBefore(last);
      // A destination of its own: one that others have, too, may become memory that the chain
      // reads.
      OpBuilder b(op);
      MutableOperandRange inits =
          cast<DestinationStyleOpInterface>(op.getOperation()).getDpsInitsMutable();
      if (auto empty = op.getInit().getDefiningOp<tensor::EmptyOp>())
        inits[0].set(b.clone(*empty)->getResult(0));
    }
    last.setChainAttr(ChainAttr::get(&getContext(), int64_t(chain.kernels.size()),
                                     rows > 0 ? int64_t(rows) : chain.getRows()));
    ++numChains;
  }

  // Cuts `run` into the chains that together save most.
  void choose(Kernels run) {
    auto hasWindow = [](KernelOpInterface op) { return op.isDepthwise(); };
    if (chains == "all") {
      if (llvm::any_of(run, hasWindow))
        apply(Candidate::plan(run, double(cacheBytes)));
      return;
    }
    // What the kernels from each one on save, and the length of the first chain there.
    SmallVector<double> best(run.size() + 1, 0);
    SmallVector<size_t> length(run.size(), 1);
    for (size_t i = run.size(); i-- > 0;) {
      best[i] = best[i + 1];
      for (size_t n = 2; n <= std::min(kMostKernels, run.size() - i); ++n) {
        Kernels kernels = run.slice(i, n);
        // Bytes are a quarter as many: chains of them were measured and gain nothing.
        if (!llvm::any_of(kernels, hasWindow) || !isa<FloatType>(getSumType(run[i])))
          continue;
        double total,
            gain = Candidate::plan(kernels, double(cacheBytes)).getGain(double(cacheBytes), total);
        if (gain > kLeastShare * total && gain + best[i + n] > best[i])
          best[i] = gain + best[i + n], length[i] = n;
      }
    }
    for (size_t i = 0; i < run.size(); i += length[i])
      if (length[i] > 1)
        apply(Candidate::plan(run.slice(i, length[i]), double(cacheBytes)));
  }

  void runOnOperation() override {
    if (chains != "none" && chains != "cost" && chains != "all") {
      getOperation().emitError("unknown choice '")
          << chains << "' in option chains; expected none, cost or all";
      return signalPassFailure();
    }
    if (rows < 0 || cacheBytes < 1) {
      getOperation().emitError("expected no negative rows and one or more cache-bytes (got ")
          << int64_t(rows) << " and " << int64_t(cacheBytes) << ")";
      return signalPassFailure();
    }
    if (chains == "none")
      return;
    SmallVector<KernelOpInterface> ops;
    bool given = false;
    getOperation().walk([&](KernelOpInterface op) {
      ops.push_back(op);
      given |= bool(op.getChainAttr());
    });
    if (given)
      return;
    llvm::DenseSet<Operation *> taken;
    for (KernelOpInterface op : llvm::reverse(ops)) {
      SmallVector<KernelOpInterface> run;
      for (KernelOpInterface at = op; at && taken.insert(at).second; at = getBefore(at))
        if (fits(at))
          run.push_back(at);
      std::reverse(run.begin(), run.end());
      if (run.size() > 1)
        choose(run);
    }
  }
};
} // namespace
