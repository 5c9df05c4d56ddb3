//===- TensorData.cpp - Values of ONNX tensors ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three ways of storage become one: the packed little-endian bytes that weight blobs have too.
// raw_data, external files and packed lists of f32 and f64 are that already and stay where they
// are; lists of varints are decoded.

#include "Model.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace terse;
using namespace terse::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

static Error failure(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct TypeEntry {
  int64_t number;
  const char *name;
  std::optional<DType> dtype;
};
} // namespace

static llvm::ArrayRef<TypeEntry> getTypeTable() {
  using numerics::FloatKind;
  static const TypeEntry table[] = {
      {0, "UNDEFINED", std::nullopt},
      {1, "FLOAT", DType::f32()},
      {2, "UINT8", DType::u8()},
      {3, "INT8", DType::i8()},
      {4, "UINT16", DType::u16()},
      {5, "INT16", DType::i16()},
      {6, "INT32", DType::i32()},
      {7, "INT64", DType::i64()},
      {8, "STRING", std::nullopt},
      {9, "BOOL", DType::boolean()},
      {10, "FLOAT16", DType::f16()},
      {11, "DOUBLE", DType::f64()},
      {12, "UINT32", DType::u32()},
      {13, "UINT64", DType::u64()},
      {14, "COMPLEX64", std::nullopt},
      {15, "COMPLEX128", std::nullopt},
      {16, "BFLOAT16", DType::bf16()},
      {17, "FLOAT8E4M3FN", DType::smallFloat(FloatKind::F8E4M3FN)},
      {18, "FLOAT8E4M3FNUZ", DType::smallFloat(FloatKind::F8E4M3FNUZ)},
      {19, "FLOAT8E5M2", DType::smallFloat(FloatKind::F8E5M2)},
      {20, "FLOAT8E5M2FNUZ", DType::smallFloat(FloatKind::F8E5M2FNUZ)},
      {21, "UINT4", DType::ui(4)},
      {22, "INT4", DType::si(4)},
      {23, "FLOAT4E2M1", DType::smallFloat(FloatKind::F4E2M1FN)},
      {24, "FLOAT8E8M0", DType::smallFloat(FloatKind::F8E8M0FNU)},
      {25, "UINT2", DType::ui(2)},
      {26, "INT2", DType::si(2)},
  };
  return table;
}

std::optional<DType> terse::onnx::getElementType(int64_t onnxType) {
  llvm::ArrayRef<TypeEntry> table = getTypeTable();
  if (onnxType < 0 || onnxType >= int64_t(table.size()))
    return std::nullopt;
  return table[onnxType].dtype;
}

std::string terse::onnx::getElementTypeName(int64_t onnxType) {
  llvm::ArrayRef<TypeEntry> table = getTypeTable();
  if (onnxType < 0 || onnxType >= int64_t(table.size()))
    return "type " + std::to_string(onnxType);
  return table[onnxType].name;
}

