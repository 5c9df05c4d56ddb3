//===- ImportTest.cpp - Import of ONNX models -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Import/ONNX.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <algorithm>

using namespace terse;
using namespace terse::test;

namespace {
class OnnxImport : public ::testing::Test {
protected:
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::shared_ptr<std::string> bytes;
  std::string error;

  mlir::OwningOpRef<mlir::ModuleOp> import(const std::string &text,
                                           const ONNXImportOptions &options = {},
                                           llvm::StringRef directory = "") {
    bytes = std::make_shared<std::string>(text);
    llvm::ArrayRef<uint8_t> data(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size());
    auto module = importONNX(context, data, bytes, directory, options);
    if (module)
      return std::move(*module);
    error = llvm::toString(module.takeError());
    return {};
  }
  static mlir::func::FuncOp mainOf(mlir::ModuleOp module) {
    return module.lookupSymbol<mlir::func::FuncOp>("main");
  }
  static std::string typeOf(mlir::ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream(text) << mainOf(module).getFunctionType();
    return text;
  }
};
} // namespace

// Reshape(x, [Shape(x)[0], -1]) of an N x 2 x 3 tensor.
static Graph flattenGraph() {
  Graph g;
  g.inputs = {value("x", 1, {-1, 2, 3})};
  g.initializers = {tensor<int64_t>("tail", 7, {1}, {-1}), tensor<int64_t>("zero", 7, {1}, {0})};
  g.nodes = {node("Shape", {"x"}, {"s"}),
             node("Gather", {"s", "zero"}, {"n"}, {intAttribute("axis", 0)}),
             node("Concat", {"n", "tail"}, {"shape"}, {intAttribute("axis", 0)}),
             node("Reshape", {"x", "shape"}, {"y"})};
  g.outputs = {value("y", 1, {-1, 6})};
  return g;
}

TEST_F(OnnxImport, FollowsSizesThroughShapeComputations) {
  auto module = import(model(flattenGraph()));
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(typeOf(*module), "(tensor<?x2x3xf32>) -> tensor<?x6xf32>");
  // The shape computation is gone.
  unsigned ops = 0;
  mainOf(*module).walk([&](mlir::Operation *) { ++ops; });
  EXPECT_EQ(ops, 3u); // func, reshape, return
}

TEST_F(OnnxImport, KeepsNamesOfDimensions) {
  auto module = import(model(flattenGraph()));
  ASSERT_TRUE(module) << error;
  auto names = mainOf(*module).getArgAttrOfType<mlir::ArrayAttr>(0, "nn.dims");
  ASSERT_TRUE(names);
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(llvm::cast<mlir::StringAttr>(names[0]).getValue(), "N");
  EXPECT_EQ(llvm::cast<mlir::StringAttr>(names[1]).getValue(), "");
  // A dimension that is known needs no name.
  ONNXImportOptions options;
  options.dims["N"] = 5;
  module = import(model(flattenGraph()), options);
  ASSERT_TRUE(module) << error;
  EXPECT_FALSE(mainOf(*module).getArgAttr(0, "nn.dims"));
}

TEST_F(OnnxImport, ReportsOptionsThatSeveralModelsShare) {
  ONNXImportOptions options;
  std::set<std::string> used;
  options.used = &used;
  options.dims = {{"N", 5}, {"M", 6}};
  auto module = import(model(flattenGraph()), options);
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(used, std::set<std::string>{"N"});
}

TEST_F(OnnxImport, GivesDimensionsASize) {
  ONNXImportOptions options;
  options.dims["N"] = 5;
  auto module = import(model(flattenGraph()), options);
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(typeOf(*module), "(tensor<5x2x3xf32>) -> tensor<5x6xf32>");
  options.dims = {{"x[0]", 7}};
  module = import(model(flattenGraph()), options);
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(typeOf(*module), "(tensor<7x2x3xf32>) -> tensor<7x6xf32>");
  options.dims = {{"M", 7}};
  EXPECT_FALSE(import(model(flattenGraph()), options));
  EXPECT_EQ(error, "no input has a dimension 'M' of unknown size");
}

TEST_F(OnnxImport, KeepsNamesAndLocations) {
  auto module = import(model(flattenGraph()));
  ASSERT_TRUE(module) << error;
  mlir::func::FuncOp main = mainOf(*module);
  EXPECT_EQ(main.getArgAttrOfType<mlir::StringAttr>(0, "nn.name"), "x");
  EXPECT_EQ(main.getResultAttrOfType<mlir::StringAttr>(0, "nn.name"), "y");
  main.walk([&](nn::ReshapeOp op) {
    EXPECT_EQ(mlir::cast<mlir::NameLoc>(op.getLoc()).getName(), "Reshape_y");
  });
}

