//===- NpyTest.cpp - .npy and .npz files ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Npy.h"
#include "TestUtils.h"
#include "terse/Support/Npz.h"

#include <random>

using namespace terse;
using namespace terse::test;

using NpyTest = FileTest;
using NpzTest = FileTest;

/// A .npy file of version `major` with any header and data.
static std::string makeNpy(llvm::StringRef dict, llvm::StringRef data, int major = 1) {
  std::string file = "\x93NUMPY";
  file += char(major);
  file += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    file += char(dict.size() >> (8 * i));
  return file + dict.str() + data.str();
}

static llvm::Expected<HostTensor> parse(llvm::StringRef file) { return parseNpy(bytesOf(file)); }

TEST_F(NpyTest, HeaderIsNumPys) {
  std::string header = makeNpyHeader(DType::f32(), {2, 3});
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.substr(10, 58), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_TRUE(contains(makeNpyHeader(DType::boolean(), {3}),
                       "'|b1', 'fortran_order': False, 'shape': (3,), }"));
  EXPECT_TRUE(
      contains(makeNpyHeader(DType::u8(), {}), "'|u1', 'fortran_order': False, 'shape': (), }"));
  EXPECT_TRUE(contains(makeNpyHeader(DType::i64(), {0}), "'<i8'"));
  EXPECT_TRUE(contains(makeNpyHeader(DType::f16(), {0}), "'<f2'"));
}

TEST_F(NpyTest, RoundTripOfEveryType) {
  for (DType dtype : allDTypes())
    for (std::vector<int64_t> shape : {std::vector<int64_t>{2, 3, 5}, {7}, {}, {0, 3}}) {
      HostTensor tensor = patterned(dtype, shape);
      ASSERT_FALSE(bool(writeNpy(path("t.npy"), tensor)));
      HostTensor again = llvm::cantFail(readNpy(path("t.npy")));
      HostTensor wide = widenForNumpy(tensor);
      EXPECT_TRUE(bitwiseEqual(again, wide)) << tensor.getTypeString();
      // Widening loses nothing.
      std::vector<double> expected = tensor.toDoubles(), actual = again.toDoubles();
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(expected[i] == actual[i] ||
                    (expected[i] != expected[i] && actual[i] != actual[i]));
    }
}

TEST_F(NpyTest, DataAreMappedInPlace) {
  ASSERT_FALSE(bool(writeNpy(path("t.npy"), patterned(DType::f32(), {8}))));
  HostTensor tensor = llvm::cantFail(readNpy(path("t.npy")));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.getBytes().data()) % 64, 0u);
}

TEST_F(NpyTest, VersionsAndSpellings) {
  llvm::StringRef two("\x01\x00\x02\x00", 4);
  const char *dicts[] = {
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }          \n",
      "{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<i2\"}",
      " { 'shape' : ( 2L , ) , 'descr' : '=i2' , 'fortran_order' : True } ",
  };
  for (const char *dict : dicts)
    for (int major : {1, 2, 3}) {
      auto tensor = parse(makeNpy(dict, two, major));
      ASSERT_TRUE(bool(tensor)) << llvm::toString(tensor.takeError());
      EXPECT_EQ(tensor->toInts(), (std::vector<int64_t>{1, 2}));
    }
}

TEST_F(NpyTest, BigEndianIsSwapped) {
  auto ints = parse(makeNpy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }",
                            llvm::StringRef("\x00\x00\x01\x02\xFF\xFF\xFF\xFE", 8)));
  EXPECT_EQ(llvm::cantFail(std::move(ints)).toInts(), (std::vector<int64_t>{258, -2}));
  auto half = parse(makeNpy("{'descr': '>f2', 'fortran_order': False, 'shape': (), }",
                            llvm::StringRef("\x3C\x00", 2)));
  EXPECT_EQ(llvm::cantFail(std::move(half)).toDoubles(), std::vector<double>{1.0});
}

TEST_F(NpyTest, FortranOrderIsTransposed) {
  // The array [[0 1 2] [3 4 5]] by columns.
  auto matrix = parse(makeNpy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }",
                              llvm::StringRef("\x00\x03\x01\x04\x02\x05", 6)));
  EXPECT_EQ(llvm::cantFail(std::move(matrix)).toInts(), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  std::string data;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i)
        data += char(i * 12 + j * 4 + k);
  auto cube = parse(makeNpy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", data));
  std::vector<int64_t> expected(24);
  for (int i = 0; i < 24; ++i)
    expected[i] = i;
  EXPECT_EQ(llvm::cantFail(std::move(cube)).toInts(), expected);
}

TEST_F(NpyTest, BoolBytesBecomeZeroAndOne) {
  auto tensor = parse(makeNpy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }",
                              llvm::StringRef("\x00\x07\x01", 3)));
  EXPECT_EQ(llvm::cantFail(std::move(tensor)).getBytes(),
            bytesOf(llvm::StringRef("\x00\x01\x01", 3)));
}

