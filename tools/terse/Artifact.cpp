//===- Artifact.cpp - Compiled models in the tool ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Artifact/Artifact.h"
#include "Artifact.h"
#include "terse/Runtime/terse.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"

using namespace terse;
using namespace terse::tool;

bool tool::isArtifactPath(llvm::StringRef path) {
  return llvm::sys::path::extension(path) == ".terse";
}

namespace {

struct UnloadModel {
  void operator()(terse_model *model) const { terse_model_unload(model); }
};
using ModelHandle = std::unique_ptr<terse_model, UnloadModel>;

class ArtifactRunner : public Runner {
public:
  ArtifactRunner(ModelHandle handle, ModelSignature described) : model(std::move(handle)) {
    signature = std::move(described);
  }
  llvm::StringRef getKind() const override { return "artifact"; }
  uint64_t getCodeBytes() const override { return terse_model_code_size(model.get()); }
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) override;
  llvm::Error execute(llvm::ArrayRef<HostTensor> inputs) override {
    return call(inputs, [](llvm::ArrayRef<terse_tensor>) { return llvm::Error::success(); });
  }
  std::vector<RangeCounts> getRangeCounts() override {
    std::vector<RangeCounts> result;
    for (size_t i = 0; i < terse_range_count(model.get()); ++i) {
      terse_range_counts counts;
      if (terse_range_counts_get(model.get(), i, &counts) == TERSE_OK)
        result.push_back(
            {counts.name, counts.low, counts.high, counts.seen, counts.below, counts.above});
    }
    return result;
  }

private:
  // Runs the model and shows its results, which the runtime owns, to `use`.
  llvm::Error call(llvm::ArrayRef<HostTensor> inputs,
                   llvm::function_ref<llvm::Error(llvm::ArrayRef<terse_tensor>)> use);

  ModelHandle model;
};

} // namespace

static llvm::Expected<TensorSignature> describe(const char *name, terse_dtype type, int32_t rank,
                                                const int64_t *shape) {
  std::optional<DType> dtype = parseArtifactDType(type);
  if (!name || !dtype || (rank > 0 && !shape))
    return makeError("tensor '{0}' has a type that this build of terse does not know",
                     name ? name : "?");
  return TensorSignature{name, *dtype, std::vector<int64_t>(shape, shape + rank)};
}

static llvm::Expected<ModelHandle> open(llvm::StringRef path, unsigned threads,
                                        llvm::StringRef variant = "") {
  terse_load_options options = {};
  std::string name = variant.str();
  if (!variant.empty())
    options.variant = name.c_str();
  options.threads = static_cast<int32_t>(threads);
  terse_model *model = nullptr;
  if (terse_model_load(path.str().c_str(), &options, &model) != TERSE_OK)
    return makeError("{0}", terse_last_error());
  return ModelHandle(model);
}

static llvm::Expected<ModelSignature> describe(const terse_model *model) {
  ModelSignature signature;
  for (size_t i = 0; i < terse_input_count(model); ++i) {
    auto input = describe(terse_input_name(model, i), terse_input_dtype(model, i),
                          terse_input_rank(model, i), terse_input_shape(model, i));
    if (!input)
      return input.takeError();
    signature.inputs.push_back(std::move(*input));
  }
  for (size_t i = 0; i < terse_output_count(model); ++i) {
    auto output = describe(terse_output_name(model, i), terse_output_dtype(model, i),
                           terse_output_rank(model, i), terse_output_shape(model, i));
    if (!output)
      return output.takeError();
    signature.outputs.push_back(std::move(*output));
  }
  return signature;
}

llvm::Expected<std::unique_ptr<Runner>> tool::loadArtifact(llvm::StringRef path, unsigned threads,
                                                           llvm::StringRef variant) {
  auto model = open(path, threads, variant);
  if (!model)
    return model.takeError();
  auto signature = describe(model->get());
  if (!signature)
    return inFile(path, signature.takeError());
  return std::make_unique<ArtifactRunner>(std::move(*model), std::move(*signature));
}

llvm::Error
ArtifactRunner::call(llvm::ArrayRef<HostTensor> inputs,
                     llvm::function_ref<llvm::Error(llvm::ArrayRef<terse_tensor>)> use) {
  std::vector<terse_tensor> in(inputs.size()), out(signature.outputs.size());
  for (auto [tensor, input] : llvm::zip(in, inputs)) {
    if (input.getRank() > TERSE_MAX_RANK)
      return makeError("input {0} has more than {1} dimensions", input.getTypeString(),
                       TERSE_MAX_RANK);
    tensor.dtype = static_cast<terse_dtype>(getArtifactDType(input.dtype));
    tensor.rank = static_cast<int32_t>(input.getRank());
    llvm::copy(input.shape, tensor.shape);
    tensor.data = const_cast<uint8_t *>(input.getBytes().data());
    tensor.capacity = input.getBytes().size();
  }
  if (terse_run(model.get(), in.data(), in.size(), out.data(), out.size()) != TERSE_OK)
    return makeError("{0}", terse_last_error());
  llvm::scope_exit release([&] {
    for (terse_tensor &tensor : out)
      terse_tensor_release(&tensor);
  });
  return use(out);
}

