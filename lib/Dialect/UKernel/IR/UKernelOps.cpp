//===- UKernelOps.cpp - Ops of the ukernel dialect ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OpImplementation.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse::ukernel;

#include "terse/Dialect/UKernel/IR/UKernelAttrInterfaces.cpp.inc"
#include "terse/Dialect/UKernel/IR/UKernelInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "terse/Dialect/UKernel/IR/UKernelOps.cpp.inc"

static ShapedType shaped(Value v) { return cast<ShapedType>(v.getType()); }

int64_t terse::ukernel::getGroupChannels(KernelOpInterface op) {
  ShapedType rhs = shaped(op.getRhs());
  // Packed: window lines, columns and channels of the group, channels.
  return rhs.getRank() == 4 ? rhs.getDimSize(1)
                            : rhs.getDimSize(1) / op.getWindowOrNull().getKernel()[1];
}

KernelSizes terse::ukernel::getSizes(KernelOpInterface op) {
  int64_t n = shaped(op.getInit()).getShape().back(), k = shaped(op.getLhs()).getShape().back();
  WindowAttr window = op.getWindowOrNull();
  if (!window)
    return {n, k};
  n /= op.getParts(), k /= op.getParts();
  k = (op.isDepthwise() ? getGroupChannels(op) : k) * window.getKernel()[0] * window.getKernel()[1];
  return {n, k, window.getKernel()[0], window.getKernel()[1]};
}

SmallVector<int64_t> terse::ukernel::getPackedShape(KernelSizes sizes, ScheduleAttr schedule,
                                                    int64_t parts) {
  int64_t depth = schedule.getDepth(), columns = schedule.getColumns();
  int64_t padded = llvm::alignTo(sizes.k, schedule.getAlign());
  if (schedule.getLines()) {
    LineGroups groups(sizes, schedule);
    padded = groups.count * groups.padded;
  }
  return {parts * int64_t(llvm::divideCeil(sizes.n, columns)), padded / depth, columns * depth};
}

Type terse::ukernel::getSumType(KernelOpInterface op) {
  Type element = shaped(op.getLhs()).getElementType();
  if (isBlockProduct(op) || isa<FloatType>(element))
    return Float32Type::get(element.getContext());
  return IntegerType::get(element.getContext(), 32);
}

bool terse::ukernel::isBlockProduct(KernelOpInterface op) {
  return shaped(op.getLhs()).getElementType().isInteger(8) &&
         (op.getDecodingAttr() || shaped(op.getRhs()).getElementType().isF32());
}

//===----------------------------------------------------------------------===//
// What the kernel ops share
//===----------------------------------------------------------------------===//

