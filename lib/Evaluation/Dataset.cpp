//===- Dataset.cpp - Labelled data ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Evaluation/Dataset.h"

#include "terse/Support/Error.h"
#include "terse/Support/Npz.h"

using namespace terse;

llvm::Expected<Dataset> Dataset::open(llvm::StringRef path, llvm::StringRef labels,
                                      llvm::ArrayRef<std::string> others) {
  auto tensors = readNpz(path);
  if (!tensors)
    return tensors.takeError();
  Dataset data;
  data.path = path.str();
  data.labelKey = labels.str();
  data.others = others.vec();
  data.arrays = std::move(*tensors);
  if (data.arrays.empty())
    return makeError("'{0}': the file has no arrays", path);

  std::string first;
  for (const auto &[name, tensor] : data.arrays) {
    if (tensor.shape.empty())
      return makeError("'{0}': array '{1}' is a scalar; expected samples along the first axis",
                       path, name);
    if (first.empty()) {
      first = name;
      data.count = tensor.shape[0];
    } else if (tensor.shape[0] != data.count) {
      return makeError("'{0}': array '{1}' has {2} samples, but '{3}' has {4}", path, name,
                       tensor.shape[0], first, data.count);
    }
  }
  if (data.count == 0)
    return makeError("'{0}': the data set is empty", path);
  if (labels.empty())
    return data;

  auto it = llvm::find_if(data.arrays, [&](const auto &named) { return named.first == labels; });
  if (it == data.arrays.end()) {
    std::string names;
    for (const auto &named : data.arrays)
      names += (names.empty() ? "" : ", ") + named.first;
    return makeError("'{0}': there is no array '{1}' for --labels; the file has {2}", path, labels,
                     names);
  }
  if (it->second.dtype.isFloat() || it->second.getNumElements() != data.count)
    return makeError("'{0}': array '{1}' is {2}; labels are one integer per sample", path, labels,
                     it->second.getTypeString());
  data.labels = it->second.toInts();
  return data;
}

const HostTensor *Dataset::find(llvm::StringRef name) const {
  for (const auto &[key, tensor] : arrays)
    if (key == name)
      return &tensor;
  return nullptr;
}

bool Dataset::isInput(llvm::StringRef name) const {
  return name != labelKey && !llvm::is_contained(others, name);
}

llvm::Expected<std::vector<HostTensor>> Dataset::bind(const ModelSignature &signature) const {
  std::vector<HostTensor> bound;
  for (const TensorSignature &input : signature.inputs) {
    auto it = llvm::find_if(arrays, [&](const auto &named) { return named.first == input.name; });
    if (it == arrays.end() && signature.inputs.size() == 1 &&
        llvm::count_if(arrays, [&](const auto &named) { return isInput(named.first); }) == 1)
      it = llvm::find_if(arrays, [&](const auto &named) { return isInput(named.first); });
    if (it == arrays.end()) {
      std::string names;
      for (const auto &named : arrays)
        if (named.first != labelKey)
          names += (names.empty() ? "" : ", ") + named.first;
      return makeError(
          "'{0}': there is no array for the model's input '{1}' ({2}); the file has {3}", path,
          input.name, input.getTypeString(), names.empty() ? "none" : names);
    }
    HostTensor tensor = it->second;
    bool isExact = tensor.dtype.isInteger() && tensor.dtype.getBits() <= 16;
    if (tensor.dtype != input.dtype && isExact && input.dtype == DType::f32())
      tensor = tensor.convertTo(input.dtype);
    // A batch of the data must fit: compare all but the number of samples.
    TensorSignature expected = input;
    expected.name = it->first;
    if (!expected.shape.empty())
      expected.shape[0] = -1;
    if (llvm::Error error = checkInput(expected, tensor, path))
      return std::move(error);
    bound.push_back(std::move(tensor));
  }
  return bound;
}

std::vector<HostTensor> Dataset::slice(llvm::ArrayRef<HostTensor> arrays, int64_t first,
                                       int64_t size) {
  std::vector<HostTensor> result;
  for (const HostTensor &array : arrays) {
    std::vector<int64_t> shape = array.shape;
    int64_t count = shape[0];
    shape[0] = size;
    HostTensor batch = HostTensor::zeros(array.dtype, shape);
    size_t sampleBytes = array.getBytes().size() / count;
    llvm::MutableArrayRef<uint8_t> bytes = batch.getMutableBytes();
    for (int64_t i = 0; i < size; ++i) {
      llvm::ArrayRef<uint8_t> sample =
          array.getBytes().slice(std::min(first + i, count - 1) * sampleBytes, sampleBytes);
      llvm::copy(sample, bytes.begin() + i * sampleBytes);
    }
    result.push_back(std::move(batch));
  }
  return result;
}

int64_t terse::getBatchSize(const ModelSignature &signature, int64_t wanted) {
  for (const TensorSignature &input : signature.inputs)
    if (!input.shape.empty())
      return input.shape[0] < 0 ? wanted : std::max<int64_t>(input.shape[0], 1);
  return 1;
}
