//===- Npy.cpp - NumPy's array file format ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Npy.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Endian.h"

#include <algorithm>

using namespace terse;

static_assert(llvm::endianness::native == llvm::endianness::little,
              "file data are viewed in place, which takes a little-endian host");

static constexpr llvm::StringLiteral kMagic("\x93NUMPY");
/// What NumPy aligns the data to.
static constexpr size_t kAlignment = 64;

//===----------------------------------------------------------------------===//
// The header: a Python dictionary literal
//===----------------------------------------------------------------------===//

namespace {
struct NpyHeader {
  std::string descr;
  std::optional<bool> fortranOrder;
  std::optional<std::vector<int64_t>> shape;
};

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, the keys in any order.
class HeaderParser {
public:
  explicit HeaderParser(llvm::StringRef text) : text(text) {}

  llvm::Expected<NpyHeader> parse() {
    NpyHeader header;
    if (!consume('{'))
      return makeError("the header is not a dictionary");
    while (!consume('}')) {
      std::optional<std::string> key = parseString();
      if (!key || !consume(':'))
        return makeError("the header is malformed; expected a quoted key and ':'");
      if (llvm::Error error = parseValue(*key, header))
        return error;
      if (!consume(',') && !peek('}'))
        return makeError("the header is malformed behind key '{0}'", *key);
    }
    skipSpace();
    if (!text.empty())
      return makeError("the header has something behind its dictionary");
    if (header.descr.empty() || !header.fortranOrder || !header.shape)
      return makeError("the header lacks one of 'descr', 'fortran_order' and 'shape'");
    return header;
  }

private:
  llvm::Error parseValue(llvm::StringRef key, NpyHeader &header) {
    if (key == "descr") {
      if (peek('['))
        return makeError("structured arrays are not supported; save one array per field");
      std::optional<std::string> descr = parseString();
      if (!descr || descr->empty() || !header.descr.empty())
        return makeError("the header's 'descr' is malformed");
      header.descr = *descr;
      return llvm::Error::success();
    }
    if (key == "fortran_order") {
      skipSpace();
      bool isTrue = text.consume_front("True");
      if ((!isTrue && !text.consume_front("False")) || header.fortranOrder)
        return makeError("the header's 'fortran_order' is malformed; expected True or False");
      header.fortranOrder = isTrue;
      return llvm::Error::success();
    }
    if (key == "shape") {
      std::optional<std::vector<int64_t>> shape = parseTuple();
      if (!shape || header.shape)
        return makeError("the header's 'shape' is malformed; expected a tuple of extents");
      header.shape = std::move(*shape);
      return llvm::Error::success();
    }
    return makeError("the header has an unknown key '{0}'", key);
  }

  std::optional<std::vector<int64_t>> parseTuple() {
    std::vector<int64_t> extents;
    if (!consume('('))
      return std::nullopt;
    bool comma = true;
    while (!consume(')')) {
      // No more than 63 digits' worth of int64: consumeInteger fails on overflow.
      int64_t extent;
      if (!comma || (skipSpace(), text.consumeInteger(10, extent)) || extent < 0)
        return std::nullopt;
      text.consume_front("L"); // As Python 2 wrote long integers.
      extents.push_back(extent);
      comma = consume(',');
    }
    // `(3)` is not a tuple.
    if (extents.size() == 1 && !comma)
      return std::nullopt;
    return extents;
  }

  std::optional<std::string> parseString() {
    skipSpace();
    if (!text.starts_with("'") && !text.starts_with("\""))
      return std::nullopt;
    size_t end = text.find(text.front(), 1);
    if (end == llvm::StringRef::npos)
      return std::nullopt;
    std::string value = text.substr(1, end - 1).str();
    text = text.drop_front(end + 1);
    return value;
  }

  void skipSpace() { text = text.ltrim(" \t\r\n"); }
  bool peek(char c) {
    skipSpace();
    return text.starts_with(llvm::StringRef(&c, 1));
  }
  bool consume(char c) {
    if (!peek(c))
      return false;
    text = text.drop_front();
    return true;
  }

  llvm::StringRef text;
};
} // namespace

