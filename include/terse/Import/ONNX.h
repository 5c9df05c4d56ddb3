//===- ONNX.h - Import of ONNX models ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an ONNX file (opset 7 and later, https://onnx.ai) to a module of the nn dialect with one
// function `main`, whose arguments and results carry the model's names (`nn.name`). Large weights
// are ml_program.globals whose blobs lie in the mapped file. docs/SupportedOnnxOps.md lists the
// operators.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_IMPORT_ONNX_H
#define TERSE_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/Support/HostTensor.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace terse {

struct ONNXImportOptions {
  /// Inputs of the model that become constants. The imported function does not have them any more;
  /// what follows from them is folded. For inputs that determine shapes, axes or the branch of an
  /// `If`.
  std::map<std::string, HostTensor> bindings;
  /// Sizes of dynamic dimensions: by their name (`dim_param`), or as `input[1]` where they have
  /// none.
  std::map<std::string, int64_t> dims;
  /// If given, the keys of `bindings` and `dims` that the model has are added, and the others
  /// ignored instead of refused: for several models that share one list.
  std::set<std::string> *used = nullptr;
};

/// The dialects that imported modules use; importONNX loads them itself.
void registerONNXImportDialects(mlir::DialectRegistry &registry);

/// Imports the model in the file at `path`. External data must lie in the file's directory. The
/// module keeps the files mapped for as long as its context lives. Errors read like
///   node 'X' (op Resize, opset 13): reason; way out
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(mlir::MLIRContext &context, llvm::StringRef path, const ONNXImportOptions &options = {});

/// The same from memory, which `owner` keeps alive. Without a directory the model can have no
/// external data.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> importONNX(mlir::MLIRContext &context,
                                                             llvm::ArrayRef<uint8_t> bytes,
                                                             std::shared_ptr<const void> owner,
                                                             llvm::StringRef directory,
                                                             const ONNXImportOptions &options = {});

/// One input or output as the model declares it.
struct ONNXValueDescription {
  std::string name;
  /// Nothing for types that have no host tensor.
  std::optional<DType> dtype;
  /// -1 for unknown sizes.
  std::vector<int64_t> shape;
  bool isTensor = false, hasShape = false;
};
struct ONNXModelDescription {
  std::vector<ONNXValueDescription> inputs, outputs;
  /// Operator types that occur, subgraphs included, each once; `domain.Name` outside of the default
  /// domain.
  std::vector<std::string> operators;
};
/// What a model takes and gives, initializers left out, without importing it.
llvm::Expected<ONNXModelDescription> describeONNX(llvm::StringRef path);

/// Reads a file that holds one TensorProto, as ONNX's test suites do.
llvm::Expected<HostTensor> readTensorProto(llvm::StringRef path);

/// Prints the page docs/SupportedOnnxOps.md.
void printSupportedONNXOps(llvm::raw_ostream &os);

} // namespace terse

#endif // TERSE_IMPORT_ONNX_H
