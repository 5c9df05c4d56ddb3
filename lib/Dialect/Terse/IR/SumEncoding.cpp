//===- SumEncoding.cpp - #terse.sum -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EncodingSyntax.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

/// Terms stand for f32 tensors, whatever the sum stands for.
static RankedTensorType getTermType(RankedTensorType logical) {
  return RankedTensorType::get(logical.getShape(), Float32Type::get(logical.getContext()));
}

/// Calls visit(term, its components) for each term with its part of `components`.
template <typename Range, typename Visitor>
static LogicalResult visitTerms(SumEncodingAttr sum, RankedTensorType logical, Range components,
                                Visitor visit) {
  for (EncodingAttrInterface term : sum.getEncodings()) {
    size_t count = term.getComponents(getTermType(logical)).size();
    if (failed(visit(term, components.take_front(count))))
      return failure();
    components = components.drop_front(count);
  }
  return success();
}

LogicalResult SumEncodingAttr::verify(EmitError emitError, ArrayRef<Attribute> terms) {
  // C1
  if (terms.size() < 2)
    return emitError() << "expected two terms or more (got " << terms.size() << ")";
  for (Attribute term : terms) {
    auto encoding = dyn_cast<EncodingAttrInterface>(term);
    if (!encoding)
      return emitError() << "expected a terse encoding as term (got " << term << ")";
    if (encoding.hasRunTimeParameters())
      return emitError() << "expected a term without run-time parameters (got " << term << ")";
  }
  return success();
}

LogicalResult SumEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                              EmitError emitError) const {
  // C2
  if (failed(verifyLogicalElement(emitError, *this, elementType)))
    return failure();
  // C3
  for (EncodingAttrInterface term : getEncodings())
    if (failed(term.verifyEncoding(shape, Float32Type::get(getContext()), emitError)))
      return failure();
  return success();
}

SmallVector<EncodingAttrInterface> SumEncodingAttr::getEncodings() const {
  return llvm::map_to_vector(getTerms(),
                             [](Attribute term) { return cast<EncodingAttrInterface>(term); });
}

SmallVector<EncodingComponent> SumEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<EncodingComponent> components;
  for (auto [i, term] : llvm::enumerate(getEncodings()))
    for (EncodingComponent &component : term.getComponents(getTermType(logical)))
      components.push_back({("term" + Twine(i) + "." + component.name).str(), component.type});
  return components;
}

bool SumEncodingAttr::isRunTimeEncodable() const {
  return llvm::all_of(getEncodings(),
                      [](EncodingAttrInterface term) { return term.isRunTimeEncodable(); });
}

bool SumEncodingAttr::isTemplate() const {
  return llvm::any_of(getEncodings(), [](EncodingAttrInterface term) { return term.isTemplate(); });
}

EncodingAttrInterface SumEncodingAttr::fit(RankedTensorType logical, const WeightAxes &axes) const {
  auto fitted = llvm::map_to_vector(getEncodings(), [&](EncodingAttrInterface term) -> Attribute {
    return term.fit(getTermType(logical), axes);
  });
  return get(getContext(), fitted);
}

FailureOr<SmallVector<HostTensor>> SumEncodingAttr::encodeHost(const HostTensor &x,
                                                               RankedTensorType logical,
                                                               ArrayRef<HostTensor>,
                                                               EmitError emitError) const {
  FailureOr<RankedTensorType> resolved = resolveShape(x, logical, emitError);
  if (failed(resolved))
    return failure();
  RankedTensorType type = getTermType(*resolved);
  HostTensor rest = x.convertTo(DType::f32());
  SmallVector<HostTensor> components;
  for (EncodingAttrInterface term : getEncodings()) {
    FailureOr<SmallVector<HostTensor>> stored = term.encodeHost(rest, type, {}, emitError);
    if (failed(stored))
      return failure();
    FailureOr<HostTensor> seen = term.decodeHost(*stored, type, emitError);
    if (failed(seen))
      return failure();
    llvm::append_range(components, *stored);
    ArrayRef<float> taken = seen->getAs<float>();
    MutableArrayRef<float> left = rest.getMutableAs<float>();
    for (size_t i = 0; i < left.size(); ++i)
      left[i] -= taken[i];
  }
  return components;
}

FailureOr<HostTensor> SumEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                  RankedTensorType logical,
                                                  EmitError emitError) const {
  if (components.size() != getComponents(logical).size())
    return emitError() << "expected " << getComponents(logical).size() << " components (got "
                       << components.size() << ")";
  std::optional<HostTensor> sum;
  LogicalResult result =
      visitTerms(*this, logical, components,
                 [&](EncodingAttrInterface term, ArrayRef<HostTensor> part) -> LogicalResult {
                   FailureOr<HostTensor> x = term.decodeHost(part, getTermType(logical), emitError);
                   if (failed(x))
                     return failure();
                   if (!sum) {
                     sum = *x;
                     return success();
                   }
                   MutableArrayRef<float> out = sum->getMutableAs<float>();
                   ArrayRef<float> more = x->getAs<float>();
                   if (out.size() != more.size())
                     return emitError()
                            << "expected terms of equal shapes (got " << sum->getTypeString()
                            << " and " << x->getTypeString() << ")";
                   for (size_t i = 0; i < out.size(); ++i)
                     out[i] += more[i];
                   return success();
                 });
  if (failed(result))
    return failure();
  return sum->convertTo(*toDType(logical.getElementType()));
}

Value SumEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                   ValueRange components) const {
  BlockOps nn{builder, loc};
  Value sum;
  (void)visitTerms(*this, logical, components,
                   [&](EncodingAttrInterface term, ValueRange part) -> LogicalResult {
                     Value x = term.buildDecode(builder, loc, getTermType(logical), part);
                     sum = sum ? nn.binary(nn::BinaryKind::Add, sum, x) : x;
                     return success();
                   });
  return nn.cast(sum, logical.getElementType());
}

FailureOr<SmallVector<Value>> SumEncodingAttr::buildEncode(OpBuilder &builder, Location loc,
                                                           Value x, ValueRange given) const {
  if (!isRunTimeEncodable() || !given.empty())
    return failure();
  BlockOps nn{builder, loc};
  Value rest = nn.cast(x, builder.getF32Type());
  SmallVector<Value> components;
  for (EncodingAttrInterface term : getEncodings()) {
    FailureOr<SmallVector<Value>> stored = term.buildEncode(builder, loc, rest, {});
    if (failed(stored))
      return failure();
    Value seen = term.buildDecode(builder, loc, typeOf(rest), *stored);
    llvm::append_range(components, *stored);
    rest = nn.binary(nn::BinaryKind::Sub, rest, seen);
  }
  return components;
}
