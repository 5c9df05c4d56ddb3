//===- FuzzTest.cpp - Hostile ONNX files ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes are, import returns a module or an error. There is nothing to check but that
// it returns.
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "terse/Import/ONNX.h"
#include "gtest/gtest.h"

using namespace terse;
using namespace terse::test;

namespace {
class OnnxFuzz : public ::testing::Test {
protected:
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};

  /// The error, or nothing if the bytes are a model.
  std::string import(const std::string &bytes, const ONNXImportOptions &options = {}) {
    auto owned = std::make_shared<std::string>(bytes);
    llvm::ArrayRef<uint8_t> data(reinterpret_cast<const uint8_t *>(owned->data()), owned->size());
    auto module = importONNX(context, data, owned, "", options);
    return module ? "" : llvm::toString(module.takeError());
  }
  void expectError(const std::string &bytes, const std::string &part) {
    std::string error = import(bytes);
    EXPECT_NE(error.find(part), std::string::npos)
        << "expected '" << part << "', got '" << error << "'";
  }
};
} // namespace

// A constant matrix, a shape computation, an If and a convolution: every kind of field occurs.
static Graph makeGraph() {
  Graph then, other, g;
  then.nodes = {node("Relu", {"r"}, {"t"})};
  then.outputs = {value("t", 1, {-1, 4})};
  other.nodes = {node("Neg", {"r"}, {"o"})};
  other.outputs = {value("o", 1, {-1, 4})};
  g.inputs = {value("x", 1, {-1, 2, 3}), value("c", 9, {})};
  g.initializers = {tensor<float>("w", 1, {6, 4}, std::vector<float>(24, 0.5f)),
                    tensor<int64_t>("tail", 7, {1}, {-1}), tensor<int64_t>("zero", 7, {1}, {0})};
  g.nodes = {node("Shape", {"x"}, {"s"}),
             node("Gather", {"s", "zero"}, {"n"}, {intAttribute("axis", 0)}),
             node("Concat", {"n", "tail"}, {"shape"}, {intAttribute("axis", 0)}),
             node("Reshape", {"x", "shape"}, {"flat"}),
             node("MatMul", {"flat", "w"}, {"r"}),
             node("If", {"c"}, {"y"},
                  {graphAttribute("then_branch", then.build()),
                   graphAttribute("else_branch", other.build())})};
  g.outputs = {value("y", 1, {-1, 4})};
  return g;
}

TEST_F(OnnxFuzz, TheSeedIsAModel) { EXPECT_EQ(import(model(makeGraph())), ""); }

TEST_F(OnnxFuzz, Truncations) {
  std::string bytes = model(makeGraph());
  for (size_t i = 0; i < bytes.size(); ++i)
    import(bytes.substr(0, i));
}

TEST_F(OnnxFuzz, BitFlips) {
  std::string bytes = model(makeGraph());
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] ^= char(1 << (i % 8));
    import(flipped);
  }
}

TEST_F(OnnxFuzz, ByteSoup) {
  std::string bytes = model(makeGraph());
  uint64_t state = 1;
  auto next = [&] {
    return state = state * 6364136223846793005ull + 1442695040888963407ull, state >> 33;
  };
  for (int round = 0; round < 4000; ++round) {
    std::string mutant = bytes;
    for (uint64_t i = 0, n = 1 + next() % 8; i < n; ++i) {
      size_t at = next() % mutant.size();
      switch (next() % 4) {
      case 0:
        mutant[at] = char(next());
        break;
      case 1:
        mutant[at] = char(next() % 2 ? 0xff : 0x80);
        break;
      case 2:
        mutant.erase(at, next() % 4);
        break;
      default:
        mutant.insert(at, mutant.substr(next() % mutant.size(), next() % 16));
      }
      if (mutant.empty())
        mutant = "x";
    }
    import(mutant);
  }
}

TEST_F(OnnxFuzz, EmptyAndGarbage) {
  expectError("", "no graph");
  expectError(std::string(64, '\xff'), "malformed");
  expectError("GIF89a not a model at all", "malformed");
}

TEST_F(OnnxFuzz, HostileLengths) {
  // A graph that claims 2^63 bytes.
  std::string bytes = "\x3a";
  bytes += std::string(9, '\x80') + '\x01';
  expectError(bytes, "length");
  // A varint without end.
  expectError(std::string("\x08") + std::string(20, '\xff'), "malformed");
}

TEST_F(OnnxFuzz, HostileShapes) {
  for (Dims dims : {Dims{INT64_MAX, INT64_MAX}, Dims{1ll << 32, 1ll << 32}, Dims{-5},
                    Dims{INT64_MIN}, Dims{1ll << 55}}) {
    Graph g;
    g.initializers = {tensor<float>("w", 1, dims, {1})};
    g.nodes = {node("Relu", {"w"}, {"y"})};
    g.outputs = {value("y", 1, {})};
    EXPECT_NE(import(model(g)), "");
  }
}

