//===- ChoiceAttr.cpp - What a strategy has decided -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Operation.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"

using namespace mlir;
using namespace terse;

Attribute ChoiceAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  SmallVector<int64_t> operands;
  SmallVector<Attribute> values;
  auto parseOne = [&]() -> ParseResult {
    return failure(parser.parseInteger(operands.emplace_back()) || parser.parseEqual() ||
                   parser.parseAttribute(values.emplace_back()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseOne))
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(),
                    ArrayRef<int64_t>(operands), ArrayRef<Attribute>(values));
}

void ChoiceAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(llvm::zip(getOperands(), getValues()), printer, [&](auto pair) {
    printer << std::get<0>(pair) << " = " << std::get<1>(pair);
  });
  printer << ">";
}

LogicalResult ChoiceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> operands, ArrayRef<Attribute> values) {
  // C1
  if (operands.size() != values.size())
    return emitError() << "expected as many values as operand numbers (got " << values.size()
                       << " and " << operands.size() << ")";
  // C2
  int64_t previous = -1;
  for (int64_t operand : operands) {
    if (operand <= previous)
      return emitError() << "expected increasing operand numbers from 0 (got " << operand
                         << " after " << previous << ")";
    previous = operand;
  }
  // C3
  for (Attribute value : values)
    if (!isa<EncodingAttrInterface, StaticAttr, ProductAttr, StringAttr>(value))
      return emitError() << "expected a terse encoding, #terse.static, #terse.product or a reason "
                            "in quotes (got "
                         << value << ")";
  return success();
}

LogicalResult StaticAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 EncodingAttrInterface, ArrayRef<Attribute> values, StringAttr) {
  // C1
  if (values.empty())
    return emitError() << "expected a constant for each parameter of the encoding (got none)";
  for (Attribute value : values)
    if (!isa<DenseElementsAttr>(value))
      return emitError() << "expected dense constants as parameters (got " << value << ")";
  return success();
}

LogicalResult StatisticsAttr::verify(function_ref<InFlightDiagnostic()> emitError, uint64_t samples,
                                     uint64_t, uint64_t, DenseF64ArrayAttr range, int64_t, int64_t,
                                     DenseI64ArrayAttr counts, DenseF64ArrayAttr channels) {
  if (range.size() != 4)
    return emitError()
           << "expected 4 numbers as range: smallest, largest and their moving averages (got "
           << range.size() << ")";
  if (counts && llvm::any_of(counts.asArrayRef(), [](int64_t count) { return count < 0; }))
    return emitError() << "expected counts that are not negative";
  if (channels && channels.size() % 4)
    return emitError() << "expected 4 numbers per channel (got " << channels.size() << " in all)";
  return success();
}

Attribute ChoiceAttr::lookup(int64_t operand) const {
  for (auto [number, value] : llvm::zip(getOperands(), getValues()))
    if (number == operand)
      return value;
  return {};
}

ChoiceAttr ChoiceAttr::get(Operation *op) {
  return dyn_cast_or_null<ChoiceAttr>(op->getDiscardableAttr(kAttrName));
}

void ChoiceAttr::set(OpOperand &operand, Attribute value) {
  Operation *op = operand.getOwner();
  llvm::SmallVector<std::pair<int64_t, Attribute>> entries;
  if (ChoiceAttr old = get(op))
    for (auto [number, oldValue] : llvm::zip(old.getOperands(), old.getValues()))
      if (number != operand.getOperandNumber())
        entries.push_back({number, oldValue});
  entries.push_back({operand.getOperandNumber(), value});
  llvm::sort(entries, llvm::less_first());
  auto numbers = llvm::to_vector(llvm::make_first_range(entries));
  auto values = llvm::to_vector(llvm::make_second_range(entries));
  op->setDiscardableAttr(
      kAttrName, get(op->getContext(), ArrayRef<int64_t>(numbers), ArrayRef<Attribute>(values)));
}
