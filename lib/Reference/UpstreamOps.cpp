//===- UpstreamOps.cpp - arith and tensor ops -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few upstream ops that importers and nn-decompose put between nn ops. Sizes come from outside,
// so that every access is checked.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "OpCall.h"
#include "RuntimeOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

using Result = llvm::Expected<std::optional<HostTensor>>;

static llvm::Error fail(Operation *op, const llvm::Twine &message) {
  return OpCall(op, {}, {}).fail(message);
}

/// The type of result 0 with a run-time shape; an error if it is too large to be true.
static llvm::Expected<HostTensor> makeResult(Operation *op, ArrayRef<int64_t> shape) {
  InterpreterOptions options;
  OpCall call(op, {}, options);
  if (llvm::Error error = call.setResultShape(0, shape))
    return std::move(error);
  return call.result();
}

/// Static entries of a mixed list, with the dynamic ones taken from `operands` in order.
static std::vector<int64_t> resolveMixed(ArrayRef<int64_t> mixed, ArrayRef<HostTensor> operands) {
  std::vector<int64_t> values;
  for (int64_t value : mixed) {
    if (ShapedType::isDynamic(value)) {
      value = operands.front().getAsInt(0);
      operands = operands.drop_front();
    }
    values.push_back(value);
  }
  return values;
}

/// Copies between a tensor and the positions `offsets + i * strides` of another one of its rank.
template <typename Op>
static Result evaluateSlice(Op op, ArrayRef<HostTensor> operands, const HostTensor &whole,
                            const HostTensor *part) {
  size_t dynamicOffsets = op.getOffsets().size(), dynamicSizes = op.getSizes().size();
  std::vector<int64_t> offsets = resolveMixed(op.getStaticOffsets(), operands);
  std::vector<int64_t> sizes =
      resolveMixed(op.getStaticSizes(), operands.drop_front(dynamicOffsets));
  std::vector<int64_t> steps =
      resolveMixed(op.getStaticStrides(), operands.drop_front(dynamicOffsets + dynamicSizes));
  for (int64_t d = 0; d < whole.getRank(); ++d) {
    __int128 last = offsets[d] + (__int128(sizes[d]) - 1) * steps[d];
    bool fits = sizes[d] == 0 || (sizes[d] > 0 && offsets[d] >= 0 && offsets[d] < whole.shape[d] &&
                                  last >= 0 && last < whole.shape[d]);
    if (!fits)
      return fail(op, "reaches outside of dimension " + llvm::Twine(d) + " of size " +
                          llvm::Twine(whole.shape[d]));
  }
  std::vector<int64_t> strides = whole.getStrides();
  int64_t base = 0;
  for (int64_t d = 0; d < whole.getRank(); ++d) {
    base += offsets[d] * strides[d];
    strides[d] = sizes[d] > 1 ? strides[d] * steps[d] : 0;
  }
  int64_t count = AxisView::product(sizes);
  unsigned bytes = whole.dtype.getHostBytes();

  if (part) {
    if (part->getNumElements() != count)
      return fail(op, "has " + llvm::Twine(part->getNumElements()) + " elements for a slice of " +
                          llvm::Twine(count));
    HostTensor result = whole;
    uint8_t *out = result.getMutableBytes().data();
    forEachPosition<1>(sizes, {strides}, [&](int64_t i, std::array<int64_t, 1> at) {
      std::memcpy(out + (base + at[0]) * bytes, part->getBytes().data() + i * bytes, bytes);
    });
    return result;
  }
  // Dimensions of size 1 may be dropped from the result's type; its static sizes tell which.
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  std::vector<int64_t> shape;
  llvm::SmallBitVector dropped = cast<tensor::ExtractSliceOp>(op.getOperation()).getDroppedDims();
  for (size_t d = 0; d < sizes.size(); ++d)
    if (!dropped.test(d))
      shape.push_back(sizes[d]);
  if (static_cast<int64_t>(shape.size()) != type.getRank())
    return fail(op, "drops dimensions in a way that is not supported");
  llvm::Expected<HostTensor> result = makeResult(op, shape);
  if (!result)
    return result.takeError();
  uint8_t *out = result->getMutableBytes().data();
  forEachPosition<1>(sizes, {strides}, [&](int64_t i, std::array<int64_t, 1> at) {
    std::memcpy(out + i * bytes, whole.getBytes().data() + (base + at[0]) * bytes, bytes);
  });
  return *result;
}

/// A binary function of integer scalars or tensors of equal shape, modulo the width.
template <typename Fn>
static Result mapIntegers(Operation *op, ArrayRef<HostTensor> operands, Fn fn) {
  if (operands[0].dtype.isFloat() || operands[0].shape != operands[1].shape)
    return fail(op, "expected integers of equal shape");
  HostTensor result = operands[0];
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    setElement<int64_t>(result, i, fn(operands[0].getAsInt(i), operands[1].getAsInt(i)));
  return result;
}

