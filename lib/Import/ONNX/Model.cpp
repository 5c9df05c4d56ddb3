//===- Model.cpp - ONNX messages, read in place -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Field numbers are those of onnx.proto. Unknown fields are skipped, as protobuf asks; a known
// field of another wire type is an error, because the file is then something else.

#include "Model.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

using namespace terse;
using namespace terse::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

// Graphs nest through attributes of If, Loop and Scan. Real models stay below 10.
static constexpr unsigned kMaxDepth = 24;

static Error malformed(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "malformed ONNX file: " + message);
}

// Calls `visit` on every field of `bytes`.
template <typename Visitor>
static Error forEachField(Bytes bytes, const char *message, Visitor visit) {
  WireReader reader(bytes);
  WireField field;
  while (reader.next(field))
    if (Error e = visit(field))
      return e;
  if (reader.failed())
    return malformed(Twine(message) + ": " + reader.getError());
  return Error::success();
}

static Error expectWire(const WireField &field, WireField::Type wire, const char *message) {
  if (field.wire == wire)
    return Error::success();
  return malformed(Twine(message) + ": field " + Twine(field.number) +
                   " has an unexpected wire type");
}

static Error readString(const WireField &field, const char *message, llvm::StringRef &out) {
  out = field.asString();
  return expectWire(field, WireField::Length, message);
}

static Error readInt(const WireField &field, const char *message, int64_t &out) {
  out = field.asInt();
  return expectWire(field, WireField::Varint, message);
}

// A repeated integer: packed run or single element.
template <typename Vector>
static Error readInts(const WireField &field, const char *message, Vector &out) {
  if (field.wire == WireField::Varint) {
    out.push_back(field.asInt());
    return Error::success();
  }
  if (Error e = expectWire(field, WireField::Length, message))
    return e;
  Bytes rest = field.bytes;
  while (!rest.empty()) {
    uint64_t value;
    if (!WireReader::readVarint(rest, value))
      return malformed(Twine(message) + ": an integer in a list is cut off");
    out.push_back(static_cast<int64_t>(value));
  }
  return Error::success();
}