/// `<f4`, `|b1`, ...: byte order, kind, bytes.
static llvm::Expected<DType> parseDescr(llvm::StringRef descr, bool &swapped) {
  constexpr const char *kSupported =
      "supported are bool, int8 to int64, uint8 to uint64, float16, float32 and float64";
  llvm::StringRef rest = descr;
  char order = rest.front();
  if (llvm::StringRef("<>|=").contains(order))
    rest = rest.drop_front();
  swapped = order == '>';
  char kind = rest.empty() ? 0 : rest.front();
  unsigned bytes = 0;
  bool valid = !rest.empty() && !rest.drop_front().getAsInteger(10, bytes);
  if (valid && kind == 'b' && bytes == 1)
    return DType::boolean();
  bool isPowerOfTwo = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  if (valid && kind == 'i' && isPowerOfTwo)
    return DType::si(8 * bytes);
  if (valid && kind == 'u' && isPowerOfTwo)
    return DType::ui(8 * bytes);
  if (valid && kind == 'f' && bytes == 2)
    return DType::f16();
  if (valid && kind == 'f' && bytes == 4)
    return DType::f32();
  if (valid && kind == 'f' && bytes == 8)
    return DType::f64();
  if (kind == 'V')
    return makeError("elements are raw bytes ('{0}'), as NumPy stores types that it does not know, "
                     "such as bfloat16; convert with .astype(numpy.float32) first",
                     descr);
  return makeError("unsupported element type '{0}'; {1}", descr, kSupported);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Copies elements of `width` bytes from column-major to row-major order.
static void transposeFromFortran(const uint8_t *in, uint8_t *out, llvm::ArrayRef<int64_t> shape,
                                 size_t width) {
  size_t rank = shape.size();
  std::vector<int64_t> strides(rank), index(rank);
  int64_t stride = 1, count = 1;
  for (size_t i = 0; i < rank; ++i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  count = stride;
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * width, in + offset * width, width);
    for (size_t d = rank; d-- > 0;) {
      offset += strides[d];
      if (++index[d] < shape[d])
        break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

llvm::Expected<NpyLayout> terse::parseNpyHeader(llvm::ArrayRef<uint8_t> bytes) {
  llvm::StringRef text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic))
    return makeError("not a .npy file: it does not begin with \\x93NUMPY");
  if (bytes.size() < 10)
    return makeError("the file ends within its header");
  unsigned major = bytes[6];
  if (major < 1 || major > 3)
    return makeError("version {0}.{1} of the .npy format is not supported; versions 1 to 3 are",
                     major, unsigned(bytes[7]));
  size_t lengthBytes = major == 1 ? 2 : 4;
  if (bytes.size() < 8 + lengthBytes)
    return makeError("the file ends within its header");
  uint64_t headerSize = major == 1 ? llvm::support::endian::read16le(bytes.data() + 8)
                                   : llvm::support::endian::read32le(bytes.data() + 8);
  size_t headerBegin = 8 + lengthBytes;
  if (headerSize > bytes.size() - headerBegin)
    return makeError("the file ends within its header");
  llvm::Expected<NpyHeader> header = HeaderParser(text.substr(headerBegin, headerSize)).parse();
  if (!header)
    return header.takeError();
  bool swapped = false;
  llvm::Expected<DType> dtype = parseDescr(header->descr, swapped);
  if (!dtype)
    return dtype.takeError();
  return NpyLayout{*dtype, *header->shape, *header->fortranOrder, swapped,
                   headerBegin + headerSize};
}

llvm::Expected<HostTensor> terse::parseNpy(llvm::ArrayRef<uint8_t> bytes,
                                           std::shared_ptr<const void> owner) {
  llvm::Expected<NpyLayout> layout = parseNpyHeader(bytes);
  if (!layout)
    return layout.takeError();
  DType dtype = layout->dtype;
  llvm::ArrayRef<uint8_t> data = bytes.drop_front(layout->dataOffset);
  // Checks the number of bytes, so that everything below is in bounds and what it allocates is not
  // larger than the file.
  llvm::Expected<HostTensor> tensor =
      HostTensor::fromPacked(dtype, layout->shape, data, std::move(owner));
  if (!tensor)
    return tensor;

  size_t width = dtype.getHostBytes();
  if (layout->isByteSwapped && width > 1) {
    llvm::MutableArrayRef<uint8_t> swap = tensor->getMutableBytes();
    for (size_t i = 0; i < swap.size(); i += width)
      std::reverse(swap.begin() + i, swap.begin() + i + width);
  }
  if (layout->isFortranOrder && tensor->getRank() > 1 && tensor->getNumElements() > 1) {
    HostTensor rowMajor = HostTensor::zeros(dtype, layout->shape);
    transposeFromFortran(tensor->getBytes().data(), rowMajor.getMutableBytes().data(),
                         layout->shape, width);
    return rowMajor;
  }
  return tensor;
}

llvm::Expected<HostTensor> terse::readNpy(llvm::StringRef path) {
  llvm::Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  llvm::Expected<HostTensor> tensor = parseNpy((*file)->getBytes(), *file);
  if (!tensor)
    return inFile(path, tensor.takeError());
  return tensor;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

HostTensor terse::widenForNumpy(const HostTensor &tensor) {
  DType dtype = tensor.dtype;
  if (dtype.isSmallFloat() && dtype != DType::f16())
    return tensor.convertTo(DType::f32());
  if (dtype.isInteger() && dtype.isSubByte())
    return tensor.convertTo(dtype.isSignedInteger() ? DType::i8() : DType::u8());
  return tensor;
}

std::string terse::makeNpyHeader(DType dtype, llvm::ArrayRef<int64_t> shape) {
  char kind = dtype.isBool() ? 'b' : dtype.isFloat() ? 'f' : dtype.isSignedInteger() ? 'i' : 'u';
  unsigned bytes = dtype.getHostBytes();
  std::string dict = "{'descr': '";
  dict += bytes == 1 ? '|' : '<';
  dict += kind;
  dict += std::to_string(bytes) + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i)
    dict += (i ? " " : "") + std::to_string(shape[i]) +
            (i + 1 < shape.size() || shape.size() == 1 ? "," : "");
  dict += "), }";
  size_t unpadded = 10 + dict.size() + 1;
  dict.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  dict += '\n';

  std::string header = kMagic.str();
  // Version 1.0 holds headers up to 65,535 bytes, which is more than 3,000 extents.
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

llvm::Error terse::writeNpy(llvm::StringRef path, const HostTensor &tensor) {
  return writeFileAtomically(path, [&](llvm::raw_ostream &os) {
    HostTensor wide = widenForNumpy(tensor);
    llvm::ArrayRef<uint8_t> bytes = wide.getBytes();
    os << makeNpyHeader(wide.dtype, wide.shape);
    os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return llvm::Error::success();
  });
}