TEST_F(OnnxFuzz, HostileSizesOfOperators) {
  // Sizes that would need petabytes: accepted as a program or refused, never allocated.
  for (int64_t size : {int64_t(1) << 45, INT64_MAX, int64_t(-1), INT64_MIN}) {
    for (const char *op : {"ConstantOfShape", "Expand", "Tile", "Range", "OneHot", "Pad", "TopK",
                           "Resize", "Slice", "Split", "EyeLike"}) {
      Graph g;
      g.inputs = {value("x", 1, {1})};
      g.initializers = {tensor<int64_t>("n", 7, {1}, {size}),
                        tensor<int64_t>("pair", 7, {2}, {size, size}),
                        tensor<int64_t>("one", 7, {1}, {1})};
      std::vector<std::string> inputs = {"x", "n"};
      std::string name = op;
      if (name == "ConstantOfShape" || name == "EyeLike")
        inputs = {"pair"};
      else if (name == "Range")
        inputs = {"one", "n", "one"};
      else if (name == "OneHot")
        inputs = {"x", "n", "pair"};
      else if (name == "Pad")
        inputs = {"x", "pair"};
      else if (name == "Resize")
        inputs = {"x", "", "", "n"};
      else if (name == "Slice")
        inputs = {"x", "n", "one"};
      g.nodes = {node(op, inputs, {"y"})};
      g.outputs = {value("y", 1, {})};
      import(model(g));
    }
  }
}

TEST_F(OnnxFuzz, EveryOperatorWithoutInputs) {
  // Each handler must find out by itself that its inputs are missing, or have a rank it does not
  // expect.
  std::string page;
  llvm::raw_string_ostream(page) << "";
  {
    llvm::raw_string_ostream os(page);
    printSupportedONNXOps(os);
  }
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(page).split(lines, '\n');
  unsigned operators = 0;
  for (llvm::StringRef line : lines) {
    if (!line.starts_with("| ") || line.starts_with("| operator"))
      continue;
    std::string op = line.drop_front(2).split(' ').first.str();
    ++operators;
    for (int shape = 0; shape < 4; ++shape)
      for (unsigned count : {0u, 1u, 2u, 3u, 8u})
        for (int64_t element : {1, 7, 9, 2}) {
          Graph g;
          static const Dims shapes[] = {{}, {0}, {2, 3}, {1, 2, 3, 4}};
          g.inputs = {value("x", element, shapes[shape])};
          g.nodes = {node(op, std::vector<std::string>(count, "x"), {"y", "z", "w"})};
          g.outputs = {value("y", 1, {})};
          for (int64_t opset : {12, 28})
            import(model(g, opset));
          g.initializers = {tensor<uint8_t>("x", 2, {0}, {})};
          import(model(g));
        }
  }
  EXPECT_GT(operators, 150u);
}

TEST_F(OnnxFuzz, Cycle) {
  Graph g;
  g.nodes = {node("Relu", {"b"}, {"a"}), node("Relu", {"a"}, {"b"})};
  g.outputs = {value("b", 1, {2})};
  expectError(model(g), "'b' is not defined before this node");
}

TEST_F(OnnxFuzz, DuplicateNames) {
  Graph g;
  g.inputs = {value("x", 1, {2})};
  g.nodes = {node("Relu", {"x"}, {"y"}), node("Neg", {"x"}, {"y"})};
  g.outputs = {value("y", 1, {2})};
  expectError(model(g), "'y' is defined twice");
  g.nodes = {node("Relu", {"x"}, {"x"})};
  expectError(model(g), "'x' is defined twice");
}

TEST_F(OnnxFuzz, MissingInputsAndOutputs) {
  Graph g;
  g.inputs = {value("x", 1, {2})};
  g.nodes = {node("Add", {"x"}, {"y"})};
  g.outputs = {value("y", 1, {2})};
  expectError(model(g), "node 'Add_y' (op Add, opset 21): input 1 is missing");
  g.nodes = {node("Relu", {"x"}, {"z"})};
  expectError(model(g), "output 'y' is not defined");
  g.nodes = {node("Frobnicate", {"x"}, {"y"})};
  expectError(model(g),
              "node 'Frobnicate_y' (op Frobnicate, opset 21): this operator is not supported");
}

TEST_F(OnnxFuzz, DeepNesting) {
  Message inner = Graph().build();
  for (int i = 0; i < 200; ++i) {
    Graph g;
    g.nodes = {node(
        "If", {"c"}, {"y"},
        {graphAttribute("then_branch", inner), graphAttribute("else_branch", Graph().build())})};
    inner = g.build();
  }
  expectError(Message().message(7, inner).bytes, "nest deeper");
}

TEST_F(OnnxFuzz, RecursiveFunction) {
  Graph g;
  g.inputs = {value("x", 1, {2})};
  Message call = node("F", {"x"}, {"y"});
  call.text(7, "local");
  g.nodes = {call};
  g.outputs = {value("y", 1, {2})};
  Message inner = node("F", {"a"}, {"b"});
  inner.text(7, "local");
  Message function =
      Message().text(1, "F").text(4, "a").text(5, "b").message(7, inner).text(10, "local");
  Message opsets = Message().text(1, "local").varint(2, 1);
  expectError(model(g) + Message().message(25, function).message(8, opsets).bytes, "nested deeper");
}

TEST_F(OnnxFuzz, ExternalDataStaysInItsDirectory) {
  for (const char *location : {"../secret", "/etc/passwd", "a/../../b", ""}) {
    Graph g;
    Message t = Message().varint(1, 1).varint(2, 1).text(8, "w").varint(14, 1);
    t.message(13, Message().text(1, "location").text(2, location));
    g.initializers = {t};
    g.nodes = {node("Relu", {"w"}, {"y"})};
    g.outputs = {value("y", 1, {1})};
    expectError(model(g), "is not inside the model's directory");
  }
}
