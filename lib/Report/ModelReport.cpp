//===- ModelReport.cpp - What is stored how, and why ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/ModelReport.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace terse;

namespace {

/// How a constant is used, as far as the report is concerned: its first use as a weight wins.
struct Use {
  OpOperand *operand = nullptr;
  WeightEntry::Role role = WeightEntry::Role::Other;
};

/// Looks at a module once.
class Reporter {
public:
  explicit Reporter(ModuleOp module) : module(module) {}
  ModelReport run();

private:
  void describeEncoded(AssembleOp assemble);
  void describePlain(ml_program::GlobalOp global);
  void describeConstant(Operation *op);
  void addPlain(WeightEntry entry, RankedTensorType type, const Use &use);
  void describeOp(Operation *op);
  void setUse(WeightEntry &entry, const Use &use);

  ModuleOp module;
  SymbolTableCollection symbols;
  llvm::DenseMap<Operation *, SmallVector<Value>> loads;
  llvm::DenseSet<Operation *> components;
  ModelReport report;
};

} // namespace

static std::string printType(RankedTensorType type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : type.getShape())
    if (ShapedType::isDynamic(size))
      os << "?x";
    else
      os << size << "x";
  os << type.getElementType();
  return text;
}

static std::string printAttribute(Attribute attr) {
  std::string text;
  llvm::raw_string_ostream(text) << attr;
  return text;
}

static StoredTensor describeStored(StringRef name, RankedTensorType type) {
  StoredTensor stored{name.str(), printType(type)};
  if (std::optional<DType> dtype = toDType(type.getElementType())) {
    stored.bits = uint64_t(type.getNumElements()) * dtype->getPackedBits();
    stored.bytes = getPackedBytes(*dtype, type.getNumElements());
  }
  return stored;
}

/// The role of an operand, told by interfaces.
static WeightEntry::Role getRole(OpOperand &operand) {
  for (const WeightOperand &weight : getWeightOperands(operand.getOwner()))
    if (weight.operand == &operand)
      return weight.isTable ? WeightEntry::Role::Table : WeightEntry::Role::Weight;
  if (llvm::is_contained(getBiasOperands(operand.getOwner()), &operand))
    return WeightEntry::Role::Bias;
  return WeightEntry::Role::Other;
}

/// The most telling use of some values, looking through decoding. Biases count more than other
/// uses.
static Use findUse(ArrayRef<Value> values) {
  Use best;
  auto rank = [](WeightEntry::Role role) { return static_cast<int>(role); };
  SmallVector<Value> work(values.rbegin(), values.rend());
  while (!work.empty()) {
    Value value = work.pop_back_val();
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses())
      uses.push_back(&use);
    for (OpOperand *use : llvm::reverse(uses)) { // Use lists run backwards.
      if (isa<DecodeOp>(use->getOwner())) {
        work.push_back(use->getOwner()->getResult(0));
        continue;
      }
      WeightEntry::Role role = getRole(*use);
      if (!best.operand || rank(role) < rank(best.role))
        best = {use, role};
    }
  }
  return best;
}

void Reporter::setUse(WeightEntry &entry, const Use &use) {
  if (!use.operand)
    return;
  entry.role = use.role;
  entry.layer = getLayerName(use.operand->getOwner());
  entry.op = use.operand->getOwner()->getName().getStringRef().str();
}

void Reporter::describeEncoded(AssembleOp assemble) {
  auto type = cast<RankedTensorType>(assemble.getType());
  auto infos = assemble.getEncoding().getComponents(stripEncoding(type));
  WeightEntry entry;
  bool seen = true;
  for (auto [component, info] : llvm::zip(assemble.getComponents(), infos)) {
    ConstantSource source = getConstantSource(component, symbols);
    if (!source && entry.components.empty())
      return; // Assembled from computed values.
    if (!source)
      continue; // Follows from parameters of other tensors.
    if (source.global)
      seen &= !components.insert(source.global).second;
    else
      seen = false;
    if (entry.name.empty()) {
      StringRef base = source.name;
      base.consume_back("." + info.name);
      entry.name = base.str();
    }
    entry.components.push_back(describeStored(source.name, info.type));
    entry.bits += entry.components.back().bits;
    entry.bytes += entry.components.back().bytes;
  }
  if (seen)
    return; // Another assembly of the same components.
  StoredTensor plain = describeStored("", stripEncoding(type));
  entry.type = plain.type;
  entry.elements = type.getNumElements();
  entry.plainBytes = plain.bytes;
  entry.encoding = printAttribute(type.getEncoding());
  setUse(entry, findUse({assemble.getResult()}));
  report.weights.push_back(std::move(entry));
}

