//===- Safetensors.cpp - The safetensors file format ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Safetensors.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/MappedFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

#include <numeric>
#include <tuple>

using namespace terse;
using numerics::FloatKind;
namespace json = llvm::json;

/// The limit of the reference implementation.
static constexpr uint64_t kMaxHeaderSize = 100'000'000;
/// Headers are objects of objects of arrays; the JSON parser recurses.
static constexpr unsigned kMaxNesting = 4;
/// Data start at a multiple of this, so that mapped elements are aligned for vector loads.
static constexpr uint64_t kDataAlignment = 64;
static constexpr llvm::StringLiteral kMetadataKey("__metadata__");

namespace {
struct NamedType {
  llvm::StringLiteral name;
  DType dtype;
  /// Old enough to be read by every implementation, therefore used for writing.
  bool write;
};
} // namespace

static const NamedType kTypes[] = {
    {"F64", DType::f64(), true},
    {"F32", DType::f32(), true},
    {"F16", DType::f16(), true},
    {"BF16", DType::bf16(), true},
    {"F8_E4M3", DType::smallFloat(FloatKind::F8E4M3FN), true},
    {"F8_E5M2", DType::smallFloat(FloatKind::F8E5M2), true},
    {"F8_E8M0", DType::smallFloat(FloatKind::F8E8M0FNU), false},
    {"F6_E2M3", DType::smallFloat(FloatKind::F6E2M3FN), false},
    {"F6_E3M2", DType::smallFloat(FloatKind::F6E3M2FN), false},
    {"F4", DType::smallFloat(FloatKind::F4E2M1FN), false},
    {"I64", DType::i64(), true},
    {"I32", DType::i32(), true},
    {"I16", DType::i16(), true},
    {"I8", DType::i8(), true},
    {"U64", DType::u64(), true},
    {"U32", DType::u32(), true},
    {"U16", DType::u16(), true},
    {"U8", DType::u8(), true},
    {"BOOL", DType::boolean(), true},
};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Bounds the recursion of the JSON parser, and counts the members of all objects.
static llvm::Error checkNesting(llvm::StringRef text, size_t &members) {
  unsigned depth = 0;
  bool inString = false;
  members = 0;
  for (size_t i = 0, e = text.size(); i < e; ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
      continue;
    }
    members += c == ':';
    if (c == '"')
      inString = true;
    else if (c == '{' || c == '[') {
      if (++depth > kMaxNesting)
        return makeError("the header is nested too deeply");
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return llvm::Error::success();
}

static size_t countMembers(const json::Value &value) {
  size_t count = 0;
  if (const json::Array *array = value.getAsArray())
    for (const json::Value &element : *array)
      count += countMembers(element);
  if (const json::Object *object = value.getAsObject())
    for (auto &[key, member] : *object)
      count += 1 + countMembers(member);
  return count;
}

static std::optional<std::vector<int64_t>> toShape(const json::Array *array) {
  if (!array)
    return std::nullopt;
  std::vector<int64_t> shape;
  for (const json::Value &extent : *array) {
    std::optional<int64_t> value = extent.getAsInteger();
    if (!value || *value < 0)
      return std::nullopt;
    shape.push_back(*value);
  }
  return shape;
}

/// One member of the header but the metadata. `begin` and `end` are checked against the data.
static llvm::Expected<SafetensorsEntry> parseEntry(llvm::StringRef name, const json::Value &value,
                                                   llvm::ArrayRef<uint8_t> data) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return makeError("tensor '{0}' is not a JSON object", name);
  std::optional<llvm::StringRef> typeName = object->getString("dtype");
  std::optional<std::vector<int64_t>> shape = toShape(object->getArray("shape"));
  std::optional<std::vector<int64_t>> offsets = toShape(object->getArray("data_offsets"));
  if (!typeName || !shape || !offsets || offsets->size() != 2 || object->size() != 3)
    return makeError("tensor '{0}' does not have exactly a 'dtype', a 'shape' and two "
                     "'data_offsets'",
                     name);
  auto type = llvm::find_if(kTypes, [&](const NamedType &t) { return t.name == *typeName; });
  if (type == std::end(kTypes))
    return makeError("tensor '{0}' has an unsupported dtype '{1}'", name, *typeName);
  uint64_t begin = (*offsets)[0], end = (*offsets)[1];
  if (begin > end || end > data.size())
    return makeError("tensor '{0}' has the data offsets [{1}, {2}), which do not lie in the {3} "
                     "bytes of data",
                     name, begin, end, data.size());
  std::optional<int64_t> count = countElements(*shape);
  // Every element takes at least half a byte.
  bool fits = count && static_cast<uint64_t>(*count) / 2 <= end - begin &&
              getPackedBytes(type->dtype, *count) == end - begin;
  if (!fits)
    return makeError("tensor '{0}' of type {1} cannot have {2} bytes of data", name,
                     formatTensorType(*shape, type->dtype), end - begin);
  return SafetensorsEntry{name.str(), type->dtype, std::move(*shape),
                          data.slice(begin, end - begin)};
}

