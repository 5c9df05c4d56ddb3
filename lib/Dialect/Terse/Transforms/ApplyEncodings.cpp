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
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/EncodeWeight.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Spool.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "terse/Support/Step.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"

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
  /// Parameters that are given; empty to have them computed.
  StaticAttr given;
  RankedTensorType type;
  SmallVector<OpOperand *> operands;
};

/// All operands that are to hold one computed value in one encoding.
struct ComputedTask {
  EncodingAttrInterface encoding;
  StaticAttr given;
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
  LogicalResult check(OpOperand &operand, EncodingAttrInterface encoding, StaticAttr given);
  LogicalResult encodeConstant(ConstantTask &task);
  /// The components' values: from the spool, or computed.
  FailureOr<SmallVector<DenseResourceElementsAttr>> getValues(ConstantTask &task);
  /// The scales that a weight needs at least, so that its bias fits into 32 bits at their product
  /// with the scale of the activation; empty if there is no such bias.
  std::vector<float> getScaleFloors(const ConstantTask &task);
  /// Encodes a bias at the products of the scales of activation and weight.
  LogicalResult encodeProduct(OpOperand &bias, EncodingAttrInterface encoding);
  /// The global of one component.
  ml_program::GlobalOp makeGlobal(const ConstantSource &source, const EncodingComponent &info,
                                  DenseResourceElementsAttr value, Location loc);
  /// Makes globals of component values and assembles them after each of `after`.
  SmallVector<Value> assemble(RankedTensorType logical, EncodingAttrInterface encoding,
                              const ConstantSource &source,
                              ArrayRef<DenseResourceElementsAttr> values, ArrayRef<Value> after);
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
  SmallVector<std::pair<OpOperand *, EncodingAttrInterface>> products;
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

LogicalResult Applier::check(OpOperand &operand, EncodingAttrInterface encoding, StaticAttr given) {
  Operation *op = operand.getOwner();
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  if (!type)
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber()
                           << ": expected a ranked tensor (got " << operand.get().getType() << ")";
  if (terse::getEncoding(type))
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber()
                           << ": it is encoded already as " << type.getEncoding();
  auto error = [&] {
    return op->emitError() << "cannot encode operand " << operand.getOperandNumber() << ": ";
  };
  if (failed(encoding.verifyEncoding(type.getShape(), type.getElementType(), error)))
    return failure();
  if (!given)
    return success();
  SmallVector<EncodingComponent> parameters = getParameterComponents(encoding, type);
  if (parameters.size() != given.getValues().size())
    return error() << "expected " << parameters.size() << " parameters (got "
                   << given.getValues().size() << ")";
  for (auto [parameter, value] : llvm::zip(parameters, given.getValues()))
    if (cast<DenseElementsAttr>(value).getType() != parameter.type)
      return error() << "expected parameter '" << parameter.name << "' of type " << parameter.type
                     << " (got " << value << ")";
  return success();
}

LogicalResult Applier::collect() {
  bool ok = true;
  module.walk([&](Operation *op) {
    ChoiceAttr choice = ChoiceAttr::get(op);
    if (!choice)
      return;
    for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues())) {
      auto encoding = dyn_cast<EncodingAttrInterface>(value);
      auto given = dyn_cast<StaticAttr>(value);
      auto product = dyn_cast<ProductAttr>(value);
      if (given)
        encoding = given.getEncoding();
      if (product)
        encoding = product.getEncoding();
      if (!encoding || (isa<EncodeOp>(op) && !given))
        continue; // A reason why not.
      if (number >= op->getNumOperands()) {
        op->emitError() << "has a choice for operand " << number << " but only "
                        << op->getNumOperands() << " operands";
        ok = false;
        continue;
      }
      OpOperand &operand = op->getOpOperand(number);
      if (failed(check(operand, encoding, given))) {
        ok = false;
        continue;
      }
      if (product) {
        products.push_back({&operand, encoding});
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
        task.given = given;
        task.type = cast<RankedTensorType>(operand.get().getType());
        task.operands.push_back(&operand);
        continue;
      }
      if (!encoding.isRunTimeEncodable() && !given) {
        op->emitError() << "cannot encode operand " << number << ": it is not a constant, and "
                        << value << " cannot be computed at run time";
        ok = false;
        continue;
      }
      ComputedTask &task = computed[{operand.get(), value}];
      task.encoding = encoding;
      task.given = given;
      task.operands.push_back(&operand);
    }
  });
  return success(ok);
}

