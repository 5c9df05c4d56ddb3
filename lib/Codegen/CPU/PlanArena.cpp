//===- PlanArena.cpp - Static places for buffers --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Offsets are assigned by decreasing size, each buffer at the lowest place where no buffer with an
// overlapping life lies (greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for
// Deep Neural Net Inference", 2020).

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/Support/MathExtras.h"

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

struct PlanArenaPass : terse::impl::PlanArenaPassBase<PlanArenaPass> {
  // The life of `alloc` in positions of the entry block, or nothing if it has no static place.
  std::optional<Buffer> analyze(memref::AllocOp alloc, Block &entry,
                                BufferViewFlowAnalysis &aliases,
                                const DenseMap<Operation *, unsigned> &position) {
    MemRefType type = alloc.getType();
    if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
        !type.getElementType().isIntOrIndexOrFloat())
      return std::nullopt;
    if (alloc->getParentOfType<scf::ParallelOp>() || alloc->getParentOfType<scf::ForallOp>())
      return std::nullopt;
    Operation *top = entry.findAncestorOpInBlock(*alloc);
    Buffer buffer{alloc, position.lookup(top), position.lookup(top), 0};
    unsigned width =
        type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    buffer.bytes = std::max<uint64_t>(1, type.getNumElements()) * width;
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
    SmallVector<Buffer> buffers;
    func.walk([&](memref::AllocOp alloc) {
      if (auto buffer = analyze(alloc, entry, aliases, position))
        buffers.push_back(*buffer);
      else
        ++numHeap;
    });
    numPlanned += buffers.size();
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
