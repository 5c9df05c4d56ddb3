//===- File.cpp - An ONNX file under construction ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A message begins with its length, so that all lengths are added up before anything is written;
// the data of tensors, of which a model consists mostly, then go from where they lie to the file.
// Field numbers are those of onnx.proto.
//
//===----------------------------------------------------------------------===//

#include "File.h"

#include "terse/Import/ONNXTypes.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/HostTensor.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace terse;
using namespace terse::onnx;

static constexpr int64_t kOpset = 21, kIRVersion = 10;
/// Smaller tensors stay in the model, as ONNX's own tools have it.
static constexpr uint64_t kMinExternalBytes = 1024;
static constexpr uint64_t kAlignment = 64;

uint64_t Initializer::getBytes() const { return getPackedBytes(dtype, *countElements(shape)); }

namespace {
/// Where the data of a tensor are: in the model, or at an offset of the weights file.
struct Place {
  bool isExternal = false;
  uint64_t offset = 0;
};
} // namespace

static Message makeEntry(llvm::StringRef key, llvm::StringRef value) {
  Message entry;
  entry.text(1, key).text(2, value);
  return entry;
}

/// A TensorProto up to its data; those follow if they are not external.
static Message makeTensorHead(const Initializer &tensor, const Place &place,
                              llvm::StringRef location) {
  Message head;
  for (int64_t size : tensor.shape)
    head.integer(1, size);
  head.integer(2, getOnnxType(tensor.dtype)).text(8, tensor.name);
  if (!place.isExternal) {
    head.lengthPrefix(9, tensor.getBytes());
    return head;
  }
  head.message(13, makeEntry("location", location));
  head.message(13, makeEntry("offset", std::to_string(place.offset)));
  head.message(13, makeEntry("length", std::to_string(tensor.getBytes())));
  head.integer(14, 1);
  return head;
}

static Message makeValueInfo(const GraphValue &value) {
  Message shape;
  for (const GraphValue::Dim &dim : value.dims) {
    Message entry;
    if (dim.size >= 0)
      entry.integer(1, dim.size);
    else if (!dim.symbol.empty())
      entry.text(2, dim.symbol);
    shape.message(1, entry);
  }
  Message tensor, type, info;
  tensor.integer(1, getOnnxType(value.dtype)).message(2, shape);
  type.message(1, tensor);
  info.text(1, value.name).message(2, type);
  return info;
}

/// Writes the data of one tensor and checks their number.
static llvm::Error writeData(const Initializer &tensor, llvm::raw_ostream &os) {
  uint64_t before = os.tell();
  if (llvm::Error error = tensor.write(os))
    return error;
  if (os.tell() - before != tensor.getBytes())
    return makeError("tensor '{0}' has {1} bytes of data, expected {2}", tensor.name,
                     os.tell() - before, tensor.getBytes());
  return llvm::Error::success();
}

namespace {
/// The model laid out for one choice of where data go.
class Layout {
public:
  Layout(const ModelFile &model, bool external, llvm::StringRef location) : model(model) {
    for (const Initializer &tensor : model.initializers) {
      Place place;
      place.isExternal = external && tensor.getBytes() >= kMinExternalBytes;
      if (place.isExternal) {
        place.offset = llvm::alignTo(dataBytes, kAlignment);
        dataBytes = place.offset + tensor.getBytes();
      }
      heads.push_back(makeTensorHead(tensor, place, location));
      places.push_back(place);
    }
    for (const Message &node : model.nodes)
      nodes.message(1, node);
    nodes.text(2, "main");
    for (const GraphValue &input : model.inputs)
      values.message(11, makeValueInfo(input));
    for (const GraphValue &output : model.outputs)
      values.message(12, makeValueInfo(output));

    graphBytes = nodes.size() + values.size();
    for (size_t i = 0; i < heads.size(); ++i) {
      uint64_t size = getTensorBytes(i);
      graphBytes += Message().lengthPrefix(5, size).size() + size;
    }
    modelHead.integer(1, kIRVersion).text(2, "terse").lengthPrefix(7, graphBytes);
    Message opset;
    opset.text(1, "").integer(2, kOpset);
    modelTail.message(8, opset);
  }

  uint64_t getModelBytes() const { return modelHead.size() + graphBytes + modelTail.size(); }
  uint64_t getDataBytes() const { return dataBytes; }

  llvm::Error writeModel(llvm::raw_ostream &os) const {
    os << modelHead.getBytes() << nodes.getBytes();
    for (size_t i = 0; i < heads.size(); ++i) {
      os << Message().lengthPrefix(5, getTensorBytes(i)).getBytes() << heads[i].getBytes();
      if (!places[i].isExternal)
        if (llvm::Error error = writeData(model.initializers[i], os))
          return error;
    }
    os << values.getBytes() << modelTail.getBytes();
    return llvm::Error::success();
  }

  llvm::Error writeExternal(llvm::raw_ostream &os) const {
    for (auto [i, tensor] : llvm::enumerate(model.initializers)) {
      if (!places[i].isExternal)
        continue;
      os.write_zeros(places[i].offset - os.tell());
      if (llvm::Error error = writeData(tensor, os))
        return error;
    }
    return llvm::Error::success();
  }

private:
  uint64_t getTensorBytes(size_t i) const {
    return heads[i].size() + (places[i].isExternal ? 0 : model.initializers[i].getBytes());
  }

  const ModelFile &model;
  std::vector<Message> heads;
  std::vector<Place> places;
  Message nodes, values, modelHead, modelTail;
  uint64_t graphBytes = 0, dataBytes = 0;
};
} // namespace

llvm::Expected<ONNXExportResult> terse::onnx::writeModel(const ModelFile &model,
                                                         llvm::StringRef path,
                                                         const ONNXExportOptions &options) {
  std::string dataPath = (path + ".data").str();
  llvm::StringRef location = llvm::sys::path::filename(dataPath);
  auto layout = std::make_unique<Layout>(model, options.externalData, location);
  if (layout->getModelBytes() > options.maxFileBytes && !options.externalData)
    layout = std::make_unique<Layout>(model, /*external=*/true, location);
  if (layout->getModelBytes() > options.maxFileBytes)
    return makeError("'{0}': the graph alone has {1} bytes, beyond the {2} that readers take", path,
                     layout->getModelBytes(), options.maxFileBytes);

  ONNXExportResult result;
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = layout->writeModel(file->getStream()))
    return inFile(path, std::move(error));
  result.modelBytes = layout->getModelBytes();
  if (layout->getDataBytes()) {
    result.dataPath = dataPath;
    result.dataBytes = layout->getDataBytes();
    if (llvm::Error error = writeFileAtomically(
            dataPath, [&](llvm::raw_ostream &os) { return layout->writeExternal(os); }))
      return std::move(error);
  }
  // The model names the weights, so it appears when they are there.
  if (llvm::Error error = file->commit())
    return std::move(error);
  result.numNodes = model.nodes.size();
  result.numInitializers = model.initializers.size();
  return result;
}
