//===- Bufferization.cpp - Kernels on buffers -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace terse::ukernel;

namespace {
template <typename OpTy>
struct KernelModel : DstBufferizableOpInterfaceExternalModel<KernelModel<OpTy>, OpTy> {
  // The destination is overwritten without a look.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    auto kernel = dyn_cast<KernelOpInterface>(op);
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand) ||
           (kernel && operand.get() == kernel.getMagnitudes());
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    if (cast<DestinationStyleOpInterface>(op).hasPureBufferSemantics())
      return success();
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value v : op->getOperands()) {
      if (!isa<TensorType>(v.getType())) {
        operands.push_back(v);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, v, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(), op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    newState.addRegion()->takeBody(op->getRegion(0));
    Operation *newOp = rewriter.create(newState);
    auto inits = cast<DestinationStyleOpInterface>(newOp).getDpsInits();
    replaceOpWithBufferizedValues(rewriter, op, SmallVector<Value>(inits));
    return success();
  }
};
} // namespace

void terse::ukernel::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, UKernelDialect *) {
    GemmOp::attachInterface<KernelModel<GemmOp>>(*context);
    ConvOp::attachInterface<KernelModel<ConvOp>>(*context);
    AttentionOp::attachInterface<KernelModel<AttentionOp>>(*context);
    DepthwiseConvOp::attachInterface<KernelModel<DepthwiseConvOp>>(*context);
  });
}
