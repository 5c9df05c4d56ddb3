//===- ExportTest.cpp - Export to ONNX --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is exported and imported again must compute the same, bit for bit where no sum is taken in
// another order. The cases of ONNX's own suite go the same way in terse-onnx-conformance
// --mode=export.
//
//===----------------------------------------------------------------------===//

#include "terse/Export/ONNX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Import/ONNX.h"
#include "terse/InitAll.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace terse;

namespace {

class OnnxExport : public ::testing::Test {
protected:
  void SetUp() override {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("terse-export", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) {
    llvm::SmallString<128> result(folder);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    return mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }
  static mlir::func::FuncOp mainOf(mlir::ModuleOp module) {
    return module.lookupSymbol<mlir::func::FuncOp>("main");
  }
  std::string fileOf(mlir::ModuleOp module, llvm::StringRef name,
                     const ONNXExportOptions &options = {}) {
    auto result = exportONNX(module, path(name), options);
    if (!result) {
      error = llvm::toString(result.takeError());
      return "";
    }
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "";
  }

  /// Exports `text`, imports that, and compares what both compute for random inputs.
  void roundTrip(llvm::StringRef text, double bound = 0, const ONNXExportOptions &options = {}) {
    auto module = parse(text);
    ASSERT_TRUE(module);
    auto result = exportONNX(*module, path("model.onnx"), options);
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    auto again = importONNX(context, path("model.onnx"));
    ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
    std::mt19937 random(7);
    std::vector<HostTensor> inputs;
    for (mlir::Type type : mainOf(*module).getArgumentTypes()) {
      auto tensor = llvm::cast<mlir::RankedTensorType>(type);
      std::vector<int64_t> shape;
      for (int64_t size : tensor.getShape())
        shape.push_back(mlir::ShapedType::isDynamic(size) ? 3 : size);
      bool isFloat = llvm::isa<mlir::FloatType>(tensor.getElementType());
      HostTensor values = HostTensor::zeros(isFloat ? DType::f32() : DType::i64(), shape);
      std::uniform_real_distribution<double> distribution(isFloat ? -2 : 0, 2);
      for (int64_t i = 0; i < values.getNumElements(); ++i)
        values.setFromDouble(i, isFloat ? distribution(random) : std::floor(distribution(random)));
      inputs.push_back(values);
    }
    auto want = interpret(mainOf(*module), inputs), have = interpret(mainOf(**again), inputs);
    ASSERT_TRUE(bool(want)) << llvm::toString(want.takeError());
    ASSERT_TRUE(bool(have)) << llvm::toString(have.takeError());
    ASSERT_EQ(want->size(), have->size());
    for (size_t i = 0; i < want->size(); ++i) {
      ASSERT_EQ((*want)[i].shape, (*have)[i].shape) << i;
      ASSERT_EQ((*want)[i].dtype, (*have)[i].dtype) << i;
      std::vector<double> a = (*want)[i].toDoubles(), b = (*have)[i].toDoubles();
      for (size_t j = 0; j < a.size(); ++j)
        if (!(std::isnan(a[j]) && std::isnan(b[j])))
          ASSERT_LE(std::fabs(a[j] - b[j]), bound * std::max(1.0, std::fabs(a[j])))
              << "output " << i << " element " << j;
    }
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  llvm::SmallString<128> folder;
  std::string error;
};

/// A function of one tensor.
std::string unary(llvm::StringRef op, llvm::StringRef from = "tensor<2x?x4xf32>",
                  llvm::StringRef to = "") {
  if (to.empty())
    to = from;
  return ("func.func @main(%x: " + from + ") -> " + to + " {\n  %0 = " + op + " : (" + from +
          ") -> " + to + "\n  return %0 : " + to + "\n}")
      .str();
}

} // namespace

TEST_F(OnnxExport, functions_of_one_element) {
  for (const char *kind :
       {"abs",   "neg",      "sign",     "floor",      "ceil",     "round",     "exp",
        "sin",   "cos",      "tan",      "atan",       "sinh",     "cosh",      "tanh",
        "asinh", "erf",      "relu",     "sigmoid",    "gelu",     "gelu_tanh", "mish",
        "log",   "softplus", "softsign", "hard_swish", "identity", "sqrt",      "reciprocal"}) {
    SCOPED_TRACE(kind);
    roundTrip(unary(("nn.unary " + llvm::Twine(kind) + " %x").str()));
  }
  for (const char *op :
       {"clamp %x {alpha = -1.0 : f64, beta = 0.5 : f64}", "leaky_relu %x {alpha = 0.25 : f64}",
        "hard_sigmoid %x {alpha = 0.25 : f64, beta = 0.5 : f64}", "elu %x {alpha = 0.5 : f64}",
        "celu %x {alpha = 0.5 : f64}", "selu %x {alpha = 1.5 : f64, beta = 0.5 : f64}",
        "thresholded_relu %x {alpha = 0.5 : f64}",
        "shrink %x {alpha = 0.5 : f64, beta = 0.25 : f64}",
        "affine %x {alpha = 0.5 : f64, beta = 0.25 : f64}",
        "scaled_tanh %x {alpha = 0.5 : f64, beta = 0.25 : f64}"}) {
    SCOPED_TRACE(op);
    roundTrip(unary(("nn.unary " + llvm::Twine(op)).str()));
  }
  // What ONNX has no operator for is composed.
  roundTrip(unary("nn.unary silu %x {alpha = 1.0 : f64}"), 1e-6);
  roundTrip(unary("nn.unary rsqrt %x"), 1e-6);
}

TEST_F(OnnxExport, two_operands) {
  for (const char *kind : {"add", "sub", "mul", "div", "fmod", "min", "max", "prelu"}) {
    SCOPED_TRACE(kind);
    roundTrip(("func.func @main(%x: tensor<2x?x4xf32>, %y: tensor<4xf32>) -> tensor<2x?x4xf32> {\n "
               " %0 = nn.binary " +
               llvm::Twine(kind) +
               " %x, %y : (tensor<2x?x4xf32>, tensor<4xf32>) -> tensor<2x?x4xf32>\n  return %0 : "
               "tensor<2x?x4xf32>\n}")
                  .str());
  }
  for (const char *kind : {"eq", "ne", "lt", "le", "gt", "ge"}) {
    SCOPED_TRACE(kind);
    roundTrip(("func.func @main(%x: tensor<4xi64>, %y: tensor<4xi64>) -> tensor<4xi64> {\n  %0 = "
               "nn.compare " +
               llvm::Twine(kind) +
               " %x, %y : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>\n"
               "  %1 = nn.select %0, %x, %y : (tensor<4xi1>, tensor<4xi64>, tensor<4xi64>) -> "
               "tensor<4xi64>\n"
               "  return %1 : tensor<4xi64>\n}")
                  .str());
  }
}

TEST_F(OnnxExport, reductions) {
  for (const char *kind :
       {"sum", "mean", "prod", "max", "min", "l1", "l2", "sum_square", "log_sum_exp"}) {
    SCOPED_TRACE(kind);
    roundTrip(unary(
        ("nn.reduce " + llvm::Twine(kind) + " %x {axes = array<i64: 1>, keepdims = true}").str(),
        "tensor<2x?x4xf32>", "tensor<2x1x4xf32>"));
  }
  roundTrip(unary("nn.reduce mean %x {axes = array<i64: 2, 3>, keepdims = true}",
                  "tensor<2x3x4x4xf32>", "tensor<2x3x1x1xf32>"));
  roundTrip(unary("nn.reduce sum %x {axes = array<i64>}", "tensor<2x3xf32>"));
  roundTrip(unary("nn.arg_reduce max %x {axis = 2 : i64, select_last = true}", "tensor<2x?x4xf32>",
                  "tensor<2x?xi64>"));
  roundTrip(unary("nn.cumulative sum %x {axis = 2 : i64, reverse = true, exclusive = true}"));
  roundTrip(R"(func.func @main(%x: tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>) {
    %0:2 = nn.top_k %x {k = 2 : i64, axis = 1 : i64, largest = false} : (tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
    return %0#0, %0#1 : tensor<2x2xf32>, tensor<2x2xi64>
  })");
}

TEST_F(OnnxExport, contractions) {
  // Sums of a Gemm and of a product with an added bias are taken in one order by the interpreter.
  roundTrip(
      R"(func.func @main(%x: tensor<?x3xf32>, %y: tensor<2x?x3xf32>) -> (tensor<?x2xf32>, tensor<2x?x2xf32>) {
    %w = nn.constant dense<[[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]> : tensor<2x3xf32>
    %b = nn.constant dense<[0.5, -0.25]> : tensor<2xf32>
    %0 = nn.linear %x, %w, %b : (tensor<?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    %1 = nn.linear %y, %w, %b : (tensor<2x?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x?x2xf32>
    return %0, %1 : tensor<?x2xf32>, tensor<2x?x2xf32>
  })",
      1e-6);
  roundTrip(
      R"(func.func @main(%x: tensor<2x4x5x5xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>, %t: tensor<4x3x2x2xf32>)
      -> (tensor<2x6x3x5xf32>, tensor<2x3x11x10xf32>) {
    %0 = nn.conv %x, %w, %b {strides = array<i64: 2, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64}
      : (tensor<2x4x5x5xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<2x6x3x5xf32>
    %1 = nn.conv_transpose %x, %t {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
        output_padding = array<i64: 1, 0>} : (tensor<2x4x5x5xf32>, tensor<4x3x2x2xf32>) -> tensor<2x3x11x10xf32>
    return %0, %1 : tensor<2x6x3x5xf32>, tensor<2x3x11x10xf32>
  })");
  roundTrip(
      R"(func.func @main(%x: tensor<2x2x5x5xf32>) -> (tensor<2x2x3x3xf32>, tensor<2x2x3x3xf32>) {
    %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
        dilations = array<i64: 1, 1>, ceil_mode = true} : (tensor<2x2x5x5xf32>) -> tensor<2x2x3x3xf32>
    %1 = nn.pool average %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
        dilations = array<i64: 1, 1>, count_include_pad = true} : (tensor<2x2x5x5xf32>) -> tensor<2x2x3x3xf32>
    return %0, %1 : tensor<2x2x3x3xf32>, tensor<2x2x3x3xf32>
  })");
}

TEST_F(OnnxExport, composite_ops) {
  roundTrip(unary("nn.softmax %x {axis = 1 : i64, log = true}"));
  roundTrip(unary("nn.layer_norm %x {axis = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = "
                  "array<i32: 1, 0, 0>}"),
            1e-5);
  roundTrip(unary("nn.rms_norm %x {axis = 2 : i64, epsilon = 1.0e-5 : f64}"), 1e-5);
  roundTrip(
      R"(func.func @main(%x: tensor<3x2x3xf32>, %w: tensor<2x16x3xf32>, %r: tensor<2x16x4xf32>)
      -> (tensor<3x2x2x4xf32>, tensor<2x2x4xf32>) {
    %0:3 = nn.lstm %x, %w, %r {direction = #nn<direction bidirectional>, activations = [#nn<unary_kind sigmoid>,
      #nn<unary_kind leaky_relu>, #nn<unary_kind tanh>, #nn<unary_kind sigmoid>, #nn<unary_kind tanh>, #nn<unary_kind tanh>],
      activation_alpha = array<f64: 0.0, 0.25, 0.0, 0.0, 0.0, 0.0>, clip = 3.0 : f64,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
      : (tensor<3x2x3xf32>, tensor<2x16x3xf32>, tensor<2x16x4xf32>) -> (tensor<3x2x2x4xf32>, tensor<2x2x4xf32>, tensor<2x2x4xf32>)
    return %0#0, %0#2 : tensor<3x2x2x4xf32>, tensor<2x2x4xf32>
  })");
}

TEST_F(OnnxExport, shapes_at_run_time) {
  roundTrip(
      R"(func.func @main(%x: tensor<2x?x4xf32>) -> (tensor<?x8xf32>, tensor<3xi64>, tensor<?x?xi32>) {
    %0 = nn.reshape %x : (tensor<2x?x4xf32>) -> tensor<?x8xf32>
    %1 = nn.shape %x : (tensor<2x?x4xf32>) -> tensor<3xi64>
    %2 = nn.slice %1 {starts = array<i64: 0>, ends = array<i64: 2>, steps = array<i64: 1>} : (tensor<3xi64>) -> tensor<2xi64>
    %3 = nn.iota %2 {axis = 1 : i64} : (tensor<2xi64>) -> tensor<?x?xi32>
    return %0, %1, %3 : tensor<?x8xf32>, tensor<3xi64>, tensor<?x?xi32>
  })");
  roundTrip(
      R"(func.func @main(%x: tensor<1x1x3x3xf32>) -> (tensor<1x1x6x4xf32>, tensor<1x1x3x5xf32>) {
    %0 = nn.resize linear %x {scales = array<f64: 1.0, 1.0, 2.0, 1.5>, coordinate = #nn<resize_coordinate align_corners>}
      : (tensor<1x1x3x3xf32>) -> tensor<1x1x6x4xf32>
    %1 = nn.pad reflect %x {low = array<i64: 0, 0, 0, 1>, high = array<i64: 0, 0, 0, 1>} : (tensor<1x1x3x3xf32>) -> tensor<1x1x3x5xf32>
    return %0, %1 : tensor<1x1x6x4xf32>, tensor<1x1x3x5xf32>
  })");
}

//===----------------------------------------------------------------------===//
// Encodings
//===----------------------------------------------------------------------===//

/// decode(assemble(constants)) of a 4x6 tensor, in any encoding with one f32 parameter.
static std::string weight(llvm::StringRef encoding, llvm::StringRef values,
                          llvm::StringRef scales) {
  return ("func.func @main() -> tensor<4x6xf32> {\n  %v = nn.constant " + values +
          "\n  %s = nn.constant " + scales + "\n  %e = terse.assemble %v, %s : (" +
          values.rsplit(" : ").second + ", " + scales.rsplit(" : ").second +
          ") -> tensor<4x6xf32, " + encoding + ">\n  %d = terse.decode %e : tensor<4x6xf32, " +
          encoding + ">\n  return %d : tensor<4x6xf32>\n}")
      .str();
}

TEST_F(OnnxExport, weights_decode_to_the_same_bits) {
  const char *bytes = "dense<[[1, -2, 3, -4, 5, -6], [7, 0, 1, 2, -3, 4], [-7, 6, 5, 4, 3, 2], [1, "
                      "1, 2, 3, 5, -7]]> : tensor<4x6x";
  auto values = [&](const char *type) { return std::string(bytes) + type + ">"; };
  const char *byAxis = "dense<[0.1, 0.3, 0.7, 1.1]> : tensor<4xf32>";
  roundTrip(weight("#terse.uniform<i8>", values("i8"), "dense<0.1> : tensor<f32>"));
  roundTrip(weight("#terse.uniform<i4, axis = 0>", values("i4"), byAxis));
  roundTrip(weight("#terse.uniform<i5, axis = 0>", values("i5"), byAxis));
  roundTrip(weight("#terse.uniform<i4, block = [1, ?], scale = f16>", values("i4"),
                   "dense<[[0.1], [0.3], [0.7], [1.1]]> : tensor<4x1xf16>"));
  // The last block is shorter.
  roundTrip(weight("#terse.uniform<i4, block = [1, 4]>", values("i4"),
                   "dense<[[0.1, 0.2], [0.3, 0.4], [0.7, 0.8], [1.1, 1.2]]> : tensor<4x2xf32>"));
  // Boxes: ONNX has blocks along one axis only.
  roundTrip(weight("#terse.uniform<i8, block = [2, 3]>", values("i8"),
                   "dense<[[0.1, 0.2], [0.3, 0.4]]> : tensor<2x2xf32>"));
  roundTrip(weight("#terse.uniform<i8, block = [2, ?], scale = f8E8M0FNU>", values("i8"),
                   "dense<[[0.5], [2.0]]> : tensor<2x1xf8E8M0FNU>"));
  const char *floats = "dense<[[1.0, -2.0, 3.0, -4.0, 0.5, -6.0], [0.0, 0.0, 1.0, 2.0, -3.0, 4.0], "
                       "[-1.0, 6.0, 0.5, 4.0, 3.0, "
                       "2.0], [1.0, 1.0, 2.0, 3.0, 4.0, -0.5]]> : tensor<4x6x";
  for (const char *type : {"f8E4M3FN", "f8E5M2", "f6E2M3FN", "f6E3M2FN", "f4E2M1FN"}) {
    SCOPED_TRACE(type);
    roundTrip(weight((llvm::Twine("#terse.minifloat<") + type + ", axis = 0>").str(),
                     std::string(floats) + type + ">", byAxis));
  }
  roundTrip(weight("#terse.codebook<ui4, table = nf4, axis = 0>",
                   "dense<[[1, 2, 3, 4, 5, 6], [7, 0, 1, 2, 3, 4], [15, 14, 13, 4, 3, 2], [1, 1, "
                   "2, 3, 5, 7]]> : tensor<4x6xui4>",
                   byAxis));
  ONNXExportOptions plain;
  plain.floatWeights = true;
  roundTrip(weight("#terse.uniform<i4, axis = 0>", values("i4"), byAxis), 0, plain);
}

static const char *const kStaticLinear = R"(
  func.func @main(%x: tensor<?x3xf32> {nn.name = "features", nn.dims = ["batch", ""]}) -> (tensor<?x2xf32> {nn.name = "scores"}) {
    %s = nn.constant dense<0.02> : tensor<f32>
    %z = nn.constant dense<101> : tensor<ui8>
    %w = nn.constant dense<[[10, -20, 127], [25, 30, -15]]> : tensor<2x3xi8>
    %ws = nn.constant dense<[0.01, 0.03]> : tensor<2xf32>
    %b = nn.constant dense<[1000, -3]> : tensor<2xi32>
    %bs = nn.constant dense<[0.0002, 0.0006]> : tensor<2xf32>
    %xe = terse.encode %x params(%s, %z : tensor<f32>, tensor<ui8>) : tensor<?x3xf32> -> tensor<?x3xf32, #terse.uniform<ui8, zero_point>>
    %we = terse.assemble %w, %ws : (tensor<2x3xi8>, tensor<2xf32>) -> tensor<2x3xf32, #terse.uniform<i8, axis = 0>>
    %be = terse.assemble %b, %bs : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32, #terse.uniform<i32, axis = 0>>
    %y = nn.linear %xe, %we, %be : (tensor<?x3xf32, #terse.uniform<ui8, zero_point>>, tensor<2x3xf32, #terse.uniform<i8, axis = 0>>,
                                    tensor<2xf32, #terse.uniform<i32, axis = 0>>) -> tensor<?x2xf32> loc("dense")
    return %y : tensor<?x2xf32>
  })";

TEST_F(OnnxExport, encoded_activations) {
  roundTrip(kStaticLinear, 1e-6);
  // Fewer bits than ONNX has: clipped.
  roundTrip(R"(func.func @main(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
    %s = nn.constant dense<0.02> : tensor<f32>
    %e = terse.encode %x params(%s : tensor<f32>) : tensor<2x5xf32> -> tensor<2x5xf32, #terse.uniform<i6, narrow>>
    %d = terse.decode %e : tensor<2x5xf32, #terse.uniform<i6, narrow>>
    return %d : tensor<2x5xf32>
  })");
  for (const char *encoding : {"#terse.uniform<ui8, zero_point, dynamic>",
                               "#terse.uniform<i8, block = [1, ?], dynamic>"}) {
    SCOPED_TRACE(encoding);
    std::string type = ("tensor<2x5xf32, " + llvm::Twine(encoding) + ">").str();
    roundTrip("func.func @main(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {\n  %e = terse.encode %x : "
              "tensor<2x5xf32> -> " +
              type + "\n  %d = terse.decode %e : " + type + "\n  return %d : tensor<2x5xf32>\n}");
  }
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST_F(OnnxExport, keeps_names_and_symbols) {
  auto module = parse(kStaticLinear);
  ASSERT_TRUE(module);
  fileOf(*module, "model.onnx");
  auto description = describeONNX(path("model.onnx"));
  ASSERT_TRUE(bool(description)) << llvm::toString(description.takeError());
  EXPECT_EQ(description->inputs.at(0).name, "features");
  EXPECT_EQ(description->outputs.at(0).name, "scores");
  EXPECT_EQ(description->operators,
            (std::vector<std::string>{"DequantizeLinear", "Gemm", "QuantizeLinear"}));
  auto again = importONNX(context, path("model.onnx"));
  ASSERT_TRUE(bool(again));
  auto dims = mainOf(**again).getArgAttrOfType<mlir::ArrayAttr>(0, "nn.dims");
  ASSERT_TRUE(dims);
  EXPECT_EQ(llvm::cast<mlir::StringAttr>(dims[0]).getValue(), "batch");
  bool found = false;
  (*again)->walk([&](nn::LinearOp op) {
    auto name = llvm::dyn_cast<mlir::NameLoc>(op.getLoc());
    found |= name && name.getName() == "dense";
  });
  EXPECT_TRUE(found);
}

TEST_F(OnnxExport, equal_models_give_equal_bytes) {
  auto a = parse(kStaticLinear), b = parse(kStaticLinear);
  std::string first = fileOf(*a, "a.onnx");
  EXPECT_FALSE(first.empty()) << error;
  EXPECT_EQ(first, fileOf(*a, "b.onnx"));
  EXPECT_EQ(first, fileOf(*b, "c.onnx"));
}

TEST_F(OnnxExport, large_models_have_their_weights_beside_them) {
  std::string text = "func.func @main() -> tensor<64x64xf32> {\n  %w = nn.constant dense<0.5> : "
                     "tensor<64x64xf32>\n"
                     "  return %w : tensor<64x64xf32>\n}";
  auto module = parse(text);
  ONNXExportOptions options;
  options.maxFileBytes = 4096;
  auto result = exportONNX(*module, path("model.onnx"), options);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_EQ(result->dataBytes, 64u * 64 * 4);
  EXPECT_LT(result->modelBytes, 4096u);
  uint64_t size;
  ASSERT_FALSE(llvm::sys::fs::file_size(path("model.onnx.data"), size));
  EXPECT_EQ(size, result->dataBytes);
  roundTrip(text, 0, options);
}

TEST_F(OnnxExport, what_onnx_cannot_say) {
  auto check = [&](llvm::StringRef text, const char *reason) {
    auto module = parse(text);
    ASSERT_TRUE(module);
    EXPECT_EQ(fileOf(*module, "none.onnx"), "");
    EXPECT_NE(error.find(reason), std::string::npos) << error;
    EXPECT_FALSE(llvm::sys::fs::exists(path("none.onnx")));
  };
  check(unary("nn.cumulative prod %x {axis = 2 : i64}"),
        "layer 'nn.cumulative' (nn.cumulative): running products need opset 26");
  check(unary("nn.bitcast %x", "tensor<4xf32>", "tensor<4xi32>"),
        "ONNX opset 21 has no operator for it");
}
