//===- Importer.cpp - Walks an ONNX graph -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"
#include "mlir/IR/Verifier.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using llvm::Expected;
using namespace terse;
using namespace terse::onnx;

// Functions and subgraphs inside of each other; and nodes in all, since functions may multiply
// themselves.
static constexpr unsigned kMaxDepth = 48;
static constexpr uint64_t kMaxNodes = 4'000'000;

Importer::Importer(MLIRContext *context, const Model &model, const ONNXImportOptions &options)
    : model(model), options(options), e(context), reader(model.file, model.directory),
      opsets(model.opsets) {}

int64_t Importer::getOpset(StringRef domain) const {
  for (const OpsetImport &opset : opsets)
    if (opset.domain == domain || (domain.empty() && opset.domain == "ai.onnx"))
      return opset.version;
  return -1;
}

void Importer::define(Scope &scope, StringRef name, Value v) {
  if (name.empty())
    return;
  if (!scope.values.try_emplace(name, v).second)
    fail("value '" + name + "' is defined twice");
}

Value Importer::makeConstant(const TensorProto &tensor, StringRef name) {
  Expected<StoredTensor> stored = reader.readStored(tensor);
  if (!stored)
    fail(llvm::toString(stored.takeError()));
  return e.constant(std::move(*stored), tensor.name.empty() ? name : tensor.name);
}

