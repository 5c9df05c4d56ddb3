//===- LargeTest.cpp - Artifacts larger than memory is cheap ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaleModel.h"

#include <fstream>
#include <unistd.h>

namespace {

/// Resident memory of this process in bytes.
uint64_t getResident() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(LargeTest, StartsOnThreeGigabytesOfWeights) {
  constexpr uint64_t size = 3ull << 30;
  Folder folder;
  std::string path = folder.file("large.terse");
  ScaleModel().write(path);

  // The file grows to 3 GB of weights with a hole in it, and w stands at the end.
  std::string file = readFile(path);
  terse_file_header header;
  std::memcpy(&header, file.data(), sizeof header);
  header.weights_size = size;
  header.file_size = header.weights_offset + size;
  std::memcpy(file.data(), &header, sizeof header);
  uint64_t at = size - 8;
  std::memcpy(file.data() + header.weights_offset, &at, sizeof at);
  sealHeader(file);
  writeFile(path, file);
  {
    std::fstream os(path, std::ios::in | std::ios::out | std::ios::binary);
    os.seekp(header.weights_offset + at);
    float w[] = {4, 0.5};
    os.write(reinterpret_cast<const char *>(w), sizeof w);
    ASSERT_TRUE(os.good());
  }

  uint64_t before = getResident();
  terse_model *model;
  ASSERT_EQ(terse_model_load(path.c_str(), nullptr, &model), TERSE_OK) << terse_last_error();
  EXPECT_EQ(terse_model_weights_size(model), size);
  EXPECT_EQ(runScale(model, {1, 2}), (std::vector<float>{4.5, 8.5}));
  // Memory is the measure that a busy machine does not disturb: starting touches a few pages only.
  EXPECT_LT(getResident() - before, 16u << 20);
  terse_model_unload(model);
}

} // namespace
