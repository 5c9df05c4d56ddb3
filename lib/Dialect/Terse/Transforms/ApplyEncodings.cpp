//===- ApplyEncodings.cpp - Do what a choice says ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mechanism half of weight compression. Constant operands with a chosen
// encoding are encoded on the host, one tensor at a time, and become globals for
// the components with a `terse.assemble`; other operands get a `terse.encode`.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Spool.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/MLIRBridge.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_APPLYENCODINGSPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-apply-encodings"

using namespace mlir;
using namespace terse;

namespace {

/// All operands that are to hold one constant in one encoding.
struct ConstantTask {
  ConstantSource source;
  EncodingAttrInterface encoding;
  RankedTensorType type;
  SmallVector<OpOperand *> operands;
};

/// All operands that are to hold one computed value in one encoding.
struct ComputedTask {
  EncodingAttrInterface encoding;
  SmallVector<OpOperand *> operands;
};

class Applier {
public:
  Applier(ModuleOp module, StringRef spoolFolder) : module(module), spool(spoolFolder) {}
  LogicalResult run();

  unsigned numEncoded = 0, numReused = 0, numComponents = 0;

private:
  /// Fills the task lists; reports every choice that cannot be applied.
  LogicalResult collect();
  LogicalResult check(OpOperand &operand, EncodingAttrInterface encoding);
  LogicalResult encodeConstant(ConstantTask &task);
  /// The components' values: from the spool, or computed.
  FailureOr<SmallVector<DenseResourceElementsAttr>> getValues(ConstantTask &task);
  void encodeComputed(Value value, ComputedTask &task);
  /// Gives `operand` the encoded value, decoded again if its op cannot take it.
  void replace(OpOperand &operand, Value encoded);
  /// Removes loads and globals that nothing uses any more and frees their data.
  void dropUnused(ConstantTask &task);
  /// Removes what is done from the choices.
  void cleanUp();

  ModuleOp module;
  Spool spool;
  SymbolTableCollection symbols;
  /// Keyed by what holds the constant (a global or an op) and the encoding.
  llvm::MapVector<std::pair<Operation *, Attribute>, ConstantTask> constants;
  llvm::MapVector<std::pair<Value, Attribute>, ComputedTask> computed;
};

struct ApplyEncodingsPass : terse::impl::ApplyEncodingsPassBase<ApplyEncodingsPass> {
  using ApplyEncodingsPassBase::ApplyEncodingsPassBase;

  void runOnOperation() override {
    Applier applier(getOperation(), spoolFolder);
    if (failed(applier.run()))
      return signalPassFailure();
    numEncoded += applier.numEncoded;
    numReused += applier.numReused;
    numComponents += applier.numComponents;
  }
};

} // namespace

LogicalResult Applier::check(OpOperand &operand, EncodingAttrInterface encoding) {
  Operation *op = operand.getOwner();
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  if (!type)
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber()
                           << ": expected a ranked tensor (got " << operand.get().getType() << ")";
  if (terse::getEncoding(type))
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber()
                           << ": it is encoded already as " << type.getEncoding();
  return encoding.verifyEncoding(type.getShape(), type.getElementType(), [&] {
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber() << ": ";
  });
}

LogicalResult Applier::collect() {
  bool ok = true;
  module.walk([&](Operation *op) {
    ChoiceAttr choice = ChoiceAttr::get(op);
    if (!choice)
      return;
    for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues())) {
      auto encoding = dyn_cast<EncodingAttrInterface>(value);
      if (!encoding)
        continue; // A reason why not.
      if (number >= op->getNumOperands()) {
        op->emitError() << "has a choice for operand " << number << " but only "
                        << op->getNumOperands() << " operands";
        ok = false;
        continue;
      }
      OpOperand &operand = op->getOpOperand(number);
      if (failed(check(operand, encoding))) {
        ok = false;
        continue;
      }
      // Run-time parameters are a property of computed values; constants have theirs computed once.
      ConstantSource source;
      if (!encoding.hasRunTimeParameters())
        source = getConstantSource(operand.get(), symbols);
      if (source) {
        Operation *holder =
            source.global ? source.global.getOperation() : operand.get().getDefiningOp();
        ConstantTask &task = constants[{holder, value}];
        task.source = source;
        task.encoding = encoding;
        task.type = cast<RankedTensorType>(operand.get().getType());
        task.operands.push_back(&operand);
        continue;
      }
      if (!encoding.isRunTimeEncodable()) {
        op->emitError() << "cannot encode operand " << number
                        << ": it is not a constant, and " << value
                        << " cannot be computed at run time";
        ok = false;
        continue;
      }
      ComputedTask &task = computed[{operand.get(), value}];
      task.encoding = encoding;
      task.operands.push_back(&operand);
    }
  });
  return success(ok);
}

