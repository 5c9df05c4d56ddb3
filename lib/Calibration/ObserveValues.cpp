//===- ObserveValues.cpp - Runs a model and shows what is inside -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Observed values become further results of the entry function, so that whatever
// executes the model shows them: no kernel, runtime or ABI knows of calibration.
//
//===----------------------------------------------------------------------===//

#include "terse/Calibration/Calibration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Error.h"
#include "terse/Support/Npz.h"
#include "terse/Support/Step.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// CalibrationData
//===----------------------------------------------------------------------===//

struct CalibrationData::Impl {
  std::string path;
  ModelSignature signature;
  std::vector<std::string> names;
  std::vector<std::unique_ptr<NpzStream>> streams;
  /// Arrays of whole inputs, one behind the other, rather than of the slices of one.
  std::vector<bool> hasSampleAxis;
  int64_t count = 0, position = 0;
};

CalibrationData::CalibrationData(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
CalibrationData::~CalibrationData() = default;
int64_t CalibrationData::size() const { return impl->count; }

/// Whether elements of `have` are exact in `want`.
static bool isConvertible(DType have, DType want) {
  return have == want || (want == DType::f32() && have.isInteger() && have.getBits() <= 16);
}

llvm::Expected<std::unique_ptr<CalibrationData>> CalibrationData::open(ModuleOp module,
                                                                       llvm::StringRef path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path.str();
  auto signature = getSignature(module);
  if (!signature)
    return signature.takeError();
  impl->signature = std::move(*signature);
  auto file = NpzFile::open(path);
  if (!file)
    return file.takeError();

  llvm::ArrayRef<std::string> names = file->getNames();
  for (const TensorSignature &input : impl->signature.inputs) {
    std::string name = input.name;
    if (!file->contains(name)) {
      // The only input takes the only array; an array of labels may stand beside it.
      std::vector<std::string> others(names.begin(), names.end());
      llvm::erase(others, "labels");
      if (impl->signature.inputs.size() != 1 || others.size() != 1)
        return makeError(
            "'{0}': there is no array for the model's input '{1}' ({2}); the file has {3}", path,
            input.name, input.getTypeString(), names.empty() ? "none" : llvm::join(names, ", "));
      name = others.front();
    }
    auto stream = NpzStream::open(path, name);
    if (!stream)
      return stream.takeError();
    llvm::ArrayRef<int64_t> shape = (*stream)->getShape();
    // Samples of inputs whose first axis is not the batch, such as states, have an axis of their
    // own.
    bool sampleAxis = shape.size() == input.shape.size() + 1;
    bool fits = isConvertible((*stream)->getDType(), input.dtype) &&
                (sampleAxis || (shape.size() == input.shape.size() && !shape.empty()));
    for (size_t i = 1; fits && i < shape.size(); ++i) {
      int64_t expected = input.shape[i - sampleAxis];
      fits = expected < 0 || expected == shape[i];
    }
    if (!fits)
      return makeError("'{0}': array '{1}' is {2}, but the model's input '{3}' is {4}", path, name,
                       formatTensorType(shape, (*stream)->getDType()), input.name,
                       input.getTypeString());
    if (!sampleAxis && input.shape[0] > 1)
      return makeError(
          "'{0}': the model's input '{1}' ({2}) has a batch of {3}; calibration runs "
          "single samples: import the "
          "model with a dynamic batch or a batch of 1, or give array '{4}' one more axis in "
          "front that counts samples",
          path, input.name, input.getTypeString(), input.shape[0], name);
    if (impl->streams.empty())
      impl->count = shape[0];
    else if (shape[0] != impl->count)
      return makeError("'{0}': array '{1}' has {2} samples, but '{3}' has {4}", path, name,
                       shape[0], impl->names.front(), impl->count);
    impl->names.push_back(name);
    impl->hasSampleAxis.push_back(sampleAxis);
    impl->streams.push_back(std::move(*stream));
  }
  if (impl->count == 0)
    return makeError("'{0}': there are no samples to calibrate with", path);
  return std::unique_ptr<CalibrationData>(new CalibrationData(std::move(impl)));
}

llvm::Expected<std::vector<HostTensor>> CalibrationData::next() {
  std::vector<HostTensor> inputs;
  for (auto [stream, name, sampleAxis, input] :
       llvm::zip(impl->streams, impl->names, impl->hasSampleAxis, impl->signature.inputs)) {
    auto tensor = stream->next();
    if (!tensor)
      return tensor.takeError();
    if (sampleAxis)
      *tensor = tensor->reshaped(llvm::ArrayRef<int64_t>(tensor->shape).drop_front());
    if (tensor->dtype != input.dtype)
      *tensor = tensor->convertTo(input.dtype);
    if (tensor->dtype == DType::f32())
      for (auto [i, value] : llvm::enumerate(tensor->getAs<float>()))
        if (!std::isfinite(value))
          return makeError("'{0}': element {1} of sample {2} of array '{3}' is {4}; calibration "
                           "data must be finite",
                           impl->path, i, impl->position, name,
                           std::isnan(value) ? "NaN" : "infinite");
    inputs.push_back(std::move(*tensor));
  }
  ++impl->position;
  return inputs;
}

//===----------------------------------------------------------------------===//
// observeValues
//===----------------------------------------------------------------------===//

/// A copy of the module whose entry function returns the observed values too.
static llvm::Expected<OwningOpRef<ModuleOp>> instrument(ModuleOp module, ArrayRef<Value> observed) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone(mapping)));
  auto function = findEntryFunction(*copy);
  if (!function)
    return function.takeError();
  auto results = llvm::to_vector(function->getResultTypes());
  Operation *terminator = function->getBody().front().getTerminator();
  SmallVector<Value> values;
  for (Value value : observed) {
    Value mapped = mapping.lookupOrNull(value);
    if (!mapped || mapped.getParentBlock() != &function->getBody().front())
      return makeError("a value outside of the entry function's top level cannot be observed");
    values.push_back(mapped);
    results.push_back(value.getType());
  }
  auto attributes = function->getResAttrs();
  SmallVector<Attribute> resultAttributes;
  if (attributes)
    llvm::append_range(resultAttributes, *attributes);
  else
    resultAttributes.assign(function->getNumResults(), DictionaryAttr::get(copy->getContext()));
  OpBuilder builder(copy->getContext());
  for (size_t i = 0; i < observed.size(); ++i)
    resultAttributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("nn.name", builder.getStringAttr("observed." + Twine(i)))));
  terminator->insertOperands(terminator->getNumOperands(), values);
  function->setFunctionType(builder.getFunctionType(function->getArgumentTypes(), results));
  function->setResAttrsAttr(builder.getArrayAttr(resultAttributes));
  copy->walk([](ObserveOp op) {
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  });
  return std::move(copy);
}

