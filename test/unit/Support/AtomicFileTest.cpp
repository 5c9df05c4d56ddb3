//===- AtomicFileTest.cpp - Atomic output, mapped input ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/AtomicFile.h"
#include "TestUtils.h"
#include "terse/Support/Error.h"
#include "terse/Support/MappedFile.h"

using namespace terse;
using namespace terse::test;
namespace fs = llvm::sys::fs;

using AtomicFileTest = FileTest;
using MappedFileTest = FileTest;

TEST_F(AtomicFileTest, AppearsOnCommitOnly) {
  {
    AtomicFile file = llvm::cantFail(AtomicFile::create(path("out")));
    file.getStream() << "new";
    EXPECT_EQ(read("out"), "<no file>");
    EXPECT_FALSE(bool(file.commit()));
  }
  EXPECT_EQ(read("out"), "new");
  EXPECT_EQ(list(), std::vector<std::string>{"out"});
}

TEST_F(AtomicFileTest, AbandonedFileLeavesTheOldOne) {
  write("out", "old");
  {
    AtomicFile file = llvm::cantFail(AtomicFile::create(path("out")));
    file.getStream() << std::string(100000, 'x');
  }
  EXPECT_EQ(read("out"), "old");
  EXPECT_EQ(list(), std::vector<std::string>{"out"});
}

TEST_F(AtomicFileTest, FailingWriterLeavesNothing) {
  llvm::Error error = writeFileAtomically(path("out"), [](llvm::raw_ostream &os) {
    os << "half";
    return makeError("no more data");
  });
  EXPECT_EQ(messageOf(std::move(error)), "no more data");
  EXPECT_TRUE(list().empty());
}

TEST_F(AtomicFileTest, ReplacesAndFollowsLinks) {
  write("real", "old");
  ASSERT_FALSE(fs::create_link(path("real"), path("link")));
  ASSERT_FALSE(bool(writeFileAtomically(path("link"), [](llvm::raw_ostream &os) {
    os << "new";
    return llvm::Error::success();
  })));
  EXPECT_EQ(read("real"), "new");
  bool isLink = false;
  ASSERT_FALSE(fs::is_symlink_file(path("link"), isLink));
  EXPECT_TRUE(isLink);
}

TEST_F(AtomicFileTest, DestinationsThatCannotBeWritten) {
  EXPECT_EQ(messageOf(AtomicFile::create(directory)),
            "cannot write '" + directory + "': it is a directory; name a file in it");
  std::string missing = path("no/such/file");
  EXPECT_EQ(messageOf(AtomicFile::create(missing)),
            "cannot write '" + missing + "': No such file or directory");
  EXPECT_TRUE(list().empty());
}

TEST_F(AtomicFileTest, DevicesAreWrittenDirectly) {
  AtomicFile file = llvm::cantFail(AtomicFile::create("/dev/null"));
  EXPECT_FALSE(file.hasTemporaryPath());
  file.getStream() << "x";
  EXPECT_FALSE(bool(file.commit()));
  fs::file_status status;
  ASSERT_FALSE(fs::status("/dev/null", status));
  EXPECT_EQ(status.type(), fs::file_type::character_file);
}

TEST_F(AtomicFileTest, FullDiskIsAnError) {
  if (!fs::exists("/dev/full"))
    GTEST_SKIP() << "/dev/full does not exist here";
  llvm::Error error = writeFileAtomically("/dev/full", [](llvm::raw_ostream &os) {
    os << "x";
    return llvm::Error::success();
  });
  EXPECT_EQ(messageOf(std::move(error)), "cannot write '/dev/full': No space left on device");
}

TEST_F(MappedFileTest, OutlivesItsName) {
  write("in", "abc");
  std::shared_ptr<const MappedFile> file = llvm::cantFail(MappedFile::open(path("in")));
  fs::remove(path("in"));
  file->dropPages();
  EXPECT_EQ(file->getBytes(), bytesOf("abc"));
  EXPECT_EQ(file->getPath(), path("in"));
}

TEST_F(MappedFileTest, EmptyFileAndErrors) {
  write("empty", "");
  EXPECT_TRUE(llvm::cantFail(MappedFile::open(path("empty")))->getBytes().empty());
  EXPECT_TRUE(llvm::cantFail(MappedFile::open("/dev/null"))->getBytes().empty());
  EXPECT_EQ(messageOf(MappedFile::open(path("missing"))),
            "cannot open '" + path("missing") + "': No such file or directory");
  EXPECT_EQ(messageOf(MappedFile::open(directory)),
            "cannot open '" + directory + "': it is a directory, expected a file");
}