TEST_F(NpyTest, MalformedFilesSayWhatIsWrong) {
  auto dict = [](const char *descr, const char *shape) {
    return std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': " + shape +
           "}";
  };
  struct Row {
    std::string file;
    const char *message;
  };
  const Row table[] = {
      {"PK\x03\x04", "not a .npy file"},
      {makeNpy(dict("<f4", "(1,)"), "abcd", 9), "version 9.0 of the .npy format is not supported"},
      {makeNpy(dict("<c8", "(1,)"), "abcdefgh"), "unsupported element type '<c8'"},
      {makeNpy(dict("|O", "(1,)"), "abcdefgh"), "unsupported element type '|O'"},
      {makeNpy(dict("<U3", "(1,)"), "abcdefgh"), "unsupported element type '<U3'"},
      {makeNpy(dict("<i3", "(1,)"), "abc"), "unsupported element type '<i3'"},
      {makeNpy(dict("<f99999999999999999999", "(1,)"), "abc"), "unsupported element type"},
      {makeNpy(dict("<V2", "(1,)"), "ab"), "convert with .astype(numpy.float32) first"},
      {makeNpy(dict("<f4", "(2,)"), "abcd"), "2xf32 cannot have 4 bytes of data, it needs 8"},
      {makeNpy(dict("<f4", "(1,)"), "abcdefgh"), "it needs 4"},
      {makeNpy(dict("<f4", "(-1,)"), "abcd"), "'shape' is malformed"},
      {makeNpy(dict("<f4", "(1)"), "abcd"), "'shape' is malformed"},
      {makeNpy(dict("<f4", "[1]"), "abcd"), "'shape' is malformed"},
      {makeNpy(dict("<f4", "(99999999999999999999,)"), "abcd"), "'shape' is malformed"},
      {makeNpy(dict("<f4", "(4294967296, 4294967296)"), "abcd"), "cannot have 4 bytes"},
      {makeNpy(dict("<f4", "(4611686018427387905,)"), "abcd"), "cannot have 4 bytes"},
      {makeNpy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "abcd"),
       "structured arrays are not supported"},
      {makeNpy("{'fortran_order': False, 'shape': (1,)}", "abcd"), "lacks one of"},
      {makeNpy("{}", ""), "lacks one of"},
      {makeNpy("", ""), "not a dictionary"},
      {makeNpy("{'x': 1}", ""), "unknown key 'x'"},
      {makeNpy("{'descr': '<f4'", ""), "malformed behind key 'descr'"},
      {makeNpy("{'descr': '<f4", ""), "'descr' is malformed"},
      {makeNpy("{'descr': '<f4' 'shape': ()}", ""), "malformed behind key 'descr'"},
      {makeNpy("{'fortran_order': false}", ""), "expected True or False"},
      {makeNpy(dict("<f4", "()") + "}", "abcd"), "something behind its dictionary"},
      {makeNpy(dict("<f4", "()").substr(0, 20), "", 2).substr(0, 12 + 10),
       "ends within its header"},
  };
  for (const Row &row : table) {
    std::string message = messageOf(parse(row.file));
    EXPECT_TRUE(contains(message, row.message)) << message << " / " << row.message;
  }
  write("bad.npy", "nothing");
  EXPECT_EQ(messageOf(readNpy(path("bad.npy"))),
            "'" + path("bad.npy") + "': not a .npy file: it does not begin with \\x93NUMPY");
}

TEST_F(NpyTest, EveryTruncationIsAnError) {
  ASSERT_FALSE(bool(writeNpy(path("t.npy"), patterned(DType::i16(), {2, 3}))));
  std::string whole = read("t.npy");
  ASSERT_TRUE(bool(parse(whole)));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(messageOf(parse(llvm::StringRef(whole).take_front(size))), "no error") << size;
}

TEST_F(NpyTest, EveryBytePatternAtEveryPlaceIsHandled) {
  std::string whole =
      makeNpy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", "abcdefghijkl");
  ASSERT_TRUE(bool(parse(whole)));
  for (size_t i = 0; i < whole.size() - 12; ++i)
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[i] = char(value);
      llvm::consumeError(parse(changed).takeError());
    }
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

static NamedTensors someTensors() {
  return {{"x", patterned(DType::f32(), {2, 3})},
          {"dir/y", patterned(DType::i64(), {4})},
          {"empty", patterned(DType::u8(), {0, 2})},
          {"z", HostTensor::scalar(DType::boolean(), 1)}};
}

TEST_F(NpzTest, RoundTrip) {
  NamedTensors tensors = someTensors();
  ASSERT_EQ(messageOf(writeNpz(path("a.npz"), tensors)), "no error");
  EXPECT_EQ(list(), std::vector<std::string>{"a.npz"});
  NamedTensors again = llvm::cantFail(readNpz(path("a.npz")));
  ASSERT_EQ(again.size(), tensors.size());
  for (size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].first, tensors[i].first);
    EXPECT_TRUE(bitwiseEqual(again[i].second, tensors[i].second)) << again[i].first;
  }
  NpzFile file = llvm::cantFail(NpzFile::open(path("a.npz")));
  EXPECT_TRUE(file.contains("dir/y"));
  EXPECT_FALSE(file.contains("y"));
  EXPECT_EQ(messageOf(file.read("y")),
            "'" + path("a.npz") + "' has no array 'y'; it has x, dir/y, empty, z");
}

