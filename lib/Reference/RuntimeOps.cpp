//===- RuntimeOps.cpp - Ops on run-time values ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RuntimeOps.h"
#include "OpCall.h"

#include "terse/Dialect/Terse/IR/BlockProduct.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

using Values = SmallVector<RuntimeValue>;

std::optional<SmallVector<RankedTensorType>> reference::getRuntimeComponents(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    SmallVector<RankedTensorType> components;
    if (EncodingAttrInterface encoding = getEncoding(tensor))
      for (const EncodingComponent &component : encoding.getComponents(stripEncoding(tensor)))
        components.push_back(component.type);
    else
      components.push_back(tensor);
    for (RankedTensorType component : components)
      if (!toDType(component.getElementType()))
        return std::nullopt;
    return components;
  }
  if (toDType(type))
    return SmallVector<RankedTensorType>{RankedTensorType::get({}, type)};
  return std::nullopt;
}

static llvm::Error fail(Operation *op, const llvm::Twine &message) {
  return OpCall(op, {}, {}).fail(message);
}

//===----------------------------------------------------------------------===//
// Encoded tensors
//===----------------------------------------------------------------------===//

/// An encoding with the static type that it has at run time, and its diagnostics as errors.
class HostEncoding {
public:
  HostEncoding(Operation *op, EncodingAttrInterface encoding, Type elementType,
               ArrayRef<int64_t> shape)
      : op(op), encoding(encoding), logical(RankedTensorType::get(shape, elementType)) {}

  llvm::Expected<RuntimeValue> encode(const HostTensor &x, ArrayRef<HostTensor> parameters) {
    FailureOr<SmallVector<HostTensor>> components = failure();
    std::string text = captureDiagnostics([&](function_ref<InFlightDiagnostic()> emitError) {
      components = encoding.encodeHost(x, logical, parameters, emitError);
    });
    if (failed(components))
      return fail(op, "cannot encode: " + text);
    return RuntimeValue(components->begin(), components->end());
  }

  llvm::Expected<HostTensor> decode(ArrayRef<HostTensor> components) {
    FailureOr<HostTensor> x = failure();
    std::string text = captureDiagnostics([&](function_ref<InFlightDiagnostic()> emitError) {
      x = encoding.decodeHost(components, logical, emitError);
    });
    if (failed(x))
      return fail(op, "cannot decode: " + text);
    return *x;
  }

private:
  template <typename Fn>
  std::string captureDiagnostics(Fn fn) {
    std::string text;
    (void)captureFailure(op->getContext(), &text, [&] {
      fn([&] { return mlir::emitError(op->getLoc()); });
      return success();
    });
    return text;
  }

  Operation *op;
  EncodingAttrInterface encoding;
  RankedTensorType logical;
};

/// The shape of an encoded tensor at run time. Where its type is dynamic, its components have to
/// say it: an encoding has one whose shape is the tensor's own.
static llvm::Expected<std::vector<int64_t>> getLogicalShape(Operation *op, RankedTensorType type,
                                                            ArrayRef<HostTensor> components) {
  if (type.hasStaticShape())
    return type.getShape().vec();
  EncodingAttrInterface encoding = getEncoding(type);
  for (auto [component, tensor] :
       llvm::zip(encoding.getComponents(stripEncoding(type)), components))
    if (component.type.getShape() == type.getShape())
      return tensor.shape;
  return fail(op, "has an encoded tensor whose run-time shape its components do not tell");
}

static llvm::Expected<HostTensor> decodeValue(Operation *op, RankedTensorType type,
                                              ArrayRef<HostTensor> components) {
  auto shape = getLogicalShape(op, type, components);
  if (!shape)
    return shape.takeError();
  return HostEncoding(op, getEncoding(type), type.getElementType(), *shape).decode(components);
}

static std::vector<HostTensor> collect(ArrayRef<RuntimeValue> values) {
  std::vector<HostTensor> tensors;
  for (const RuntimeValue &value : values)
    tensors.push_back(value.front());
  return tensors;
}

static llvm::Expected<Values> evaluateEncode(Operation *op, EncodingAttrInterface encoding,
                                             ArrayRef<RuntimeValue> operands) {
  const HostTensor &x = operands.front().front();
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  auto components = HostEncoding(op, encoding, type.getElementType(), x.shape)
                        .encode(x, collect(operands.drop_front()));
  if (!components)
    return components.takeError();
  return Values{*components};
}