/// Component values in memory.
static SmallVector<DenseResourceElementsAttr> makeResources(MutableArrayRef<HostTensor> components,
                                                            ArrayRef<SpoolSlot> slots,
                                                            ArrayRef<std::string> names) {
  SmallVector<DenseResourceElementsAttr> values;
  for (auto [component, slot, name] : llvm::zip_equal(components, slots, names)) {
    auto resource = toDenseResource(component, name, slot.type.getContext());
    component = HostTensor();
    values.push_back(DenseResourceElementsAttr::get(slot.type, resource.getRawHandle()));
  }
  return values;
}

FailureOr<SmallVector<DenseResourceElementsAttr>> Applier::getValues(ConstantTask &task) {
  Operation *user = task.operands.front()->getOwner();
  auto error = [&] { return user->emitError() << "weight '" << task.source.name << "': "; };
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
  SmallVector<HostTensor> parameters;
  if (task.given)
    for (Attribute value : task.given.getValues()) {
      llvm::Expected<HostTensor> parameter = toHostTensor(cast<ElementsAttr>(value));
      if (!parameter)
        return error() << llvm::toString(parameter.takeError());
      parameters.push_back(std::move(*parameter));
    }
  std::vector<float> floors = getScaleFloors(task);
  std::string method;
  llvm::raw_string_ostream os(method);
  os << task.encoding;
  if (task.given)
    os << task.given;
  for (float floor : floors)
    os << " " << llvm::format_hex(llvm::bit_cast<uint32_t>(floor), 10);
  std::string key = spool.getKey(*tensor, method);
  if (auto finished = spool.find(key, slots, names)) {
    ++numReused;
    return *finished;
  }

  FailureOr<SmallVector<HostTensor>> components =
      encodeWeight(task.encoding, *tensor, task.type, parameters, error);
  if (failed(components))
    return failure();
  if (!floors.empty()) {
    HostTensor scales = (*components)[1];
    bool raised = false;
    for (auto [scale, floor] : llvm::zip(scales.getMutableAs<float>(), floors)) {
      raised |= scale < floor;
      scale = std::max(scale, floor);
    }
    if (raised)
      components = task.encoding.encodeHost(*tensor, task.type, {scales}, error);
    if (failed(components))
      return failure();
  }
  *tensor = HostTensor();
  if (!key.empty()) {
    // From here on the file holds them, and memory is free for the next weight.
    if (llvm::Error failed = spool.store(key, slots, *components))
      return error() << llvm::toString(std::move(failed));
    if (auto finished = spool.find(key, slots, names))
      return *finished;
  }
  return makeResources(*components, slots, names);
}

LogicalResult Applier::encodeConstant(ConstantTask &task) {
  FailureOr<SmallVector<DenseResourceElementsAttr>> values = getValues(task);
  if (failed(values))
    return failure();
  ++numEncoded;

  // One assemble beside each load of the original.
  llvm::MapVector<Value, SmallVector<OpOperand *>> byValue;
  for (OpOperand *operand : task.operands)
    byValue[operand->get()].push_back(operand);
  SmallVector<Value> originals = llvm::to_vector(llvm::make_first_range(byValue));
  SmallVector<Value> encoded = assemble(task.type, task.encoding, task.source, *values, originals);
  for (auto [original, value] : llvm::zip(originals, encoded))
    for (OpOperand *operand : byValue[original])
      replace(*operand, value);
  return success();
}

