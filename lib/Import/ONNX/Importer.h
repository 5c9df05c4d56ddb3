//===- Importer.h - Walks an ONNX graph -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_IMPORT_ONNX_IMPORTER_H
#define TERSE_LIB_IMPORT_ONNX_IMPORTER_H

#include "Node.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/Import/ONNX.h"

#include <set>

namespace terse::onnx {

class Importer {
public:
  Importer(mlir::MLIRContext *context, const Model &model, const ONNXImportOptions &options);

  /// Throws ImportFailure.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// A tensor of the file as a constant; initializers give their own name, attributes `name`.
  Value makeConstant(const TensorProto &tensor, llvm::StringRef name);

  /// Imports the nodes of a graph at the insertion point, with its inputs bound to `arguments`, and
  /// returns its outputs.
  llvm::SmallVector<Value> importSubgraph(const GraphProto &graph, const Scope &outer,
                                          llvm::ArrayRef<Value> arguments,
                                          const AttributeMap *functionAttributes);

private:
  void importNodes(llvm::ArrayRef<NodeProto> nodes, Scope &scope,
                   const AttributeMap *functionAttributes);
  void importNode(const NodeProto &node, Scope &scope, const AttributeMap *functionAttributes);
  void inlineFunction(const FunctionProto &function, const NodeProto &node, Scope &scope,
                      const AttributeMap *functionAttributes);
  void addInitializers(const GraphProto &graph, Scope &scope);
  void define(Scope &scope, llvm::StringRef name, Value v);
  int64_t getOpset(llvm::StringRef domain) const;
  const FunctionProto *findFunction(const NodeProto &node) const;
  void nameDimensions(mlir::func::FuncOp main);
  Value addInput(const ValueInfo &info, mlir::Block &entry,
                 llvm::SmallVectorImpl<std::string> &names);

  const Model &model;
  const ONNXImportOptions &options;
  Emitter e;
  TensorReader reader;
  llvm::StringMap<Dim> symbols;
  std::set<std::string> usedDims;
  llvm::ArrayRef<OpsetImport> opsets;
  unsigned depth = 0;
  uint64_t nodeCount = 0;
};

} // namespace terse::onnx

#endif
