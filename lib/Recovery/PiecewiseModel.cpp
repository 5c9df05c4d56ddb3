//===- PiecewiseModel.cpp - A model that runs piece by piece ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PiecewiseModel.h"

#include "Simulation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/IRMapping.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;
using namespace terse;

struct PiecewiseModel::Impl {
  ModuleOp module;
  func::FuncOp function;
  Options options;
  /// What is known of every sample: the inputs at first, then values inside.
  SmallVector<Value> known;
  std::unique_ptr<SampleFile> file, next;
  SmallVector<Value> nextKnown;

  OwningOpRef<ModuleOp> piece;
  func::FuncOp pieceFunction;
  std::unique_ptr<Interpreter> interpreter;
  std::unique_ptr<JITModel> native;
  /// Which result of the piece each kept value, and each activation behind them, is.
  SmallVector<size_t> places;

  uint64_t getLimit();
  SmallVector<Value> findCrossing(Operation *boundary);
};

PiecewiseModel::PiecewiseModel(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
PiecewiseModel::~PiecewiseModel() = default;
bool PiecewiseModel::needsInputs() const { return !impl->file; }

llvm::Expected<std::unique_ptr<PiecewiseModel>> PiecewiseModel::create(ModuleOp module,
                                                                       const Options &options) {
  auto impl = std::make_unique<Impl>();
  impl->module = module;
  impl->options = options;
  auto function = findEntryFunction(module);
  if (!function)
    return function.takeError();
  impl->function = *function;
  llvm::append_range(impl->known, function->getArguments());
  return std::unique_ptr<PiecewiseModel>(new PiecewiseModel(std::move(impl)));
}

/// Bytes of one sample; open dimensions count as 1.
static uint64_t getBytes(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  uint64_t bytes = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : uint64_t(size);
  return bytes;
}

/// Nothing is kept that takes more room than the data themselves, or, where these are small, than
/// 512 MiB for all samples.
uint64_t PiecewiseModel::Impl::getLimit() {
  uint64_t inputs = 0;
  for (Value argument : function.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      inputs += ::getBytes(argument);
  return std::max(inputs, (uint64_t(512) << 20) / uint64_t(std::max<int64_t>(1, options.samples)));
}

/// What ops from `boundary` on read of the ops before, constants apart.
SmallVector<Value> PiecewiseModel::Impl::findCrossing(Operation *boundary) {
  llvm::SetVector<Value> crossing;
  llvm::DenseSet<Operation *> constant;
  Block &block = function.getBody().front();
  bool behind = false;
  for (Operation &op : block.without_terminator()) {
    behind |= &op == boundary;
    bool isConstant = op.getNumRegions() == 0;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *definition = operand.getDefiningOp();
        bool isOuter = definition ? definition->getBlock() == &block
                                  : cast<BlockArgument>(operand).getOwner() == &block;
        if (!isOuter)
          continue;
        bool fromConstant = definition && constant.contains(definition);
        isConstant &= fromConstant;
        if (behind && !fromConstant && !(definition && !definition->isBeforeInBlock(boundary)))
          crossing.insert(operand);
      }
    });
    if (isConstant)
      constant.insert(&op);
  }
  return crossing.takeVector();
}

/// Erases what nothing reads, and weights that no op loads any more.
static void eraseUnused(ModuleOp module, func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
  std::set<StringRef> used;
  module.walk([&](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      attribute.getValue().walk([&](SymbolRefAttr symbol) {
        if (!isa<SymbolOpInterface>(op))
          used.insert(symbol.getRootReference().getValue());
      });
  });
  for (auto global : llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (global.isPrivate() && !used.count(global.getSymName()))
      global.erase();
}

static void setResults(func::FuncOp function, ValueRange values) {
  Operation *terminator = function.getBody().front().getTerminator();
  terminator->setOperands(values);
  OpBuilder builder(function);
  function.setFunctionType(builder.getFunctionType(function.getBody().front().getArgumentTypes(),
                                                   terminator->getOperandTypes()));
  SmallVector<Attribute> names;
  for (size_t i = 0; i < values.size(); ++i)
    names.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("nn.name", builder.getStringAttr("out." + Twine(i)))));
  function.setResAttrsAttr(builder.getArrayAttr(names));
}