static llvm::Expected<Values> evaluateFakeQuant(FakeQuantOp op, ArrayRef<RuntimeValue> operands) {
  llvm::Expected<Values> encoded = evaluateEncode(op, op.getEncoding(), operands);
  if (!encoded)
    return encoded.takeError();
  auto result = HostEncoding(op, op.getEncoding(), op.getType().getElementType(),
                             operands.front().front().shape)
                    .decode(encoded->front());
  if (!result)
    return result.takeError();
  return Values{RuntimeValue{*result}};
}

/// Components must have the run-time shapes that the encoding gives them for one another.
static llvm::Expected<Values> evaluateAssemble(AssembleOp op, ArrayRef<RuntimeValue> operands) {
  auto type = cast<RankedTensorType>(op.getType());
  std::vector<HostTensor> components = collect(operands);
  auto shape = getLogicalShape(op, type, components);
  if (!shape)
    return shape.takeError();
  auto logical = RankedTensorType::get(*shape, type.getElementType());
  for (auto [component, tensor] : llvm::zip(op.getEncoding().getComponents(logical), components))
    if (component.type.getShape() != ArrayRef<int64_t>(tensor.shape))
      return fail(op, "component '" + component.name + "' cannot be " + tensor.getTypeString());
  return Values{RuntimeValue(components.begin(), components.end())};
}

//===----------------------------------------------------------------------===//
// evaluateRuntimeOp
//===----------------------------------------------------------------------===//

/// An op on plain tensors: encoded operands are decoded, results encoded as their types say.
static llvm::Expected<Values> evaluatePlainOp(Operation *op, ArrayRef<RuntimeValue> operands,
                                              const InterpreterOptions &options) {
  std::vector<HostTensor> tensors;
  for (auto [value, type] : llvm::zip(operands, op->getOperandTypes())) {
    if (!getEncoding(type)) {
      tensors.push_back(value.front());
      continue;
    }
    auto decoded = decodeValue(op, cast<RankedTensorType>(type), value);
    if (!decoded)
      return decoded.takeError();
    tensors.push_back(*decoded);
  }

  if (!isEvaluable(op)) {
    llvm::Expected<std::optional<HostTensor>> result = evaluateUpstreamOp(op, tensors);
    if (!result)
      return result.takeError();
    if (*result)
      return Values{RuntimeValue{std::move(**result)}};
  }
  llvm::Expected<std::vector<HostTensor>> results = evaluateOp(op, tensors, options);
  if (!results)
    return results.takeError();
  Values values;
  for (auto [tensor, type] : llvm::zip(*results, op->getResultTypes())) {
    EncodingAttrInterface encoding = getEncoding(type);
    if (!encoding) {
      values.push_back({tensor});
      continue;
    }
    auto encoded =
        HostEncoding(op, encoding, cast<RankedTensorType>(type).getElementType(), tensor.shape)
            .encode(tensor, {});
    if (!encoded)
      return encoded.takeError();
    values.push_back(*encoded);
  }
  return values;
}

llvm::Expected<Values> reference::evaluateRuntimeOp(Operation *op, ArrayRef<RuntimeValue> operands,
                                                    const InterpreterOptions &options) {
  return llvm::TypeSwitch<Operation *, llvm::Expected<Values>>(op)
      .Case([&](EncodeOp encode) { return evaluateEncode(op, encode.getEncoding(), operands); })
      .Case([&](FakeQuantOp fakeQuant) { return evaluateFakeQuant(fakeQuant, operands); })
      .Case([&](DecodeOp decode) -> llvm::Expected<Values> {
        auto result = decodeValue(op, decode.getInput().getType(), operands.front());
        if (!result)
          return result.takeError();
        return Values{RuntimeValue{*result}};
      })
      .Case([&](AssembleOp assemble) { return evaluateAssemble(assemble, operands); })
      .Case([&](ComponentsOp) {
        Values values;
        for (const HostTensor &component : operands.front())
          values.push_back({component});
        return values;
      })
      .Case([&](RequantizeOp requantize) -> llvm::Expected<Values> {
        auto result = evaluateRequantize(requantize, collect(operands));
        if (!result)
          return result.takeError();
        return Values{RuntimeValue{*result}};
      })
      .Case([&](BlockProductOp product) -> llvm::Expected<Values> {
        auto result = evaluateBlockProduct(product, operands[0].front(), operands[1]);
        if (!result)
          return result.takeError();
        return Values{RuntimeValue{*result}};
      })
      .Case([&](ObserveOp) { return Values{operands.front()}; })
      .Default([&](Operation *) { return evaluatePlainOp(op, operands, options); });
}
