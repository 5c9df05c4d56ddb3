//===- Exporter.h - Turns nn ops into ONNX nodes ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks a function in order. Handlers, one per op and grouped by family in Ops/, ask for the names
// of operands and emit nodes. Constants and dequantized weights come into being when they are first
// asked for, so that an op can have them in the form it needs (the weight of a matrix product
// transposed, for example).
//
// What ONNX cannot say throws ExportFailure, which never leaves the library; no callback of MLIR or
// LLVM is on the stack.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_EXPORT_ONNX_EXPORTER_H
#define TERSE_LIB_EXPORT_ONNX_EXPORTER_H

#include "File.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

#include <map>
#include <variant>

namespace terse::onnx {

struct ExportFailure {
  std::string reason;
};
[[noreturn]] void failExport(const llvm::Twine &reason);

using Ints = llvm::SmallVector<int64_t>;
using Names = std::vector<std::string>;

/// An attribute of a node.
struct Attr {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>, Names> value;

  Attr(const char *name, int64_t value) : name(name), value(value) {}
  Attr(const char *name, bool value) : name(name), value(int64_t(value)) {}
  Attr(const char *name, double value) : name(name), value(float(value)) {}
  Attr(const char *name, const char *value) : name(name), value(std::string(value)) {}
  Attr(const char *name, llvm::StringRef value) : name(name), value(value.str()) {}
  Attr(const char *name, llvm::ArrayRef<int64_t> value) : name(name), value(value.vec()) {}
  Attr(const char *name, std::vector<float> value) : name(name), value(std::move(value)) {}
  Attr(const char *name, Names value) : name(name), value(std::move(value)) {}
};
using Attrs = std::vector<Attr>;

/// The ONNX values behind an encoded tensor, and how its scales lie.
struct Quantized {
  std::string values, scales, zeroPoints; ///< `zeroPoints` is empty if all are 0.
  std::optional<int64_t> axis;
  int64_t block = 0;
};

class Exporter {
public:
  explicit Exporter(mlir::ModuleOp module) : module(module) {}

  /// The whole function.
  ModelFile run(mlir::func::FuncOp function);

  //===--------------------------------------------------------------------===//
  // Names of values
  //===--------------------------------------------------------------------===//

  /// The ONNX value of `v`; that of its floats if it is encoded. An absent operand has the empty
  /// name.
  std::string name(mlir::Value v);
  /// The same with the axes of a constant or encoded constant permuted; empty if `v` is neither.
  std::string transposed(mlir::Value v, llvm::ArrayRef<int64_t> permutation);
  /// The parts of an encoded tensor that a node has made.
  Quantized findQuantized(mlir::Value encoded);
  void setName(mlir::Value v, std::string name) { names[v] = std::move(name); }
  void setQuantized(mlir::Value v, Quantized parts) { encoded[v] = std::move(parts); }
  /// The name that the result of the current op is to have.
  std::string define(mlir::Value result);

  /// Constants, each content once.
  std::string ints(llvm::ArrayRef<int64_t> values);
  std::string scalar(double value, mlir::Type element);
  std::string constant(const HostTensor &tensor, const llvm::Twine &hint);
  /// A new initializer.
  std::string add(Initializer tensor);

  //===--------------------------------------------------------------------===//
  // Nodes
  //===--------------------------------------------------------------------===//

  /// The node that gives the result of the current op, which has its name.
  void emit(llvm::StringRef op, Names inputs, Attrs attributes = {});
  void emit(llvm::StringRef op, Names inputs, Attrs attributes, mlir::ValueRange results);
  /// A node on the way to it; returns the name of its value.
  std::string step(llvm::StringRef op, Names inputs, Attrs attributes = {});
  /// The same for the node that carries the name of the layer, where others follow it.
  std::string mainStep(llvm::StringRef op, Names inputs, Attrs attributes = {});
  /// A node with the names given; that of the node is made unique.
  void node(llvm::StringRef op, Names inputs, Names outputs, const Attrs &attributes,
            llvm::StringRef nodeName);
  std::string unique(const llvm::Twine &base);
  /// The name of the layer of the current op.
  const std::string &getLayer() const { return layer; }

  static mlir::RankedTensorType typeOf(mlir::Value v) {
    return llvm::cast<mlir::RankedTensorType>(v.getType());
  }
  static int64_t rankOf(mlir::Value v) { return typeOf(v).getRank(); }
  static mlir::Type elementOf(mlir::Value v) { return typeOf(v).getElementType(); }
  /// What is stored where ONNX has no such type: integers of less than a byte as bytes, floats
  /// without a type of their own as their bit patterns.
  static DType toStored(DType dtype);
  static int64_t onnxTypeOf(mlir::Type element);
  /// Whether tensors of this type hold bit patterns, which a table decodes.
  static bool isCode(mlir::Type element);

private:
  void exportOp(mlir::Operation *op);
  std::string materialize(mlir::Value v);
  std::string claim(const llvm::Twine &base, llvm::StringSet<> &taken);

  mlir::ModuleOp module;
  ModelFile file;
  mlir::Operation *current = nullptr;
  std::string layer;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::Value, Quantized> encoded;
  llvm::DenseMap<mlir::Value, std::string> outputNames;
  std::map<std::string, std::string> constants; ///< By content.
  std::map<std::pair<std::string, Ints>, std::string> permuted;
  llvm::StringSet<> takenValues, takenNodes;
};

//===----------------------------------------------------------------------===//
// Handlers
//===----------------------------------------------------------------------===//

using Handler = std::function<void(mlir::Operation *, Exporter &)>;

class HandlerTable {
public:
  HandlerTable();
  const Handler *find(mlir::OperationName name) const;

  template <typename OpTy>
  void add(void (*handler)(OpTy, Exporter &)) {
    handlers[OpTy::getOperationName()] = [handler](mlir::Operation *op, Exporter &e) {
      handler(llvm::cast<OpTy>(op), e);
    };
  }

private:
  llvm::StringMap<Handler> handlers;
};

// One per family, in Ops/.
void addElementwise(HandlerTable &table);
void addContractions(HandlerTable &table);
void addPooling(HandlerTable &table);
void addNorms(HandlerTable &table);
void addReductions(HandlerTable &table);
void addMovement(HandlerTable &table);
void addIndexing(HandlerTable &table);
void addShapes(HandlerTable &table);
void addRecurrent(HandlerTable &table);
void addEncodings(HandlerTable &table);

/// Whether DequantizeLinear, QuantizeLinear or Cast say what `encoding` does; `op` makes the
/// encoded tensor.
bool isExpressible(EncodingAttrInterface encoding, mlir::Operation *op);
/// The floats of an encoded tensor, as nodes. `permutation`, if any, is for constants.
std::string dequantize(Exporter &e, mlir::Value encodedTensor, llvm::ArrayRef<int64_t> permutation);

/// A tensor with its axes permuted: axis i of the result is axis permutation[i].
HostTensor permute(const HostTensor &x, llvm::ArrayRef<int64_t> permutation);
Initializer permuteInitializer(mlir::Value constant, llvm::ArrayRef<int64_t> permutation,
                               std::string name);

/// Rewrites what ONNX has no operator for to what it has; on a copy of the model.
llvm::Error prepareForExport(mlir::ModuleOp module, bool floatWeights);

} // namespace terse::onnx

#endif // TERSE_LIB_EXPORT_ONNX_EXPORTER_H