llvm::Error PiecewiseModel::prepare(Operation *boundary, ArrayRef<nn::ContractionLike> layers) {
  Impl &state = *impl;
  state.native.reset();
  state.interpreter.reset();
  state.next.reset();
  state.nextKnown.clear();
  if (boundary) {
    SmallVector<Value> crossing = state.findCrossing(boundary);
    uint64_t bytes = 0;
    bool isPlain = crossing != state.known;
    for (Value value : crossing) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      isPlain &= type && !type.getEncoding() && type.getElementType().isIntOrFloat();
      bytes += isPlain ? getBytes(value) : 0;
    }
    if (isPlain && bytes <= state.getLimit()) {
      state.nextKnown = std::move(crossing);
      auto file = SampleFile::create();
      if (!file)
        return file.takeError();
      state.next = std::move(*file);
    }
  }

  IRMapping mapping;
  state.piece = OwningOpRef<ModuleOp>(cast<ModuleOp>(state.module->clone(mapping)));
  auto function = cast<func::FuncOp>(mapping.lookup(state.function.getOperation()));
  state.pieceFunction = function;
  Block &block = function.getBody().front();
  OpBuilder builder(function);
  // First the results, then the new arguments take the place of what made their values.
  SmallVector<Value> results;
  for (Value value : state.nextKnown)
    results.push_back(mapping.lookup(value));
  SmallVector<nn::ContractionLike> copies;
  for (nn::ContractionLike layer : layers) {
    copies.push_back(cast<nn::ContractionLike>(mapping.lookup(layer.getOperation())));
    results.push_back(copies.back()->getResult(0));
  }
  block.getTerminator()->setOperands(results);
  unsigned numOld = block.getNumArguments();
  SmallVector<Attribute> names;
  for (auto [i, value] : llvm::enumerate(state.known)) {
    Value argument = block.addArgument(value.getType(), value.getLoc());
    mapping.lookup(value).replaceAllUsesWith(argument);
    names.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("nn.name", builder.getStringAttr("in." + Twine(i)))));
  }
  removeObservers(*state.piece);
  eraseUnused(*state.piece, function);
  for (unsigned i = 0; i < numOld; ++i)
    if (!block.getArgument(i).use_empty())
      return makeError("a value is used before what is known");
  block.eraseArguments(0, numOld);
  function.setArgAttrsAttr(builder.getArrayAttr(names));
  setResults(function, SmallVector<Value>(block.getTerminator()->getOperands()));

  if (llvm::Error error = carryOutActivations(*state.piece, state.options.encodeActivations))
    return error;
  results.assign(block.getTerminator()->operand_begin(),
                 block.getTerminator()->operand_begin() + state.nextKnown.size());
  for (nn::ContractionLike op : copies) {
    Value value = op.getActivationOperand().get();
    if (getEncoding(value.getType())) {
      builder.setInsertionPoint(op);
      value = DecodeOp::create(builder, op->getLoc(), value);
    }
    results.push_back(value);
  }
  llvm::SetVector<Value> distinct(results.begin(), results.end());
  state.places = llvm::map_to_vector(results, [&](Value value) -> size_t {
    return llvm::find(distinct, value) - distinct.begin();
  });
  setResults(function, distinct.getArrayRef());
  eraseUnused(*state.piece, function);
  if (state.options.interpret) {
    state.interpreter = std::make_unique<Interpreter>(*state.piece);
    return llvm::Error::success();
  }
  // Samples run in parallel, not the loops of one. Code is alike whatever the weights are.
  CompileOptions compile;
  compile.parallel = false;
  compile.cacheFolder = getDefaultCacheFolder();
  auto created = JITModel::create(*state.piece, compile);
  if (!created)
    return created.takeError();
  state.native = std::move(*created);
  return llvm::Error::success();
}

llvm::Expected<PiecewiseModel::Result> PiecewiseModel::run(size_t sample,
                                                           ArrayRef<HostTensor> inputs) {
  std::vector<HostTensor> kept;
  if (impl->file) {
    auto tensors = impl->file->read(sample);
    if (!tensors)
      return tensors.takeError();
    kept = std::move(*tensors);
    inputs = kept;
  }
  auto results = impl->interpreter ? impl->interpreter->call(impl->pieceFunction, inputs)
                                   : impl->native->run(inputs);
  if (!results)
    return results.takeError();
  Result result;
  for (auto [i, place] : llvm::enumerate(impl->places))
    (i < impl->nextKnown.size() ? result.kept : result.activations).push_back((*results)[place]);
  return std::move(result);
}

llvm::Error PiecewiseModel::keep(const Result &result) {
  return impl->next ? impl->next->add(result.kept) : llvm::Error::success();
}

void PiecewiseModel::finish() {
  impl->native.reset();
  impl->interpreter.reset();
  if (!impl->next)
    return;
  impl->file = std::move(impl->next);
  impl->known = std::move(impl->nextKnown);
}
