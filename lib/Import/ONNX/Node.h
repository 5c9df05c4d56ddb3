//===- Node.h - One ONNX node as its handler sees it ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds inputs, outputs and attributes of a node, with defaults and type checks, and registers the
// handlers of operators by domain, name and the opset version since which they hold.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_IMPORT_ONNX_NODE_H
#define TERSE_LIB_IMPORT_ONNX_NODE_H

#include "Emitter.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace terse::onnx {

class Importer;

/// Values by name, inner graphs see those of outer ones.
struct Scope {
  const Scope *parent = nullptr;
  llvm::StringMap<Value> values;

  Value lookup(llvm::StringRef name) const {
    for (const Scope *s = this; s; s = s->parent)
      if (auto it = s->values.find(name); it != s->values.end())
        return it->second;
    return nullptr;
  }
};

/// Values of the attributes of the function being inlined, for nodes of its body that refer to
/// them.
using AttributeMap = llvm::StringMap<const AttributeProto *>;

class Node {
public:
  Node(Importer &importer, Emitter &e, const NodeProto &proto, int64_t opset, const Scope &scope,
       const AttributeMap *functionAttributes);

  Emitter &e;
  const NodeProto &proto;
  int64_t opset;
  Importer &importer;
  const Scope &scope;
  const AttributeMap *functionAttributes;

  //===--------------------------------------------------------------------===//
  // Inputs and outputs
  //===--------------------------------------------------------------------===//

  size_t numInputs() const { return inputs.size(); }
  /// A required input.
  Value in(size_t i) const {
    if (i >= inputs.size() || !inputs[i])
      fail("input " + llvm::Twine(i) + " is missing");
    return inputs[i];
  }
  /// An optional input, null if absent.
  Value opt(size_t i) const { return i < inputs.size() ? inputs[i] : Value(); }
  llvm::ArrayRef<Value> all() const { return inputs; }

  size_t numOutputs() const { return proto.outputs.size(); }
  bool wants(size_t i) const { return i < proto.outputs.size() && !proto.outputs[i].empty(); }
  void set(size_t i, Value v) {
    if (results.size() <= i)
      results.resize(i + 1);
    results[i] = v;
  }
  llvm::ArrayRef<Value> getResults() const { return results; }

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  /// Null if absent; fails if it has another type.
  const AttributeProto *find(llvm::StringRef name, AttributeProto::Type type);
  bool has(llvm::StringRef name) const;
  int64_t attrInt(llvm::StringRef name, std::optional<int64_t> byDefault = std::nullopt);
  bool attrBool(llvm::StringRef name, bool byDefault) { return attrInt(name, byDefault) != 0; }
  double attrFloat(llvm::StringRef name, std::optional<double> byDefault = std::nullopt);
  std::string attrString(llvm::StringRef name, std::optional<std::string> byDefault = std::nullopt);
  /// Nothing if absent.
  std::optional<Ints> attrInts(llvm::StringRef name);
  std::optional<std::vector<float>> attrFloats(llvm::StringRef name);
  std::optional<std::vector<std::string>> attrStrings(llvm::StringRef name);
  Value attrTensor(llvm::StringRef name);
  const GraphProto *attrGraph(llvm::StringRef name);
  /// An attribute that changes nothing at inference.
  void ignore(llvm::StringRef name) { used.insert(name); }
  /// Fails if the node has an attribute that its handler did not ask for.
  void checkAllUsed() const;

  /// An element type given by number, as in `to` and `dtype`.
  Type elementType(int64_t number);

private:
  llvm::SmallVector<Value> inputs, results;
  llvm::StringSet<> used;
};

using Handler = void (*)(Node &);

struct OpEntry {
  const char *domain;
  const char *name;
  int64_t since;
  Handler handler;
  /// What is not supported, for the documentation; null if all of it is.
  const char *limits;
};

class OpTable {
public:
  OpTable();
  /// The newest entry not newer than `opset`; null if there is none.
  const OpEntry *find(llvm::StringRef domain, llvm::StringRef name, int64_t opset) const;
  bool knows(llvm::StringRef domain, llvm::StringRef name) const;
  /// The error for an operator without entry: why it has none, where that is known.
  static std::string explainMissing(llvm::StringRef domain, llvm::StringRef name);
  std::vector<OpEntry> entries;

  void add(const char *name, std::initializer_list<int64_t> since, Handler handler,
           const char *limits = nullptr) {
    for (int64_t version : since)
      entries.push_back({"", name, version, handler, limits});
  }
  void addIn(const char *domain, const char *name, int64_t since, Handler handler,
             const char *limits = nullptr) {
    entries.push_back({domain, name, since, handler, limits});
  }
};

const OpTable &getOpTable();

// One per family, in Ops/.
void registerElementwiseOps(OpTable &table);
void registerTensorOps(OpTable &table);
void registerShapeOps(OpTable &table);
void registerIndexOps(OpTable &table);
void registerContractionOps(OpTable &table);
void registerConvOps(OpTable &table);
void registerPoolOps(OpTable &table);
void registerNormOps(OpTable &table);
void registerReductionOps(OpTable &table);
void registerResizeOps(OpTable &table);
void registerQuantOps(OpTable &table);
void registerRecurrentOps(OpTable &table);
void registerAttentionOps(OpTable &table);
void registerLossOps(OpTable &table);
void registerControlOps(OpTable &table);
void registerSignalOps(OpTable &table);
void registerSamplingOps(OpTable &table);

} // namespace terse::onnx

#endif
