//===- VariantTest.cpp - Code for several levels of features ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaleModel.h"
#include "terse/Runtime/services.h"

using namespace terse;

namespace {

// No machine is known to have all of these.
const char *const kNowhere = "+amx-fp16,+avx512vp2intersect,+avxvnniint8";

class VariantTest : public testing::Test {
protected:
  void SetUp() override { write({{"exotic", kNowhere}, {"plain", ""}, {"spare", ""}}); }
  void TearDown() override { terse_model_unload(model); }

  void write(llvm::ArrayRef<std::pair<std::string, std::string>> variants) {
    ScaleModel scale;
    scale.contents.variants.clear();
    for (const auto &[name, features] : variants)
      scale.contents.variants.push_back({name, scale.object, features, 4096});
    scale.write(path);
    file = readFile(path);
    std::memcpy(&header, file.data(), sizeof header);
  }

  terse_status load(const char *variant = nullptr) {
    terse_model_unload(model);
    terse_load_options options = {};
    options.variant = variant;
    return terse_model_load(path.c_str(), &options, &model);
  }

  Folder folder;
  std::string path = folder.file("model.terse"), file;
  terse_file_header header;
  terse_model *model = nullptr;
};

TEST_F(VariantTest, TakesTheFirstThatRuns) {
  EXPECT_EQ(header.version, 2u);
  ASSERT_EQ(load(), TERSE_OK) << terse_last_error();
  EXPECT_STREQ(terse_model_variant(model), "plain");
  EXPECT_EQ(runScale(model, {1, 2}), (std::vector<float>{3, 5}));
}

TEST_F(VariantTest, TakesTheOneAskedFor) {
  ASSERT_EQ(load("spare"), TERSE_OK) << terse_last_error();
  EXPECT_STREQ(terse_model_variant(model), "spare");
  EXPECT_EQ(runScale(model, {1, 2}), (std::vector<float>{3, 5}));
  EXPECT_EQ(load("other"), TERSE_ERROR_ARGUMENT);
  EXPECT_TRUE(llvm::StringRef(terse_last_error()).ends_with("has no variant 'other'"));
  EXPECT_EQ(load("exotic"), TERSE_ERROR_TARGET);
}

TEST_F(VariantTest, SaysWhatTheLastOneLacks) {
  write({{"exotic", kNowhere}, {"least", "+avx512vp2intersect,+amx-fp16"}});
  EXPECT_EQ(load(), TERSE_ERROR_TARGET);
  EXPECT_NE(llvm::StringRef(terse_last_error()).find("which this machine lacks"),
            llvm::StringRef::npos);
}

TEST_F(VariantTest, TakesEmulatedFeaturesForGranted) {
  const char *const variable = "TERSE_EMULATED_FEATURES";
  const char *value = getenv(variable);
  std::string before = value ? value : "";
  setenv(variable, "avxvnniint8,avx512vp2intersect", 1);
  EXPECT_EQ(terse_cpu_has_feature("avx512vp2intersect"), 1);
  EXPECT_EQ(load("exotic"), TERSE_ERROR_TARGET);
  setenv(variable, "avxvnniint8,avx512vp2intersect,,amx-fp16", 1);
  EXPECT_EQ(load(), TERSE_OK) << terse_last_error();
  EXPECT_STREQ(terse_model_variant(model), "exotic");
  setenv(variable, before.c_str(), 1);
}

TEST_F(VariantTest, OneVariantIsVersion1) {
  write({{"plain", ""}});
  EXPECT_EQ(header.version, 1u);
  ASSERT_EQ(load(), TERSE_OK) << terse_last_error();
  EXPECT_STREQ(terse_model_variant(model), "");
  EXPECT_EQ(load("plain"), TERSE_ERROR_ARGUMENT);
}

TEST_F(VariantTest, RefusesDamage) {
  for (size_t size = 0; size < file.size(); size += size < 160 ? 1 : 97) {
    writeFile(path, llvm::StringRef(file).take_front(size));
    EXPECT_EQ(load(), TERSE_ERROR_FORMAT) << size;
  }
  // Words of the metadata that say something else: refused, or other numbers that are in order.
  for (size_t i = 0; i + 4 <= header.metadata_size; ++i)
    for (uint32_t value : {0xffffffffu, 17u}) {
      std::string bad = file;
      std::memcpy(bad.data() + header.metadata_offset + i, &value, 4);
      uint32_t crc = llvm::crc32(llvm::arrayRefFromStringRef(
          llvm::StringRef(bad).substr(header.metadata_offset, header.metadata_size)));
      std::memcpy(bad.data() + offsetof(terse_file_header, metadata_checksum), &crc, 4);
      sealHeader(bad);
      writeFile(path, bad);
      load();
    }
  // Code that is not loaded may be anything.
  std::string bad = file;
  bad[header.code_offset] ^= 1;
  writeFile(path, bad);
  EXPECT_EQ(load(), TERSE_OK);
  size_t second = llvm::StringRef(file).find("\x7f"
                                             "ELF",
                                             header.code_offset + 4);
  bad[second] ^= 1;
  writeFile(path, bad);
  EXPECT_EQ(load(), TERSE_ERROR_FORMAT);
  EXPECT_TRUE(llvm::StringRef(terse_last_error()).ends_with("wrong code checksum"));
}

TEST_F(VariantTest, CannotBeWrittenWithoutCode) {
  ScaleModel scale;
  scale.contents.variants.clear();
  llvm::Error error = writeArtifact(path, scale.contents);
  EXPECT_EQ(llvm::toString(std::move(error)), "cannot make an artifact without code");
}

} // namespace
