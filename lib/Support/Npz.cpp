//===- Npz.cpp - NumPy's archives of named arrays ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Npz.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <zip.h>

using namespace terse;

namespace {
/// A zip_error_t that is released.
struct ZipError {
  zip_error_t error;
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  const char *getMessage() { return zip_error_strerror(&error); }
};

struct CloseMember {
  void operator()(zip_file_t *member) const { zip_fclose(member); }
};
} // namespace

void NpzFile::CloseArchive::operator()(zip *archive) const { zip_discard(archive); }

llvm::Expected<NpzFile> NpzFile::open(llvm::StringRef path) {
  llvm::Expected<std::shared_ptr<const MappedFile>> mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.takeError();
  NpzFile npz;
  npz.path = path.str();
  npz.file = std::move(*mapped);
  llvm::ArrayRef<uint8_t> bytes = npz.file->getBytes();
  // libzip takes an empty file for an empty archive.
  if (bytes.size() < 4 || bytes[0] != 'P' || bytes[1] != 'K')
    return makeError("'{0}': not an .npz file (a zip archive of .npy files)", path);

  ZipError error;
  zip_source_t *source =
      zip_source_buffer_create(bytes.data(), bytes.size(), /*freep=*/0, &error.error);
  if (!source)
    return makeError("'{0}': {1}", path, error.getMessage());
  npz.archive.reset(zip_open_from_source(source, ZIP_RDONLY, &error.error));
  if (!npz.archive) {
    zip_source_free(source);
    return makeError("'{0}': not a readable zip archive: {1}", path, error.getMessage());
  }

  llvm::StringSet<> seen;
  for (zip_int64_t i = 0, e = zip_get_num_entries(npz.archive.get(), 0); i < e; ++i) {
    const char *raw = zip_get_name(npz.archive.get(), i, ZIP_FL_ENC_GUESS);
    llvm::StringRef name = raw ? raw : "";
    if (!name.consume_back(".npy"))
      continue;
    if (!seen.insert(name).second)
      return makeError("'{0}': the archive has two arrays '{1}'", path, name);
    npz.names.push_back(name.str());
    npz.indices.push_back(static_cast<uint64_t>(i));
  }
  return std::move(npz);
}

bool NpzFile::contains(llvm::StringRef name) const { return llvm::is_contained(names, name); }

/// The uncompressed contents of a member.
static llvm::Expected<std::shared_ptr<const HostTensor>> readMember(zip *archive, uint64_t index,
                                                                    uint64_t fileSize) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0)
    return makeError("{0}", zip_strerror(archive));
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if ((stat.valid & kNeeded) != kNeeded)
    return makeError("the archive does not give the member's size");
  // Before memory is allocated: deflate cannot shrink data to less than 1/1032.
  constexpr uint64_t kMaxRatio = 1032;
  if (stat.comp_size > fileSize || stat.size / kMaxRatio > stat.comp_size)
    return makeError("the archive gives an impossible size ({0} bytes from {1} compressed ones)",
                     stat.size, stat.comp_size);
  std::unique_ptr<zip_file_t, CloseMember> member(zip_fopen_index(archive, index, 0));
  if (!member)
    return makeError("{0}", zip_strerror(archive));

  // A tensor of bytes is simply an aligned buffer, so that the array is a view of it.
  auto contents = std::make_shared<HostTensor>(
      HostTensor::zeros(DType::u8(), {static_cast<int64_t>(stat.size)}));
  uint8_t *out = contents->getMutableBytes().data();
  uint64_t done = 0;
  while (done < stat.size) {
    zip_int64_t got = zip_fread(member.get(), out + done, stat.size - done);
    if (got < 0)
      return makeError("{0}", zip_file_strerror(member.get()));
    if (got == 0)
      return makeError("the member ends after {0} of {1} bytes", done, stat.size);
    done += static_cast<uint64_t>(got);
  }
  // libzip compares the checksum when it finds the end.
  uint8_t beyond;
  zip_int64_t rest = zip_fread(member.get(), &beyond, 1);
  if (rest < 0)
    return makeError("{0}", zip_file_strerror(member.get()));
  if (rest > 0)
    return makeError("the member has more than the {0} bytes that the archive gives", stat.size);
  return std::shared_ptr<const HostTensor>(std::move(contents));
}

