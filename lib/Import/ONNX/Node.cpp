//===- Node.cpp - One ONNX node as its handler sees it ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Node.h"
#include "Importer.h"

using namespace terse;
using namespace terse::onnx;

Node::Node(Importer &importer, Emitter &e, const NodeProto &proto, int64_t opset,
           const Scope &scope, const AttributeMap *functionAttributes)
    : e(e), proto(proto), opset(opset), importer(importer), scope(scope),
      functionAttributes(functionAttributes) {
  for (llvm::StringRef name : proto.inputs) {
    Value v = name.empty() ? Value() : scope.lookup(name);
    if (!name.empty() && !v)
      fail("input '" + name + "' is not defined before this node");
    inputs.push_back(v);
  }
}

static const char *getTypeName(int64_t type) {
  static const char *names[] = {"undefined", "float", "int",     "string",  "tensor", "graph",
                                "floats",    "ints",  "strings", "tensors", "graphs"};
  return type >= 0 && type < int64_t(std::size(names)) ? names[type] : "unknown";
}

// Files older than IR version 2 leave the type out; then what is there tells.
static int64_t getType(const AttributeProto &a) {
  if (a.type != AttributeProto::Undefined)
    return a.type;
  if (a.tensor)
    return AttributeProto::Tensor;
  if (a.graph)
    return AttributeProto::Graph;
  if (!a.ints.empty())
    return AttributeProto::Ints;
  if (!a.floats.empty())
    return AttributeProto::Floats;
  if (!a.strings.empty())
    return AttributeProto::Strings;
  return AttributeProto::Undefined;
}

const AttributeProto *Node::find(llvm::StringRef name, AttributeProto::Type type) {
  used.insert(name);
  const AttributeProto *a = proto.find(name);
  if (a && !a->refName.empty()) {
    if (!functionAttributes)
      fail("attribute '" + name + "' refers to a function's attribute outside of a function");
    auto it = functionAttributes->find(a->refName);
    a = it == functionAttributes->end() ? nullptr : it->second;
  }
  if (!a)
    return nullptr;
  int64_t actual = getType(*a);
  if (actual != type && actual != AttributeProto::Undefined)
    fail("attribute '" + name + "' must be of type " + getTypeName(type) + " (got " +
         getTypeName(actual) + ")");
  return a;
}

bool Node::has(llvm::StringRef name) const {
  const AttributeProto *a = proto.find(name);
  return a && (a->refName.empty() || (functionAttributes && functionAttributes->count(a->refName)));
}

int64_t Node::attrInt(llvm::StringRef name, std::optional<int64_t> byDefault) {
  if (const AttributeProto *a = find(name, AttributeProto::Int))
    return a->i;
  if (!byDefault)
    fail("attribute '" + name + "' is missing");
  return *byDefault;
}

double Node::attrFloat(llvm::StringRef name, std::optional<double> byDefault) {
  if (const AttributeProto *a = find(name, AttributeProto::Float))
    return a->f;
  if (!byDefault)
    fail("attribute '" + name + "' is missing");
  return *byDefault;
}

std::string Node::attrString(llvm::StringRef name, std::optional<std::string> byDefault) {
  if (const AttributeProto *a = find(name, AttributeProto::String))
    return a->s.str();
  if (!byDefault)
    fail("attribute '" + name + "' is missing");
  return *byDefault;
}

std::optional<Ints> Node::attrInts(llvm::StringRef name) {
  if (const AttributeProto *a = find(name, AttributeProto::Ints))
    return Ints(a->ints.begin(), a->ints.end());
  return std::nullopt;
}

std::optional<std::vector<float>> Node::attrFloats(llvm::StringRef name) {
  if (const AttributeProto *a = find(name, AttributeProto::Floats))
    return a->floats;
  return std::nullopt;
}

std::optional<std::vector<std::string>> Node::attrStrings(llvm::StringRef name) {
  const AttributeProto *a = find(name, AttributeProto::Strings);
  if (!a)
    return std::nullopt;
  std::vector<std::string> result;
  for (llvm::StringRef s : a->strings)
    result.push_back(s.str());
  return result;
}

Value Node::attrTensor(llvm::StringRef name) {
  const AttributeProto *a = find(name, AttributeProto::Tensor);
  if (!a || !a->tensor)
    return nullptr;
  return importer.makeConstant(*a->tensor, name);
}

const GraphProto *Node::attrGraph(llvm::StringRef name) {
  const AttributeProto *a = find(name, AttributeProto::Graph);
  if (!a || !a->graph)
    fail("attribute '" + name + "' is missing");
  return a->graph.get();
}

void Node::checkAllUsed() const {
  for (const AttributeProto &a : proto.attributes)
    if (!used.contains(a.name))
      fail("attribute '" + a.name + "' is not supported");
}

Type Node::elementType(int64_t number) {
  std::optional<DType> dtype = getElementType(number);
  if (!dtype)
    fail("element type " + getElementTypeName(number) + " is not supported");
  return e.toType(*dtype);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

OpTable::OpTable() {
  registerElementwiseOps(*this);
  registerTensorOps(*this);
  registerShapeOps(*this);
  registerIndexOps(*this);
  registerContractionOps(*this);
  registerConvOps(*this);
  registerPoolOps(*this);
  registerNormOps(*this);
  registerReductionOps(*this);
  registerResizeOps(*this);
  registerQuantOps(*this);
  registerRecurrentOps(*this);
  registerAttentionOps(*this);
  registerLossOps(*this);
  registerControlOps(*this);
  registerSignalOps(*this);
  registerSamplingOps(*this);
}

const OpEntry *OpTable::find(llvm::StringRef domain, llvm::StringRef name, int64_t opset) const {
  const OpEntry *best = nullptr;
  for (const OpEntry &entry : entries)
    if (domain == entry.domain && name == entry.name && entry.since <= opset &&
        (!best || entry.since > best->since))
      best = &entry;
  return best;
}

bool OpTable::knows(llvm::StringRef domain, llvm::StringRef name) const {
  return find(domain, name, std::numeric_limits<int64_t>::max());
}

std::string OpTable::explainMissing(llvm::StringRef domain, llvm::StringRef name) {
  auto is = [&](std::initializer_list<llvm::StringRef> names) {
    return llvm::is_contained(names, name);
  };
  if (domain == "ai.onnx.preview.training" || domain == "ai.onnx.training")
    return "training operators are not supported";
  if (!domain.empty())
    return "no operator of this domain and name is supported";
  if (name.starts_with("Sequence") || is({"SplitToSequence", "ConcatFromSequence"}))
    return "sequences are not supported";
  if (name.starts_with("Optional"))
    return "optional values are not supported";
  if (name.starts_with("String") || is({"RegexFullMatch", "TfIdfVectorizer"}))
    return "strings are not supported";
  if (name.starts_with("Random") || is({"Bernoulli", "Multinomial"}))
    return "random generators are not supported";
  if (is({"NonZero", "Unique", "NonMaxSuppression", "Compress"}))
    return "the size of the result depends on values; only constants are supported, bind the "
           "inputs";
  if (name == "ImageDecoder")
    return "image decoding is not supported";
  return "this operator is not supported";
}

const OpTable &terse::onnx::getOpTable() {
  static const OpTable table;
  return table;
}
