//===- Dataset.cpp - Labelled data for eval ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Dataset.h"

#include "terse/Support/Npz.h"

#include <cmath>
#include <numeric>

using namespace terse;
using namespace terse::tool;

llvm::Expected<Dataset> Dataset::open(llvm::StringRef path, llvm::StringRef labels) {
  auto tensors = readNpz(path);
  if (!tensors)
    return tensors.takeError();
  Dataset data;
  data.path = path.str();
  data.labelKey = labels.str();
  data.arrays = std::move(*tensors);
  if (data.arrays.empty())
    return makeError("'{0}': the file has no arrays", path);

  std::string first;
  for (const auto &[name, tensor] : data.arrays) {
    if (tensor.shape.empty())
      return makeError("'{0}': array '{1}' is a scalar; expected samples along the first axis", path,
                       name);
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

llvm::Expected<std::vector<HostTensor>> Dataset::bind(const ModelSignature &signature) const {
  std::vector<HostTensor> bound;
  for (const TensorSignature &input : signature.inputs) {
    auto it = llvm::find_if(arrays, [&](const auto &named) { return named.first == input.name; });
    if (it == arrays.end() && signature.inputs.size() == 1 &&
        arrays.size() == (hasLabels() ? 2u : 1u))
      it = llvm::find_if(arrays, [&](const auto &named) { return named.first != labelKey; });
    if (it == arrays.end()) {
      std::string names;
      for (const auto &named : arrays)
        if (named.first != labelKey)
          names += (names.empty() ? "" : ", ") + named.first;
      return makeError("'{0}': there is no array for the model's input '{1}' ({2}); the file has {3}",
                       path, input.name, input.getTypeString(), names.empty() ? "none" : names);
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

int64_t tool::getBatchSize(const ModelSignature &signature, int64_t wanted) {
  for (const TensorSignature &input : signature.inputs)
    if (!input.shape.empty())
      return input.shape[0] < 0 ? wanted : std::max<int64_t>(input.shape[0], 1);
  return 1;
}

double Latencies::getPercentile(double percent) const {
  if (milliseconds.empty())
    return 0;
  std::vector<double> sorted = milliseconds;
  llvm::sort(sorted);
  size_t rank = static_cast<size_t>(std::ceil(percent / 100 * double(sorted.size())));
  return sorted[std::min(std::max<size_t>(rank, 1), sorted.size()) - 1];
}

double Latencies::getMean() const {
  return milliseconds.empty()
             ? 0
             : std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0) / milliseconds.size();
}

llvm::json::Object Latencies::toJSON() const {
  return llvm::json::Object{{"runs", int64_t(milliseconds.size())},
                            {"mean_ms", getMean()},
                            {"p50_ms", getPercentile(50)},
                            {"p90_ms", getPercentile(90)},
                            {"p99_ms", getPercentile(99)}};
}
