//===- Artifact.cpp - Writes `.terse` files ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Artifact/Artifact.h"
#include "terse/Runtime/abi.h"
#include "terse/Runtime/format.h"
#include "terse/Runtime/services.h"
#include "terse/Runtime/terse.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <cstring>

using namespace llvm;
using namespace terse;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

static terse_dtype getSmallFloat(numerics::FloatKind kind) {
  switch (kind) {
  case numerics::FloatKind::F16:
    return TERSE_F16;
  case numerics::FloatKind::BF16:
    return TERSE_BF16;
  case numerics::FloatKind::F8E5M2:
    return TERSE_F8E5M2;
  case numerics::FloatKind::F8E4M3FN:
    return TERSE_F8E4M3FN;
  case numerics::FloatKind::F8E5M2FNUZ:
    return TERSE_F8E5M2FNUZ;
  case numerics::FloatKind::F8E4M3FNUZ:
    return TERSE_F8E4M3FNUZ;
  case numerics::FloatKind::F6E3M2FN:
    return TERSE_F6E3M2FN;
  case numerics::FloatKind::F6E2M3FN:
    return TERSE_F6E2M3FN;
  case numerics::FloatKind::F4E2M1FN:
    return TERSE_F4E2M1FN;
  case numerics::FloatKind::F8E8M0FNU:
    return TERSE_F8E8M0FNU;
  }
  llvm_unreachable("unknown float kind");
}

uint32_t terse::getArtifactDType(DType dtype) {
  switch (dtype.getKind()) {
  case DType::Kind::F64:
    return TERSE_F64;
  case DType::Kind::F32:
    return TERSE_F32;
  case DType::Kind::SmallFloat:
    return getSmallFloat(dtype.getFloatKind());
  case DType::Kind::Bool:
    return TERSE_BOOL;
  case DType::Kind::SInt:
    return TERSE_SIGNED(dtype.getBits());
  case DType::Kind::UInt:
    return TERSE_UNSIGNED(dtype.getBits());
  }
  llvm_unreachable("unknown element type");
}