static void
getKernelEffects(KernelOpInterface op,
                 SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  Operation *base = op.getOperation();
  for (OpOperand &operand : base->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool written = cast<DestinationStyleOpInterface>(base).isDpsInit(&operand);
    if (written)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    if (!written || operand.get() == op.getMagnitudes())
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

static LogicalResult reifyKernelShape(OpBuilder &b, KernelOpInterface op,
                                      ReifiedRankedShapedTypeDims &dims) {
  if (op->getNumResults() == 0)
    return failure();
  dims.push_back(tensor::getMixedSizes(b, op.getLoc(), op.getInit()));
  if (op.getMagnitudes())
    dims.push_back(tensor::getMixedSizes(b, op.getLoc(), op.getMagnitudes()));
  return success();
}

static LogicalResult verifyKernel(KernelOpInterface op) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs()), init = shaped(op.getInit());
  SmallVector<Type> results;
  for (Value v : cast<DestinationStyleOpInterface>(op.getOperation()).getDpsInits())
    if (isa<TensorType>(v.getType()))
      results.push_back(v.getType());
  if (op->getResultTypes() != TypeRange(results))
    return op.emitOpError(
        "expected one result of the type of each tensor destination, none for buffers");
  Type left = lhs.getElementType(), right = rhs.getElementType();
  if (!(left.isF32() && (right.isF32() || right.isInteger(8))) &&
      !(left.isInteger(8) && right.isInteger(8)) && !(left.isBF16() && right.isBF16()) &&
      !(left.isBF16() && (op.getDecodingAttr() || op.getRhs().getDefiningOp<WeightsOp>())) &&
      !isBlockProduct(op))
    return op.emitOpError(
               "expected operands of f32, of bf16 or of 8-bit integers, or 8-bit weights "
               "of f32 (got ")
           << left << " and " << right << ")";
  if (left.isBF16() && !right.isBF16() && op.getWindowOrNull())
    return op.emitOpError("expected rows beside weights that are decoded and bf16");
  if (isBlockProduct(op) && (op.getWindowOrNull() || op.getLhsUnsigned()))
    return op.emitOpError("expected rows of signed bytes beside weights that are decoded");
  // C1
  if (lhs.getRank() != init.getRank() || lhs.getRank() < 2)
    return op.emitOpError("expected operands and destination of the same rank, at least 2 (got ")
           << lhs.getRank() << " and " << init.getRank() << ")";
  if (op.getWindowOrNull() && lhs.getRank() != 4)
    return op.emitOpError("expected a left operand of rank 4 (got ") << lhs.getRank() << ")";
  if (ShapedType::isDynamic(lhs.getShape().back()) || ShapedType::isDynamic(init.getShape().back()))
    return op.emitOpError("expected static channels");
  // C8
  int64_t parts = op.getParts();
  if (parts < 1 || lhs.getShape().back() % parts || init.getShape().back() % parts)
    return op.emitOpError("expected parts that divide the channels (got ") << parts << ")";
  // C2
  KernelSizes sizes = getSizes(op);
  if (rhs.getRank() == 3) {
    if (!op.getScheduleAttr())
      return op.emitOpError("expected a schedule beside packed weights");
    SmallVector<int64_t> shape = getPackedShape(sizes, op.getScheduleAttr(), op.getParts());
    if (DecodingAttr decoding = op.getDecodingAttr()) {
      if (!right.isInteger(8) || op.isDepthwise())
        return op.emitOpError("expected packed bytes beside a decoding");
      if (left.isInteger(8) && (decoding.getTable() != TableKind::None || decoding.getBlocks() ||
                                !decoding.getValue().isInteger()))
        return op.emitOpError("expected weights of integers beside a left operand of bytes");
      shape = WeightLayout(sizes, op.getScheduleAttr(), decoding).getShape();
    }
    if (!op.isDepthwise() && rhs.getShape() != ArrayRef<int64_t>(shape))
      return op.emitOpError("expected packed weights of the schedule (got ") << rhs << ")";
  } else if (op.getStart()) {
    return op.emitOpError("expected packed weights beside start values");
  } else if (isa<ConvOp>(op.getOperation())) {
    WindowAttr window = op.getWindowOrNull();
    if (!rhs.hasStaticShape() || rhs.getRank() != 4 ||
        rhs.getDimSize(0) != init.getShape().back() || rhs.getDimSize(1) == 0 ||
        lhs.getShape().back() / parts % rhs.getDimSize(1) ||
        rhs.getShape().drop_front(2) != window.getKernel())
      return op.emitOpError("expected weights of groups of channels (got ") << rhs << ")";
  } else if (!rhs.hasStaticShape() || rhs.getNumElements() != sizes.n * sizes.k) {
    return op.emitOpError("expected weights of ")
           << sizes.n << " x " << sizes.k << " elements (got " << rhs << ")";
  }
  // C3
  Block &block = op.getEpilogue().front();
  if (block.getNumArguments() != op.getExtras().size() + 1 ||
      block.getArgument(0).getType() != getSumType(op))
    return op.emitOpError("expected the sum (")
           << getSumType(op) << ") and an element of each extra as the epilogue's arguments";
  for (auto [arg, extra] : llvm::zip(block.getArguments().drop_front(), op.getExtras()))
    if (arg.getType() != shaped(extra).getElementType())
      return op.emitOpError("expected an epilogue argument of type ")
             << shaped(extra).getElementType() << " (got " << arg.getType() << ")";
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getValue().getType() != init.getElementType())
    return op.emitOpError("expected the epilogue to yield ") << init.getElementType();
  // C4
  ArrayAttr maps = op.getExtraMapsAttr();
  if (maps.size() != op.getExtras().size())
    return op.emitOpError("expected a map for each of ")
           << op.getExtras().size() << " extras (got " << maps.size() << ")";
  for (auto [attr, extra] : llvm::zip(maps, op.getExtras())) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    if (map.getNumDims() != init.getRank() || map.getNumSymbols() ||
        map.getNumResults() != shaped(extra).getRank())
      return op.emitOpError("expected a map of ")
             << init.getRank() << " to " << shaped(extra).getRank() << " dimensions (got " << attr
             << ")";
  }
  // C5
  if (op.getMagnitudes()) {
    ShapedType magnitudes = shaped(op.getMagnitudes());
    if (!init.getElementType().isF32() || !magnitudes.getElementType().isF32() ||
        magnitudes.getRank() != 1 || magnitudes.getDimSize(0) != init.getDimSize(0))
      return op.emitOpError("expected one f32 magnitude for each sample of an f32 result (got ")
             << magnitudes << " beside " << init << ")";
  }
  return success();
}