llvm::Expected<HostTensor> NpzFile::read(llvm::StringRef name) const {
  auto it = llvm::find(names, name);
  if (it == names.end())
    return makeError("'{0}' has no array '{1}'; it has {2}", path, name,
                     names.empty() ? "none" : llvm::join(names, ", "));
  uint64_t index = indices[it - names.begin()];
  auto contents = readMember(archive.get(), index, file->getBytes().size());
  if (!contents)
    return makeError("'{0}', array '{1}': {2}", path, name, llvm::toString(contents.takeError()));
  llvm::Expected<HostTensor> tensor = parseNpy((*contents)->getBytes(), *contents);
  if (!tensor)
    return makeError("'{0}', array '{1}': {2}", path, name, llvm::toString(tensor.takeError()));
  return tensor;
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

struct NpzStream::Impl {
  explicit Impl(NpzFile file) : file(std::move(file)) {}

  NpzFile file; ///< Outlives the member.
  std::unique_ptr<zip_file_t, CloseMember> member;
  std::string name;
  NpyLayout layout;
  /// Bytes that were read with the header.
  std::vector<uint8_t> ahead;
  size_t aheadBegin = 0;
  /// The array, where it cannot be streamed.
  std::optional<HostTensor> whole;
  int64_t position = 0;
  /// Bytes that were read since pages were dropped.
  size_t touched = 0;
  static constexpr size_t kDropBytes = size_t(1) << 23;

  llvm::Error fail(llvm::StringRef message) const {
    return makeError("'{0}', array '{1}': {2}", file.path, name, message);
  }
  llvm::Error read(uint8_t *out, size_t size) {
    size_t buffered = std::min(size, ahead.size() - aheadBegin);
    std::copy_n(ahead.begin() + aheadBegin, buffered, out);
    aheadBegin += buffered;
    for (size_t done = buffered; done < size;) {
      zip_int64_t got = zip_fread(member.get(), out + done, size - done);
      if (got < 0)
        return fail(zip_file_strerror(member.get()));
      if (got == 0)
        return fail("the file ends before the data");
      done += static_cast<size_t>(got);
    }
    // Pages that were read count as memory of this process for as long as they are mapped.
    touched += size;
    if (touched >= kDropBytes) {
      file.file->dropPages();
      touched = 0;
    }
    return llvm::Error::success();
  }
};

NpzStream::NpzStream(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
NpzStream::~NpzStream() = default;
DType NpzStream::getDType() const { return impl->layout.dtype; }
llvm::ArrayRef<int64_t> NpzStream::getShape() const { return impl->layout.shape; }

llvm::Expected<std::unique_ptr<NpzStream>> NpzStream::open(llvm::StringRef path,
                                                           llvm::StringRef name) {
  llvm::Expected<NpzFile> file = NpzFile::open(path);
  if (!file)
    return file.takeError();
  auto impl = std::make_unique<Impl>(std::move(*file));
  impl->name = name.str();
  auto it = llvm::find(impl->file.names, name);
  if (it == impl->file.names.end())
    return makeError("'{0}' has no array '{1}'; it has {2}", path, name,
                     impl->file.names.empty() ? "none" : llvm::join(impl->file.names, ", "));
  impl->member.reset(zip_fopen_index(impl->file.archive.get(),
                                     impl->file.indices[it - impl->file.names.begin()], 0));
  if (!impl->member)
    return impl->fail(zip_strerror(impl->file.archive.get()));
  // Headers are shorter than this; what is read beyond is kept.
  impl->ahead.resize(size_t(1) << 16);
  size_t size = 0;
  while (size < impl->ahead.size()) {
    zip_int64_t got =
        zip_fread(impl->member.get(), impl->ahead.data() + size, impl->ahead.size() - size);
    if (got < 0)
      return impl->fail(zip_file_strerror(impl->member.get()));
    if (got == 0)
      break;
    size += static_cast<size_t>(got);
  }
  impl->ahead.resize(size);
  llvm::Expected<NpyLayout> layout = parseNpyHeader(impl->ahead);
  if (!layout)
    return impl->fail(llvm::toString(layout.takeError()));
  impl->layout = std::move(*layout);
  impl->aheadBegin = impl->layout.dataOffset;
  if (impl->layout.shape.empty())
    return impl->fail("is a scalar; expected samples along the first axis");
  if ((impl->layout.isFortranOrder && impl->layout.shape.size() > 1) ||
      impl->layout.isByteSwapped) {
    llvm::Expected<HostTensor> whole = impl->file.read(name);
    if (!whole)
      return whole.takeError();
    impl->whole = std::move(*whole);
  }
  return std::unique_ptr<NpzStream>(new NpzStream(std::move(impl)));
}

llvm::Expected<HostTensor> NpzStream::next() {
  if (impl->position >= impl->layout.shape[0])
    return impl->fail("has no more samples");
  std::vector<int64_t> shape = impl->layout.shape;
  shape[0] = 1;
  std::optional<int64_t> elements = countElements(shape);
  if (!elements)
    return impl->fail("is too large");
  HostTensor slice = HostTensor::zeros(impl->layout.dtype, shape);
  llvm::MutableArrayRef<uint8_t> bytes = slice.getMutableBytes();
  if (impl->whole)
    llvm::copy(impl->whole->getBytes().slice(size_t(impl->position) * bytes.size(), bytes.size()),
               bytes.begin());
  else if (llvm::Error error = impl->read(bytes.data(), bytes.size()))
    return std::move(error);
  ++impl->position;
  return slice;
}

llvm::Expected<NamedTensors> terse::readNpz(llvm::StringRef path) {
  llvm::Expected<NpzFile> npz = NpzFile::open(path);
  if (!npz)
    return npz.takeError();
  NamedTensors tensors;
  for (const std::string &name : npz->getNames()) {
    llvm::Expected<HostTensor> tensor = npz->read(name);
    if (!tensor)
      return tensor.takeError();
    tensors.emplace_back(name, std::move(*tensor));
  }
  return std::move(tensors);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
/// What the archive refers to until it is closed.
struct Member {
  HostTensor tensor;
  std::string header;
  zip_buffer_fragment_t fragments[2];
};
} // namespace

static llvm::Error addMember(zip *archive, const std::string &name, Member &member) {
  llvm::ArrayRef<uint8_t> data = member.tensor.getBytes();
  member.fragments[0] = {reinterpret_cast<zip_uint8_t *>(member.header.data()),
                         member.header.size()};
  member.fragments[1] = {const_cast<zip_uint8_t *>(data.data()), data.size()};
  ZipError error;
  zip_source_t *source = zip_source_buffer_fragment_create(member.fragments, data.empty() ? 1 : 2,
                                                           /*freep=*/0, &error.error);
  if (!source)
    return makeError("{0}", error.getMessage());
  zip_int64_t index = zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return makeError("cannot add array '{0}': {1}", name, zip_strerror(archive));
  }
  // 1980-01-01 00:00, the first date of the format, in its own encoding: no time zone takes part.
  constexpr zip_uint16_t kTime = 0, kDate = (1 << 5) | 1;
  if (zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, index, kTime, kDate, 0) != 0)
    return makeError("{0}", zip_strerror(archive));
  return llvm::Error::success();
}

