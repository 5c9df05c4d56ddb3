//===- PlanArena.cpp - Static places for buffers --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Offsets are assigned by decreasing size, each buffer at the lowest place where no buffer with an
// overlapping life lies (greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for
// Deep Neural Net Inference", 2020).
//
// Buffers whose one open size is the same size of an input, as that of a batch, are planned alike,
// in bytes for each sample.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <map>

namespace terse {
#define GEN_PASS_DEF_PLANARENAPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct Buffer {
  memref::AllocOp alloc;
  unsigned first, last;
  uint64_t bytes, offset = 0;
};

// A size of an argument: which one, and the dimension.
using OpenSize = std::pair<unsigned, int64_t>;

// The one open size of `alloc`, if it is one of an argument of the function.
std::optional<OpenSize> getOpenSize(memref::AllocOp alloc, Block &entry) {
  if (alloc.getDynamicSizes().size() != 1)
    return std::nullopt;
  auto dim = alloc.getDynamicSizes()[0].getDefiningOp<memref::DimOp>();
  auto argument = dim ? dyn_cast<BlockArgument>(dim.getSource()) : BlockArgument();
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  if (!argument || argument.getOwner() != &entry || !index)
    return std::nullopt;
  return OpenSize{argument.getArgNumber(), *index};
}

struct PlanArenaPass : terse::impl::PlanArenaPassBase<PlanArenaPass> {
  // The life of `alloc` in positions of the entry block, or nothing if it has no place in a plan.
  // Bytes are those of one sample.
  std::optional<Buffer> analyze(memref::AllocOp alloc, Block &entry,
                                BufferViewFlowAnalysis &aliases,
                                const DenseMap<Operation *, unsigned> &position) {
    MemRefType type = alloc.getType();
    if ((!type.hasStaticShape() && !getOpenSize(alloc, entry)) || !type.getLayout().isIdentity() ||
        !type.getElementType().isIntOrIndexOrFloat())
      return std::nullopt;
    if (alloc->getParentOfType<scf::ParallelOp>() || alloc->getParentOfType<scf::ForallOp>())
      return std::nullopt;
    Operation *top = entry.findAncestorOpInBlock(*alloc);
    Buffer buffer{alloc, position.lookup(top), position.lookup(top), 0};
    unsigned width =
        type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    uint64_t elements = 1;
    for (int64_t size : type.getShape())
      elements *= ShapedType::isDynamic(size) ? 1 : size;
    buffer.bytes = std::max<uint64_t>(1, elements) * width;
    for (Value alias : aliases.resolve(alloc)) {
      for (Operation *user : alias.getUsers()) {
        // What a loop yields lives on while the next iteration allocates again.
        Operation *parent = user->getParentOp();
        if (user->hasTrait<OpTrait::IsTerminator>() && isa<LoopLikeOpInterface>(parent) &&
            parent->isProperAncestor(alloc))
          return std::nullopt;
        Operation *ancestor = entry.findAncestorOpInBlock(*user);
        if (!ancestor)
          return std::nullopt;
        buffer.last = std::max(buffer.last, position.lookup(ancestor));
      }
    }
    return buffer;
  }

  static uint64_t assignOffsets(MutableArrayRef<Buffer> buffers) {
    SmallVector<Buffer *> order;
    for (Buffer &b : buffers)
      order.push_back(&b);
    llvm::sort(order, [&](Buffer *a, Buffer *b) {
      return a->bytes != b->bytes ? a->bytes > b->bytes
                                  : a < b; // Pointers into one array: its order.
    });
    uint64_t size = 0;
    SmallVector<Buffer *> placed;
    for (Buffer *b : order) {
      SmallVector<std::pair<uint64_t, uint64_t>> taken;
      for (Buffer *p : placed)
        if (p->first <= b->last && b->first <= p->last)
          taken.push_back({p->offset, llvm::alignTo(p->offset + p->bytes, 64)});
      llvm::sort(taken);
      uint64_t offset = 0;
      for (auto [begin, end] : taken) {
        if (offset + b->bytes <= begin)
          break;
        offset = std::max(offset, end);
      }
      b->offset = offset;
      size = std::max(size, llvm::alignTo(offset + b->bytes, 64));
      placed.push_back(b);
    }
    return size;
  }

  // Views of memory that is allocated at once.
  static void placeSamples(MutableArrayRef<Buffer> buffers, OpenSize open, Block &entry) {
    uint64_t bytes = assignOffsets(buffers);
    auto b = OpBuilder::atBlockBegin(&entry);
    Location loc = entry.getParentOp()->getLoc();
    auto constant = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); };
    Value samples = memref::DimOp::create(b, loc, entry.getArgument(open.first), open.second);
    Value total = arith::MulIOp::create(b, loc, samples, constant(bytes));
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    auto memory = memref::AllocOp::create(b, loc, type, ValueRange{total}, b.getI64IntegerAttr(64));
    memory->setAttr(kScratchAttr, b.getUnitAttr());
    for (Buffer &buffer : buffers) {
      Value offset = arith::MulIOp::create(b, loc, samples, constant(buffer.offset));
      Value view = memref::ViewOp::create(b, buffer.alloc.getLoc(), buffer.alloc.getType(), memory,
                                          offset, ValueRange{samples});
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
  }

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isDeclaration() || func.isPrivate())
      return;
    if (!func.getBody().hasOneBlock()) {
      func.emitError("expected a body of one block");
      return signalPassFailure();
    }
    Block &entry = func.getBody().front();
    DenseMap<Operation *, unsigned> position;
    for (auto [i, op] : llvm::enumerate(entry))
      position[&op] = i;
    BufferViewFlowAnalysis aliases(func);
    SmallVector<Buffer> buffers, open;
    // Bytes for each of the sizes.
    std::map<OpenSize, uint64_t> weight;
    func.walk([&](memref::AllocOp alloc) {
      std::optional<Buffer> buffer = analyze(alloc, entry, aliases, position);
      if (!buffer) {
        ++numHeap;
      } else if (std::optional<OpenSize> size = getOpenSize(alloc, entry)) {
        open.push_back(*buffer);
        weight[*size] += buffer->bytes;
      } else {
        buffers.push_back(*buffer);
      }
    });
    if (!open.empty()) {
      OpenSize most = llvm::max_element(weight, llvm::less_second())->first;
      llvm::erase_if(open, [&](Buffer &buffer) {
        bool other = *getOpenSize(buffer.alloc, entry) != most;
        numHeap += other;
        return other;
      });
      placeSamples(open, most, entry);
    }
    numPlanned += buffers.size() + open.size();
    uint64_t size = assignOffsets(buffers);

    OpBuilder b(func.getBody());
    unsigned index = std::min(1u, func.getNumArguments());
    if (failed(func.insertArgument(index, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
                                   {}, func.getLoc())))
      return signalPassFailure();
    Value arena = func.getArgument(index);
    for (Buffer &buffer : buffers) {
      // In front of everything, so that views of equal places fold and no loop recomputes them.
      b.setInsertionPointToStart(&entry);
      Location loc = buffer.alloc.getLoc();
      Value offset = arith::ConstantIndexOp::create(b, loc, buffer.offset);
      Value view =
          memref::ViewOp::create(b, loc, buffer.alloc.getType(), arena, offset, ValueRange{});
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
    func->setAttr(kArenaSizeAttr, b.getI64IntegerAttr(size));
  }
};
} // namespace