TEST_F(OnnxImport, BindsInputs) {
  Graph g;
  g.inputs = {value("x", 1, {4, 3}), value("k", 7, {1})};
  g.nodes = {node("TopK", {"x", "k"}, {"y", "i"})};
  g.outputs = {value("y", 1, {4, 2})};
  EXPECT_FALSE(import(model(g)));
  EXPECT_EQ(
      error.find("node 'TopK_y' (op TopK, opset 21): k must be constant; bind the model input"), 0u)
      << error;
  ONNXImportOptions options;
  options.bindings["k"] = HostTensor::from<int64_t>({1}, std::vector<int64_t>{2});
  auto module = import(model(g), options);
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(typeOf(*module), "(tensor<4x3xf32>) -> tensor<4x2xf32>");
  options.bindings["k"] = HostTensor::from<float>({1}, std::vector<float>{2});
  EXPECT_FALSE(import(model(g), options));
  options.bindings = {{"nothing", HostTensor::scalar(DType::i64(), 1)}};
  EXPECT_FALSE(import(model(g), options));
  EXPECT_EQ(error, "cannot bind 'nothing': the model has no such input");
}

static std::vector<float> ramp(size_t count) {
  std::vector<float> v(count);
  for (size_t i = 0; i < count; ++i)
    v[i] = float(i % 97) / 8;
  return v;
}

TEST_F(OnnxImport, MapsLargeWeights) {
  Graph g;
  g.inputs = {value("x", 1, {1, 64})};
  g.initializers = {tensor<float>("a weight", 1, {32, 64}, ramp(32 * 64))};
  g.nodes = {node("Gemm", {"x", "a weight"}, {"y"}, {intAttribute("transB", 1)})};
  g.outputs = {value("y", 1, {1, 32})};
  auto module = import(model(g));
  ASSERT_TRUE(module) << error;
  auto global = module->lookupSymbol<mlir::ml_program::GlobalOp>("a_weight");
  ASSERT_TRUE(global);
  auto blob =
      mlir::cast<mlir::DenseResourceElementsAttr>(*global.getValue()).getRawHandle().getBlob();
  // In place: the blob lies inside of the file's bytes.
  const char *data = blob->getData().data();
  EXPECT_GE(data, bytes->data());
  EXPECT_LE(data + blob->getData().size(), bytes->data() + bytes->size());
  EXPECT_EQ(blob->getData().size(), 32u * 64 * 4);
}

TEST_F(OnnxImport, ReadsExternalData) {
  llvm::SmallString<128> directory;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("terse-import", directory));
  llvm::SmallString<128> path(directory);
  llvm::sys::path::append(path, "weights.bin");
  std::vector<float> data = ramp(8);
  {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    os.write(reinterpret_cast<const char *>(data.data()), 32);
  }
  auto build = [](const char *length) {
    Graph g;
    Message t = Message().varint(1, 4).varint(2, 1).text(8, "w").varint(14, 1);
    t.message(13, Message().text(1, "location").text(2, "weights.bin"));
    t.message(13, Message().text(1, "offset").text(2, "16"));
    t.message(13, Message().text(1, "length").text(2, length));
    g.initializers = {t};
    g.inputs = {value("x", 1, {4})};
    g.nodes = {node("Add", {"x", "w"}, {"y"})};
    g.outputs = {value("y", 1, {4})};
    return model(g);
  };
  auto module = import(build("16"), {}, directory);
  ASSERT_TRUE(module) << error;
  auto results =
      interpret(mainOf(*module), {HostTensor::from<float>({4}, std::vector<float>{0, 0, 0, 0})});
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_EQ((*results)[0].toFloats(), std::vector<float>(data.begin() + 4, data.end()));
  EXPECT_FALSE(import(build("64"), {}, directory));
  EXPECT_NE(error.find("has 32 bytes, the tensor needs 64 at 16"), std::string::npos) << error;
  llvm::sys::fs::remove_directories(directory);
}