static std::string printShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

/// The inverse of printShape; blanks are allowed.
static std::optional<std::vector<int64_t>> parseShape(llvm::StringRef text) {
  text = text.trim();
  if (!text.consume_front("[") || !text.consume_back("]"))
    return std::nullopt;
  std::vector<int64_t> shape;
  if (text.trim().empty())
    return shape;
  llvm::SmallVector<llvm::StringRef> extents;
  text.split(extents, ',');
  for (llvm::StringRef extent : extents) {
    int64_t value;
    if (extent.trim().getAsInteger(10, value) || value < 0)
      return std::nullopt;
    shape.push_back(value);
  }
  return shape;
}

/// Gives a U8 tensor the type and the shape that the metadata say, and removes them from there.
static llvm::Error applyLogicalType(SafetensorsEntry &entry, SafetensorsMetadata &metadata) {
  auto type = metadata.find("dtype:" + entry.name);
  auto shape = metadata.find("shape:" + entry.name);
  if (type == metadata.end() && shape == metadata.end())
    return llvm::Error::success();
  if (type == metadata.end() || shape == metadata.end())
    return makeError(
        "tensor '{0}' has only one of the metadata entries 'dtype:{0}' and 'shape:{0}'",
        entry.name);
  std::optional<DType> dtype = DType::parse(type->second);
  if (!dtype)
    return makeError("the metadata give tensor '{0}' the unknown type '{1}'", entry.name,
                     type->second);
  std::optional<std::vector<int64_t>> extents = parseShape(shape->second);
  if (!extents)
    return makeError("the metadata give tensor '{0}' the malformed shape '{1}'", entry.name,
                     shape->second);
  std::optional<int64_t> count = countElements(*extents);
  if (entry.dtype != DType::u8() || !count ||
      static_cast<uint64_t>(*count) / 8 > entry.bytes.size() ||
      getPackedBytes(*dtype, *count) != entry.bytes.size())
    return makeError("the metadata give tensor '{0}' the type {1}, but its data are {2}",
                     entry.name, formatTensorType(*extents, *dtype),
                     formatTensorType(entry.shape, entry.dtype));
  entry.dtype = *dtype;
  entry.shape = std::move(*extents);
  metadata.erase(type);
  metadata.erase(shape);
  return llvm::Error::success();
}

