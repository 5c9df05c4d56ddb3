//===- SafetensorsTest.cpp - The safetensors file format --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/Safetensors.h"
#include "TestUtils.h"
#include "terse/Support/Error.h"

#include <random>

using namespace terse;
using namespace terse::test;

using SafetensorsTest = FileTest;

static std::string makeFile(llvm::StringRef header, llvm::StringRef data) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i)
    file[i] = char(uint64_t(header.size()) >> (8 * i));
  return file + header.str() + data.str();
}

static std::string messageOfParse(llvm::StringRef file) {
  return messageOf(SafetensorsFile::parse(bytesOf(file), nullptr, "f"));
}

TEST_F(SafetensorsTest, RoundTripOfEveryType) {
  std::vector<std::pair<std::string, HostTensor>> tensors;
  for (DType dtype : allDTypes())
    for (std::vector<int64_t> shape : {std::vector<int64_t>{3, 5}, {1}, {}, {0, 2}})
      tensors.emplace_back("layer." + formatTensorType(shape, dtype), patterned(dtype, shape));
  ASSERT_EQ(messageOf(writeSafetensors(path("w"), tensors, {{"terse_format", "1"}})), "no error");
  EXPECT_EQ(list(), std::vector<std::string>{"w"});

  SafetensorsFile file = llvm::cantFail(SafetensorsFile::open(path("w")));
  EXPECT_EQ(file.getEntries().size(), tensors.size());
  EXPECT_EQ(file.getMetadata(), (SafetensorsMetadata{{"terse_format", "1"}}));
  for (auto &[name, tensor] : tensors) {
    HostTensor again = llvm::cantFail(file.read(name));
    EXPECT_TRUE(bitwiseEqual(again, tensor)) << name;
    const SafetensorsEntry *entry = file.find(name);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->bytes, llvm::ArrayRef<uint8_t>(tensor.toPacked())) << name;
    // Every element is aligned in the mapping.
    uintptr_t address = reinterpret_cast<uintptr_t>(entry->bytes.data());
    if (!entry->dtype.isSubByte())
      EXPECT_EQ(address % entry->dtype.getHostBytes(), 0u) << name;
  }
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.getEntries()[0].bytes.data()) % 64, 0u);
}

TEST_F(SafetensorsTest, FileIsWhatTheFormatSays) {
  std::vector<std::pair<std::string, HostTensor>> tensors = {
      {"q", HostTensor::from<int8_t>({3}, {1, -1, 2}).convertTo(DType::si(4))},
      {"b\"", HostTensor::from<float>({1, 1}, {1.0f})}};
  ASSERT_EQ(messageOf(writeSafetensors(path("w"), tensors)), "no error");
  std::string header = "{\"__metadata__\":{\"dtype:q\":\"i4\",\"shape:q\":\"[3]\"},"
                       "\"b\\\"\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
                       "\"q\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]}}";
  header.append(192 - 8 - header.size(), ' ');
  EXPECT_EQ(read("w"), makeFile(header, llvm::StringRef("\x00\x00\x80\x3F\xF1\x02", 6)));
}

TEST_F(SafetensorsTest, OrderOfTheArgumentsDoesNotMatter) {
  std::vector<std::pair<std::string, HostTensor>> tensors = {{"a", patterned(DType::u8(), {3})},
                                                             {"c", patterned(DType::f64(), {2})},
                                                             {"b", patterned(DType::f64(), {1})},
                                                             {"d", patterned(DType::si(3), {5})}};
  ASSERT_EQ(messageOf(writeSafetensors(path("1"), tensors)), "no error");
  std::swap(tensors[0], tensors[3]);
  std::swap(tensors[1], tensors[2]);
  ASSERT_EQ(messageOf(writeSafetensors(path("2"), tensors)), "no error");
  EXPECT_EQ(read("1"), read("2"));
  SafetensorsFile file = llvm::cantFail(SafetensorsFile::open(path("1")));
  std::string order;
  for (const SafetensorsEntry &entry : file.getEntries())
    order += entry.name;
  EXPECT_EQ(order, "bcad");
}

TEST_F(SafetensorsTest, StreamsOneTensorAtATime) {
  std::vector<SafetensorsSpec> specs = {{"small", DType::i8(), {2}}, {"large", DType::f32(), {3}}};
  std::vector<size_t> calls;
  auto produce = [&](size_t index, llvm::raw_ostream &os) {
    calls.push_back(index);
    os << (index == 0 ? "ab" : "0123456789AB");
    return llvm::Error::success();
  };
  ASSERT_EQ(messageOf(writeSafetensors(path("w"), specs, {}, produce)), "no error");
  EXPECT_EQ(calls, (std::vector<size_t>{1, 0}));
  SafetensorsFile file = llvm::cantFail(SafetensorsFile::open(path("w")));
  EXPECT_EQ(file.find("large")->bytes, bytesOf("0123456789AB"));
  EXPECT_EQ(file.find("small")->bytes, bytesOf("ab"));
}