llvm::Error terse::writeNpz(llvm::StringRef path, const NamedTensors &tensors) {
  llvm::StringSet<> seen;
  for (auto &[name, tensor] : tensors)
    if (!seen.insert(name).second)
      return makeError("cannot write '{0}': two arrays '{1}'", path, name);

  // libzip deletes an archive without members instead of writing its end record.
  if (tensors.empty())
    return writeFileAtomically(path, [](llvm::raw_ostream &os) {
      os << "PK\x05\x06" << std::string(18, '\0');
      return llvm::Error::success();
    });

  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (!file->hasTemporaryPath())
    return makeError("cannot write '{0}': an archive needs a regular file", path);
  std::vector<Member> members(tensors.size());
  int code;
  std::unique_ptr<zip, decltype(&zip_discard)> archive(
      zip_open(file->getTemporaryPath().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code), &zip_discard);
  if (!archive) {
    ZipError error;
    zip_error_init_with_code(&error.error, code);
    return makeError("cannot write '{0}': {1}", path, error.getMessage());
  }
  for (auto [member, entry] : llvm::zip_equal(members, tensors)) {
    member.tensor = widenForNumpy(entry.second);
    member.header = makeNpyHeader(member.tensor.dtype, member.tensor.shape);
    if (llvm::Error error = addMember(archive.get(), entry.first, member))
      return inFile(path, std::move(error));
  }
  if (zip_close(archive.get()) != 0)
    return makeError("cannot write '{0}': {1}", path, zip_strerror(archive.get()));
  archive.release();
  return file->commit();
}
