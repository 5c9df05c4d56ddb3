//===- HostTensorTest.cpp - Tensors in host memory --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/HostTensor.h"
#include "TestUtils.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace terse;
using namespace terse::test;
using numerics::FloatKind;

TEST(DType, NamesRoundTrip) {
  for (DType dtype : allDTypes())
    EXPECT_EQ(DType::parse(dtype.getName()), dtype) << dtype.getName();
  EXPECT_EQ(DType::boolean().getName(), "i1");
  EXPECT_EQ(DType::si(1).getName(), "si1");
  EXPECT_EQ(DType::si(4).getName(), "i4");
  EXPECT_EQ(DType::ui(4).getName(), "ui4");
  EXPECT_EQ(DType::smallFloat(FloatKind::F8E4M3FN).getName(), "f8E4M3FN");
  for (const char *bad :
       {"", "i", "ui", "i0", "i9", "i08", "i12", "i128", "si4", "f80", "f8E4M3", "ui-1", "i4 "})
    EXPECT_FALSE(DType::parse(bad)) << bad;
}

TEST(HostTensor, CountElements) {
  EXPECT_EQ(countElements({}), 1);
  EXPECT_EQ(countElements({2, 3}), 6);
  EXPECT_EQ(countElements({2, 0, 3}), 0);
  EXPECT_EQ(countElements({INT64_MAX, INT64_MAX, 0}), 0);
  EXPECT_FALSE(countElements({INT64_MAX, 2}));
  EXPECT_FALSE(countElements({-1}));
  EXPECT_FALSE(countElements({0, -1}));
}

TEST(HostTensor, PackedBytes) {
  EXPECT_EQ(getPackedBytes(DType::si(4), 3), 2u);
  EXPECT_EQ(getPackedBytes(DType::boolean(), 3), 3u);
  EXPECT_EQ(getPackedBytes(DType::smallFloat(FloatKind::F6E2M3FN), 4), 3u);
  EXPECT_EQ(getPackedBytes(DType::f16(), 3), 6u);
}

TEST(HostTensor, PackedRoundTripOfEveryType) {
  for (DType dtype : allDTypes()) {
    std::vector<uint8_t> bytes(getPackedBytes(dtype, 15));
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = dtype.isBool() ? i % 2 : static_cast<uint8_t>(37 * i + 11);
    // Bits behind the last element are zero.
    if (unsigned rest = 15 * dtype.getPackedBits() % 8)
      bytes.back() &= (1u << rest) - 1;
    auto tensor = HostTensor::fromPacked(dtype, {3, 5}, bytes);
    ASSERT_TRUE(bool(tensor));
    EXPECT_EQ(tensor->getNumElements(), 15);
    EXPECT_EQ(tensor->toPacked(), bytes) << dtype.getName();
  }
}

TEST(HostTensor, WrongSizesAreErrors) {
  std::vector<uint8_t> bytes(7);
  auto tooMany = HostTensor::fromPacked(DType::si(4), {3}, bytes);
  ASSERT_FALSE(bool(tooMany));
  EXPECT_EQ(llvm::toString(tooMany.takeError()),
            "a tensor of type 3xi4 cannot have 7 bytes of data, it needs 2");
  for (const std::vector<int64_t> &shape :
       std::vector<std::vector<int64_t>>{{INT64_MAX, 4}, {INT64_MAX}, {-7}}) {
    auto hostile = HostTensor::fromPacked(DType::f32(), shape, bytes);
    EXPECT_FALSE(bool(hostile));
    llvm::consumeError(hostile.takeError());
  }
}

TEST(HostTensor, ViewSharesAndCopiesOnWrite) {
  auto storage = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  llvm::ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(storage->data()), 12);
  HostTensor tensor = llvm::cantFail(HostTensor::view(DType::f32(), {3}, bytes, storage));
  EXPECT_EQ(tensor.getBytes().data(), bytes.data());
  HostTensor other = tensor;
  other.setFromDouble(1, 7);
  EXPECT_EQ(tensor.getAsDouble(1), 2);
  EXPECT_EQ(other.getAsDouble(1), 7);
  HostTensor third = other;
  third.setFromInt(0, -4);
  EXPECT_EQ(other.getAsDouble(0), 1);
  EXPECT_EQ(third.toDoubles(), (std::vector<double>{-4, 7, 3}));
}