/// The first element that is no number, or nothing.
static std::optional<int64_t> findNonFinite(const HostTensor &tensor) {
  if (tensor.dtype == DType::f32()) {
    ArrayRef<float> values = tensor.getAs<float>();
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        return i;
    return std::nullopt;
  }
  for (int64_t i = 0, n = tensor.getNumElements(); i < n; ++i)
    if (!std::isfinite(tensor.getAsDouble(i)))
      return i;
  return std::nullopt;
}

static std::string formatIndex(int64_t flat, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (int64_t axis = int64_t(shape.size()) - 1; axis >= 0; --axis) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(index, os);
  os << "]";
  return text;
}

FailureOr<SmallVector<DenseResourceElementsAttr>> Applier::getValues(ConstantTask &task) {
  Operation *user = task.operands.front()->getOwner();
  auto error = [&] {
    return user->emitError() << "weight '" << task.source.name << "': ";
  };
  if (!task.source.value)
    return error() << "its data is not part of the module";
  llvm::Expected<HostTensor> tensor = toHostTensor(task.source.value);
  if (!tensor)
    return error() << llvm::toString(tensor.takeError());

  SmallVector<SpoolSlot> slots;
  SmallVector<std::string> names;
  for (const EncodingComponent &info : task.encoding.getComponents(task.type)) {
    slots.push_back({info.name, info.type});
    names.push_back(task.source.name + "." + info.name);
  }
  std::string method;
  llvm::raw_string_ostream(method) << task.encoding;
  std::string key = spool.getKey(*tensor, method);
  if (auto finished = spool.find(key, slots, names)) {
    ++numReused;
    return *finished;
  }

  if (std::optional<int64_t> index = findNonFinite(*tensor))
    return error() << "element " << formatIndex(*index, tensor->shape) << " is "
                   << (std::isnan(tensor->getAsDouble(*index)) ? "NaN" : "infinite")
                   << "; a weight must be finite to be compressed";
  FailureOr<SmallVector<HostTensor>> components =
      task.encoding.encodeHost(*tensor, task.type, {}, error);
  if (failed(components))
    return failure();
  *tensor = HostTensor();
  if (!key.empty()) {
    // From here on the file holds them, and memory is free for the next weight.
    if (llvm::Error failed = spool.store(key, slots, *components))
      return error() << llvm::toString(std::move(failed));
    if (auto finished = spool.find(key, slots, names))
      return *finished;
  }
  SmallVector<DenseResourceElementsAttr> values;
  for (auto [component, slot, name] : llvm::zip_equal(*components, slots, names)) {
    auto resource = toDenseResource(component, name, module.getContext());
    component = HostTensor();
    values.push_back(DenseResourceElementsAttr::get(slot.type, resource.getRawHandle()));
  }
  return values;
}

