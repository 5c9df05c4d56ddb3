//===- HostileTest.cpp - Damaged and hostile artifacts ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaleModel.h"

#include <sys/stat.h>

namespace {

class HostileTest : public ::testing::Test {
protected:
  void SetUp() override {
    ScaleModel().write(path());
    good = readFile(path());
    ASSERT_GT(good.size(), 128u);
    std::memcpy(&header, good.data(), sizeof header);
  }

  std::string path() const { return folder.file("m.terse"); }

  terse_status load(llvm::StringRef bytes, bool verify = false) {
    writeFile(path(), bytes);
    terse_load_options options = {};
    options.verify_weights = verify;
    terse_model *model;
    terse_status status = terse_model_load(path().c_str(), &options, &model);
    EXPECT_EQ(status == TERSE_OK, model != nullptr);
    if (status != TERSE_OK)
      EXPECT_TRUE(llvm::StringRef(terse_last_error()).starts_with(path())) << terse_last_error();
    terse_model_unload(model);
    return status;
  }

  /// `good` with its header changed and sealed again.
  template <typename Change>
  std::string withHeader(Change change) {
    terse_file_header changed = header;
    change(changed);
    std::string file = good;
    std::memcpy(file.data(), &changed, sizeof changed);
    sealHeader(file);
    return file;
  }

  /// `good` with its metadata changed and all checksums right.
  template <typename Change>
  std::string withMetadata(Change change) {
    std::string file = good;
    change(file.data() + header.metadata_offset);
    llvm::StringRef metadata(file.data() + header.metadata_offset, header.metadata_size);
    uint32_t crc = llvm::crc32(llvm::arrayRefFromStringRef(metadata));
    std::memcpy(file.data() + offsetof(terse_file_header, metadata_checksum), &crc, 4);
    sealHeader(file);
    return file;
  }

  Folder folder;
  std::string good;
  terse_file_header header;
};

TEST_F(HostileTest, TheFileItselfIsFine) {
  EXPECT_EQ(load(good, /*verify=*/true), TERSE_OK) << terse_last_error();
}

TEST_F(HostileTest, RefusesEveryTruncation) {
  for (size_t size = 0; size < good.size(); size += size < 160 ? 1 : 97)
    EXPECT_EQ(load(llvm::StringRef(good).take_front(size)), TERSE_ERROR_FORMAT) << size;
  EXPECT_EQ(load(good + "x"), TERSE_ERROR_FORMAT);
}

TEST_F(HostileTest, RefusesEveryDamagedByte) {
  for (size_t i = 0; i < header.code_offset + header.code_size; i += i < 400 ? 1 : 61) {
    // Padding between the sections means nothing.
    if (i >= header.metadata_offset + header.metadata_size && i < header.code_offset)
      continue;
    std::string file = good;
    file[i] ^= 0x10;
    EXPECT_NE(load(file), TERSE_OK) << i;
  }
}

TEST_F(HostileTest, FindsDamagedWeightsWhenAsked) {
  std::string file = good;
  file.back() ^= 1;
  EXPECT_EQ(load(file), TERSE_OK);
  EXPECT_EQ(load(file, /*verify=*/true), TERSE_ERROR_FORMAT);
}

TEST_F(HostileTest, RefusesOtherFiles) {
  EXPECT_EQ(load(std::string(5000, 'x')), TERSE_ERROR_FORMAT);
  EXPECT_TRUE(llvm::StringRef(terse_last_error()).ends_with("not a Terse artifact"));
  terse_model *model;
  EXPECT_EQ(terse_model_load(folder.file("none").c_str(), nullptr, &model), TERSE_ERROR_IO);
  EXPECT_EQ(terse_model_load(folder.file("").c_str(), nullptr, &model), TERSE_ERROR_IO);
  std::string fifo = folder.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(terse_model_load(fifo.c_str(), nullptr, &model), TERSE_ERROR_IO);
  EXPECT_TRUE(llvm::StringRef(terse_last_error()).ends_with("not a regular file"));
  EXPECT_EQ(model, nullptr);
}

TEST_F(HostileTest, RefusesNewerVersions) {
  EXPECT_EQ(load(withHeader([](terse_file_header &h) { h.version = 3; })), TERSE_ERROR_VERSION);
  EXPECT_TRUE(llvm::StringRef(terse_last_error())
                  .ends_with("artifact format version 3; this runtime reads up to version 2"));
  EXPECT_EQ(load(withHeader([](terse_file_header &h) { h.version = 0; })), TERSE_ERROR_VERSION);
  EXPECT_EQ(load(withHeader([](terse_file_header &h) { h.abi_version = 9; })), TERSE_ERROR_VERSION);
}

TEST_F(HostileTest, RefusesOtherMachines) {
  EXPECT_EQ(load(withHeader([](terse_file_header &h) { h.machine = 40; })), TERSE_ERROR_TARGET);
}

TEST_F(HostileTest, RefusesSectionsOutsideTheFile) {
  for (uint64_t bad : {UINT64_MAX, UINT64_MAX - 4095, uint64_t(1) << 40, uint64_t(0)}) {
    EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.metadata_offset = bad; })),
              TERSE_ERROR_FORMAT);
    EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.metadata_size = bad; })),
              TERSE_ERROR_FORMAT);
    EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.code_offset = bad; })),
              TERSE_ERROR_FORMAT);
    EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.code_size = bad; })),
              TERSE_ERROR_FORMAT);
    EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.weights_offset = bad; })),
              TERSE_ERROR_FORMAT);
    if (bad != 0)
      EXPECT_EQ(load(withHeader([=](terse_file_header &h) { h.weights_size = bad; })),
                TERSE_ERROR_FORMAT);
  }
  EXPECT_EQ(load(withHeader([](terse_file_header &h) { h.arena_size = UINT64_MAX; })),
            TERSE_ERROR_FORMAT);
}

TEST_F(HostileTest, RefusesHostileMetadata) {
  // Every 32-bit word of the metadata in turn is a huge count, length, rank or type; whatever it
  // meant, the file is refused or the change is one of a text or a size, and nothing crashes.
  for (size_t i = 0; i + 4 <= header.metadata_size; ++i)
    for (uint32_t value : {0xffffffffu, 17u})
      load(withMetadata([=](char *data) { std::memcpy(data + i, &value, 4); }));
  // The first string's length.
  EXPECT_EQ(load(withMetadata([](char *data) { std::memset(data, 0xff, 4); })), TERSE_ERROR_FORMAT);
  EXPECT_TRUE(llvm::StringRef(terse_last_error()).ends_with("metadata ends early"));
}

TEST_F(HostileTest, RefusesMissingFeatures) {
  for (llvm::StringRef feature : {"+amx-fp16,+avx512vp2intersect,+avxvnniint8", "-avx"}) {
    ScaleModel model;
    model.contents.variants[0].features = feature.str();
    model.write(path());
    terse_model *loaded;
    terse_status status = terse_model_load(path().c_str(), nullptr, &loaded);
    terse_model_unload(loaded);
    // No machine is known to have all three, and a disabled feature is not asked for.
    if (feature.starts_with("-"))
      EXPECT_EQ(status, TERSE_OK);
    else if (status != TERSE_OK)
      EXPECT_NE(llvm::StringRef(terse_last_error()).find("which this machine lacks"),
                llvm::StringRef::npos);
  }
}

} // namespace