TEST_F(SafetensorsTest, WritingErrorsLeaveNothing) {
  std::vector<SafetensorsSpec> specs = {{"w", DType::i8(), {2}}};
  auto none = [](size_t, llvm::raw_ostream &) { return llvm::Error::success(); };
  EXPECT_EQ(messageOf(writeSafetensors(path("w"), specs, {}, none)),
            "cannot write '" + path("w") +
                "': 0 bytes were produced for tensor 'w' of type 2xi8, expected 2");
  auto failing = [](size_t, llvm::raw_ostream &) { return makeError("a NaN weight"); };
  EXPECT_EQ(messageOf(writeSafetensors(path("w"), specs, {}, failing)), "a NaN weight");
  struct Row {
    std::vector<SafetensorsSpec> specs;
    SafetensorsMetadata metadata;
    const char *message;
  };
  const Row table[] = {
      {{{"a", DType::i8(), {}}, {"a", DType::i8(), {}}}, {}, "there are two tensors 'a'"},
      {{{"", DType::i8(), {}}}, {}, "'' cannot be the name of a tensor"},
      {{{"__metadata__", DType::i8(), {}}}, {}, "cannot be the name"},
      {{{"\xFF", DType::i8(), {}}}, {}, "cannot be the name"},
      {{{"a", DType::i8(), {-1}}}, {}, "no countable shape"},
      {{{"a", DType::i8(), {}}}, {{"dtype:a", "i4"}}, "'dtype:a' is reserved"},
      {{}, {{"k", "\xFF"}}, "'k' is not UTF-8"},
  };
  for (const Row &row : table) {
    std::string message = messageOf(writeSafetensors(path("w"), row.specs, row.metadata, none));
    EXPECT_TRUE(contains(message, row.message)) << message;
  }
  EXPECT_TRUE(list().empty());
}

TEST_F(SafetensorsTest, ReadsOthersTypes) {
  std::string file = makeFile(
      R"({"f4":{"dtype":"F4","shape":[2,2],"data_offsets":[0,2]},"e":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[2,3]},)"
      R"("f6":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[3,6]}} )",
      llvm::StringRef("\x21\x43\x80\x01\x00\x00", 6));
  SafetensorsFile parsed = llvm::cantFail(SafetensorsFile::parse(bytesOf(file), nullptr));
  EXPECT_EQ(llvm::cantFail(parsed.read("f4")).toDoubles(), (std::vector<double>{0.5, 1, 1.5, 2}));
  EXPECT_EQ(llvm::cantFail(parsed.read("e")).toDoubles(), (std::vector<double>{2}));
  EXPECT_EQ(llvm::cantFail(parsed.read("f6")).toDoubles(), (std::vector<double>{0.125, 0, 0, 0}));
  EXPECT_EQ(messageOf(parsed.read("x")), "'<memory>' has no tensor 'x'; it has f4, e, f6");
}

TEST_F(SafetensorsTest, HostileHeaders) {
  auto one = [](const char *dtype, const char *shape, const char *offsets) {
    return std::string(R"({"a":{"dtype":")") + dtype + R"(","shape":)" + shape +
           R"(,"data_offsets":)" + offsets + "}}";
  };
  std::string nested(100000, '[');
  struct Row {
    std::string header;
    const char *message;
  };
  const Row table[] = {
      {one("F32", "[1]", "[0,4]"), "no error"},
      {one("F32", "[1]", "[0,3]"), "cannot have 3 bytes"},
      {one("F32", "[1]", "[0,8]"), "do not lie in the 4 bytes of data"},
      {one("F32", "[1]", "[4,0]"), "do not lie"},
      {one("F32", "[1]", "[-4,0]"), "does not have exactly"},
      {one("F32", "[1]", "[0,18446744073709551615]"), "does not have exactly"},
      {one("F32", "[1]", "[0,9223372036854775807]"), "do not lie"},
      {one("F32", "[1]", "[0]"), "does not have exactly"},
      {one("F32", "[1]", "[0,4,4]"), "does not have exactly"},
      {one("F32", "[-1]", "[0,4]"), "does not have exactly"},
      {one("F32", "[1.5]", "[0,4]"), "does not have exactly"},
      {one("F32", "4", "[0,4]"), "does not have exactly"},
      {one("F32", "[4611686018427387905]", "[0,4]"), "cannot have 4 bytes"},
      {one("F32", "[4294967296,4294967296]", "[0,4]"), "cannot have 4 bytes"},
      {one("F4", "[9223372036854775807]", "[0,4]"), "cannot have 4 bytes"},
      {one("C64", "[1]", "[0,4]"), "unsupported dtype 'C64'"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", "exactly"},
      {R"({"a":3})", "not a JSON object"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})",
       "begin at offset 1, expected 3"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "begin at offset 2, expected 1"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})", "begin at offset 1, expected 0"},
      {one("U8", "[3]", "[0,3]"), "1 bytes of data belong to no tensor"},
      {"{}", "4 bytes of data belong to no tensor"},
      {"[]", "does not begin with '{'"},
      {" {}", "does not begin with '{'"},
      {"", "does not begin with '{'"},
      {"{", "not valid JSON"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "the same key twice"},
      {R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})",
       "the same key twice"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{}})",
       "the same key twice"},
      {R"({"__metadata__":{"k":"1","k":"1"}})", "the same key twice"},
      {R"({"__metadata__":{"a:b\":":"c:d"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "no error"},
      {"{\"\xFF\":1}", "not valid JSON"},
      {"{\"a\":" + nested, "nested too deeply"},
      {R"({"__metadata__":[]})", "'__metadata__' is not a JSON object"},
      {R"({"__metadata__":{"k":1}})", "the metadata entry 'k' is not a string"},
  };
  for (const Row &row : table) {
    std::string message = messageOfParse(makeFile(row.header, "abcd"));
    EXPECT_TRUE(contains(message, row.message)) << message << " / " << row.message;
  }
  EXPECT_TRUE(contains(messageOfParse("abc"), "'f': not a safetensors file"));
  EXPECT_TRUE(contains(messageOfParse(std::string(16, '\xFF')), "more than the limit"));
  EXPECT_TRUE(contains(messageOfParse(std::string("\x09\0\0\0\0\0\0\0{}", 10)), "ends within"));
}