static Error readFloats(const WireField &field, const char *message, std::vector<float> &out) {
  if (field.wire == WireField::Fixed32) {
    out.push_back(field.asFloat());
    return Error::success();
  }
  if (Error e = expectWire(field, WireField::Length, message))
    return e;
  if (field.bytes.size() % sizeof(float))
    return malformed(Twine(message) + ": a list of floats is cut off");
  size_t count = field.bytes.size() / sizeof(float), old = out.size();
  out.resize(old + count);
  if (count)
    std::memcpy(out.data() + old, field.bytes.data(), field.bytes.size());
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static Error parseExternalEntry(Bytes bytes, TensorProto &tensor) {
  llvm::StringRef key, value;
  if (Error e = forEachField(bytes, "external data", [&](const WireField &f) -> Error {
        if (f.number == 1)
          return readString(f, "external data", key);
        if (f.number == 2)
          return readString(f, "external data", value);
        return Error::success();
      }))
    return e;
  if (key == "location")
    tensor.location = value;
  else if (key == "offset" && (value.getAsInteger(10, tensor.offset) || tensor.offset < 0))
    return malformed("external data: offset is '" + value + "'");
  else if (key == "length" && (value.getAsInteger(10, tensor.length) || tensor.length < 0))
    return malformed("external data: length is '" + value + "'");
  return Error::success();
}

Error terse::onnx::parseTensor(Bytes bytes, TensorProto &tensor) {
  static const char *what = "tensor";
  return forEachField(bytes, what, [&](const WireField &f) -> Error {
    switch (f.number) {
    case 1:
      return readInts(f, what, tensor.dims);
    case 2:
      return readInt(f, what, tensor.dataType);
    case 3:
      return malformed("tensor: it is stored in segments");
    case 4:
    case 5:
    case 7:
    case 10:
    case 11:
      if (tensor.typedField && tensor.typedField != f.number)
        return malformed("tensor: data of two element types");
      tensor.typedField = f.number;
      tensor.typed.push_back(f);
      return Error::success();
    case 8:
      return readString(f, what, tensor.name);
    case 9:
      tensor.raw = f.bytes;
      return expectWire(f, WireField::Length, what);
    case 13:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      return parseExternalEntry(f.bytes, tensor);
    case 14:
      tensor.isExternal = f.integer == 1;
      return expectWire(f, WireField::Varint, what);
    default:
      return Error::success();
    }
  });
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static Error parseShape(Bytes bytes, ValueInfo &info) {
  info.hasShape = true;
  return forEachField(bytes, "shape", [&](const WireField &f) -> Error {
    if (f.number != 1)
      return Error::success();
    if (Error e = expectWire(f, WireField::Length, "shape"))
      return e;
    ValueInfo::Dim dim;
    if (Error e = forEachField(f.bytes, "dimension", [&](const WireField &d) -> Error {
          if (d.number == 1)
            return readInt(d, "dimension", dim.size);
          if (d.number == 2)
            return readString(d, "dimension", dim.symbol);
          return Error::success();
        }))
      return e;
    info.dims.push_back(dim);
    return Error::success();
  });
}

static Error parseType(Bytes bytes, ValueInfo &info) {
  return forEachField(bytes, "type", [&](const WireField &f) -> Error {
    switch (f.number) {
    case 1:
      info.kind = ValueInfo::TensorKind;
      if (Error e = expectWire(f, WireField::Length, "type"))
        return e;
      return forEachField(f.bytes, "tensor type", [&](const WireField &t) -> Error {
        if (t.number == 1)
          return readInt(t, "tensor type", info.elementType);
        if (t.number != 2)
          return Error::success();
        if (Error e = expectWire(t, WireField::Length, "tensor type"))
          return e;
        return parseShape(t.bytes, info);
      });
    case 4:
      info.kind = ValueInfo::SequenceKind;
      return Error::success();
    case 5:
      info.kind = ValueInfo::MapKind;
      return Error::success();
    case 8:
      info.kind = ValueInfo::SparseKind;
      return Error::success();
    case 9:
      info.kind = ValueInfo::OptionalKind;
      return Error::success();
    default:
      return Error::success();
    }
  });
}

static Error parseValueInfo(Bytes bytes, ValueInfo &info) {
  return forEachField(bytes, "value", [&](const WireField &f) -> Error {
    if (f.number == 1)
      return readString(f, "value", info.name);
    if (f.number != 2)
      return Error::success();
    if (Error e = expectWire(f, WireField::Length, "value"))
      return e;
    return parseType(f.bytes, info);
  });
}

//===----------------------------------------------------------------------===//
// Nodes and graphs
//===----------------------------------------------------------------------===//

static Error parseGraph(Bytes bytes, unsigned depth, GraphProto &graph);

static Error parseAttribute(Bytes bytes, unsigned depth, AttributeProto &attr) {
  static const char *what = "attribute";
  return forEachField(bytes, what, [&](const WireField &f) -> Error {
    switch (f.number) {
    case 1:
      return readString(f, what, attr.name);
    case 2:
      attr.f = f.asFloat();
      return expectWire(f, WireField::Fixed32, what);
    case 3:
      return readInt(f, what, attr.i);
    case 4:
      return readString(f, what, attr.s);
    case 5:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      attr.tensor = std::make_shared<TensorProto>();
      return parseTensor(f.bytes, *attr.tensor);
    case 6:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      attr.graph = std::make_shared<GraphProto>();
      return parseGraph(f.bytes, depth + 1, *attr.graph);
    case 7:
      return readFloats(f, what, attr.floats);
    case 8:
      return readInts(f, what, attr.ints);
    case 9: {
      llvm::StringRef s;
      if (Error e = readString(f, what, s))
        return e;
      attr.strings.push_back(s);
      return Error::success();
    }
    case 20:
      return readInt(f, what, attr.type);
    case 21:
      return readString(f, what, attr.refName);
    default:
      return Error::success();
    }
  });
}

static Error parseNode(Bytes bytes, unsigned depth, NodeProto &node) {
  static const char *what = "node";
  return forEachField(bytes, what, [&](const WireField &f) -> Error {
    llvm::StringRef s;
    switch (f.number) {
    case 1:
      if (Error e = readString(f, what, s))
        return e;
      node.inputs.push_back(s);
      return Error::success();
    case 2:
      if (Error e = readString(f, what, s))
        return e;
      node.outputs.push_back(s);
      return Error::success();
    case 3:
      return readString(f, what, node.name);
    case 4:
      return readString(f, what, node.opType);
    case 5:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      node.attributes.emplace_back();
      return parseAttribute(f.bytes, depth, node.attributes.back());
    case 7:
      return readString(f, what, node.domain);
    default:
      return Error::success();
    }
  });
}

static Error parseGraph(Bytes bytes, unsigned depth, GraphProto &graph) {
  static const char *what = "graph";
  if (depth > kMaxDepth)
    return malformed("graphs nest deeper than " + Twine(kMaxDepth) + " levels");
  return forEachField(bytes, what, [&](const WireField &f) -> Error {
    switch (f.number) {
    case 1:
    case 5:
    case 11:
    case 12:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      break;
    case 2:
      return readString(f, what, graph.name);
    case 15:
      graph.hasSparseInitializers = true;
      return Error::success();
    default:
      return Error::success();
    }
    if (f.number == 1)
      return parseNode(f.bytes, depth, graph.nodes.emplace_back());
    if (f.number == 5)
      return parseTensor(f.bytes, graph.initializers.emplace_back());
    return parseValueInfo(f.bytes, (f.number == 11 ? graph.inputs : graph.outputs).emplace_back());
  });
}

static Error parseOpset(const WireField &field, std::vector<OpsetImport> &opsets) {
  if (Error e = expectWire(field, WireField::Length, "opset import"))
    return e;
  OpsetImport &opset = opsets.emplace_back();
  return forEachField(field.bytes, "opset import", [&](const WireField &f) -> Error {
    if (f.number == 1)
      return readString(f, "opset import", opset.domain);
    if (f.number == 2)
      return readInt(f, "opset import", opset.version);
    return Error::success();
  });
}

static Error parseFunction(Bytes bytes, FunctionProto &function) {
  static const char *what = "function";
  return forEachField(bytes, what, [&](const WireField &f) -> Error {
    auto append = [&](std::vector<llvm::StringRef> &list) {
      return readString(f, what, list.emplace_back());
    };
    switch (f.number) {
    case 1:
      return readString(f, what, function.name);
    case 4:
      return append(function.inputs);
    case 5:
      return append(function.outputs);
    case 6:
      return append(function.attributes);
    case 7:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      return parseNode(f.bytes, 1, function.nodes.emplace_back());
    case 9:
      return parseOpset(f, function.opsets);
    case 10:
      return readString(f, what, function.domain);
    case 11:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      return parseAttribute(f.bytes, 1, function.defaults.emplace_back());
    case 13:
      return readString(f, what, function.overload);
    default:
      return Error::success();
    }
  });
}

Expected<Model> terse::onnx::parseModel(MappedBytes file, llvm::StringRef directory) {
  Model model;
  model.directory = directory.str();
  bool hasGraph = false;
  static const char *what = "model";
  Error error = forEachField(file.bytes, what, [&](const WireField &f) -> Error {
    switch (f.number) {
    case 1:
      return readInt(f, what, model.irVersion);
    case 7:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      hasGraph = true;
      return parseGraph(f.bytes, 0, model.graph);
    case 8:
      return parseOpset(f, model.opsets);
    case 25:
      if (Error e = expectWire(f, WireField::Length, what))
        return e;
      return parseFunction(f.bytes, model.functions.emplace_back());
    default:
      return Error::success();
    }
  });
  if (error)
    return std::move(error);
  if (!hasGraph)
    return malformed("it has no graph");
  model.file = std::move(file);
  return model;
}
