//===- ScaleModel.h - A small artifact for tests ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_UNIT_RUNTIME_SCALEMODEL_H
#define TERSE_TEST_UNIT_RUNTIME_SCALEMODEL_H

#include "terse/Artifact/Artifact.h"
#include "terse/Runtime/format.h"
#include "terse/Runtime/terse.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#include <cstring>
#include <string>
#include <vector>

/// A folder that goes with the test.
class Folder {
public:
  Folder() { EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("terse-test", path)); }
  ~Folder() { llvm::sys::fs::remove_directories(path); }

  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result = path;
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  /// How many files there are.
  size_t size() const {
    std::error_code error;
    size_t count = 0;
    for (llvm::sys::fs::directory_iterator it(path, error), end; it != end; it.increment(error))
      ++count;
    return count;
  }

private:
  llvm::SmallString<128> path;
};

inline std::string readFile(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

inline void writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  ASSERT_FALSE(error);
  os << bytes;
}

/// The model of test/Runtime/Inputs/scale.c: y = x * slope + offset.
struct ScaleModel {
  explicit ScaleModel(float slope = 2, float offset = 1) : object(readFile(SCALE_OBJECT)) {
    blob.resize(72);
    uint64_t at = 64;
    std::memcpy(blob.data(), &at, sizeof at);
    std::memcpy(blob.data() + 64, &slope, 4);
    std::memcpy(blob.data() + 68, &offset, 4);
    contents.variants = {{"scale", object, "", 4096}};
    contents.triple = llvm::sys::getProcessTriple();
    contents.weightsSize = blob.size();
    contents.inputs = {{"x", terse::DType::f32(), {-1}}};
    contents.outputs = {{"y", terse::DType::f32(), {-1}}};
    llvm::ArrayRef<char> bytes(blob);
    contents.weights = {{"where", terse::DType::u64(), {1}, 0, bytes.take_front(8)},
                        {"w", terse::DType::f32(), {2}, 64, bytes.drop_front(64)}};
  }

  void write(const std::string &path) const {
    llvm::Error error = terse::writeArtifact(path, contents);
    if (error)
      FAIL() << llvm::toString(std::move(error));
  }

  std::string object;
  std::vector<char> blob;
  terse::ArtifactContents contents;
};

inline terse_tensor makeTensor(std::vector<float> &values) {
  terse_tensor tensor = {};
  tensor.dtype = TERSE_F32;
  tensor.rank = 1;
  tensor.shape[0] = values.size();
  tensor.data = values.data();
  return tensor;
}

/// Runs a scale model on `x`; empty after an error.
inline std::vector<float> runScale(terse_model *model, std::vector<float> x) {
  terse_tensor input = makeTensor(x), output = {};
  if (terse_run(model, &input, 1, &output, 1) != TERSE_OK)
    return {};
  EXPECT_EQ(output.dtype, TERSE_F32);
  EXPECT_EQ(output.rank, 1);
  auto *data = static_cast<float *>(output.data);
  std::vector<float> result(data, data + output.shape[0]);
  terse_tensor_release(&output);
  return result;
}

/// Sets the header's checksum again after a change.
inline void sealHeader(std::string &file) {
  uint32_t crc = llvm::crc32(llvm::arrayRefFromStringRef(llvm::StringRef(file).take_front(124)));
  std::memcpy(file.data() + 124, &crc, 4);
}

#endif // TERSE_TEST_UNIT_RUNTIME_SCALEMODEL_H
