//===- Specialize.cpp - Fix inputs and sizes of a loaded model --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Specialize.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

/// Larger constants are globals.
static constexpr size_t kInlineBytes = 1024;

static Value makeConstant(func::FuncOp entry, const HostTensor &tensor, Type type, StringRef name) {
  OpBuilder builder = OpBuilder::atBlockBegin(&entry.getBody().front());
  Location loc = NameLoc::get(builder.getStringAttr(name));
  if (tensor.getBytes().size() <= kInlineBytes)
    return nn::ConstantOp::create(
        builder, loc, toDenseElements(tensor, builder.getContext(), cast<ShapedType>(type)));
  auto module = entry->getParentOfType<ModuleOp>();
  auto value = toDenseResource(tensor, name, builder.getContext());
  OpBuilder detached(module.getContext());
  auto global =
      ml_program::GlobalOp::create(detached, loc, name, value.getType(), /*is_mutable=*/false,
                                   value, builder.getStringAttr("private"));
  SymbolTable(module).insert(global, module.getBody()->begin()); // Finds a free name.
  return ml_program::GlobalLoadConstOp::create(builder, loc, value.getType(),
                                               SymbolRefAttr::get(global.getSymNameAttr()));
}

/// Gives `value` the static sizes of `inferred`; its encoding stays.
static void refine(Value value, Type inferred) {
  auto type = dyn_cast<RankedTensorType>(value.getType()),
       other = dyn_cast<RankedTensorType>(inferred);
  if (!type || !other || type.getRank() != other.getRank())
    return;
  SmallVector<int64_t> shape(type.getShape());
  for (auto [size, known] : llvm::zip(shape, other.getShape()))
    if (ShapedType::isDynamic(size))
      size = known;
  value.setType(type.clone(shape));
}

/// The result of an op whose sizes are an operand, or what remains of its input's.
static void refineFromShape(Value result, Value input, Value shape) {
  auto type = cast<RankedTensorType>(result.getType()),
       from = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> sizes(type.getShape());
  DenseIntElementsAttr given;
  if (shape && matchPattern(shape, m_Constant(&given))) {
    for (auto [size, value] : llvm::zip(sizes, given.getValues<APInt>()))
      size = value.getSExtValue();
  } else if (!shape && from.hasStaticShape() && type.getNumDynamicDims() == 1) {
    int64_t known = 1, *open = nullptr;
    for (int64_t &size : sizes)
      ShapedType::isDynamic(size) ? void(open = &size) : void(known *= size);
    if (known)
      *open = from.getNumElements() / known;
  }
  refine(result, type.clone(sizes));
}

/// Carries what is known of the arguments' types on to all that follows from them.
static void refineTypes(func::FuncOp entry) {
  entry.walk<WalkOrder::PreOrder>([](Operation *op) {
    if (auto reshape = dyn_cast<nn::ReshapeOp>(op))
      return refineFromShape(reshape.getResult(), reshape.getX(), reshape.getShape());
    if (auto broadcast = dyn_cast<nn::BroadcastOp>(op); broadcast && broadcast.getShape())
      return refineFromShape(broadcast.getResult(), broadcast.getX(), broadcast.getShape());
    auto infer = dyn_cast<InferTypeOpInterface>(op);
    SmallVector<Type> types;
    if (!infer || failed(infer.inferReturnTypes(op->getContext(), std::nullopt, op->getOperands(),
                                                op->getAttrDictionary(), op->getPropertiesStorage(),
                                                op->getRegions(), types)))
      return; // The verifier says what is wrong.
    for (auto [result, type] : llvm::zip(op->getResults(), types))
      refine(result, type);
  });
  Block &block = entry.getBody().front();
  entry.setFunctionType(FunctionType::get(entry.getContext(), block.getArgumentTypes(),
                                          block.getTerminator()->getOperandTypes()));
}

static LogicalResult simplify(ModuleOp module) {
  PassManager manager = PassManager::on<ModuleOp>(module.getContext());
  manager.enableVerifier(false); // Types need not fit before they are refined.
  manager.addPass(nn::createNNFoldConstantsPass());
  manager.addPass(createCanonicalizerPass());
  return manager.run(module);
}

llvm::Error terse::specialize(ModuleOp module, const LoadOptions &options) {
  if (options.bindings.empty() && options.dims.empty())
    return llvm::Error::success();
  auto found = findEntryFunction(module);
  if (!found)
    return found.takeError();
  func::FuncOp entry = *found;
  auto signature = getSignature(module);
  if (!signature)
    return signature.takeError();

  std::set<std::string> used;
  BitVector bound(entry.getNumArguments());
  for (auto [index, input] : llvm::enumerate(signature->inputs)) {
    BlockArgument argument = entry.getArgument(index);
    auto binding = options.bindings.find(input.name);
    if (binding != options.bindings.end()) {
      if (llvm::Error error = checkInput(input, binding->second, "--bind " + input.name))
        return error;
      argument.replaceAllUsesWith(makeConstant(
          entry, binding->second,
          cast<RankedTensorType>(argument.getType()).clone(binding->second.shape), input.name));
      bound.set(index);
      used.insert(input.name);
      continue;
    }
    SmallVector<int64_t> shape(cast<RankedTensorType>(argument.getType()).getShape());
    SmallVector<StringRef> names;
    for (auto [axis, size] : llvm::enumerate(shape)) {
      if (size == ShapedType::kDynamic) {
        auto given = options.dims.find(llvm::formatv("{0}[{1}]", input.name, axis).str());
        if (given == options.dims.end() && !input.getDimName(axis).empty())
          given = options.dims.find(input.getDimName(axis).str());
        if (given != options.dims.end()) {
          size = given->second;
          used.insert(given->first);
        }
      }
      names.push_back(size == ShapedType::kDynamic ? input.getDimName(axis) : "");
    }
    argument.setType(cast<RankedTensorType>(argument.getType()).clone(shape));
    if (llvm::any_of(names, [](StringRef name) { return !name.empty(); }))
      entry.setArgAttr(index, "nn.dims", Builder(module.getContext()).getStrArrayAttr(names));
    else
      entry.removeArgAttr(index, "nn.dims");
  }
  for (const auto &[name, value] : options.bindings)
    if (!options.used && !used.count(name))
      return makeError("cannot bind '{0}': the model has no such input", name);
  for (const auto &[name, size] : options.dims)
    if (!options.used && !used.count(name))
      return makeError("no input has a dimension '{0}' of unknown size", name);
  if (options.used)
    options.used->insert(used.begin(), used.end());
  if (used.empty())
    return llvm::Error::success();

  std::string message;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  bool ok = succeeded(entry.eraseArguments(bound));
  for (int round = 0; ok && round < 2; ++round) { // Constants give sizes, and sizes give constants.
    refineTypes(entry);
    ok = succeeded(simplify(module));
  }
  if (!ok || failed(verify(module)))
    return makeError(
        "the model cannot be specialized once it is imported ({0}); give --bind and --dim "
        "where the ONNX model is read, for example to terse import",
        message);
  return llvm::Error::success();
}
