//===- WriteTest.cpp - Writes artifacts -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaleModel.h"

using namespace terse;

namespace {

std::string getError(llvm::Error error) { return llvm::toString(std::move(error)); }

TEST(WriteTest, GivesTheSameBytesTwice) {
  Folder folder;
  ScaleModel().write(folder.file("a.terse"));
  ScaleModel().write(folder.file("b.terse"));
  EXPECT_EQ(readFile(folder.file("a.terse")), readFile(folder.file("b.terse")));
  EXPECT_EQ(folder.size(), 2u);
}

TEST(WriteTest, LaysOutTheFileAsDocumented) {
  Folder folder;
  ScaleModel().write(folder.file("a.terse"));
  std::string file = readFile(folder.file("a.terse"));
  terse_file_header header;
  std::memcpy(&header, file.data(), sizeof header);
  EXPECT_EQ(llvm::StringRef(file).take_front(8), llvm::StringRef("\x89TERSE\r\n", 8));
  EXPECT_EQ(header.version, 1u);
  EXPECT_EQ(header.file_size, file.size());
  EXPECT_EQ(header.weights_offset % 4096, 0u);
  EXPECT_EQ(llvm::StringRef(file).substr(header.code_offset, 4), "\x7f"
                                                                 "ELF");
  EXPECT_EQ(header.weights_checksum, llvm::crc32(llvm::arrayRefFromStringRef(
                                         llvm::StringRef(file).drop_front(header.weights_offset))));
}

TEST(WriteTest, KeepsTheOldFileAfterAnError) {
  Folder folder;
  std::string path = folder.file("a.terse");
  writeFile(path, "precious");
  ScaleModel model;
  model.contents.variants[0].object = "no object";
  EXPECT_NE(getError(writeArtifact(path, model.contents)).find("cannot link the code"),
            std::string::npos);
  EXPECT_EQ(readFile(path), "precious");
  EXPECT_EQ(folder.size(), 1u);
}

TEST(WriteTest, RefusesWhatCannotBe) {
  Folder folder;
  std::string path = folder.file("a.terse");
  ScaleModel model;
  EXPECT_NE(
      getError(writeArtifact(folder.file("none/a.terse"), model.contents)).find("cannot write"),
      std::string::npos);
  model.contents.weights[1].offset = 4;
  EXPECT_EQ(getError(writeArtifact(path, model.contents)),
            "cannot make an artifact: weight 'w' overlaps another or lies outside of the blob");
  model.contents.weights[1].offset = UINT64_MAX;
  EXPECT_TRUE(bool(writeArtifact(path, model.contents)));
  model.contents.weights.clear();
  model.contents.inputs[0].shape.assign(17, 1);
  EXPECT_EQ(getError(writeArtifact(path, model.contents)),
            "cannot make an artifact: 'x' has rank 17 (at most 16)");
  model.contents.inputs.clear();
  model.contents.triple = "wasm32-unknown-unknown";
  EXPECT_EQ(getError(writeArtifact(path, model.contents)),
            "cannot make an artifact for 'wasm32-unknown-unknown'");
  EXPECT_EQ(folder.size(), 0u);
}

} // namespace