TEST_F(NpzTest, EmptyArchive) {
  ASSERT_EQ(messageOf(writeNpz(path("a.npz"), {})), "no error");
  EXPECT_TRUE(llvm::cantFail(readNpz(path("a.npz"))).empty());
}

TEST_F(NpzTest, SameTensorsGiveTheSameBytes) {
  ASSERT_EQ(messageOf(writeNpz(path("a.npz"), someTensors())), "no error");
  ::setenv("TZ", "Pacific/Auckland", 1);
  ::tzset();
  ASSERT_EQ(messageOf(writeNpz(path("b.npz"), someTensors())), "no error");
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_EQ(read("a.npz"), read("b.npz"));
  // DOS date and time of the first local header: 1980-01-01, 00:00.
  EXPECT_EQ(read("a.npz").substr(10, 4), std::string("\x00\x00\x21\x00", 4));
}

TEST_F(NpzTest, WritingErrors) {
  NamedTensors twice = {{"x", HostTensor()}, {"x", HostTensor()}};
  EXPECT_EQ(messageOf(writeNpz(path("a.npz"), twice)),
            "cannot write '" + path("a.npz") + "': two arrays 'x'");
  EXPECT_TRUE(contains(messageOf(writeNpz(path("no/a.npz"), someTensors())), "No such file"));
  EXPECT_TRUE(contains(messageOf(writeNpz("/dev/null", someTensors())), "regular file"));
  EXPECT_TRUE(list().empty());
}

TEST_F(NpzTest, EveryTruncationIsAnError) {
  ASSERT_EQ(messageOf(writeNpz(path("a.npz"), someTensors())), "no error");
  std::string whole = read("a.npz");
  for (size_t size = 0; size < whole.size(); ++size) {
    write("t.npz", llvm::StringRef(whole).take_front(size));
    EXPECT_NE(messageOf(readNpz(path("t.npz"))), "no error") << size;
  }
}

TEST_F(NpzTest, ChangedBytesNeverCrash) {
  ASSERT_EQ(messageOf(writeNpz(path("a.npz"), someTensors())), "no error");
  std::string whole = read("a.npz");
  std::mt19937 random(11);
  unsigned unnoticed = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = char(changed[i] ^ (1 + random() % 255));
    write("t.npz", changed);
    auto result = readNpz(path("t.npz"));
    if (result)
      ++unnoticed;
    else
      llvm::consumeError(result.takeError());
  }
  // What the checksum does not cover (names, dates, attributes) may change without notice.
  EXPECT_LT(unnoticed, whole.size() / 2);
}

TEST_F(NpzTest, NotAnArchive) {
  write("t.npz", "hello, world");
  EXPECT_EQ(messageOf(NpzFile::open(path("t.npz"))),
            "'" + path("t.npz") + "': not an .npz file (a zip archive of .npy files)");
  write("e.npz", "");
  EXPECT_TRUE(contains(messageOf(NpzFile::open(path("e.npz"))), "not an .npz file"));
}

/// numpy.savez_compressed('d.npz', a=numpy.arange(40, dtype='<i2')), made by NumPy 1.24.
static const unsigned char kDeflated[] = {
#include "deflated.npz.inc"
};

TEST_F(NpzTest, ReadsWhatNumPyDeflated) {
  llvm::StringRef whole(reinterpret_cast<const char *>(kDeflated), sizeof(kDeflated));
  write("d.npz", whole);
  NamedTensors tensors = llvm::cantFail(readNpz(path("d.npz")));
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].first, "a");
  std::vector<int64_t> expected(40);
  for (int i = 0; i < 40; ++i)
    expected[i] = i;
  EXPECT_EQ(tensors[0].second.toInts(), expected);
  EXPECT_EQ(tensors[0].second.dtype, DType::i16());
  for (size_t size = 0; size < whole.size(); ++size) {
    write("t.npz", whole.take_front(size));
    EXPECT_NE(messageOf(readNpz(path("t.npz"))), "no error") << size;
  }
}

TEST_F(NpzTest, ImpossibleSizesAreRefusedBeforeAllocation) {
  std::string changed(reinterpret_cast<const char *>(kDeflated), sizeof(kDeflated));
  // The uncompressed size in the central directory: 2 GiB from some hundred bytes.
  size_t central = changed.rfind("PK\x01\x02");
  ASSERT_NE(central, std::string::npos);
  changed.replace(central + 24, 4, std::string("\x00\x00\x00\x80", 4));
  write("t.npz", changed);
  EXPECT_TRUE(contains(messageOf(readNpz(path("t.npz"))), "impossible size"));
}