void Reporter::describePlain(ml_program::GlobalOp global) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || components.contains(global))
    return;
  WeightEntry entry;
  entry.name = global.getSymName().str();
  addPlain(std::move(entry), type, findUse(loads[global]));
}

/// Small parameters stand in the module itself. Integers, such as shapes, and single numbers, such
/// as the exponent of a power, are part of the program unless an interface says what they are.
void Reporter::describeConstant(Operation *op) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  Use use = findUse({op->getResult(0)});
  // Components of encoded tensors, wherever they stand, belong to those.
  bool isComponent =
      llvm::all_of(op->getUsers(), [](Operation *user) { return isa<AssembleOp>(user); });
  if (!type || !type.hasStaticShape() || (isComponent && !op->use_empty()))
    return;
  bool isParameter =
      use.operand && isa<FloatType>(type.getElementType()) && type.getNumElements() > 1;
  if (use.role == WeightEntry::Role::Other && !isParameter)
    return;
  WeightEntry entry;
  entry.name = getLayerName(op);
  addPlain(std::move(entry), type, use);
}

void Reporter::addPlain(WeightEntry entry, RankedTensorType type, const Use &use) {
  StoredTensor stored = describeStored(entry.name, type);
  entry.type = stored.type;
  entry.elements = type.getNumElements();
  entry.plainBytes = entry.bytes = stored.bytes;
  entry.bits = stored.bits;
  entry.components = {stored};
  setUse(entry, use);

  ChoiceAttr choice = use.operand ? ChoiceAttr::get(use.operand->getOwner()) : ChoiceAttr();
  Attribute decided = choice ? choice.lookup(use.operand->getOperandNumber()) : Attribute();
  if (auto reason = dyn_cast_or_null<StringAttr>(decided)) {
    entry.reason = reason.str();
  } else if (decided) {
    entry.reason = "chosen to be " + printAttribute(decided) + ", not applied yet";
  } else if (entry.role == WeightEntry::Role::Weight || entry.role == WeightEntry::Role::Table) {
    entry.reason = "no rule decides about it";
    entry.isGap = true;
  } else if (entry.role == WeightEntry::Role::Bias) {
    entry.reason = "bias, added in float";
  } else if (!use.operand) {
    entry.reason = "not used";
  } else if (isSizeable(type)) {
    entry.reason = "large, but no weight of " + entry.op + " that a rule can decide about";
    entry.isGap = true;
  } else if (!isa<FloatType>(type.getElementType())) {
    entry.reason = "integers, part of the program";
  } else if (llvm::count_if(type.getShape(), [](int64_t size) { return size > 1; }) <= 1) {
    entry.reason = "a vector, used in float by " + entry.op;
  } else {
    entry.reason = "small, used in float by " + entry.op;
  }
  report.weights.push_back(std::move(entry));
}

void Reporter::describeOp(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>() || op->hasTrait<OpTrait::IsTerminator>() ||
      isa<ml_program::GlobalLoadConstOp, AssembleOp, ComponentsOp, FunctionOpInterface, ModuleOp>(
          op) ||
      isa<ml_program::GlobalOp>(op))
    return;
  OpEntry entry{getLayerName(op), op->getName().getStringRef().str(), {}, getFloatReason(op)};
  auto add = [&](const char *kind, unsigned index, Type type) {
    if (EncodingAttrInterface encoding = getEncoding(type))
      entry.encodings.push_back(
          llvm::formatv("{0} {1} = {2}", kind, index, printAttribute(encoding)).str());
  };
  for (auto [index, type] : llvm::enumerate(op->getOperandTypes()))
    add("operand", index, type);
  for (auto [index, type] : llvm::enumerate(op->getResultTypes()))
    add("result", index, type);
  report.ops.push_back(std::move(entry));
}

ModelReport Reporter::run() {
  SmallVector<AssembleOp> assembles;
  SmallVector<Operation *> constants;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
      if (Operation *global = load.getGlobalOp(symbols))
        loads[global].push_back(load.getResult());
    if (auto assemble = dyn_cast<AssembleOp>(op))
      assembles.push_back(assemble);
    if (op->hasTrait<OpTrait::ConstantLike>() && op->getNumResults() == 1)
      constants.push_back(op);
    describeOp(op);
  });
  for (AssembleOp assemble : assembles)
    describeEncoded(assemble);
  for (auto global : module.getOps<ml_program::GlobalOp>())
    describePlain(global);
  for (Operation *op : constants)
    describeConstant(op);
  report.activations = describeActivations(module);
  return std::move(report);
}

ModelReport terse::reportModel(ModuleOp module) { return Reporter(module).run(); }

//===----------------------------------------------------------------------===//
// Sums and output
//===----------------------------------------------------------------------===//

