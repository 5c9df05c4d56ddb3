//===- TestUtils.h - Temporary files and tensors for tests ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_TEST_UNIT_SUPPORT_TESTUTILS_H
#define TERSE_TEST_UNIT_SUPPORT_TESTUTILS_H

#include "terse/Support/HostTensor.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace terse::test {

/// A test with a directory of its own, which is removed after it.
class FileTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> name;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("terse-test", name));
    directory = name.str().str();
  }
  void TearDown() override { llvm::sys::fs::remove_directories(directory); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(directory);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

  void write(llvm::StringRef name, llvm::StringRef contents) const {
    std::error_code ec;
    llvm::raw_fd_ostream os(path(name), ec);
    ASSERT_FALSE(ec);
    os << contents;
  }

  std::string read(llvm::StringRef name) const {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "<no file>";
  }

  /// The names in the directory: nothing temporary may be left there.
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    std::error_code ec;
    for (llvm::sys::fs::directory_iterator it(directory, ec), end; it != end && !ec;
         it.increment(ec))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    return names;
  }

  std::string directory;
};

template <typename T>
std::string messageOf(llvm::Expected<T> result) {
  return result ? std::string("no error") : llvm::toString(result.takeError());
}
inline std::string messageOf(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : std::string("no error");
}

inline bool contains(llvm::StringRef text, llvm::StringRef part) { return text.contains(part); }

inline llvm::ArrayRef<uint8_t> bytesOf(llvm::StringRef text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

inline std::vector<DType> allDTypes() {
  using numerics::FloatKind;
  std::vector<DType> all = {DType::f64(), DType::f32(), DType::boolean()};
  for (unsigned kind = 0; kind <= unsigned(FloatKind::F8E8M0FNU); ++kind)
    all.push_back(DType::smallFloat(FloatKind(kind)));
  for (unsigned bits : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64}) {
    all.push_back(DType::si(bits));
    all.push_back(DType::ui(bits));
  }
  return all;
}

/// A tensor whose bytes are all different where they can be.
inline HostTensor patterned(DType dtype, const std::vector<int64_t> &shape) {
  std::vector<uint8_t> bytes(getPackedBytes(dtype, *countElements(shape)));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = dtype.isBool() ? (i * i) % 2 : static_cast<uint8_t>(31 * i + 7);
  if (unsigned rest = *countElements(shape) * dtype.getPackedBits() % 8)
    bytes.back() &= (1u << rest) - 1;
  return llvm::cantFail(HostTensor::fromPacked(dtype, shape, bytes));
}

} // namespace terse::test

#endif // TERSE_TEST_UNIT_SUPPORT_TESTUTILS_H