TEST_F(OnnxImport, FoldsIfAndKeepsIf) {
  Graph then, other, g;
  then.nodes = {node("Relu", {"x"}, {"t"})};
  then.outputs = {value("t", 1, {2})};
  other.nodes = {node("Neg", {"x"}, {"o"})};
  other.outputs = {value("o", 1, {2})};
  g.inputs = {value("x", 1, {2}), value("c", 9, {})};
  g.nodes = {node(
      "If", {"c"}, {"y"},
      {graphAttribute("then_branch", then.build()), graphAttribute("else_branch", other.build())})};
  g.outputs = {value("y", 1, {2})};
  auto module = import(model(g));
  ASSERT_TRUE(module) << error;
  for (bool c : {false, true}) {
    HostTensor condition = HostTensor::scalar(DType::boolean(), c);
    auto results = interpret(mainOf(*module),
                             {HostTensor::from<float>({2}, std::vector<float>{-1, 2}), condition});
    ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
    EXPECT_EQ((*results)[0].toFloats(),
              c ? (std::vector<float>{0, 2}) : (std::vector<float>{1, -2}));
    ONNXImportOptions options;
    options.bindings["c"] = condition;
    auto folded = import(model(g), options);
    ASSERT_TRUE(folded) << error;
    unsigned unaries = 0;
    folded->walk([&](nn::UnaryOp op) {
      ++unaries;
      EXPECT_EQ(op.getKind(), c ? nn::UnaryKind::Relu : nn::UnaryKind::Neg);
    });
    EXPECT_EQ(unaries, 1u);
  }
}

TEST_F(OnnxImport, InlinesFunctions) {
  Graph g;
  g.inputs = {value("x", 1, {3})};
  Message call = node("Twice", {"x"}, {"y"});
  call.text(7, "local");
  g.nodes = {call};
  g.outputs = {value("y", 1, {3})};
  Message function = Message()
                         .text(1, "Twice")
                         .text(4, "a")
                         .text(5, "b")
                         .message(7, node("Add", {"a", "a"}, {"b"}));
  function.message(9, Message().text(1, "").varint(2, 18)).text(10, "local");
  auto module = import(
      model(g) +
      Message().message(25, function).message(8, Message().text(1, "local").varint(2, 1)).bytes);
  ASSERT_TRUE(module) << error;
  auto results =
      interpret(mainOf(*module), {HostTensor::from<float>({3}, std::vector<float>{1, 2, 3})});
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_EQ((*results)[0].toFloats(), (std::vector<float>{2, 4, 6}));
}

TEST_F(OnnxImport, RefusesAttributesItDoesNotKnow) {
  Graph g;
  g.inputs = {value("x", 1, {3})};
  g.nodes = {node("Relu", {"x"}, {"y"}, {intAttribute("surprise", 1)})};
  g.outputs = {value("y", 1, {3})};
  EXPECT_FALSE(import(model(g)));
  EXPECT_EQ(error, "node 'Relu_y' (op Relu, opset 21): attribute 'surprise' is not supported");
  // Add of opset 6 has other rules of broadcasting.
  g.nodes = {node("Add", {"x", "x"}, {"y"})};
  EXPECT_FALSE(import(model(g, 6)));
  EXPECT_EQ(error, "node 'Add_y' (op Add, opset 6): this version of the operator is not supported");
}

//===----------------------------------------------------------------------===//
// Quantized models
//===----------------------------------------------------------------------===//

static unsigned count(mlir::ModuleOp module, llvm::StringRef name) {
  unsigned n = 0;
  module.walk([&](mlir::Operation *op) { n += op->getName().getStringRef() == name; });
  return n;
}

// x and the product pass 8 bits, the weight is stored in them: three scales along the columns.
static Graph qdqGraph() {
  Graph g;
  g.inputs = {value("x", 1, {-1, 2})};
  g.initializers = {tensor<float>("sx", 1, {}, {0.5f}),
                    tensor<uint8_t>("zx", 2, {}, {10}),
                    tensor<float>("sx2", 1, {}, {0.5f}),
                    tensor<uint8_t>("zx2", 2, {}, {10}),
                    tensor<int8_t>("w", 3, {2, 3}, {1, 2, 3, -4, 5, -6}),
                    tensor<float>("sw", 1, {3}, {1.0f, 0.5f, 0.25f}),
                    tensor<int8_t>("zw", 3, {3}, {0, 0, 0}),
                    tensor<float>("sy", 1, {}, {0.125f}),
                    tensor<int8_t>("zy", 3, {}, {-3})};
  g.nodes = {node("QuantizeLinear", {"x", "sx", "zx"}, {"qx"}),
             node("DequantizeLinear", {"qx", "sx2", "zx2"}, {"dx"}),
             node("DequantizeLinear", {"w", "sw", "zw"}, {"dw"}, {intAttribute("axis", 1)}),
             node("MatMul", {"dx", "dw"}, {"m"}),
             node("QuantizeLinear", {"m", "sy", "zy"}, {"qy"}),
             node("DequantizeLinear", {"qy", "sy", "zy"}, {"y"})};
  g.outputs = {value("y", 1, {-1, 3})};
  return g;
}

