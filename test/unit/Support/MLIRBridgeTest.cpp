//===- MLIRBridgeTest.cpp - Host tensors and MLIR attributes ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/MLIRBridge.h"
#include "TestUtils.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace terse;
using namespace terse::test;
using numerics::FloatKind;

TEST(MLIRBridge, TypesRoundTripAndNamesAgree) {
  MLIRContext context;
  for (DType dtype : allDTypes()) {
    Type type = toMLIRType(dtype, &context);
    EXPECT_EQ(toDType(type), dtype);
    std::string printed;
    llvm::raw_string_ostream(printed) << type;
    EXPECT_EQ(printed, dtype.getName());
  }
  EXPECT_EQ(toDType(IndexType::get(&context)), DType::i64());
  EXPECT_EQ(toDType(IntegerType::get(&context, 4, IntegerType::Signed)), DType::si(4));
  EXPECT_FALSE(toDType(IntegerType::get(&context, 12)));
  EXPECT_FALSE(toDType(FloatTF32Type::get(&context)));
  EXPECT_FALSE(toDType(NoneType::get(&context)));
}

TEST(MLIRBridge, DenseRoundTripOfEveryType) {
  MLIRContext context;
  for (DType dtype : allDTypes())
    for (std::vector<int64_t> shape : {std::vector<int64_t>{3, 5}, {1}, {}, {0, 4}}) {
      HostTensor tensor = patterned(dtype, shape);
      DenseElementsAttr attr = toDenseElements(tensor, &context);
      EXPECT_EQ(attr.getType(), toTensorType(tensor, &context));
      HostTensor again = llvm::cantFail(toHostTensor(attr));
      EXPECT_TRUE(bitwiseEqual(tensor, again)) << tensor.getTypeString();
    }
}

TEST(MLIRBridge, ResourceRoundTripOfEveryType) {
  MLIRContext context;
  for (DType dtype : allDTypes()) {
    HostTensor tensor = patterned(dtype, {3, 5});
    DenseResourceElementsAttr attr = toDenseResource(tensor, "w", &context);
    EXPECT_EQ(attr.getRawHandle().getBlob()->getData().size(), getPackedBytes(dtype, 15));
    HostTensor again = llvm::cantFail(toHostTensor(attr));
    EXPECT_TRUE(bitwiseEqual(tensor, again)) << tensor.getTypeString();
    if (!dtype.isSubByte() && !dtype.isBool())
      EXPECT_EQ(again.getBytes().data(), tensor.getBytes().data()) << "copied";
  }
}

TEST(MLIRBridge, ParsedAttributes) {
  MLIRContext context;
  auto read = [&](const char *text) {
    auto attr = llvm::cast<ElementsAttr>(parseAttribute(text, &context));
    return llvm::cantFail(toHostTensor(attr)).toDoubles();
  };
  EXPECT_EQ(read("dense<[-8, 7, -1]> : tensor<3xi4>"), (std::vector<double>{-8, 7, -1}));
  EXPECT_EQ(read("dense<[8, 15, 0]> : tensor<3xui4>"), (std::vector<double>{8, 15, 0}));
  EXPECT_EQ(read("dense<-3> : tensor<2x2xi4>"), (std::vector<double>(4, -3)));
  EXPECT_EQ(read("dense<[true, false, true]> : tensor<3xi1>"), (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(read("dense<true> : tensor<9xi1>"), std::vector<double>(9, 1));
  EXPECT_EQ(read("dense<[-1, 0]> : tensor<2xsi1>"), (std::vector<double>{-1, 0}));
  EXPECT_EQ(read("dense<1.5> : tensor<2xf32>"), (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(read("dense<[448.0, -0.5]> : tensor<2xf8E4M3FN>"), (std::vector<double>{448, -0.5}));
  EXPECT_EQ(read("dense<[1, -2]> : tensor<2xindex>"), (std::vector<double>{1, -2}));
  EXPECT_EQ(read("dense<[6.0, -0.5]> : tensor<2xf4E2M1FN>"), (std::vector<double>{6, -0.5}));
}

TEST(MLIRBridge, IndexTypeOnRequest) {
  MLIRContext context;
  auto type = RankedTensorType::get({2}, IndexType::get(&context));
  HostTensor tensor = HostTensor::from<int64_t>({2}, {5, -6});
  DenseElementsAttr attr = toDenseElements(tensor, &context, type);
  EXPECT_EQ(attr.getType(), type);
  EXPECT_EQ(llvm::cantFail(toHostTensor(attr)).toInts(), (std::vector<int64_t>{5, -6}));
}

TEST(MLIRBridge, Errors) {
  MLIRContext context;
  auto message = [&](ElementsAttr attr) {
    auto result = toHostTensor(attr);
    return result ? std::string("no error") : llvm::toString(result.takeError());
  };
  auto type = RankedTensorType::get({4}, Float32Type::get(&context));
  auto shortBlob = DenseResourceElementsAttr::get(
      type, "short", UnmanagedAsmResourceBlob::allocateInferAlign(llvm::ArrayRef<float>{}));
  EXPECT_EQ(message(shortBlob), "resource 'short': a tensor of type 4xf32 cannot have 0 bytes of "
                                "data, it needs 16");
  auto i12 = llvm::cast<ElementsAttr>(parseAttribute("dense<1> : tensor<2xi12>", &context));
  EXPECT_EQ(message(i12), "elements of type i12 have no host representation");
  auto missing =
      llvm::cast<ElementsAttr>(parseAttribute("dense_resource<nothing> : tensor<2xf32>", &context));
  EXPECT_EQ(message(missing),
            "resource 'nothing' has no data; was the module read without its resources?");
}