llvm::Expected<SafetensorsFile> SafetensorsFile::parse(llvm::ArrayRef<uint8_t> bytes,
                                                       std::shared_ptr<const void> owner,
                                                       llvm::StringRef path) {
  SafetensorsFile file;
  file.path = path.str();
  file.owner = std::move(owner);
  auto fail = [&](llvm::Error error) { return inFile(path, std::move(error)); };

  if (bytes.size() < 8)
    return fail(makeError("not a safetensors file: it has only {0} bytes", bytes.size()));
  uint64_t headerSize = llvm::support::endian::read64le(bytes.data());
  if (headerSize > kMaxHeaderSize)
    return fail(makeError("not a safetensors file: its header would have {0} bytes, more than the "
                          "limit of {1}",
                          headerSize, kMaxHeaderSize));
  if (headerSize > bytes.size() - 8)
    return fail(makeError("the file ends within its header"));
  llvm::StringRef text(reinterpret_cast<const char *>(bytes.data()) + 8, headerSize);
  if (!text.starts_with("{"))
    return fail(makeError("not a safetensors file: its header does not begin with '{{'"));
  size_t members;
  if (llvm::Error error = checkNesting(text, members))
    return fail(std::move(error));
  llvm::Expected<json::Value> parsed = json::parse(text);
  if (!parsed)
    return fail(makeError("the header is not valid JSON: {0}", llvm::toString(parsed.takeError())));
  // The parser keeps one of several members of one name; which one a reader takes is anybody's
  // guess.
  if (countMembers(*parsed) != members)
    return fail(makeError("the header has the same key twice"));
  const json::Object *header = parsed->getAsObject();
  if (!header)
    return fail(makeError("the header is not a JSON object"));

  llvm::ArrayRef<uint8_t> data = bytes.drop_front(8 + headerSize);
  for (auto &[key, value] : *header) {
    llvm::StringRef name = key;
    if (name == kMetadataKey) {
      const json::Object *metadata = value.getAsObject();
      if (!metadata)
        return fail(makeError("'__metadata__' is not a JSON object"));
      for (auto &[metadataKey, metadataValue] : *metadata) {
        std::optional<llvm::StringRef> string = metadataValue.getAsString();
        if (!string)
          return fail(
              makeError("the metadata entry '{0}' is not a string", llvm::StringRef(metadataKey)));
        file.metadata[llvm::StringRef(metadataKey).str()] = string->str();
      }
      continue;
    }
    llvm::Expected<SafetensorsEntry> entry = parseEntry(name, value, data);
    if (!entry)
      return fail(entry.takeError());
    file.entries.push_back(std::move(*entry));
  }

  // The order of the JSON object is not that of the file, and empty tensors share their offset.
  llvm::sort(file.entries, [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
    return std::make_tuple(a.bytes.begin(), a.bytes.end(), llvm::StringRef(a.name)) <
           std::make_tuple(b.bytes.begin(), b.bytes.end(), llvm::StringRef(b.name));
  });
  const uint8_t *position = data.begin();
  for (const SafetensorsEntry &entry : file.entries) {
    if (entry.bytes.begin() != position)
      return fail(makeError("the data of tensor '{0}' begin at offset {1}, expected {2}: data must "
                            "neither overlap nor leave gaps",
                            entry.name, entry.bytes.begin() - data.begin(),
                            position - data.begin()));
    position = entry.bytes.end();
  }
  if (position != data.end())
    return fail(makeError("{0} bytes of data belong to no tensor", data.end() - position));

  for (auto [index, entry] : llvm::enumerate(file.entries)) {
    if (llvm::Error error = applyLogicalType(entry, file.metadata))
      return fail(std::move(error));
    file.indices[entry.name] = index;
  }
  return std::move(file);
}

llvm::Expected<SafetensorsFile> SafetensorsFile::open(llvm::StringRef path) {
  llvm::Expected<std::shared_ptr<const MappedFile>> mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.takeError();
  return parse((*mapped)->getBytes(), *mapped, path);
}

const SafetensorsEntry *SafetensorsFile::find(llvm::StringRef name) const {
  auto it = indices.find(name);
  return it == indices.end() ? nullptr : &entries[it->second];
}

