//===- Contractions.cpp - Linear layers and convolutions --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

static bool isSmallInteger(Value v) {
  auto type = dyn_cast<IntegerType>(Exporter::elementOf(v));
  return type && type.getWidth() <= 8;
}

/// MatMulInteger and ConvInteger take bytes only.
static bool checkIntegers(Value a, Value b) {
  if (isa<FloatType>(Exporter::elementOf(a)))
    return false;
  if (!isSmallInteger(a) || !isSmallInteger(b))
    failExport("ONNX multiplies integers of 8 bits only; export the model before it is lowered to "
               "integer arithmetic");
  return true;
}

static std::string transposeLast(Exporter &e, Value v) {
  if (Exporter::rankOf(v) == 2)
    if (std::string made = e.transposed(v, {1, 0}); !made.empty())
      return made;
  return e.step("Transpose", {e.name(v)}, {{"perm", ArrayRef<int64_t>{1, 0}}});
}

static void exportLinear(nn::LinearOp op, Exporter &e) {
  Value x = op.getX(), weight = op.getWeight(), bias = op.getBias();
  bool isInteger = checkIntegers(x, weight);
  if (Exporter::rankOf(x) == 2 && !isInteger)
    return e.emit("Gemm", {e.name(x), e.name(weight), e.name(bias)}, {{"transB", true}});
  const char *product = isInteger ? "MatMulInteger" : "MatMul";
  Names inputs{e.name(x), transposeLast(e, weight)};
  if (!bias)
    return e.emit(product, inputs);
  std::string added = e.name(bias);
  e.emit("Add", {e.mainStep(product, inputs), added});
}

static void exportMatmul(nn::MatmulOp op, Exporter &e) {
  bool isInteger = checkIntegers(op.getLhs(), op.getRhs());
  e.emit(isInteger ? "MatMulInteger" : "MatMul", {e.name(op.getLhs()), e.name(op.getRhs())});
}

template <typename OpTy>
static Attrs getConvAttrs(OpTy op) {
  Attrs attributes{{"strides", op.getStrides()},
                   {"pads", op.getPads()},
                   {"dilations", op.getDilations()},
                   {"group", int64_t(op.getGroups())}};
  ArrayRef<int64_t> kernel = Exporter::typeOf(op.getWeight()).getShape().drop_front(2);
  if (llvm::none_of(kernel, ShapedType::isDynamic))
    attributes.push_back({"kernel_shape", kernel});
  return attributes;
}

static void exportConv(nn::ConvOp op, Exporter &e) {
  if (checkIntegers(op.getX(), op.getWeight())) {
    if (op.getBias())
      failExport(
          "ConvInteger takes no bias; export the model before it is lowered to integer arithmetic");
    return e.emit("ConvInteger", {e.name(op.getX()), e.name(op.getWeight())}, getConvAttrs(op));
  }
  e.emit("Conv", {e.name(op.getX()), e.name(op.getWeight()), e.name(op.getBias())},
         getConvAttrs(op));
}

static void exportConvTranspose(nn::ConvTransposeOp op, Exporter &e) {
  if (!isa<FloatType>(Exporter::elementOf(op.getX())))
    failExport("ONNX has no transposed convolution of integers; export the model before it is "
               "lowered to integer arithmetic");
  Attrs attributes = getConvAttrs(op);
  attributes.push_back({"output_padding", op.getOutputPadding()});
  e.emit("ConvTranspose", {e.name(op.getX()), e.name(op.getWeight()), e.name(op.getBias())},
         attributes);
}

static void exportEmbedding(nn::EmbeddingOp op, Exporter &e) {
  e.emit("Gather", {e.name(op.getTable()), e.name(op.getIndices())}, {{"axis", int64_t(0)}});
}

void terse::onnx::addContractions(HandlerTable &t) {
  t.add<nn::LinearOp>(exportLinear);
  t.add<nn::MatmulOp>(exportMatmul);
  t.add<nn::ConvOp>(exportConv);
  t.add<nn::ConvTransposeOp>(exportConvTranspose);
  t.add<nn::EmbeddingOp>(exportEmbedding);
}