#define KERNEL_OP(OP)                                                                              \
  void OP::getEffects(                                                                             \
      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {              \
    getKernelEffects(cast<KernelOpInterface>(getOperation()), effects);                            \
  }                                                                                                \
  LogicalResult OP::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {           \
    return reifyKernelShape(b, cast<KernelOpInterface>(getOperation()), dims);                     \
  }                                                                                                \
  LogicalResult OP::verify() { return verifyKernel(cast<KernelOpInterface>(getOperation())); }
KERNEL_OP(GemmOp)
KERNEL_OP(ConvOp)
KERNEL_OP(DepthwiseConvOp)
#undef KERNEL_OP

//===----------------------------------------------------------------------===//
// ChainOp
//===----------------------------------------------------------------------===//

LogicalResult ChainOp::verify() {
  SmallVector<KernelOpInterface> kernels(getBody().getOps<KernelOpInterface>());
  // C1
  if (kernels.size() < 2)
    return emitOpError("expected two or more kernels (got ") << kernels.size() << ")";
  for (Operation &op : getBody().front())
    if (!isa<KernelOpInterface, memref::AllocaOp, EndOp>(op) &&
        !op.hasTrait<OpTrait::ConstantLike>())
      return emitOpError("expected kernels and buffers (got ") << op.getName() << ")";
  // C2
  for (auto [before, after] : llvm::zip(kernels, llvm::drop_begin(kernels))) {
    auto alloc = after.getLhs().getDefiningOp<memref::AllocaOp>();
    if (!alloc || alloc->getParentOp() != getOperation() || before.getInit() != after.getLhs())
      return emitOpError("expected each kernel to read a buffer of the chain that the one before "
                         "writes");
  }
  for (auto alloc : getBody().getOps<memref::AllocaOp>())
    if (auto uses = std::distance(alloc->use_begin(), alloc->use_end()); uses != 2)
      return emitOpError("expected a buffer of the chain to be the destination of one kernel and "
                         "the left operand of the next one (got ")
             << uses << " uses)";
  // C3
  if (getRows() < 1 || getSlots() < 1)
    return emitOpError("expected one or more rows and parts of the scratch (got ")
           << getRows() << " and " << getSlots() << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// PackOp
//===----------------------------------------------------------------------===//

LogicalResult PackOp::verify() {
  auto weight = cast<RankedTensorType>(getWeight().getType()),
       packed = cast<RankedTensorType>(getPacked().getType());
  if (!weight.hasStaticShape() || (weight.getRank() != 2 && weight.getRank() != 4))
    return emitOpError("expected weights of static shape and rank 2 or 4 (got ") << weight << ")";
  DecodingAttr decoding = getDecodingAttr();
  if (decoding ? !packed.getElementType().isInteger(8)
               : weight.getElementType() != packed.getElementType())
    return emitOpError("expected packed weights of the same element type (got ") << packed << ")";
  int64_t n = weight.getDimSize(getTransposed() ? 1 : 0),
          k = weight.getNumElements() / std::max<int64_t>(n, 1);
  KernelSizes sizes{n, k};
  if (weight.getRank() == 4)
    sizes.height = weight.getDimSize(2), sizes.width = weight.getDimSize(3);
  if (getChannels()) {
    int64_t parts = getParts();
    if (weight.getRank() != 4 || parts < 1 || n % parts || getChannels() % weight.getDimSize(1) ||
        n / parts % (getChannels() / weight.getDimSize(1)))
      return emitOpError("expected weights of whole groups in each of ") << parts << " parts";
    sizes.n /= getParts(), sizes.k = getChannels() * sizes.height * sizes.width;
  }
  SmallVector<int64_t> shape = getPackedShape(sizes, getSchedule(), getParts());
  if (getDepthwise())
    shape = {weight.getDimSize(2), weight.getDimSize(3) * weight.getDimSize(1), n};
  else if (decoding)
    shape = WeightLayout({n, k}, getSchedule(), decoding).getShape();
  if (packed.getShape() != ArrayRef<int64_t>(shape))
    return emitOpError("expected packed weights of ")
           << RankedTensorType::get(shape, packed.getElementType()) << " (got " << packed << ")";
  return success();
}