ml_program::GlobalOp Applier::makeGlobal(const ConstantSource &source,
                                         const EncodingComponent &info,
                                         DenseResourceElementsAttr value, Location loc) {
  // Right where the constant's own global stands.
  OpBuilder builder(module.getContext());
  if (source.global)
    builder.setInsertionPoint(source.global);
  else
    builder.setInsertionPointToStart(module.getBody());
  auto global =
      ml_program::GlobalOp::create(builder, loc, source.name + "." + info.name, info.type,
                                   /*is_mutable=*/false, value, builder.getStringAttr("private"));
  symbols.getSymbolTable(module).insert(global, builder.getInsertionPoint());
  return global;
}

SmallVector<Value> Applier::assemble(RankedTensorType logical, EncodingAttrInterface encoding,
                                     const ConstantSource &source,
                                     ArrayRef<DenseResourceElementsAttr> values,
                                     ArrayRef<Value> after) {
  OpBuilder builder(module.getContext());
  SmallVector<ml_program::GlobalOp> globals;
  for (auto [value, info] : llvm::zip_equal(values, encoding.getComponents(logical)))
    globals.push_back(makeGlobal(source, info, value, after.front().getLoc()));
  numComponents += globals.size();

  auto type = RankedTensorType::get(logical.getShape(), logical.getElementType(),
                                    cast<Attribute>(encoding));
  SmallVector<Value> assembled;
  for (Value value : after) {
    builder.setInsertionPointAfterValue(value);
    SmallVector<Value> parts;
    for (ml_program::GlobalOp global : globals)
      parts.push_back(ml_program::GlobalLoadConstOp::create(
          builder, value.getLoc(), global.getType(), SymbolRefAttr::get(global.getSymNameAttr())));
    assembled.push_back(AssembleOp::create(builder, value.getLoc(), type, parts));
  }
  return assembled;
}

/// The scale that an operand is to be encoded with, if that is one number known ahead.
static std::optional<float> getChosenScale(OpOperand &operand) {
  ChoiceAttr choice = ChoiceAttr::get(operand.getOwner());
  auto given = dyn_cast_or_null<StaticAttr>(choice ? choice.lookup(operand.getOperandNumber())
                                                   : Attribute());
  if (!given)
    return std::nullopt;
  auto scale = cast<DenseElementsAttr>(given.getValues().front());
  if (scale.getNumElements() != 1 || !scale.getElementType().isF32())
    return std::nullopt;
  return scale.getSplatValue<float>();
}

std::vector<float> Applier::getScaleFloors(const ConstantTask &task) {
  // Channels whose weights are nearly zero have tiny scales, at which their bias would need more
  // than 32 bits.
  constexpr double kLargest = double(1 << 29);
  auto op = dyn_cast<nn::ContractionLike>(task.operands.front()->getOwner());
  OpOperand *biasOperand = op ? op.getBiasOperand() : nullptr;
  auto encoding = dyn_cast<UniformEncodingAttr>(task.encoding);
  if (!biasOperand || !encoding || encoding.getAsymmetric() || encoding.getScaleEncoding() ||
      !encoding.getScaleType().isF32() || !encoding.getBlock().empty() || task.given ||
      task.operands.size() != 1 || task.operands.front() != &op.getWeightOperand())
    return {};
  bool isProduct =
      llvm::any_of(products, [&](auto &product) { return product.first == biasOperand; });
  std::optional<float> activation = getChosenScale(op.getActivationOperand());
  std::optional<HostTensor> bias = getConstant(biasOperand->get(), &symbols);
  if (!isProduct || !activation || !bias)
    return {};
  std::vector<float> floors(encoding.getAxis() ? bias->getNumElements() : 1);
  for (int64_t i = 0, n = bias->getNumElements(); i < n; ++i) {
    double needed = std::fabs(bias->getAsDouble(i)) / (double(*activation) * kLargest);
    float &floor = floors[floors.size() == 1 ? 0 : i];
    if (std::isfinite(needed))
      floor = std::max(floor, float(needed));
  }
  return floors;
}

