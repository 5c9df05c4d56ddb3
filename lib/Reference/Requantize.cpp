//===- Requantize.cpp - Scaled sums of integers to integers ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "OpCall.h"
#include "RuntimeOps.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Numerics/Requantize.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

namespace {
/// An operand as integers and floats, with the strides that read it at positions of the result.
struct Operand {
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<int64_t> strides;
};
} // namespace

llvm::Expected<HostTensor> reference::evaluateRequantize(RequantizeOp op,
                                                         ArrayRef<HostTensor> tensors) {
  auto fail = [&](const llvm::Twine &message) { return OpCall(op, {}, {}).fail(message); };
  SmallVector<int64_t> shape;
  for (const HostTensor &tensor : tensors) {
    auto joined = nn::broadcastShapes(shape, tensor.shape);
    if (!joined)
      return fail("has operands that do not broadcast to each other: " + tensor.getTypeString());
    shape = std::move(*joined);
  }
  bool isFixed = bool(op.getShift());
  size_t terms = op.getInputs().size();
  std::vector<Operand> operands;
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    Operand operand;
    if (tensor.dtype.isFloat())
      operand.floats = tensor.toFloats();
    else
      operand.ints = tensor.toInts();
    operand.strides = getBroadcastStrides(tensor.shape, shape);
    operands.push_back(std::move(operand));
  }
  const Operand *shift = isFixed ? &operands[2 * terms] : nullptr;
  const Operand *zeroPoint = op.getZeroPoint() ? &operands.back() : nullptr;
  numerics::QuantRange range{int64_t(op.getLow()), int64_t(op.getHigh())};

  auto type = cast<RankedTensorType>(op.getResult().getType());
  HostTensor result = HostTensor::zeros(*toDType(type.getElementType()), shape);
  std::vector<int64_t> values(result.getNumElements());
  bool legalShift = true;
  forEachIndex(shape, [&](int64_t flat, ArrayRef<int64_t> position) {
    auto offset = [&](const Operand &operand) {
      int64_t at = 0;
      for (auto [index, stride] : llvm::zip(position, operand.strides))
        at += index * stride;
      return at;
    };
    int64_t zero = zeroPoint ? zeroPoint->ints[offset(*zeroPoint)] : 0;
    if (!isFixed) {
      float sum = 0;
      for (size_t i = 0; i < terms; ++i) {
        float product = static_cast<float>(operands[i].ints[offset(operands[i])]) *
                        operands[terms + i].floats[offset(operands[terms + i])];
        sum = i == 0 ? product : sum + product;
      }
      values[flat] = numerics::quantizeRatio(sum, zero, range);
      return;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < terms; ++i)
      sum += operands[i].ints[offset(operands[i])] *
             operands[terms + i].ints[offset(operands[terms + i])];
    int64_t right = 31 - shift->ints[offset(*shift)];
    legalShift &= right >= 1 && right <= 61;
    if (!legalShift)
      return;
    values[flat] = numerics::clampInt(numerics::shiftRightHalfToEven(sum, unsigned(right)) + zero,
                                      range.min, range.max);
  });
  if (!legalShift)
    return fail("has a shift outside of [-30, 30]");
  store(values, result);
  return result;
}