TEST_F(OnnxImport, KeepsWeightsAndActivationsEncoded) {
  auto module = import(model(qdqGraph()));
  ASSERT_TRUE(module) << error;
  // Pairs of the same parameters are one encoded tensor, whichever initializers hold them.
  EXPECT_EQ(count(*module, "terse.encode"), 2u);
  EXPECT_EQ(count(*module, "terse.components"), 0u);
  EXPECT_EQ(count(*module, "terse.assemble"), 1u);
  // The weight is that of a linear layer, its axis went along; zero points of zero are none.
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  EXPECT_NE(text.find("tensor<3x2xf32, #terse.uniform<i8, axis = 0>>"), std::string::npos) << text;
  EXPECT_EQ(count(*module, "nn.linear"), 1u);
  auto results = interpret(mainOf(*module), {HostTensor::from<float>({1, 2}, {1.0f, 2.0f})});
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  // 1 - 8, 1 + 5, 0.75 - 3
  EXPECT_EQ((*results)[0].toFloats(), (std::vector<float>{-7, 6, -2.25f}));
}

TEST_F(OnnxImport, KeepsBlocksOfWeightsEncoded) {
  Graph g;
  g.inputs = {value("x", 1, {1, 4})};
  g.initializers = {tensor<int8_t>("w", 3, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                    tensor<float>("s", 1, {2, 2}, {1.0f, 0.5f, 2.0f, 0.25f})};
  g.nodes = {node("DequantizeLinear", {"w", "s"}, {"dw"},
                  {intAttribute("axis", 0), intAttribute("block_size", 2)}),
             node("MatMul", {"x", "dw"}, {"y"})};
  g.outputs = {value("y", 1, {1, 2})};
  auto module = import(model(g));
  ASSERT_TRUE(module) << error;
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  EXPECT_NE(text.find("tensor<2x4xf32, #terse.uniform<i8, block = [1, 2]>>"), std::string::npos)
      << text;
  auto results =
      interpret(mainOf(*module), {HostTensor::from<float>({1, 4}, {1.0f, 1.0f, 1.0f, 1.0f})});
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_EQ((*results)[0].toFloats(), (std::vector<float>{4 + 24, 3 + 3.5f}));
}

TEST_F(OnnxImport, TakesLayersBetweenIntegersAsLayersBetweenEncodedTensors) {
  Graph g;
  g.inputs = {value("x", 2, {1, 1, 2, 2})};
  g.initializers = {tensor<float>("sx", 1, {}, {0.5f}),
                    tensor<uint8_t>("zx", 2, {}, {2}),
                    tensor<int8_t>("w", 3, {2, 1, 1, 1}, {3, -2}),
                    tensor<float>("sw", 1, {2}, {1.0f, 0.5f}),
                    tensor<int8_t>("zw", 3, {}, {0}),
                    tensor<float>("sy", 1, {}, {0.25f}),
                    tensor<uint8_t>("zy", 2, {}, {5}),
                    tensor<int32_t>("b", 6, {2}, {4, -8})};
  g.nodes = {node("QLinearConv", {"x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"}, {"y"})};
  g.outputs = {value("y", 2, {1, 2, 2, 2})};
  auto module = import(model(g));
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(count(*module, "terse.assemble"), 3u); // Input, weight, bias.
  EXPECT_EQ(count(*module, "terse.encode"), 1u);
  auto results =
      interpret(mainOf(*module), {HostTensor::from<uint8_t>({1, 1, 2, 2}, {2, 3, 4, 12})});
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  // (3 (q - 2) + 4) 0.5 / 0.25 + 5, (-2 (q - 2) - 8) 0.25 / 0.25 + 5, cut to 0..255
  EXPECT_EQ((*results)[0].toInts(), (std::vector<int64_t>{13, 19, 25, 73, 0, 0, 0, 0}));
}