StringRef terse::stringify(WeightEntry::Role role) {
  switch (role) {
  case WeightEntry::Role::Weight:
    return "weight";
  case WeightEntry::Role::Table:
    return "table";
  case WeightEntry::Role::Bias:
    return "bias";
  case WeightEntry::Role::Other:
    return "other";
  }
  llvm_unreachable("unknown role");
}

uint64_t ModelReport::getEncodedBytes() const {
  uint64_t sum = 0;
  for (const WeightEntry &entry : weights)
    sum += entry.encoding.empty() ? 0 : entry.bytes;
  return sum;
}

uint64_t ModelReport::getEncodedPlainBytes() const {
  uint64_t sum = 0;
  for (const WeightEntry &entry : weights)
    sum += entry.encoding.empty() ? 0 : entry.plainBytes;
  return sum;
}

uint64_t ModelReport::getBytes() const {
  uint64_t sum = 0;
  for (const WeightEntry &entry : weights)
    sum += entry.bytes;
  return sum;
}

uint64_t ModelReport::getPlainBytes() const {
  uint64_t sum = 0;
  for (const WeightEntry &entry : weights)
    sum += entry.plainBytes;
  return sum;
}

std::vector<const WeightEntry *> ModelReport::getGaps() const {
  std::vector<const WeightEntry *> gaps;
  for (const WeightEntry &entry : weights)
    if (entry.isGap)
      gaps.push_back(&entry);
  return gaps;
}

uint64_t ModelReport::getEncodedElements() const {
  uint64_t sum = 0;
  for (const WeightEntry &entry : weights)
    sum += entry.encoding.empty() ? 0 : entry.elements;
  return sum;
}

std::vector<ComponentShare> ModelReport::getComponentShares() const {
  // A handful of kinds: searching a list keeps their order.
  std::vector<ComponentShare> shares;
  std::vector<SmallVector<std::string>> types;
  for (const WeightEntry &entry : weights) {
    if (entry.encoding.empty())
      continue;
    for (const StoredTensor &stored : entry.components) {
      StringRef name = stored.name, type = stored.type;
      if (name.consume_front(entry.name))
        name.consume_front(".");
      type = type.substr(type.rfind('x') + 1); // Of 64x32xf16; a scalar has no x.
      auto found = llvm::find_if(shares, [&](const ComponentShare &s) { return s.name == name; });
      size_t index = found - shares.begin();
      if (found == shares.end()) {
        shares.push_back({name.str(), "", 0});
        types.emplace_back();
      }
      shares[index].bits += stored.bits;
      if (!llvm::is_contained(types[index], type))
        types[index].push_back(type.str());
    }
  }
  for (auto [share, names] : llvm::zip_equal(shares, types))
    share.types = llvm::join(names, "/");
  return shares;
}

llvm::json::Value ModelReport::toJSON() const {
  using namespace llvm::json;
  Array weightList, opList, activationList;
  for (const ActivationEntry &entry : activations) {
    Array scales, zeroPoints;
    for (float scale : entry.scales)
      scales.push_back(double(scale));
    for (int64_t zero : entry.zeroPoints)
      zeroPoints.push_back(zero);
    activationList.push_back(Object{{"name", entry.name},
                                    {"type", entry.type},
                                    {"encoding", entry.encoding},
                                    {"scales", std::move(scales)},
                                    {"zero_points", std::move(zeroPoints)},
                                    {"range", Array{entry.low, entry.high}},
                                    {"method", entry.method}});
  }
  for (const WeightEntry &entry : weights) {
    Array components;
    for (const StoredTensor &stored : entry.components)
      components.push_back(Object{{"name", stored.name},
                                  {"type", stored.type},
                                  {"bits", int64_t(stored.bits)},
                                  {"bytes", int64_t(stored.bytes)}});
    Object item{
        {"name", entry.name},
        {"role", stringify(entry.role)},
        {"layer", entry.layer},
        {"op", entry.op},
        {"type", entry.type},
        {"elements", int64_t(entry.elements)},
        {"plain_bytes", int64_t(entry.plainBytes)},
        {"bits", int64_t(entry.bits)},
        {"bytes", int64_t(entry.bytes)},
        {"bits_per_element", entry.elements ? double(entry.bits) / double(entry.elements) : 0.0},
        {"components", std::move(components)}};
    if (!entry.encoding.empty())
      item["encoding"] = entry.encoding;
    else
      item["reason"] = entry.reason;
    if (entry.isGap)
      item["gap"] = true;
    weightList.push_back(std::move(item));
  }
  for (const OpEntry &entry : ops) {
    Object item{{"layer", entry.layer}, {"op", entry.op}};
    if (entry.isCompressed())
      item["encodings"] = Array(entry.encodings);
    else
      item["reason"] = "computes on float tensors";
    if (!entry.floatReason.empty())
      item["float_island"] = entry.floatReason;
    opList.push_back(std::move(item));
  }
  Array shares;
  for (const ComponentShare &share : getComponentShares())
    shares.push_back(
        Object{{"name", share.name}, {"types", share.types}, {"bits", int64_t(share.bits)}});
  return Object{{"terse_manifest", 1},
                {"weights", std::move(weightList)},
                {"activations", std::move(activationList)},
                {"ops", std::move(opList)},
                {"totals", Object{{"plain_bytes", int64_t(getPlainBytes())},
                                  {"bytes", int64_t(getBytes())},
                                  {"encoded_plain_bytes", int64_t(getEncodedPlainBytes())},
                                  {"encoded_bytes", int64_t(getEncodedBytes())},
                                  {"encoded_elements", int64_t(getEncodedElements())},
                                  {"components", std::move(shares)},
                                  {"gaps", int64_t(getGaps().size())}}}};
}