std::optional<DType> terse::parseArtifactDType(uint32_t dtype) {
  using numerics::FloatKind;
  if (dtype == TERSE_F64)
    return DType::f64();
  if (dtype == TERSE_F32)
    return DType::f32();
  if (dtype == TERSE_BOOL)
    return DType::boolean();
  for (FloatKind kind : {FloatKind::F16, FloatKind::BF16, FloatKind::F8E5M2, FloatKind::F8E4M3FN,
                         FloatKind::F8E5M2FNUZ, FloatKind::F8E4M3FNUZ, FloatKind::F6E3M2FN,
                         FloatKind::F6E2M3FN, FloatKind::F4E2M1FN, FloatKind::F8E8M0FNU})
    if (dtype == getSmallFloat(kind))
      return DType::smallFloat(kind);
  unsigned bits = dtype & 255;
  if (!DType::isValidIntWidth(bits))
    return std::nullopt;
  if (dtype == TERSE_SIGNED(bits))
    return DType::si(bits);
  if (dtype == TERSE_UNSIGNED(bits))
    return DType::ui(bits);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Metadata
//===----------------------------------------------------------------------===//

static uint32_t checksum(StringRef bytes, uint32_t before = 0) {
  return crc32(before, arrayRefFromStringRef(bytes));
}

/// The features that the loader has to ask for, in the order of `features`.
static SmallVector<StringRef> getCheckedFeatures(StringRef features) {
  SmallVector<StringRef> parts, result;
  features.split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    if (part.consume_front("+") && terse_cpu_has_feature(part.str().c_str()) >= 0)
      result.push_back(part);
  return result;
}

namespace {

class MetadataWriter {
public:
  explicit MetadataWriter(raw_ostream &os) : writer(os, endianness::little) {}

  void number(uint32_t value) { writer.write<uint32_t>(value); }
  void string(StringRef text) {
    number(text.size());
    writer.OS << text;
  }
  void tensor(StringRef name, DType dtype, ArrayRef<int64_t> shape) {
    string(name);
    number(getArtifactDType(dtype));
    number(shape.size());
    for (int64_t size : shape)
      writer.write<int64_t>(size);
  }
  void tensors(ArrayRef<ArtifactTensor> tensors) {
    number(tensors.size());
    for (const ArtifactTensor &t : tensors)
      tensor(t.name, t.dtype, t.shape);
  }
  void large(uint64_t value) { writer.write<uint64_t>(value); }
  void features(StringRef features) {
    SmallVector<StringRef> names = getCheckedFeatures(features);
    number(names.size());
    for (StringRef name : names)
      string(name);
  }
  void weights(ArrayRef<ArtifactWeight> weights) {
    number(weights.size());
    for (const ArtifactWeight &w : weights) {
      tensor(w.name, w.dtype, w.shape);
      large(w.offset);
      large(w.data.size());
    }
  }

private:
  support::endian::Writer writer;
};

} // namespace

namespace {
/// Linked code and where it stands in the file.
struct PlacedCode {
  std::string bytes;
  uint64_t offset = 0;
};
} // namespace

/// Its size does not depend on where the code stands.
static std::string buildMetadata(const ArtifactContents &contents, ArrayRef<PlacedCode> placed) {
  std::string metadata;
  raw_string_ostream os(metadata);
  MetadataWriter writer(os);
  writer.string("Terse " TERSE_VERSION_STRING);
  writer.string(contents.triple);
  bool hasVariants = contents.variants.size() > 1;
  // Several variants have features of their own.
  writer.features(hasVariants ? "" : contents.variants.front().features);
  writer.tensors(contents.inputs);
  writer.tensors(contents.outputs);
  writer.weights(contents.weights);
  if (!hasVariants)
    return metadata;
  writer.number(contents.variants.size());
  for (auto [variant, code] : zip(contents.variants, placed)) {
    writer.string(variant.name);
    writer.features(variant.features);
    writer.large(code.offset);
    writer.large(code.bytes.size());
    writer.large(variant.arenaSize);
    writer.number(checksum(code.bytes));
  }
  return metadata;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static Expected<uint32_t> getMachine(StringRef triple) {
  switch (Triple(triple).getArch()) {
  case Triple::x86_64:
    return ELF::EM_X86_64;
  case Triple::aarch64:
    return ELF::EM_AARCH64;
  case Triple::riscv64:
    return ELF::EM_RISCV;
  default:
    return createStringError("cannot make an artifact for '" + triple + "'");
  }
}

static Error checkContents(const ArtifactContents &contents) {
  auto checkRank = [](StringRef name, size_t rank) -> Error {
    if (rank <= TERSE_MAX_RANK)
      return Error::success();
    return createStringError("cannot make an artifact: '" + name + "' has rank " + Twine(rank) +
                             " (at most " + Twine(TERSE_MAX_RANK) + ")");
  };
  for (const std::vector<ArtifactTensor> *tensors : {&contents.inputs, &contents.outputs})
    for (const ArtifactTensor &tensor : *tensors)
      if (Error error = checkRank(tensor.name, tensor.shape.size()))
        return error;
  if (contents.variants.empty())
    return createStringError("cannot make an artifact without code");
  uint64_t end = 0;
  for (const ArtifactWeight &weight : contents.weights) {
    if (Error error = checkRank(weight.name, weight.shape.size()))
      return error;
    if (weight.offset < end || weight.offset > contents.weightsSize ||
        weight.data.size() > contents.weightsSize - weight.offset)
      return createStringError("cannot make an artifact: weight '" + weight.name +
                               "' overlaps another or lies outside of the blob");
    end = weight.offset + weight.data.size();
  }
  return Error::success();
}

/// Writes `count` zeros and extends `crc` over them.
static void writeZeros(raw_ostream &os, uint64_t count, uint32_t &crc) {
  static const char zeros[4096] = {};
  for (; count > 0; count -= std::min<uint64_t>(count, sizeof zeros)) {
    StringRef chunk(zeros, std::min<uint64_t>(count, sizeof zeros));
    os << chunk;
    crc = checksum(chunk, crc);
  }
}

/// Streams the blob and returns its checksum.
static uint32_t writeBlob(raw_ostream &os, const ArtifactContents &contents) {
  // Checksum and write a piece at a time, so that each page is read once.
  constexpr size_t kPiece = 1 << 20;
  uint32_t crc = 0;
  uint64_t position = 0;
  for (const ArtifactWeight &weight : contents.weights) {
    writeZeros(os, weight.offset - position, crc);
    for (ArrayRef<char> rest = weight.data; !rest.empty();
         rest = rest.drop_front(std::min(kPiece, rest.size()))) {
      StringRef piece(rest.data(), std::min(kPiece, rest.size()));
      os << piece;
      crc = checksum(piece, crc);
    }
    position = weight.offset + weight.data.size();
  }
  writeZeros(os, contents.weightsSize - position, crc);
  return crc;
}

/// The section of counted ranges; empty if there are none.
static std::string buildRanges(const ArtifactContents &contents) {
  std::string section;
  if (contents.ranges.empty())
    return section;
  raw_string_ostream os(section);
  support::endian::Writer writer(os, endianness::little);
  writer.write<uint32_t>(contents.ranges.size());
  for (const ArtifactRange &range : contents.ranges) {
    writer.write<uint32_t>(range.name.size());
    os << range.name;
    writer.write<double>(range.low);
    writer.write<double>(range.high);
  }
  return section;
}

static void writeFile(raw_fd_ostream &os, uint32_t machine, MutableArrayRef<PlacedCode> code,
                      const ArtifactContents &contents) {
  terse_file_header header = {};
  static_assert(sizeof header == 128, "the header is 128 bytes");
  std::memcpy(header.magic, TERSE_FORMAT_MAGIC, sizeof header.magic);
  header.version = contents.variants.size() > 1 ? 2 : 1;
  header.abi_version = TERSE_ABI_VERSION;
  header.metadata_offset = sizeof header;
  header.metadata_size = buildMetadata(contents, code).size();
  uint64_t end = header.metadata_offset + header.metadata_size;
  for (PlacedCode &piece : code) {
    piece.offset = alignTo(end, 64);
    end = piece.offset + piece.bytes.size();
  }
  std::string metadata = buildMetadata(contents, code);
  header.code_offset = code.front().offset;
  header.code_size = code.front().bytes.size();
  std::string ranges = buildRanges(contents);
  if (!ranges.empty()) {
    header.ranges_offset = alignTo(end, 8);
    header.ranges_size = ranges.size();
    header.ranges_checksum = checksum(ranges);
    end = header.ranges_offset + ranges.size();
  }
  header.weights_offset = alignTo(end, TERSE_FORMAT_PAGE);
  header.weights_size = contents.weightsSize;
  header.file_size = header.weights_offset + header.weights_size;
  header.arena_size = contents.variants.front().arenaSize;
  header.machine = machine;
  header.metadata_checksum = checksum(metadata);
  header.code_checksum = checksum(code.front().bytes);

  uint32_t ignored = 0;
  writeZeros(os, sizeof header, ignored);
  os << metadata;
  for (const PlacedCode &piece : code) {
    writeZeros(os, piece.offset - os.tell(), ignored);
    os << piece.bytes;
  }
  if (!ranges.empty()) {
    writeZeros(os, header.ranges_offset - os.tell(), ignored);
    os << ranges;
  }
  writeZeros(os, header.weights_offset - os.tell(), ignored);
  header.weights_checksum = writeBlob(os, contents);

  StringRef bytes(reinterpret_cast<const char *>(&header), sizeof header);
  header.header_checksum = checksum(bytes.drop_back(sizeof header.header_checksum));
  os.pwrite(bytes.data(), bytes.size(), 0);
}

Error terse::writeArtifact(StringRef path, const ArtifactContents &contents) {
  if (Error error = checkContents(contents))
    return error;
  Expected<uint32_t> machine = getMachine(contents.triple);
  if (!machine)
    return machine.takeError();

  // Before the slow part: a folder that takes no file is the user's most likely mistake.
  auto describe = [&](Error error) {
    return createStringError("cannot write '" + path + "': " + toString(std::move(error)));
  };
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(path + ".tmp%%%%%%");
  if (!file)
    return describe(file.takeError());
  auto discard = [&](Error error) { return joinErrors(std::move(error), file->discard()); };

  std::vector<PlacedCode> code;
  for (const ArtifactCode &variant : contents.variants) {
    Expected<std::string> linked = linkSharedObject(variant.object, contents.triple);
    if (!linked)
      return discard(linked.takeError());
    code.push_back({std::move(*linked)});
  }
  raw_fd_ostream os(file->FD, /*shouldClose=*/false);
  writeFile(os, *machine, code, contents);
  os.flush();
  if (os.has_error()) {
    std::error_code error = os.error();
    os.clear_error();
    return discard(describe(errorCodeToError(error)));
  }
  if (Error error = file->keep(path))
    return describe(std::move(error));
  return Error::success();
}