static Result evaluateCompare(arith::CmpIOp op, ArrayRef<HostTensor> operands) {
  HostTensor result = HostTensor::zeros(DType::boolean(), operands[0].shape);
  if (operands[0].shape != operands[1].shape)
    return fail(op, "expected equal shapes");
  auto toAPInt = [&](const HostTensor &tensor, int64_t i) {
    return llvm::APInt(64, static_cast<uint64_t>(tensor.getAsInt(i)));
  };
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    result.setFromInt(i, arith::applyCmpPredicate(op.getPredicate(), toAPInt(operands[0], i),
                                                  toAPInt(operands[1], i)));
  return result;
}

static Result evaluateExtract(tensor::ExtractOp op, ArrayRef<HostTensor> operands) {
  const HostTensor &x = operands[0];
  int64_t offset = 0;
  for (int64_t d = 0; d < x.getRank(); ++d) {
    int64_t index = operands[1 + d].getAsInt(0);
    if (index < 0 || index >= x.shape[d])
      return fail(op, "index " + llvm::Twine(index) + " is out of range for a dimension of size " +
                          llvm::Twine(x.shape[d]));
    offset = offset * x.shape[d] + index;
  }
  HostTensor result = HostTensor::zeros(x.dtype, {});
  unsigned bytes = x.dtype.getHostBytes();
  std::memcpy(result.getMutableBytes().data(), x.getBytes().data() + offset * bytes, bytes);
  return result;
}

Result reference::evaluateUpstreamOp(Operation *op, ArrayRef<HostTensor> operands) {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::ConstantOp constant) -> Result {
        llvm::Expected<HostTensor> value = toConstantTensor(constant.getValue());
        if (!value)
          return fail(op, llvm::toString(value.takeError()));
        return *value;
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>([&](auto) -> Result {
        auto type = toDType(getElementTypeOrSelf(op->getResult(0).getType()));
        if (!type || type->isFloat() || operands[0].dtype.isFloat())
          return fail(op, "expected integers");
        HostTensor result = HostTensor::zeros(*type, operands[0].shape);
        for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
          // As a signed integer, true is -1.
          int64_t value = operands[0].getAsInt(i);
          setElement<int64_t>(result, i, operands[0].dtype.isBool() ? -value : value);
        }
        return result;
      })
      .Case([&](arith::AddIOp) { return mapIntegers(op, operands, wrappingAdd<int64_t>); })
      .Case([&](arith::SubIOp) { return mapIntegers(op, operands, wrappingSub<int64_t>); })
      .Case([&](arith::MulIOp) { return mapIntegers(op, operands, wrappingMul<int64_t>); })
      .Case([&](arith::MinSIOp) {
        return mapIntegers(op, operands, [](int64_t a, int64_t b) { return std::min(a, b); });
      })
      .Case([&](arith::MaxSIOp) {
        return mapIntegers(op, operands, [](int64_t a, int64_t b) { return std::max(a, b); });
      })
      .Case([&](arith::AndIOp) { return mapIntegers(op, operands, std::bit_and<int64_t>()); })
      .Case([&](arith::OrIOp) { return mapIntegers(op, operands, std::bit_or<int64_t>()); })
      .Case([&](arith::XOrIOp) { return mapIntegers(op, operands, std::bit_xor<int64_t>()); })
      .Case([&](arith::CmpIOp compare) { return evaluateCompare(compare, operands); })
      .Case([&](arith::SelectOp) -> Result {
        if (operands[0].getRank() != 0)
          return fail(op, "expected a scalar condition");
        return operands[0].getAsInt(0) ? operands[1] : operands[2];
      })
      // On values, a copy is its input; nn-decompose uses it to say where a buffer is wanted.
      .Case([&](linalg::CopyOp) -> Result { return operands[0]; })
      .Case([&](tensor::ExtractOp extract) { return evaluateExtract(extract, operands); })
      .Case([&](tensor::FromElementsOp elements) -> Result {
        llvm::Expected<HostTensor> result = makeResult(op, elements.getType().getShape());
        if (!result)
          return result.takeError();
        uint8_t *out = result->getMutableBytes().data();
        unsigned bytes = result->dtype.getHostBytes();
        for (auto [i, operand] : llvm::enumerate(operands))
          std::memcpy(out + i * bytes, operand.getBytes().data(), bytes);
        return *result;
      })
      .Case([&](tensor::DimOp) -> Result {
        int64_t axis = operands[1].getAsInt(0);
        if (axis < 0 || axis >= operands[0].getRank())
          return fail(op, "axis " + llvm::Twine(axis) + " is out of range");
        return HostTensor::from<int64_t>({}, ArrayRef<int64_t>(operands[0].shape[axis]));
      })
      .Case([&](tensor::CastOp) -> Result {
        auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
        if (!type || failed(verifyCompatibleShape(type.getShape(), operands[0].shape)))
          return fail(op, "does not fit a tensor of type " + operands[0].getTypeString());
        return operands[0];
      })
      .Case([&](tensor::EmptyOp empty) -> Result {
        llvm::Expected<HostTensor> result =
            makeResult(op, resolveMixed(empty.getType().getShape(), operands));
        if (!result)
          return result.takeError();
        return *result;
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return evaluateSlice(slice, operands.drop_front(1), operands[0], nullptr);
      })
      .Case([&](tensor::InsertSliceOp slice) {
        return evaluateSlice(slice, operands.drop_front(2), operands[1], &operands[0]);
      })
      .Default([&](Operation *) -> Result { return std::optional<HostTensor>(); });
}
