//===- Model.h - ONNX messages, read in place -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of onnx.proto that import needs, as plain structs. Strings and tensor data point into
// the mapped file, which the Model keeps alive.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_IMPORT_ONNX_MODEL_H
#define TERSE_LIB_IMPORT_ONNX_MODEL_H

#include "Wire.h"
#include "terse/Import/ONNXTypes.h"
#include "terse/Support/HostTensor.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <vector>

namespace terse::onnx {

struct TensorProto {
  llvm::StringRef name;
  int64_t dataType = 0;
  llvm::SmallVector<int64_t, 4> dims;
  std::optional<Bytes> raw;
  /// Pieces of float_data (4), int32_data (5), int64_data (7), double_data (10), uint64_data (11):
  /// packed runs as they stand in the file, or single elements. All pieces of a tensor come from
  /// one of the fields.
  uint32_t typedField = 0;
  std::vector<WireField> typed;
  bool isExternal = false;
  llvm::StringRef location;
  int64_t offset = 0, length = -1;
};

struct GraphProto;

struct AttributeProto {
  enum Type {
    Undefined,
    Float,
    Int,
    String,
    Tensor,
    Graph,
    Floats,
    Ints,
    Strings,
    Tensors,
    Graphs,
    SparseTensor = 11
  };

  llvm::StringRef name;
  /// Of the function's attribute that gives the value, in the body of a function.
  llvm::StringRef refName;
  int64_t type = Undefined;
  float f = 0;
  int64_t i = 0;
  llvm::StringRef s;
  std::shared_ptr<TensorProto> tensor;
  std::shared_ptr<GraphProto> graph;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
};

struct NodeProto {
  llvm::StringRef name, opType, domain;
  std::vector<llvm::StringRef> inputs, outputs;
  std::vector<AttributeProto> attributes;

  const AttributeProto *find(llvm::StringRef attribute) const {
    for (const AttributeProto &a : attributes)
      if (a.name == attribute)
        return &a;
    return nullptr;
  }
};

struct ValueInfo {
  struct Dim {
    int64_t size = -1;      ///< -1 if unknown or symbolic.
    llvm::StringRef symbol; ///< Empty if it has no name.
  };
  llvm::StringRef name;
  /// What the type is: a tensor is all that can be imported.
  enum Kind { None, TensorKind, SequenceKind, MapKind, OptionalKind, SparseKind } kind = None;
  int64_t elementType = 0;
  bool hasShape = false;
  std::vector<Dim> dims;
};

struct GraphProto {
  llvm::StringRef name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  bool hasSparseInitializers = false;
  std::vector<ValueInfo> inputs, outputs;
};

struct OpsetImport {
  llvm::StringRef domain;
  int64_t version = 0;
};

struct FunctionProto {
  llvm::StringRef name, domain, overload;
  std::vector<llvm::StringRef> inputs, outputs, attributes;
  std::vector<AttributeProto> defaults;
  std::vector<NodeProto> nodes;
  std::vector<OpsetImport> opsets;
};

/// A file mapped read-only, or a buffer that stands in for one.
struct MappedBytes {
  Bytes bytes;
  std::shared_ptr<const void> owner;
};
llvm::Expected<MappedBytes> mapFile(llvm::StringRef path);

struct Model {
  MappedBytes file;
  /// Directory of the model file, for external data.
  std::string directory;
  int64_t irVersion = 0;
  std::vector<OpsetImport> opsets;
  GraphProto graph;
  std::vector<FunctionProto> functions;
};

/// Reads a ModelProto. Errors say what is malformed.
llvm::Expected<Model> parseModel(MappedBytes file, llvm::StringRef directory);

llvm::Error parseTensor(Bytes bytes, TensorProto &tensor);

/// A tensor as files and weight blobs have it: little-endian, elements of less than a byte packed.
struct StoredTensor {
  DType dtype;
  std::vector<int64_t> shape;
  MappedBytes data;

  llvm::Expected<HostTensor> toHost() const;
};

/// Gives access to tensor data: maps external files once each.
class TensorReader {
public:
  TensorReader(MappedBytes file, llvm::StringRef directory)
      : file(std::move(file)), directory(directory.str()) {}

  /// The bytes of a tensor where they are: in the mapping of the model or of an external file,
  /// unless they had to be decoded.
  llvm::Expected<StoredTensor> readStored(const TensorProto &tensor);
  /// The value of a tensor: a view of the mapping where the file has the elements as the host has
  /// them.
  llvm::Expected<HostTensor> read(const TensorProto &tensor);

private:
  llvm::Expected<MappedBytes> mapExternal(llvm::StringRef location);

  MappedBytes file;
  std::string directory;
  std::vector<std::pair<std::string, MappedBytes>> externalFiles;
};

} // namespace terse::onnx

#endif