void Importer::addInitializers(const GraphProto &graph, Scope &scope) {
  if (graph.hasSparseInitializers)
    fail("sparse initializers are not supported");
  for (const TensorProto &tensor : graph.initializers) {
    // Older files declare initializers as inputs too; a bound or defined value stands.
    if (tensor.name.empty())
      fail("an initializer has no name");
    e.loc = NameLoc::get(StringAttr::get(e.context, tensor.name));
    define(scope, tensor.name, makeConstant(tensor, tensor.name));
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

const FunctionProto *Importer::findFunction(const NodeProto &node) const {
  for (const FunctionProto &f : model.functions)
    if (f.name == node.opType && f.domain == node.domain)
      return &f;
  return nullptr;
}

void Importer::importNodes(ArrayRef<NodeProto> nodes, Scope &scope,
                           const AttributeMap *functionAttributes) {
  for (const NodeProto &node : nodes)
    importNode(node, scope, functionAttributes);
}

// As in messages: the node's name, or the output that identifies it.
static std::string describe(const NodeProto &node) {
  if (!node.name.empty())
    return "node '" + node.name.str() + "'";
  for (StringRef output : node.outputs)
    if (!output.empty())
      return "node of '" + output.str() + "'";
  return "a node without name";
}

// Names reach MLIR's printer and diagnostics; bytes that are no text stop here.
static std::string toLocationName(const NodeProto &node) {
  std::string name = node.name.str();
  if (name.empty() && !node.outputs.empty())
    name = node.outputs[0].str();
  return name.empty() ? node.opType.str() : name;
}

void Importer::importNode(const NodeProto &node, Scope &scope,
                          const AttributeMap *functionAttributes) {
  StringRef domain = node.domain == "ai.onnx" ? StringRef() : node.domain;
  int64_t opset = getOpset(domain);
  // Failures in a subgraph or function already name the inner node.
  auto annotate = [&](const ImportFailure &failure) -> ImportFailure {
    if (StringRef(failure.reason).starts_with("node "))
      return failure;
    std::string op = (domain.empty() ? "" : domain.str() + ".") + node.opType.str();
    return {describe(node) + " (op " + op + ", opset " + std::to_string(opset) +
            "): " + failure.reason};
  };
  try {
    if (++nodeCount > kMaxNodes)
      fail("the model has more than " + llvm::Twine(kMaxNodes) + " nodes after inlining");
    LocationAttr outer = e.loc;
    e.loc = NameLoc::get(StringAttr::get(e.context, toLocationName(node)));
    if (const FunctionProto *function = findFunction(node)) {
      inlineFunction(*function, node, scope, functionAttributes);
    } else {
      if (opset < 0)
        fail("the model does not say which version of the domain it uses");
      const OpEntry *entry = getOpTable().find(domain, node.opType, opset);
      if (!entry)
        fail(getOpTable().knows(domain, node.opType)
                 ? "this version of the operator is not supported"
                 : OpTable::explainMissing(domain, node.opType));
      Node context(*this, e, node, opset, scope, functionAttributes);
      entry->handler(context);
      context.checkAllUsed();
      ArrayRef<Value> results = context.getResults();
      for (auto [i, name] : llvm::enumerate(node.outputs)) {
        if (name.empty())
          continue;
        if (i >= results.size() || !results[i])
          fail("output " + llvm::Twine(i) + " ('" + name + "') is not supported");
        define(scope, name, results[i]);
      }
    }
    e.loc = Location(outer);
  } catch (const ImportFailure &failure) {
    throw annotate(failure);
  }
}

void Importer::inlineFunction(const FunctionProto &function, const NodeProto &node, Scope &scope,
                              const AttributeMap *functionAttributes) {
  if (++depth > kMaxDepth)
    fail("functions are nested deeper than " + llvm::Twine(kMaxDepth) + " levels");
  auto leave = llvm::scope_exit([&, old = opsets] {
    --depth;
    opsets = old;
  });
  Scope inner; // A function's body sees its arguments only.
  if (node.inputs.size() > function.inputs.size())
    fail("the function has " + llvm::Twine(function.inputs.size()) + " inputs (got " +
         llvm::Twine(node.inputs.size()) + ")");
  for (auto [i, name] : llvm::enumerate(function.inputs)) {
    StringRef actual = i < node.inputs.size() ? node.inputs[i] : StringRef();
    Value v = actual.empty() ? Value() : scope.lookup(actual);
    if (!actual.empty() && !v)
      fail("input '" + actual + "' is not defined before this node");
    if (v)
      define(inner, name, v);
  }
  AttributeMap attributes;
  for (const AttributeProto &a : function.defaults)
    attributes[a.name] = &a;
  for (const AttributeProto &a : node.attributes) {
    const AttributeProto *actual = &a;
    if (!a.refName.empty()) {
      auto it =
          functionAttributes ? functionAttributes->find(a.refName) : AttributeMap::const_iterator();
      actual = functionAttributes && it != functionAttributes->end() ? it->second : nullptr;
    }
    if (actual)
      attributes[a.name] = actual;
  }
  if (!function.opsets.empty())
    opsets = function.opsets;
  importNodes(function.nodes, inner, &attributes);
  for (auto [i, name] : llvm::enumerate(node.outputs)) {
    if (name.empty())
      continue;
    Value v = i < function.outputs.size() ? inner.lookup(function.outputs[i]) : Value();
    if (!v)
      fail("function '" + function.name + "' does not define output " + llvm::Twine(i));
    define(scope, name, v);
  }
}

SmallVector<Value> Importer::importSubgraph(const GraphProto &graph, const Scope &outer,
                                            ArrayRef<Value> arguments,
                                            const AttributeMap *functionAttributes) {
  if (++depth > kMaxDepth)
    fail("graphs are nested deeper than " + llvm::Twine(kMaxDepth) + " levels");
  auto leave = llvm::scope_exit([&] { --depth; });
  Scope scope;
  scope.parent = &outer;
  if (graph.inputs.size() != arguments.size())
    fail("the subgraph has " + llvm::Twine(graph.inputs.size()) + " inputs (expected " +
         llvm::Twine(arguments.size()) + ")");
  for (auto [info, v] : llvm::zip(graph.inputs, arguments))
    define(scope, info.name, v);
  addInitializers(graph, scope);
  importNodes(graph.nodes, scope, functionAttributes);
  SmallVector<Value> results;
  for (const ValueInfo &output : graph.outputs) {
    Value v = scope.lookup(output.name);
    if (!v)
      fail("output '" + output.name + "' of the subgraph is not defined");
    results.push_back(v);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

// Null if the input is bound to a constant.
Value Importer::addInput(const ValueInfo &info, Block &entry, SmallVectorImpl<std::string> &names) {
  auto reject = [&](const llvm::Twine &reason) { fail("input '" + info.name + "': " + reason); };
  if (info.kind != ValueInfo::TensorKind)
    reject("only tensors are supported");
  std::optional<DType> dtype = getElementType(info.elementType);
  if (!dtype)
    reject("element type " + getElementTypeName(info.elementType) + " is not supported");
  auto bound = options.bindings.find(info.name.str());
  if (bound != options.bindings.end()) {
    const HostTensor &value = bound->second;
    if (value.dtype != *dtype)
      reject("it has elements of type " + dtype->getName() + ", the value bound to it of " +
             value.dtype.getName());
    bool fits = !info.hasShape || info.dims.size() == value.shape.size();
    if (fits && info.hasShape)
      for (auto [d, size] : llvm::zip(info.dims, value.shape))
        fits &= d.size < 0 || d.size == size;
    if (!fits)
      reject("the value bound to it has another shape (" + value.getTypeString() + ")");
    return e.constant(value, info.name);
  }
  if (!info.hasShape)
    reject(
        "its rank is unknown; the model must declare it, or the input must be bound to a constant");
  Dims dims;
  for (auto [i, d] : llvm::enumerate(info.dims)) {
    if (d.size >= 0) {
      dims.push_back(d.size);
      continue;
    }
    // A name stands for the same size wherever it occurs; `input[1]` works for dimensions without
    // one.
    auto given = options.dims.find(info.name.str() + "[" + std::to_string(i) + "]");
    if (given == options.dims.end() && !d.symbol.empty())
      given = options.dims.find(d.symbol.str());
    if (given != options.dims.end()) {
      if (given->second < 0)
        reject("dimension '" + llvm::Twine(given->first) + "' cannot have size " +
               llvm::Twine(given->second));
      usedDims.insert(given->first);
      dims.push_back(given->second);
    } else if (d.symbol.empty()) {
      dims.push_back(e.newSymbol());
    } else {
      auto it = symbols.find(d.symbol);
      if (it == symbols.end())
        it = symbols.try_emplace(d.symbol, e.newSymbol()).first;
      dims.push_back(it->second);
    }
  }
  Location where = NameLoc::get(StringAttr::get(e.context, info.name));
  Value v = entry.addArgument(e.tensor(toStatic(dims), e.toType(*dtype)), where);
  e.setDims(v, dims);
  names.push_back(info.name.str());
  return v;
}

// The model's names of the sizes that stayed open, as `nn.dims` beside `nn.name`.
void Importer::nameDimensions(func::FuncOp main) {
  llvm::StringMap<const ValueInfo *> infos;
  for (const ValueInfo &info : model.graph.inputs)
    infos[info.name] = &info;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto type = cast<RankedTensorType>(main.getArgument(i).getType());
    const ValueInfo *info = infos.lookup(main.getArgAttrOfType<StringAttr>(i, "nn.name"));
    SmallVector<StringRef> dims;
    for (auto [size, dim] : llvm::zip(type.getShape(), info->dims))
      dims.push_back(ShapedType::isDynamic(size) ? dim.symbol : "");
    if (llvm::any_of(dims, [](StringRef name) { return !name.empty(); }))
      main.setArgAttr(i, "nn.dims", e.b.getStrArrayAttr(dims));
  }
}

OwningOpRef<ModuleOp> Importer::run() {
  const GraphProto &graph = model.graph;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(e.context));
  e.b.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(e.b, e.loc, "main", e.b.getFunctionType({}, {}));
  Block *entry = main.addEntryBlock();

  Scope scope;
  llvm::StringSet<> initialized;
  for (const TensorProto &tensor : graph.initializers)
    initialized.insert(tensor.name);
  SmallVector<std::string> inputNames;
  for (const ValueInfo &info : graph.inputs) {
    if (info.name.empty())
      fail("an input has no name");
    if (!initialized.contains(info.name))
      define(scope, info.name, addInput(info, *entry, inputNames));
    else if (options.bindings.count(info.name.str()))
      fail("cannot bind '" + info.name + "': the model initializes it");
  }
  for (const auto &binding : options.bindings)
    if (llvm::any_of(graph.inputs,
                     [&](const ValueInfo &info) { return info.name == binding.first; })) {
      if (options.used)
        options.used->insert(binding.first);
    } else if (!options.used) {
      fail("cannot bind '" + llvm::Twine(binding.first) + "': the model has no such input");
    }
  if (options.used)
    options.used->insert(usedDims.begin(), usedDims.end());
  for (const auto &given : options.dims)
    if (!options.used && !usedDims.count(given.first))
      fail("no input has a dimension '" + llvm::Twine(given.first) + "' of unknown size");
  addInitializers(graph, scope);

  e.b.setInsertionPointToEnd(entry);
  importNodes(graph.nodes, scope, nullptr);

  SmallVector<Value> results;
  SmallVector<Type> resultTypes;
  if (graph.outputs.empty())
    fail("the model has no outputs");
  for (const ValueInfo &output : graph.outputs) {
    Value v = scope.lookup(output.name);
    if (!v)
      fail("output '" + output.name + "' is not defined by any node");
    results.push_back(v);
    resultTypes.push_back(v.getType());
  }
  e.loc = UnknownLoc::get(e.context);
  func::ReturnOp::create(e.b, e.loc, results);
  main.setFunctionType(e.b.getFunctionType(entry->getArgumentTypes(), resultTypes));
  for (auto [i, name] : llvm::enumerate(inputNames))
    main.setArgAttr(i, "nn.name", e.b.getStringAttr(name));
  for (auto [i, output] : llvm::enumerate(graph.outputs))
    main.setResultAttr(i, "nn.name", e.b.getStringAttr(output.name));
  nameDimensions(main);
  e.materializeConstants(*module, *entry);
  return module;
}