llvm::Expected<HostTensor> SafetensorsFile::read(llvm::StringRef name) const {
  const SafetensorsEntry *entry = find(name);
  if (!entry) {
    // A model has thousands of tensors: the first ones show how names look.
    constexpr size_t kShown = 8;
    std::string known;
    for (const SafetensorsEntry &other : llvm::ArrayRef(entries).take_front(kShown))
      known += (known.empty() ? "" : ", ") + other.name;
    if (entries.size() > kShown)
      known += ", and " + std::to_string(entries.size() - kShown) + " more";
    return makeError("'{0}' has no tensor '{1}'; it has {2}", path, name,
                     known.empty() ? "none" : known);
  }
  llvm::Expected<HostTensor> tensor =
      HostTensor::fromPacked(entry->dtype, entry->shape, entry->bytes, owner);
  if (!tensor)
    return inFile(path, tensor.takeError());
  return tensor;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static llvm::Error checkSpecs(llvm::ArrayRef<SafetensorsSpec> specs,
                              const SafetensorsMetadata &metadata) {
  llvm::StringSet<> seen;
  for (const SafetensorsSpec &spec : specs) {
    if (spec.name.empty() || spec.name == kMetadataKey || !json::isUTF8(spec.name))
      return makeError("'{0}' cannot be the name of a tensor", json::fixUTF8(spec.name));
    if (!seen.insert(spec.name).second)
      return makeError("there are two tensors '{0}'", spec.name);
    if (!countElements(spec.shape))
      return makeError("tensor '{0}' has no countable shape", spec.name);
    for (const char *prefix : {"dtype:", "shape:"})
      if (metadata.count(prefix + spec.name))
        return makeError("the metadata entry '{0}{1}' is reserved", prefix, spec.name);
  }
  for (auto &[key, value] : metadata)
    if (!json::isUTF8(key) || !json::isUTF8(value))
      return makeError("the metadata entry '{0}' is not UTF-8", json::fixUTF8(key));
  return llvm::Error::success();
}

/// The header size, the JSON text and its padding. `order` is the order of the data.
static std::string makeHeader(llvm::ArrayRef<SafetensorsSpec> specs, llvm::ArrayRef<size_t> order,
                              SafetensorsMetadata metadata) {
  auto findType = [](DType dtype) {
    return llvm::find_if(kTypes, [&](const NamedType &t) { return t.write && t.dtype == dtype; });
  };
  for (const SafetensorsSpec &spec : specs) {
    if (findType(spec.dtype) != std::end(kTypes))
      continue;
    metadata["dtype:" + spec.name] = spec.dtype.getName();
    metadata["shape:" + spec.name] = printShape(spec.shape);
  }

  std::string text(8, '\0');
  llvm::raw_string_ostream os(text);
  json::OStream out(os);
  uint64_t offset = 0;
  out.object([&] {
    if (!metadata.empty())
      out.attributeObject(kMetadataKey, [&] {
        for (auto &[key, value] : metadata)
          out.attribute(key, value);
      });
    for (size_t index : order) {
      const SafetensorsSpec &spec = specs[index];
      uint64_t bytes = getPackedBytes(spec.dtype, *countElements(spec.shape));
      auto type = findType(spec.dtype);
      bool native = type != std::end(kTypes);
      out.attributeObject(spec.name, [&] {
        out.attribute("dtype", native ? llvm::StringRef(type->name) : "U8");
        out.attributeArray("shape", [&] {
          if (!native)
            return out.value(static_cast<int64_t>(bytes));
          for (int64_t extent : spec.shape)
            out.value(extent);
        });
        out.attributeArray("data_offsets", [&] {
          out.value(static_cast<int64_t>(offset));
          out.value(static_cast<int64_t>(offset + bytes));
        });
      });
      offset += bytes;
    }
  });
  os.flush();
  text.append((kDataAlignment - text.size() % kDataAlignment) % kDataAlignment, ' ');
  llvm::support::endian::write64le(text.data(), text.size() - 8);
  return text;
}

llvm::Error
terse::writeSafetensors(llvm::StringRef path, llvm::ArrayRef<SafetensorsSpec> specs,
                        const SafetensorsMetadata &metadata,
                        llvm::function_ref<llvm::Error(size_t, llvm::raw_ostream &)> produce) {
  if (llvm::Error error = checkSpecs(specs, metadata))
    return makeError("cannot write '{0}': {1}", path, llvm::toString(std::move(error)));

  // Packed elements need no alignment and come last.
  auto alignment = [&](size_t i) {
    return specs[i].dtype.isSubByte() ? 0u : specs[i].dtype.getHostBytes();
  };
  std::vector<size_t> order(specs.size());
  std::iota(order.begin(), order.end(), size_t(0));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::make_tuple(alignment(b), llvm::StringRef(specs[a].name)) <
           std::make_tuple(alignment(a), llvm::StringRef(specs[b].name));
  });
  std::string header = makeHeader(specs, order, metadata);
  if (header.size() - 8 > kMaxHeaderSize)
    return makeError("cannot write '{0}': the header would exceed {1} bytes", path, kMaxHeaderSize);

  return writeFileAtomically(path, [&](llvm::raw_ostream &os) -> llvm::Error {
    os << header;
    for (size_t index : order) {
      const SafetensorsSpec &spec = specs[index];
      uint64_t before = os.tell();
      if (llvm::Error error = produce(index, os))
        return error;
      uint64_t written = os.tell() - before;
      uint64_t expected = getPackedBytes(spec.dtype, *countElements(spec.shape));
      if (written != expected)
        return makeError("cannot write '{0}': {1} bytes were produced for tensor '{2}' of type "
                         "{3}, expected {4}",
                         path, written, spec.name, formatTensorType(spec.shape, spec.dtype),
                         expected);
    }
    return llvm::Error::success();
  });
}

llvm::Error terse::writeSafetensors(llvm::StringRef path,
                                    llvm::ArrayRef<std::pair<std::string, HostTensor>> tensors,
                                    const SafetensorsMetadata &metadata) {
  std::vector<SafetensorsSpec> specs;
  for (auto &[name, tensor] : tensors)
    specs.push_back({name, tensor.dtype, tensor.shape});
  return writeSafetensors(path, specs, metadata, [&](size_t index, llvm::raw_ostream &os) {
    const HostTensor &tensor = tensors[index].second;
    std::vector<uint8_t> packed;
    llvm::ArrayRef<uint8_t> bytes = tensor.getBytes();
    if (tensor.dtype.isSubByte()) {
      packed = tensor.toPacked();
      bytes = packed;
    }
    os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return llvm::Error::success();
  });
}