struct ObservedModel::Impl {
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::unique_ptr<Interpreter> interpreter;
  std::unique_ptr<JITModel> native;
  /// Of each observed value the number of the result that it is.
  std::vector<size_t> results;
};

ObservedModel::ObservedModel(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
ObservedModel::~ObservedModel() = default;

llvm::Expected<std::unique_ptr<ObservedModel>>
ObservedModel::create(ModuleOp module, ArrayRef<Value> observed, bool interpret) {
  auto impl = std::make_unique<Impl>();
  // An observer's own result is its operand.
  SmallVector<Value> values;
  for (Value value : observed) {
    while (auto observe = value.getDefiningOp<ObserveOp>())
      value = observe.getInput();
    values.push_back(value);
  }
  llvm::SetVector<Value> distinct(values.begin(), values.end());
  auto instrumented = instrument(module, distinct.getArrayRef());
  if (!instrumented)
    return instrumented.takeError();
  impl->module = std::move(*instrumented);
  auto function = findEntryFunction(*impl->module);
  if (!function)
    return function.takeError();
  impl->function = *function;
  size_t outputs = function->getNumResults() - distinct.size();
  for (Value value : values)
    impl->results.push_back(outputs + (llvm::find(distinct, value) - distinct.begin()));
  beginStep(module.getContext(), "compiling the model", 0, 1);
  if (interpret) {
    impl->interpreter = std::make_unique<Interpreter>(*impl->module);
  } else {
    auto created = JITModel::create(*impl->module);
    if (!created)
      return created.takeError();
    impl->native = std::move(*created);
  }
  return std::unique_ptr<ObservedModel>(new ObservedModel(std::move(impl)));
}

llvm::Expected<std::vector<HostTensor>> ObservedModel::run(ArrayRef<HostTensor> inputs) {
  auto results = impl->interpreter ? impl->interpreter->call(impl->function, inputs)
                                   : impl->native->run(inputs);
  if (!results)
    return results.takeError();
  std::vector<HostTensor> observed;
  for (size_t result : impl->results)
    observed.push_back((*results)[result]);
  return observed;
}

llvm::Expected<int64_t>
terse::observeValues(ModuleOp module, ArrayRef<Value> observed, CalibrationData &data,
                     int64_t limit, bool interpret,
                     llvm::function_ref<void(size_t, const HostTensor &)> see) {
  auto model = ObservedModel::create(module, observed, interpret);
  if (!model)
    return model.takeError();
  int64_t count = limit > 0 ? std::min(limit, data.size()) : data.size();
  for (int64_t sample = 0; sample < count; ++sample) {
    beginStep(module.getContext(), "running samples", sample, count);
    auto inputs = data.next();
    if (!inputs)
      return inputs.takeError();
    auto values = (*model)->run(*inputs);
    if (!values)
      return values.takeError();
    for (auto [i, value] : llvm::enumerate(*values))
      see(i, value);
  }
  return count;
}