TEST_F(SafetensorsTest, HostileLogicalTypes) {
  auto file = [](const char *metadata, const char *dtype = "U8", const char *shape = "[4]") {
    return makeFile(std::string(R"({"__metadata__":{)") + metadata + R"(},"a":{"dtype":")" + dtype +
                        R"(","shape":)" + shape + R"(,"data_offsets":[0,4]}})",
                    "abcd");
  };
  EXPECT_EQ(messageOfParse(file(R"("dtype:a":"i4","shape:a":"[2, 4]")")), "no error");
  EXPECT_EQ(messageOfParse(file(R"("dtype:b":"i4")")), "no error"); // Not about a tensor.
  const std::pair<std::string, const char *> table[] = {
      {file(R"("dtype:a":"i4")"), "only one of"},
      {file(R"("shape:a":"[8]")"), "only one of"},
      {file(R"("dtype:a":"i12","shape:a":"[8]")"), "unknown type 'i12'"},
      {file(R"("dtype:a":"i4","shape:a":"8")"), "malformed shape '8'"},
      {file(R"("dtype:a":"i4","shape:a":"[8")"), "malformed shape"},
      {file(R"("dtype:a":"i4","shape:a":"[-8]")"), "malformed shape"},
      {file(R"("dtype:a":"i4","shape:a":"[8,]")"), "malformed shape"},
      {file(R"("dtype:a":"i4","shape:a":"[6]")"), "6xi4, but its data are 4xui8"},
      {file(R"("dtype:a":"i1","shape:a":"[9223372036854775807]")"), "but its data are"},
      {file(R"("dtype:a":"f64","shape:a":"[2305843009213693952]")"), "but its data are"},
      {file(R"("dtype:a":"i4","shape:a":"[8]")", "F32", "[1]"), "8xi4, but its data are 1xf32"},
  };
  for (auto &[contents, expected] : table) {
    std::string message = messageOfParse(contents);
    EXPECT_TRUE(contains(message, expected)) << message << " / " << expected;
  }
}

TEST_F(SafetensorsTest, EveryTruncationIsAnError) {
  std::vector<std::pair<std::string, HostTensor>> tensors = {{"a", patterned(DType::f32(), {2})},
                                                             {"b", patterned(DType::si(4), {3})}};
  ASSERT_EQ(messageOf(writeSafetensors(path("w"), tensors)), "no error");
  std::string whole = read("w");
  ASSERT_EQ(messageOfParse(whole), "no error");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(messageOfParse(llvm::StringRef(whole).take_front(size)), "no error") << size;
  EXPECT_NE(messageOfParse(whole + "x"), "no error");
}

TEST_F(SafetensorsTest, ChangedBytesNeverCrash) {
  std::vector<std::pair<std::string, HostTensor>> tensors = {{"a", patterned(DType::f32(), {2})},
                                                             {"b", patterned(DType::si(4), {3})}};
  ASSERT_EQ(messageOf(writeSafetensors(path("w"), tensors, {{"k", "v"}})), "no error");
  std::string whole = read("w");
  for (size_t i = 0; i < whole.size(); ++i)
    for (int value = 0; value < 256; value += i < 8 ? 1 : 5) {
      std::string changed = whole;
      changed[i] = char(value);
      auto file = SafetensorsFile::parse(bytesOf(changed), nullptr);
      if (!file) {
        llvm::consumeError(file.takeError());
        continue;
      }
      for (const SafetensorsEntry &entry : file->getEntries())
        llvm::consumeError(file->read(entry.name).takeError());
    }
}
