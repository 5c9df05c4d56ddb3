//===- Prepare.cpp - Rewrites what ONNX has no operator for -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encodings that QuantizeLinear and DequantizeLinear cannot say decode by the nn ops that they
// build for themselves: a codebook becomes a Gather from its table. Composite ops that came to ONNX
// after opset 21 become simpler ones.
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

/// Constants up to this size are attributes, larger ones globals.
static constexpr int64_t kMaxInlineBytes = 1024;

static llvm::Error explain(Operation *op, const llvm::Twine &reason) {
  return makeError("layer '{0}' ({1}): {2}", getLayerName(op), op->getName().getStringRef(),
                   reason.str());
}

//===----------------------------------------------------------------------===//
// Encodings
//===----------------------------------------------------------------------===//

/// Gives every user of `encoded` the floats or the components instead.
static void replaceEncoded(Value encoded, Value floats, ValueRange components) {
  for (OpOperand &use : llvm::make_early_inc_range(encoded.getUses())) {
    Operation *user = use.getOwner();
    if (auto decode = dyn_cast<DecodeOp>(user)) {
      decode.getResult().replaceAllUsesWith(floats);
      decode.erase();
    } else if (auto parts = dyn_cast<ComponentsOp>(user)) {
      parts.getResults().replaceAllUsesWith(components);
      parts.erase();
    } else {
      use.set(floats);
    }
  }
}

static llvm::Error makeFloats(AssembleOp assemble, SymbolTable &symbols) {
  std::vector<HostTensor> components;
  for (Value component : assemble.getComponents()) {
    std::optional<HostTensor> tensor = getConstant(component);
    if (!tensor)
      return explain(assemble,
                     "its parameters are computed, so that it has no floats to be written");
    components.push_back(std::move(*tensor));
  }
  FailureOr<HostTensor> decoded = assemble.getEncoding().decodeHost(
      components, stripEncoding(cast<RankedTensorType>(assemble.getType())),
      [&] { return assemble.emitError(); });
  if (failed(decoded))
    return explain(assemble, "cannot be decoded");
  OpBuilder builder(assemble);
  Location loc = assemble.getLoc();
  Value floats;
  if (int64_t(decoded->getBytes().size()) <= kMaxInlineBytes) {
    floats = nn::ConstantOp::create(builder, loc, toDenseElements(*decoded, assemble.getContext()));
  } else {
    ml_program::GlobalOp values = getConstantGlobal(assemble.getComponents().front());
    StringRef name = values ? values.getSymName() : "weight";
    name.consume_back(".values");
    RankedTensorType type = toTensorType(*decoded, assemble.getContext());
    OpBuilder globals(assemble->getParentOfType<func::FuncOp>());
    auto global = ml_program::GlobalOp::create(
        globals, loc, name, type, /*is_mutable=*/false,
        toDenseResource(*decoded, name, assemble.getContext()), globals.getStringAttr("private"));
    floats = ml_program::GlobalLoadConstOp::create(
        builder, loc, type, SymbolRefAttr::get(assemble.getContext(), symbols.insert(global)));
  }
  replaceEncoded(assemble.getResult(), floats, assemble.getComponents());
  assemble.erase();
  return llvm::Error::success();
}

static llvm::Error expand(Operation *op, EncodingAttrInterface encoding) {
  RankedTensorType logical = stripEncoding(cast<RankedTensorType>(op->getResult(0).getType()));
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  SmallVector<Value> components;
  if (auto encode = dyn_cast<EncodeOp>(op)) {
    auto built =
        encoding.buildEncode(builder, op->getLoc(), encode.getInput(), encode.getParameters());
    if (failed(built))
      return explain(op, "its encoding cannot be computed at run time");
    components = std::move(*built);
  } else {
    components.assign(op->operand_begin(), op->operand_end());
  }
  Value floats = encoding.buildDecode(builder, op->getLoc(), logical, components);
  replaceEncoded(op->getResult(0), floats, components);
  op->erase();
  return llvm::Error::success();
}

static llvm::Error expandEncodings(ModuleOp module, bool floatWeights) {
  SymbolTable symbols(module);
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<AssembleOp, EncodeOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    if (op->use_empty()) {
      op->erase();
      continue;
    }
    auto assemble = dyn_cast<AssembleOp>(op);
    if (assemble && floatWeights && getConstant(assemble.getComponents().front())) {
      if (llvm::Error error = makeFloats(assemble, symbols))
        return error;
      continue;
    }
    if (EncodingAttrInterface encoding = getEncoding(op->getResult(0).getType());
        !isExpressible(encoding, op))
      if (llvm::Error error = expand(op, encoding))
        return error;
  }
  // Ops that encode their own result are made by no pass that runs before export.
  Operation *other = nullptr;
  module.walk([&](Operation *op) {
    if (!isa<AssembleOp, EncodeOp>(op) &&
        llvm::any_of(op->getResultTypes(), [](Type type) { return bool(getEncoding(type)); }))
      other = op;
  });
  if (other)
    return explain(other, "its result is encoded; give the encoding as a terse.encode behind it");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Composite ops
//===----------------------------------------------------------------------===//

static bool isNewerThanOpset(Operation *op) {
  if (auto norm = dyn_cast<nn::LayerNormOp>(op))
    return !norm.getScale(); // LayerNormalization requires one.
  return isa<nn::RmsNormOp, nn::AttentionOp, nn::RotaryEmbeddingOp>(op);
}

static llvm::Error decomposeNewOps(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isNewerThanOpset(op) || isa<RequantizeOp>(op))
      ops.push_back(op);
  });
  if (ops.empty())
    return llvm::Error::success();
  RewritePatternSet patterns(module.getContext());
  nn::populateDecomposeNormPatterns(patterns);
  nn::populateDecomposeAttentionPatterns(patterns);
  populateDecomposeRequantizePatterns(patterns);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingOps);
  if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
    return makeError("composite ops cannot be decomposed");
  return llvm::Error::success();
}

llvm::Error terse::onnx::prepareForExport(ModuleOp module, bool floatWeights) {
  PassManager manager = PassManager::on<ModuleOp>(module.getContext());
  manager.addPass(createInlinerPass());
  manager.addPass(createSymbolDCEPass());
  if (failed(manager.run(module)))
    return makeError("functions cannot be inlined");
  if (llvm::Error error = expandEncodings(module, floatWeights))
    return error;
  return decomposeNewOps(module);
}
