//===- Emitter.cpp - Building nn ops with what is known ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::Expected;
using namespace terse;
using namespace terse::onnx;

// What is folded during import: shape computations and small tables, not the arithmetic of a
// network on its weights.
static constexpr int64_t kMaxFoldedElements = 1 << 16;
static constexpr int64_t kMaxFoldOperands = 1 << 22;
// Constants up to this size are attributes, larger ones globals.
static constexpr uint64_t kMaxInlineBytes = 1024;

void terse::onnx::fail(const llvm::Twine &reason) { throw ImportFailure{reason.str()}; }

Emitter::Emitter(MLIRContext *context)
    : context(context), b(context), loc(UnknownLoc::get(context)), constantBlock(new Block) {}

Emitter::~Emitter() {
  constantBlock->dropAllUses();
  delete constantBlock;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type Emitter::toType(DType dtype) { return toMLIRType(dtype, context); }

DType Emitter::toDType(Type element) {
  std::optional<DType> dtype = terse::toDType(element);
  if (!dtype)
    fail("an element type that tensors cannot have");
  return *dtype;
}

int64_t Emitter::staticDim(Value v, int64_t axis, const llvm::Twine &what) {
  int64_t d = shapeOf(v)[axis];
  if (ShapedType::isDynamic(d))
    fail(what + " must be known (dimension " + llvm::Twine(axis) +
         " is dynamic); give the model's symbolic dimensions a size or bind the input that "
         "determines it as a constant");
  return d;
}

int64_t Emitter::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    fail("axis " + llvm::Twine(axis) + " is not an axis of a tensor of rank " + llvm::Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

Ints Emitter::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  Ints result;
  for (int64_t axis : axes) {
    result.push_back(normalizeAxis(axis, rank));
    if (llvm::is_contained(ArrayRef(result).drop_back(), result.back()))
      fail("axis " + llvm::Twine(axis) + " is given twice");
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

// A constant is a placeholder outside of the function until it is known to be used.
static Value makePlaceholder(Emitter &e, RankedTensorType type) {
  OpBuilder builder(e.context);
  builder.setInsertionPointToEnd(e.constantBlock);
  return UnrealizedConversionCastOp::create(builder, e.loc, TypeRange{type}, ValueRange{})
      .getResult(0);
}

Value Emitter::constant(StoredTensor stored, StringRef name) {
  Value v = makePlaceholder(*this, tensor(stored.shape, toType(stored.dtype)));
  constants[v] = std::make_unique<Constant>(Constant{name.str(), std::move(stored), std::nullopt});
  return v;
}

Value Emitter::constant(HostTensor host, StringRef name) {
  Value v = makePlaceholder(*this, tensor(host.shape, toType(host.dtype)));
  constants[v] = std::make_unique<Constant>(Constant{name.str(), std::nullopt, std::move(host)});
  return v;
}

Value Emitter::ints(ArrayRef<int64_t> values) {
  return constant(HostTensor::from<int64_t>({int64_t(values.size())}, values));
}

Value Emitter::scalar(double value, Type element) {
  return constant(HostTensor::scalar(toDType(element), value));
}

Value Emitter::intScalar(int64_t value, Type element) {
  HostTensor host = HostTensor::zeros(toDType(element), {});
  host.setFromInt(0, value);
  return constant(std::move(host));
}

const HostTensor *Emitter::findConstant(Value v) {
  auto it = v ? constants.find(v) : constants.end();
  if (it == constants.end())
    return nullptr;
  Constant &c = *it->second;
  if (!c.host) {
    Expected<HostTensor> host = c.stored->toHost();
    if (!host)
      fail(llvm::toString(host.takeError()));
    c.host = std::move(*host);
  }
  return &*c.host;
}

SmallVector<Value> Emitter::encodedConstant(Value v) const {
  auto decode = v ? v.getDefiningOp<DecodeOp>() : DecodeOp();
  auto assemble = decode ? decode.getInput().getDefiningOp<AssembleOp>() : AssembleOp();
  if (!assemble || !llvm::all_of(assemble.getComponents(), [&](Value c) { return isConstant(c); }))
    return {};
  return SmallVector<Value>(assemble.getComponents());
}

bool Emitter::isWeight(Value v) const { return isConstant(v) || !encodedConstant(v).empty(); }

const HostTensor &Emitter::getConstant(Value v, const llvm::Twine &what) {
  if (!v)
    fail(what + " is missing");
  if (const HostTensor *host = findConstant(v))
    return *host;
  fail(what + " must be constant; bind the model input that determines it as a constant (--bind "
              "name=file.npy), or "
              "give the symbolic dimensions it comes from a size");
}

Ints Emitter::getInts(Value v, const llvm::Twine &what) {
  const HostTensor &host = getConstant(v, what);
  if (host.dtype.isFloat())
    fail(what + " must be integers");
  std::vector<int64_t> values = host.toInts();
  return Ints(values.begin(), values.end());
}

int64_t Emitter::getInt(Value v, const llvm::Twine &what) {
  Ints values = getInts(v, what);
  if (values.size() != 1)
    fail(what + " must be a single integer (got " + llvm::Twine(values.size()) + ")");
  return values[0];
}

double Emitter::getDouble(Value v, const llvm::Twine &what) {
  const HostTensor &host = getConstant(v, what);
  if (host.getNumElements() != 1)
    fail(what + " must be a single number (got " + llvm::Twine(host.getNumElements()) + ")");
  return host.getAsDouble(0);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Dims Emitter::dimsOf(Value v) {
  auto it = knownDims.find(v);
  if (it != knownDims.end())
    return it->second;
  Dims dims;
  for (int64_t d : shapeOf(v))
    dims.push_back(ShapedType::isDynamic(d) ? newSymbol() : Dim(d));
  knownDims[v] = dims;
  return dims;
}

void Emitter::setDims(Value v, ArrayRef<Dim> dims) {
  Dims merged;
  for (auto [d, size] : llvm::zip(dims, shapeOf(v)))
    merged.push_back(ShapedType::isDynamic(size) ? (d.isConstant() ? newSymbol() : d) : Dim(size));
  knownDims[v] = merged;
}

std::optional<Dims> Emitter::elementsOf(Value v) {
  auto it = knownElements.find(v);
  if (it != knownElements.end())
    return it->second;
  RankedTensorType type = typeOf(v);
  if (!isa<IntegerType>(type.getElementType()) || type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() > 64)
    return std::nullopt;
  Dims elements;
  if (const HostTensor *host = findConstant(v)) {
    for (int64_t value : host->toInts())
      elements.push_back(value);
    return elements;
  }
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(newUnknown());
  knownElements[v] = elements;
  return elements;
}

void Emitter::setElements(Value v, ArrayRef<Dim> elements) { knownElements[v] = Dims(elements); }

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

namespace {
/// The properties of an op that does not exist yet, for type inference.
class PropertyStorage {
public:
  PropertyStorage(OperationName name, DictionaryAttr attributes, Location loc) : name(name) {
    storage.resize((name.getOpPropertyByteSize() + sizeof(uint64_t) - 1) / sizeof(uint64_t) + 1);
    // Ops without attributes have none.
    valid = true;
    if (!name.getOpPropertyByteSize())
      return;
    name.initOpProperties(get(), nullptr);
    valid = succeeded(name.setOpPropertiesFromAttribute(name, get(), attributes,
                                                        [&] { return mlir::emitError(loc); }));
    name.populateDefaultProperties(get());
  }
  ~PropertyStorage() {
    if (name.getOpPropertyByteSize())
      name.destroyOpProperties(get());
  }
  OpaqueProperties get() { return OpaqueProperties(storage.data()); }
  bool valid;

private:
  OperationName name;
  std::vector<uint64_t> storage;
};
} // namespace

SmallVector<Value> Emitter::create(StringRef opName, ArrayRef<Value> operands,
                                   ArrayRef<NamedAttribute> attributes, ArrayRef<Type> types) {
  OperationName name(opName, context);
  SmallVector<Value> present;
  SmallVector<int32_t> segments;
  for (Value v : operands) {
    segments.push_back(v ? 1 : 0);
    if (v)
      present.push_back(v);
  }
  NamedAttrList list(attributes);
  if (name.hasTrait<OpTrait::AttrSizedOperandSegments>())
    list.append("operandSegmentSizes", b.getDenseI32ArrayAttr(segments));

  std::string message;
  Operation *op = nullptr;
  SmallVector<Type> resultTypes(types);
  {
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &d) {
      if (message.empty())
        message = d.str();
      return success();
    });
    bool valid = true;
    if (types.empty()) {
      PropertyStorage properties(name, list.getDictionary(context), loc);
      auto *infer = name.getInterface<InferTypeOpInterface>();
      valid = properties.valid && infer &&
              succeeded(infer->inferReturnTypes(context, loc, present, list.getDictionary(context),
                                                properties.get(), {}, resultTypes));
    }
    if (valid) {
      OperationState state(loc, name, present, resultTypes, list);
      op = b.create(state);
      if (failed(verify(op, /*verifyRecursively=*/false))) {
        op->erase();
        op = nullptr;
      }
    }
  }
  if (!op)
    fail(message.empty() ? "cannot build " + opName : llvm::Twine(message));
  SmallVector<Value> results(op->getResults());
  if (!tryFold(op, results))
    follow(op, results);
  return results;
}

bool Emitter::tryFold(Operation *op, SmallVectorImpl<Value> &results) {
  if (op->getNumRegions() || op->getNumOperands() == 0)
    return false;
  int64_t total = 0;
  for (Value v : op->getOperands()) {
    if (!isConstant(v))
      return false;
    total += typeOf(v).getNumElements();
  }
  if (total > kMaxFoldOperands || !isEvaluable(op))
    return false;
  for (Value v : results) {
    RankedTensorType type = typeOf(v);
    if (type.hasStaticShape() && type.getNumElements() > kMaxFoldedElements)
      return false;
  }
  std::vector<HostTensor> operands;
  for (Value v : op->getOperands())
    operands.push_back(*findConstant(v));
  InterpreterOptions options;
  options.maxTensorBytes = kMaxFoldedElements * 8;
  Expected<std::vector<HostTensor>> values = evaluateOp(op, operands, options);
  if (!values) {
    std::string reason = llvm::toString(values.takeError());
    op->erase();
    fail("folding a constant: " + reason);
  }
  op->erase();
  results.clear();
  for (HostTensor &value : *values)
    results.push_back(constant(std::move(value)));
  return true;
}

void Emitter::follow(Operation *op, SmallVectorImpl<Value> &results) {
  inferDims(*this, op);
  inferElements(*this, op);
  // A shape computation may come out constant although its operands are not.
  for (Value &v : results) {
    auto it = knownElements.find(v);
    if (it == knownElements.end() ||
        !llvm::all_of(it->second, [](const Dim &d) { return d.isConstant(); }))
      continue;
    HostTensor host = HostTensor::zeros(toDType(elementOf(v)), shapeOf(v));
    for (auto [i, d] : llvm::enumerate(it->second))
      host.setFromInt(i, d.getConstant());
    v = constant(std::move(host));
  }
}

void Emitter::forget(Operation *op) {
  for (Value v : op->getResults()) {
    knownDims.erase(v);
    knownElements.erase(v);
    constants.erase(v);
  }
}

//===----------------------------------------------------------------------===//
// Materialization
//===----------------------------------------------------------------------===//

static std::string toSymbolName(StringRef name, llvm::StringSet<> &taken) {
  std::string base;
  for (char c : name)
    base += llvm::isAlnum(c) || c == '_' || c == '.' || c == '$' ? c : '_';
  if (base.empty() || llvm::isDigit(base[0]))
    base = "w" + base;
  std::string symbol = base;
  for (unsigned i = 1; !taken.insert(symbol).second; ++i)
    symbol = base + "_" + std::to_string(i);
  return symbol;
}

void Emitter::materializeConstants(ModuleOp module, Block &entry) {
  // Ops nobody uses, last first. Their operands may die with them.
  SmallVector<Operation *> all;
  module.walk([&](Operation *op) { all.push_back(op); });
  for (Operation *op : llvm::reverse(all))
    if (isOpTriviallyDead(op)) {
      forget(op);
      op->erase();
    }

  llvm::StringSet<> taken;
  taken.insert("main");
  OpBuilder globals = OpBuilder::atBlockBegin(module.getBody());
  OpBuilder loads = OpBuilder::atBlockBegin(&entry);
  for (Operation &placeholder : llvm::make_early_inc_range(*constantBlock)) {
    Value v = placeholder.getResult(0);
    if (v.use_empty())
      continue;
    Constant &c = *constants[v];
    RankedTensorType type = typeOf(v);
    Location where = placeholder.getLoc();
    uint64_t bytes = getPackedBytes(toDType(type.getElementType()), type.getNumElements());
    Value made;
    if (bytes <= kMaxInlineBytes) {
      made = nn::ConstantOp::create(loads, where, toDenseElements(*findConstant(v), context));
    } else {
      // What was computed here has the name of the node that computed it.
      auto node = dyn_cast<NameLoc>(where);
      StringRef name = !c.name.empty() ? StringRef(c.name)
                       : node          ? node.getName().getValue()
                                       : "const";
      std::string symbol = toSymbolName(name, taken);
      DenseResourceElementsAttr value;
      if (c.stored) {
        const uint8_t *data = c.stored->data.bytes.data();
        // Files align nothing; say what the address guarantees.
        size_t alignment = std::min<uintptr_t>(
            64, uintptr_t(1) << llvm::countr_zero(reinterpret_cast<uintptr_t>(data)));
        value = DenseResourceElementsAttr::get(
            type, symbol, makeSharedBlob(c.stored->data.bytes, alignment, c.stored->data.owner));
      } else {
        value = toDenseResource(*c.host, symbol, context);
      }
      ml_program::GlobalOp::create(globals, where, symbol, type, /*is_mutable=*/false, value,
                                   globals.getStringAttr("private"));
      made = ml_program::GlobalLoadConstOp::create(loads, where, type,
                                                   SymbolRefAttr::get(context, symbol));
    }
    v.replaceAllUsesWith(made);
    constants.erase(v);
    placeholder.erase();
  }
}