int64_t terse::onnx::getOnnxType(DType dtype) {
  for (const TypeEntry &entry : getTypeTable())
    if (entry.dtype && *entry.dtype == dtype)
      return entry.number;
  return 0;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

Expected<MappedBytes> terse::onnx::mapFile(llvm::StringRef path) {
  namespace fs = llvm::sys::fs;
  Expected<fs::file_t> file = fs::openNativeFileForRead(path);
  if (!file)
    return failure("cannot open '" + path + "': " + llvm::toString(file.takeError()));
  auto close = llvm::scope_exit([&] { fs::closeFile(*file); });
  fs::file_status status;
  if (std::error_code code = fs::status(*file, status))
    return failure("cannot open '" + path + "': " + code.message());
  if (status.type() != fs::file_type::regular_file)
    return failure("cannot read '" + path + "': it is not a regular file");
  MappedBytes result;
  if (status.getSize() == 0)
    return result;
  std::error_code code;
  auto region = std::make_shared<fs::mapped_file_region>(*file, fs::mapped_file_region::readonly,
                                                         status.getSize(), 0, code);
  if (code)
    return failure("cannot map '" + path + "': " + code.message());
  result.bytes = Bytes(reinterpret_cast<const uint8_t *>(region->const_data()), region->size());
  result.owner = std::move(region);
  return result;
}

Expected<MappedBytes> TensorReader::mapExternal(llvm::StringRef location) {
  for (const auto &[name, mapped] : externalFiles)
    if (name == location)
      return mapped;
  // A model must not read files outside of its directory: neither by `..` and absolute paths nor
  // through links.
  bool escapes =
      location.empty() || location.contains('\0') || llvm::sys::path::is_absolute(location);
  for (auto part = llvm::sys::path::begin(location); part != llvm::sys::path::end(location); ++part)
    escapes |= *part == "..";
  if (escapes)
    return failure("external data file '" + location + "' is not inside the model's directory");
  llvm::SmallString<256> path(directory), realPath, realDirectory;
  llvm::sys::path::append(path, location);
  if (llvm::sys::fs::real_path(path, realPath))
    return failure("cannot open '" + path + "': no such file");
  if (!llvm::sys::fs::real_path(directory.empty() ? "." : directory, realDirectory)) {
    realDirectory += llvm::sys::path::get_separator();
    if (!realPath.starts_with(realDirectory))
      return failure("external data file '" + location + "' is not inside the model's directory");
  }
  Expected<MappedBytes> mapped = mapFile(path);
  if (mapped)
    externalFiles.emplace_back(location.str(), *mapped);
  return mapped;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

// The typed field that holds elements of `dtype`, and the bytes that one of its entries gives.
static std::pair<uint32_t, unsigned> getTypedField(DType dtype) {
  if (dtype == DType::f32())
    return {4, 4};
  if (dtype == DType::f64())
    return {10, 8};
  if (dtype == DType::i64())
    return {7, 8};
  if (dtype == DType::u32() || dtype == DType::u64())
    return {11, dtype.getHostBytes()};
  // The rest is in int32_data; an entry of a sub-byte type is one byte of packed elements.
  return {5, dtype.getHostBytes()};
}

static Expected<MappedBytes> readTyped(const TensorProto &tensor, DType dtype, uint64_t expected,
                                       const MappedBytes &file) {
  auto [field, width] = getTypedField(dtype);
  if (tensor.typedField && tensor.typedField != field)
    return failure("its values are in a list of another element type");
  bool isFixed = field == 4 || field == 10;
  // One packed run of fixed-width elements is the tensor as it stands.
  if (isFixed && tensor.typed.size() == 1 && tensor.typed[0].wire == WireField::Length)
    return MappedBytes{tensor.typed[0].bytes, file.owner};
  auto data = std::make_shared<std::vector<uint8_t>>();
  auto append = [&, width = width](uint64_t value) {
    for (unsigned i = 0; i < width; ++i)
      data->push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  for (const WireField &piece : tensor.typed) {
    if (piece.wire != WireField::Length) {
      append(piece.integer);
    } else if (isFixed) {
      data->insert(data->end(), piece.bytes.begin(), piece.bytes.end());
    } else {
      Bytes rest = piece.bytes;
      uint64_t value;
      while (!rest.empty()) {
        if (!WireReader::readVarint(rest, value))
          return failure("an integer in its list of values is cut off");
        append(value);
      }
    }
    if (data->size() > expected)
      break; // Too many in any case; don't build up memory.
  }
  return MappedBytes{Bytes(*data), data};
}

Expected<StoredTensor> TensorReader::readStored(const TensorProto &tensor) {
  auto fail = [&](const Twine &message) -> Error {
    return failure("tensor '" + tensor.name + "': " + message);
  };
  std::optional<DType> dtype = getElementType(tensor.dataType);
  if (!dtype)
    return fail("element type " + getElementTypeName(tensor.dataType) + " is not supported");
  StoredTensor result;
  result.dtype = *dtype;
  result.shape.assign(tensor.dims.begin(), tensor.dims.end());
  std::optional<int64_t> count = countElements(result.shape);
  if (!count || *count > (int64_t(1) << 56))
    return fail(
        "impossible shape [" +
        llvm::join(llvm::map_range(tensor.dims, [](int64_t d) { return std::to_string(d); }),
                   ", ") +
        "]");
  uint64_t expected = getPackedBytes(*dtype, *count);
  if (tensor.isExternal) {
    Expected<MappedBytes> mapped = mapExternal(tensor.location);
    if (!mapped)
      return fail(llvm::toString(mapped.takeError()));
    uint64_t size = mapped->bytes.size(), offset = tensor.offset;
    uint64_t length = tensor.length < 0 ? expected : tensor.length;
    if (offset > size || length > size - offset)
      return fail("external data file '" + tensor.location + "' has " + Twine(size) +
                  " bytes, the tensor needs " + Twine(length) + " at " + Twine(offset));
    result.data = {mapped->bytes.slice(offset, length), mapped->owner};
  } else if (tensor.raw) {
    result.data = {*tensor.raw, file.owner};
  } else {
    Expected<MappedBytes> typed = readTyped(tensor, *dtype, expected, file);
    if (!typed)
      return fail(llvm::toString(typed.takeError()));
    result.data = std::move(*typed);
  }
  if (result.data.bytes.size() != expected)
    return fail("expected " + Twine(expected) + " bytes for " +
                formatTensorType(result.shape, *dtype) + " (got " +
                Twine(result.data.bytes.size()) + ")");
  return result;
}

Expected<HostTensor> StoredTensor::toHost() const {
  return HostTensor::fromPacked(dtype, shape, data.bytes, data.owner);
}

Expected<HostTensor> TensorReader::read(const TensorProto &tensor) {
  Expected<StoredTensor> stored = readStored(tensor);
  if (!stored)
    return stored.takeError();
  return stored->toHost();
}