LogicalResult Applier::encodeConstant(ConstantTask &task) {
  FailureOr<SmallVector<DenseResourceElementsAttr>> values = getValues(task);
  if (failed(values))
    return failure();

  // The components become globals right where the weight's own global stands.
  SymbolTable &table = symbols.getSymbolTable(module);
  OpBuilder builder(module.getContext());
  SmallVector<ml_program::GlobalOp> globals;
  for (auto [value, info] : llvm::zip_equal(*values, task.encoding.getComponents(task.type))) {
    if (task.source.global)
      builder.setInsertionPoint(task.source.global);
    else
      builder.setInsertionPointToStart(module.getBody());
    auto global = ml_program::GlobalOp::create(
        builder, task.operands.front()->get().getLoc(), task.source.name + "." + info.name,
        info.type, /*is_mutable=*/false, value, builder.getStringAttr("private"));
    table.insert(global, builder.getInsertionPoint());
    globals.push_back(global);
  }
  numComponents += globals.size();
  ++numEncoded;

  // One assemble beside each load of the original.
  llvm::MapVector<Value, SmallVector<OpOperand *>> byValue;
  for (OpOperand *operand : task.operands)
    byValue[operand->get()].push_back(operand);
  auto encodedType = RankedTensorType::get(task.type.getShape(), task.type.getElementType(),
                                           cast<Attribute>(task.encoding));
  for (auto &[value, operands] : byValue) {
    builder.setInsertionPointAfterValue(value);
    SmallVector<Value> parts;
    for (ml_program::GlobalOp global : globals)
      parts.push_back(ml_program::GlobalLoadConstOp::create(
          builder, value.getLoc(), global.getType(), SymbolRefAttr::get(global.getSymNameAttr())));
    Value encoded = AssembleOp::create(builder, value.getLoc(), encodedType, parts);
    for (OpOperand *operand : operands)
      replace(*operand, encoded);
  }
  return success();
}

void Applier::encodeComputed(Value value, ComputedTask &task) {
  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfterValue(value);
  Value encoded = EncodeOp::create(builder, value.getLoc(), value, task.encoding);
  for (OpOperand *operand : task.operands)
    replace(*operand, encoded);
}

void Applier::replace(OpOperand &operand, Value encoded) {
  Operation *op = operand.getOwner();
  operand.set(encoded);
  // Ops are defined on logical values and need not know encodings; one whose own constraints refuse
  // the encoded type gets the decoded tensor, which computes the same.
  bool accepted;
  {
    ScopedDiagnosticHandler silence(module.getContext(), [](Diagnostic &) { return success(); });
    accepted = succeeded(verify(op, /*verifyRecursively=*/false));
  }
  if (accepted)
    return;
  OpBuilder builder(op);
  operand.set(DecodeOp::create(builder, op->getLoc(), encoded));
}

void Applier::dropUnused(ConstantTask &task) {
  ml_program::GlobalOp global = task.source.global;
  if (!global)
    return; // A constant op without users is dead code.
  std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(global, module);
  if (!uses)
    return;
  SmallVector<Operation *> loads;
  for (SymbolTable::SymbolUse use : *uses) {
    if (!isa<ml_program::GlobalLoadConstOp>(use.getUser()) || !use.getUser()->use_empty())
      return;
    loads.push_back(use.getUser());
  }
  for (Operation *load : loads)
    load->erase();
  Attribute value = task.source.value;
  symbols.getSymbolTable(module).erase(global);

  // Resources live as long as the context; the data need not.
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  if (!resource)
    return;
  for (auto other : module.getOps<ml_program::GlobalOp>())
    if (auto shared = dyn_cast_or_null<DenseResourceElementsAttr>(other.getValueAttr()))
      if (shared.getRawHandle().getKey() == resource.getRawHandle().getKey())
        return;
  DenseResourceElementsHandle::getManagerInterface(module.getContext())
      .getBlobManager()
      .update(resource.getRawHandle().getKey(), AsmResourceBlob());
}

void Applier::cleanUp() {
  // Encodings that are applied stand in the types now; what remains of a choice are reasons.
  module.walk([&](Operation *op) {
    ChoiceAttr choice = ChoiceAttr::get(op);
    if (!choice)
      return;
    SmallVector<int64_t> operands;
    SmallVector<Attribute> values;
    for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues()))
      if (isa<StringAttr>(value)) {
        operands.push_back(number);
        values.push_back(value);
      }
    if (operands.empty())
      op->removeDiscardableAttr(ChoiceAttr::kAttrName);
    else
      op->setDiscardableAttr(ChoiceAttr::kAttrName,
                             ChoiceAttr::get(module.getContext(), operands, values));
  });
}

LogicalResult Applier::run() {
  if (failed(collect()))
    return failure();
  for (auto &[key, task] : constants) {
    if (failed(encodeConstant(task)))
      return failure();
    dropUnused(task);
  }
  for (auto &[key, task] : computed)
    encodeComputed(key.first, task);
  cleanUp();
  return success();
}