static double ratio(uint64_t part, uint64_t whole) {
  return whole ? double(part) / double(whole) : 1.0;
}

void ModelReport::print(llvm::raw_ostream &os) const {
  size_t nameWidth = 6, typeWidth = 4;
  for (const WeightEntry &entry : weights) {
    nameWidth = std::max(nameWidth, std::min<size_t>(entry.name.size(), 48));
    typeWidth = std::max(typeWidth, entry.type.size());
  }
  auto pad = [&](StringRef text, size_t width) {
    os << text;
    os.indent(text.size() < width ? width - text.size() : 0) << "  ";
  };
  pad("weight", nameWidth);
  pad("type", typeWidth);
  os << "   plain bytes         bytes   ratio  bits/elt  stored as\n";
  for (const WeightEntry &entry : weights) {
    pad(entry.name, nameWidth);
    pad(entry.type, typeWidth);
    os << llvm::formatv("{0,14}{1,14}  {2,6:F4}  {3,8:F3}  ", entry.plainBytes, entry.bytes,
                        ratio(entry.bytes, entry.plainBytes),
                        entry.elements ? double(entry.bits) / double(entry.elements) : 0.0);
    if (!entry.encoding.empty())
      os << entry.encoding << "\n";
    else
      os << "plain: " << entry.reason << (entry.isGap ? " (gap)" : "") << "\n";
  }
  os << llvm::formatv("encoded weights: {0} of {1} bytes, {2:F4}x\n", getEncodedBytes(),
                      getEncodedPlainBytes(), ratio(getEncodedBytes(), getEncodedPlainBytes()));
  os << llvm::formatv("all weights:     {0} of {1} bytes, {2:F4}x\n", getBytes(), getPlainBytes(),
                      ratio(getBytes(), getPlainBytes()));
  // Where the bits of an encoded weight go: values, scales, the scales of scales.
  if (uint64_t elements = getEncodedElements()) {
    uint64_t bits = 0;
    std::string terms;
    for (const ComponentShare &share : getComponentShares()) {
      bits += share.bits;
      terms += llvm::formatv("{0}{1:F4} {2} ({3})", terms.empty() ? "" : " + ",
                             double(share.bits) / double(elements), share.name, share.types)
                   .str();
    }
    os << llvm::formatv("bits per encoded weight: {0:F4} = {1}\n", double(bits) / double(elements),
                        terms);
  }

  if (!activations.empty()) {
    size_t width = 10;
    for (const ActivationEntry &entry : activations)
      width = std::max(width, std::min<size_t>(entry.name.size(), 48));
    pad("activation", width);
    os << "                 range  stored as\n";
    for (const ActivationEntry &entry : activations) {
      pad(entry.name, width);
      os << llvm::formatv("{0,22}  {1}\n",
                          llvm::formatv("[{0:f3}, {1:f3}]", entry.low, entry.high).str(),
                          entry.encoding);
    }
    for (const OpEntry &entry : ops)
      if (!entry.floatReason.empty())
        os << "float island: " << entry.op << " '" << entry.layer << "': " << entry.floatReason
           << "\n";
  }

  // Ops by kind: a list of every relu helps nobody on a terminal; the JSON form has it.
  llvm::MapVector<StringRef, std::pair<unsigned, unsigned>> byKind;
  for (const OpEntry &entry : ops) {
    auto &[total, compressed] = byKind[entry.op];
    ++total;
    compressed += entry.isCompressed();
  }
  os << "ops:";
  for (auto &[kind, counts] : byKind)
    os << " " << kind << " " << counts.second << "/" << counts.first;
  os << " (on encoded operands / all)\n";
}