llvm::Expected<std::vector<HostTensor>> ArtifactRunner::run(llvm::ArrayRef<HostTensor> inputs) {
  std::vector<HostTensor> outputs;
  llvm::Error error = call(inputs, [&](llvm::ArrayRef<terse_tensor> out) -> llvm::Error {
    for (auto [tensor, described] : llvm::zip(out, signature.outputs)) {
      llvm::ArrayRef<uint8_t> bytes(static_cast<const uint8_t *>(tensor.data),
                                    terse_tensor_size(&tensor));
      HostTensor output = HostTensor::zeros(
          described.dtype, llvm::ArrayRef<int64_t>(tensor.shape, size_t(tensor.rank)));
      if (output.getBytes().size() != bytes.size())
        return llvm::make_error<DefectError>("output '" + described.name + "' has a wrong size");
      llvm::copy(bytes, output.getMutableBytes().begin());
      outputs.push_back(std::move(output));
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  return outputs;
}

static void print(const char *kind, const TensorSignature &tensor) {
  llvm::outs() << kind << " " << tensor.name << ": " << tensor.getTypeString();
  const char *separator = ", open sizes: ";
  for (size_t axis = 0; axis < tensor.dimNames.size(); ++axis) {
    if (tensor.dimNames[axis].empty())
      continue;
    llvm::outs() << separator << tensor.dimNames[axis] << " = dimension " << axis;
    separator = ", ";
  }
  llvm::outs() << "\n";
}

void tool::printSignature(const ModelSignature &signature) {
  for (const TensorSignature &input : signature.inputs)
    print("input ", input);
  for (const TensorSignature &output : signature.outputs)
    print("output", output);
}

llvm::json::Array tool::toJSON(llvm::ArrayRef<TensorSignature> tensors) {
  llvm::json::Array list;
  for (const TensorSignature &tensor : tensors) {
    llvm::json::Object item{{"name", tensor.name},
                            {"type", tensor.dtype.getName()},
                            {"shape", llvm::json::Array(tensor.shape)}};
    if (!tensor.dimNames.empty())
      item["dims"] = llvm::json::Array(tensor.dimNames);
    list.push_back(std::move(item));
  }
  return list;
}

llvm::Error tool::inspectArtifact(llvm::StringRef path, bool json) {
  auto handle = open(path, 1);
  if (!handle)
    return handle.takeError();
  terse_model *model = handle->get();
  auto signature = describe(model);
  if (!signature)
    return inFile(path, signature.takeError());
  auto fileBytes = getModelFileBytes(path);
  if (!fileBytes)
    return fileBytes.takeError();

  llvm::json::Array weights;
  std::string table;
  llvm::raw_string_ostream os(table);
  for (size_t i = 0; i < terse_weight_count(model); ++i) {
    const int64_t *shape = terse_weight_shape(model, i);
    auto weight = describe(terse_weight_name(model, i), terse_weight_dtype(model, i),
                           terse_weight_rank(model, i), shape);
    if (!weight)
      return inFile(path, weight.takeError());
    uint64_t bytes = terse_weight_bytes(model, i);
    os << llvm::formatv("weight {0}: {1}, {2} bytes\n", weight->name, weight->getTypeString(),
                        bytes);
    weights.push_back(llvm::json::Object{
        {"name", weight->name}, {"type", weight->getTypeString()}, {"bytes", int64_t(bytes)}});
  }
  if (json)
    return writeJSON("-",
                     llvm::json::Object{{"file", path},
                                        {"file_bytes", int64_t(*fileBytes)},
                                        {"producer", terse_model_producer(model)},
                                        {"target", terse_model_target(model)},
                                        {"variant", terse_model_variant(model)},
                                        {"code_bytes", int64_t(terse_model_code_size(model))},
                                        {"weights_bytes", int64_t(terse_model_weights_size(model))},
                                        {"arena_bytes", int64_t(terse_model_arena_size(model))},
                                        {"inputs", toJSON(signature->inputs)},
                                        {"outputs", toJSON(signature->outputs)},
                                        {"weights", std::move(weights)}});
  llvm::outs() << path << ": " << *fileBytes << " bytes, made by " << terse_model_producer(model)
               << " for " << terse_model_target(model) << "\n";
  if (llvm::StringRef variant = terse_model_variant(model); !variant.empty())
    llvm::outs() << "code for several targets, of which this machine runs " << variant << "\n";
  llvm::outs() << "code " << terse_model_code_size(model) << " bytes, weights "
               << terse_model_weights_size(model) << " bytes, scratch memory of a run "
               << terse_model_arena_size(model) << " bytes\n";
  printSignature(*signature);
  llvm::outs() << table;
  return llvm::Error::success();
}