LogicalResult Applier::encodeProduct(OpOperand &operand, EncodingAttrInterface encoding) {
  auto op = dyn_cast<nn::ContractionLike>(operand.getOwner());
  auto error = [&] { return operand.getOwner()->emitError() << "cannot encode the bias: "; };
  if (!op || op.getBiasOperand() != &operand)
    return error() << "#terse.product is for the bias of a contraction";
  auto getScales = [](Value value) -> Value {
    if (auto decode = value.getDefiningOp<DecodeOp>())
      value = decode.getInput();
    if (auto encode = value.getDefiningOp<EncodeOp>(); encode && !encode.getParameters().empty())
      return encode.getParameters().front();
    if (auto assembled = value.getDefiningOp<AssembleOp>();
        assembled && assembled.getComponents().size() > 1)
      return assembled.getComponents()[1];
    return {};
  };
  Value xScale = getScales(op.getActivationOperand().get()),
        wScales = getScales(op.getWeightOperand().get());
  std::optional<HostTensor> x = xScale ? getConstant(xScale, &symbols) : std::nullopt,
                            w = wScales ? getConstant(wScales, &symbols) : std::nullopt;
  if (!x || !w || x->getNumElements() != 1)
    return error() << "activation and weight have no scales that are known ahead of time";
  ConstantSource source = getConstantSource(operand.get(), symbols);
  std::optional<HostTensor> bias = getConstant(operand.get(), &symbols);
  if (!source || !bias)
    return error() << "it is not a constant";
  HostTensor scales = w->convertTo(DType::f32());
  for (float &scale : scales.getMutableAs<float>())
    scale *= x->toFloats().front();
  auto type = cast<RankedTensorType>(operand.get().getType());
  auto components = encoding.encodeHost(*bias, type, {scales}, error);
  if (failed(components))
    return failure();
  // Only the integers are stored: their scales are the products of those that activation and weight
  // have.
  EncodingComponent info = encoding.getComponents(type).front();
  SmallVector<SpoolSlot> slots{{info.name, info.type}};
  SmallVector<std::string> names{source.name + "." + info.name};
  DenseResourceElementsAttr values =
      makeResources(MutableArrayRef<HostTensor>(*components).take_front(), slots, names).front();
  ml_program::GlobalOp global = makeGlobal(source, info, values, operand.get().getLoc());
  ++numComponents;

  OpBuilder builder(operand.getOwner());
  Location loc = operand.get().getLoc();
  auto castTo = [&](Value v) -> Value {
    auto wide =
        RankedTensorType::get(cast<RankedTensorType>(v.getType()).getShape(), builder.getF32Type());
    return v.getType() == wide ? v : nn::CastOp::create(builder, loc, wide, v).getResult();
  };
  Value product =
      nn::BinaryOp::create(builder, loc, nn::BinaryKind::Mul, castTo(wScales), castTo(xScale));
  Value stored = ml_program::GlobalLoadConstOp::create(builder, loc, global.getType(),
                                                       SymbolRefAttr::get(global.getSymNameAttr()));
  auto encoded =
      RankedTensorType::get(type.getShape(), type.getElementType(), cast<Attribute>(encoding));
  replace(operand, AssembleOp::create(builder, loc, encoded, ValueRange{stored, product}));
  ++numEncoded;
  ConstantTask task;
  task.source = source;
  dropUnused(task);
  return success();
}

void Applier::encodeComputed(Value value, ComputedTask &task) {
  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfterValue(value);
  SmallVector<Value> parameters;
  if (task.given)
    for (Attribute constant : task.given.getValues())
      parameters.push_back(
          nn::ConstantOp::create(builder, value.getLoc(), cast<ElementsAttr>(constant)));
  auto encoded = EncodeOp::create(builder, value.getLoc(), value, task.encoding, parameters);
  // For reports.
  if (task.given && task.given.getOrigin())
    ChoiceAttr::set(encoded->getOpOperand(0), task.given.getOrigin());
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
  size_t begun = 0;
  for (auto &[key, task] : constants) {
    beginStep(module.getContext(), "encoding weights", begun++, constants.size());
    if (failed(encodeConstant(task)))
      return failure();
    dropUnused(task);
  }
  for (auto &[key, task] : computed)
    encodeComputed(key.first, task);
  for (auto &[bias, encoding] : products)
    if (failed(encodeProduct(*bias, encoding)))
      return failure();
  cleanUp();
  return success();
}
