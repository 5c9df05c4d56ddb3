//===- ONNX.cpp - Import of ONNX models -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Import/ONNX.h"
#include "Importer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace mlir;
using llvm::Expected;
using namespace terse;
using namespace terse::onnx;

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

void terse::registerONNXImportDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, ml_program::MLProgramDialect, scf::SCFDialect,
                  tensor::TensorDialect, nn::NNDialect, TerseDialect>();
}

llvm::Expected<OwningOpRef<ModuleOp>>
terse::importONNX(MLIRContext &context, ArrayRef<uint8_t> bytes, std::shared_ptr<const void> owner,
                  StringRef directory, const ONNXImportOptions &options) {
  context.loadDialect<func::FuncDialect, ml_program::MLProgramDialect, scf::SCFDialect,
                      tensor::TensorDialect, nn::NNDialect, TerseDialect>();
  Expected<Model> model = parseModel({bytes, std::move(owner)}, directory);
  if (!model)
    return model.takeError();
  OwningOpRef<ModuleOp> module;
  try {
    Importer importer(&context, *model, options);
    module = importer.run();
  } catch (const ImportFailure &reason) {
    return failure(reason.reason);
  }
  // Every op was checked when it was built; this is about the whole.
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    if (message.empty())
      message = d.str();
    return success();
  });
  if (failed(verify(*module)))
    return failure("the imported module is invalid: " + message);
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>> terse::importONNX(MLIRContext &context, StringRef path,
                                                        const ONNXImportOptions &options) {
  Expected<MappedBytes> file = mapFile(path);
  if (!file)
    return file.takeError();
  Expected<OwningOpRef<ModuleOp>> module =
      importONNX(context, file->bytes, file->owner, llvm::sys::path::parent_path(path), options);
  if (!module)
    return failure("'" + path + "': " + llvm::toString(module.takeError()));
  return module;
}

llvm::Expected<HostTensor> terse::readTensorProto(StringRef path) {
  Expected<MappedBytes> file = mapFile(path);
  if (!file)
    return file.takeError();
  TensorProto tensor;
  if (llvm::Error error = parseTensor(file->bytes, tensor))
    return failure("'" + path + "': " + llvm::toString(std::move(error)));
  TensorReader reader(*file, llvm::sys::path::parent_path(path));
  Expected<HostTensor> host = reader.read(tensor);
  if (!host)
    return failure("'" + path + "': " + llvm::toString(host.takeError()));
  return host;
}

static void collectOperators(ArrayRef<NodeProto> nodes, std::set<std::string> &names) {
  for (const NodeProto &node : nodes) {
    names.insert((node.domain.empty() || node.domain == "ai.onnx" ? "" : node.domain.str() + ".") +
                 node.opType.str());
    for (const AttributeProto &a : node.attributes)
      if (a.graph)
        collectOperators(a.graph->nodes, names);
  }
}

llvm::Expected<ONNXModelDescription> terse::describeONNX(StringRef path) {
  Expected<MappedBytes> file = mapFile(path);
  if (!file)
    return file.takeError();
  Expected<Model> model = parseModel(*file, "");
  if (!model)
    return failure("'" + path + "': " + llvm::toString(model.takeError()));
  ONNXModelDescription result;
  auto describe = [](const ValueInfo &info) {
    ONNXValueDescription d;
    d.name = info.name.str();
    d.isTensor = info.kind == ValueInfo::TensorKind;
    d.hasShape = info.hasShape;
    d.dtype = d.isTensor ? getElementType(info.elementType) : std::nullopt;
    for (const ValueInfo::Dim &dim : info.dims)
      d.shape.push_back(dim.size);
    return d;
  };
  std::set<std::string> names, initialized;
  for (const TensorProto &tensor : model->graph.initializers)
    initialized.insert(tensor.name.str());
  for (const ValueInfo &info : model->graph.inputs)
    if (!initialized.count(info.name.str()))
      result.inputs.push_back(describe(info));
  for (const ValueInfo &info : model->graph.outputs)
    result.outputs.push_back(describe(info));
  collectOperators(model->graph.nodes, names);
  for (const FunctionProto &f : model->functions)
    collectOperators(f.nodes, names);
  result.operators.assign(names.begin(), names.end());
  return result;
}