TEST(HostTensor, MisalignedBytesAreCopied) {
  auto storage = std::make_shared<std::vector<uint8_t>>(13);
  (*storage)[1 + 3] = 0x40; // 2.0f at offset 1
  HostTensor tensor = llvm::cantFail(
      HostTensor::view(DType::f32(), {3}, llvm::ArrayRef<uint8_t>(*storage).drop_front(), storage));
  EXPECT_EQ(tensor.getAs<float>()[0], 2.0f);
  EXPECT_NE(tensor.getBytes().data(), storage->data() + 1);
}

TEST(HostTensor, SettersRoundAndSaturate) {
  HostTensor i4 = HostTensor::zeros(DType::si(4), {4});
  i4.setFromDouble(0, 2.5);
  i4.setFromDouble(1, -100);
  i4.setFromDouble(2, std::nan(""));
  i4.setFromInt(3, 9);
  EXPECT_EQ(i4.toInts(), (std::vector<int64_t>{2, -8, 0, 7}));
  EXPECT_EQ(i4.toPacked(), (std::vector<uint8_t>{0x82, 0x70}));

  HostTensor u1 = HostTensor::scalar(DType::ui(1), 3);
  EXPECT_EQ(u1.getAsInt(0), 1);
  EXPECT_EQ(HostTensor::scalar(DType::si(1), -5).getAsInt(0), -1);
  EXPECT_EQ(HostTensor::scalar(DType::boolean(), 0.25).getAsInt(0), 1);
  EXPECT_EQ(HostTensor::scalar(DType::f16(), 1e6).getAsDouble(0),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(HostTensor::scalar(DType::smallFloat(FloatKind::F8E4M3FN), 1e6).getAsDouble(0), 448);
  EXPECT_EQ(HostTensor::scalar(DType::u64(), 0x1p63).getAsDouble(0), 0x1p63);
  EXPECT_EQ(HostTensor::scalar(DType::f32(), -2.75).getAsInt(0), -2);
}

TEST(HostTensor, ConvertKeepsLargeIntegers) {
  HostTensor big = HostTensor::from<int64_t>({2}, {INT64_MAX, INT64_MIN + 1});
  EXPECT_EQ(big.convertTo(DType::i64()).toInts(), big.toInts());
  EXPECT_EQ(big.convertTo(DType::i32()).toInts(), (std::vector<int64_t>{INT32_MAX, INT32_MIN}));
  EXPECT_EQ(big.convertTo(DType::u8()).toInts(), (std::vector<int64_t>{255, 0}));
  HostTensor f = HostTensor::from<float>({3}, {0.5f, 1.5f, 1e9f});
  EXPECT_EQ(f.convertTo(DType::i8()).toInts(), (std::vector<int64_t>{0, 2, 127}));
}

TEST(HostTensor, LargeIntegersRoundOnceToSmallFloats) {
  int64_t tie = (int64_t(1) << 62) + (int64_t(1) << 54);
  HostTensor ints = HostTensor::from<int64_t>({4}, {tie, tie + 1, tie - 1, -tie - 1});
  double low = 0x1p62, high = 0x1p62 + 0x1p55;
  EXPECT_EQ(ints.convertTo(DType::bf16()).toDoubles(),
            (std::vector<double>{low, high, low, -high}));
}

TEST(HostTensor, StridesAndNames) {
  HostTensor t = HostTensor::zeros(DType::si(4), {2, 3, 4});
  EXPECT_EQ(t.getStrides(), (std::vector<int64_t>{12, 4, 1}));
  EXPECT_EQ(t.getTypeString(), "2x3x4xi4");
  EXPECT_EQ(t.reshaped({24}).getTypeString(), "24xi4");
  EXPECT_EQ(HostTensor().getNumElements(), 0);
}
