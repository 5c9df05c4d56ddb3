//===- Tune.cpp - Measures schedules of kernels ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/Tune.h"
#include "Target.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Pipelines/Pipelines.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/MapVector.h"

#include <chrono>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

/// Dimensions of unknown size become 1; null for types that a model cannot take.
static RankedTensorType fixType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !toDType(tensor.getElementType()))
    return {};
  SmallVector<int64_t> shape(tensor.getShape());
  llvm::replace(shape, ShapedType::kDynamic, int64_t(1));
  return RankedTensorType::get(shape, tensor.getElementType());
}

/// Numbers of usual size: zeros may be faster.
static HostTensor fill(DType dtype, ArrayRef<int64_t> shape) {
  HostTensor tensor = HostTensor::zeros(dtype, shape);
  for (int64_t i = 0; i < tensor.getNumElements(); ++i)
    tensor.setFromDouble(i, dtype.isFloat() ? double(i % 17) / 8 - 1 : double(i * 7 % 100));
  return tensor;
}

/// The weights of few bits that `value` shows, perhaps in another shape; null if it shows others.
static Value cloneWeights(OpBuilder &b, Value value) {
  Operation *source = value.getDefiningOp();
  if (isa_and_nonnull<WeightsOp>(source))
    return b.clone(*source)->getResult(0);
  if (!isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(source))
    return {};
  Value from = cloneWeights(b, source->getOperand(0));
  if (!from)
    return {};
  IRMapping mapping;
  mapping.map(source->getOperand(0), from);
  return b.clone(*source, mapping)->getResult(0);
}

/// A model that computes `op` alone; null if its operands cannot be those of a model.
static OwningOpRef<ModuleOp> isolate(KernelOpInterface op, ScheduleAttr schedule) {
  Location loc = op.getLoc();
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  OpBuilder b(module->getBodyRegion());
  SmallVector<Type> types{fixType(op.getLhs().getType())};
  for (Value extra : op.getExtras())
    types.push_back(fixType(extra.getType()));
  RankedTensorType result = fixType(op.getInit().getType()),
                   weights = fixType(op.getRhs().getType());
  if (llvm::is_contained(types, Type()) || !result || !weights)
    return {};
  auto function = func::FuncOp::create(b, loc, "main", b.getFunctionType(types, result));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  SymbolTable symbols(*module);
  IRMapping mapping;
  mapping.map(op.getLhs(), body->getArgument(0));
  mapping.map(op.getExtras(), body->getArguments().drop_front());
  // Weights that the kernel decodes are what they are; of others only the size matters.
  Value rhs = cloneWeights(b, op.getRhs());
  if (!rhs)
    rhs = nn::createConstant(b, loc, fill(*toDType(weights.getElementType()), weights.getShape()),
                             weights, "weights", symbols);
  mapping.map(op.getRhs(), rhs);
  mapping.map(op.getInit(),
              tensor::EmptyOp::create(b, loc, result.getShape(), result.getElementType()));
  RankedTensorType magnitudes;
  if (Value value = op.getMagnitudes()) {
    magnitudes = fixType(value.getType());
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0)),
          empty = tensor::EmptyOp::create(b, loc, magnitudes.getShape(), b.getF32Type());
    mapping.map(value, linalg::FillOp::create(b, loc, zero, empty).getResult(0));
  }
  op.getEpilogue().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentRegion() != &op.getEpilogue() && !mapping.contains(operand) &&
          matchPattern(operand, m_Constant()))
        mapping.map(operand, b.clone(*operand.getDefiningOp())->getResult(0));
  });
  auto copy = cast<KernelOpInterface>(b.clone(*op.getOperation(), mapping));
  copy->getResult(0).setType(result);
  if (magnitudes)
    copy->getResult(1).setType(magnitudes);
  copy.setScheduleAttr(schedule);
  func::ReturnOp::create(b, loc, copy->getResult(0));
  return module;
}

namespace {
struct Probe {
  std::unique_ptr<JITModel> model;
  std::vector<double> times;

  double getMedian() {
    llvm::sort(times);
    return times[times.size() / 2];
  }
};
} // namespace

/// Seconds of one run, the mean of so many that clocks are precise.
static llvm::Expected<double> time(JITModel &model, ArrayRef<HostTensor> inputs) {
  constexpr double kLeast = 3e-4;
  auto start = std::chrono::steady_clock::now();
  for (int runs = 1;; ++runs) {
    auto outputs = model.run(inputs);
    if (!outputs)
      return outputs.takeError();
    std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (spent.count() > kLeast)
      return spent.count() / runs;
  }
}

/// Times all candidates in turns; the first is the compiler's own. Empty if the kernel cannot stand
/// alone.
static llvm::Expected<std::vector<double>>
measure(KernelOpInterface op, ArrayRef<ScheduleAttr> candidates, const CompileOptions &options) {
  constexpr int kRounds = 9, kWarmUp = 2;
  std::vector<Probe> probes;
  std::vector<HostTensor> inputs;
  for (ScheduleAttr schedule : candidates) {
    OwningOpRef<ModuleOp> module = isolate(op, schedule);
    if (!module)
      return std::vector<double>();
    auto model = JITModel::create(*module, options);
    if (!model)
      return model.takeError();
    if (inputs.empty())
      for (const TensorSignature &input : (*model)->getInputs())
        inputs.push_back(fill(input.dtype, input.shape));
    probes.push_back({std::move(*model), {}});
  }
  for (int round = -kWarmUp; round < kRounds; ++round)
    for (Probe &probe : probes) {
      auto spent = time(*probe.model, inputs);
      if (!spent)
        return spent.takeError();
      if (round >= 0)
        probe.times.push_back(*spent);
    }
  std::vector<double> medians;
  for (Probe &probe : probes)
    medians.push_back(probe.getMedian());
  return medians;
}

llvm::Expected<TuneResult>
terse::tuneKernels(ModuleOp original, const CompileOptions &options, Tuning &tuning,
                   llvm::function_ref<void(llvm::StringRef, size_t, size_t)> progress) {
  constexpr double kMinGain = 0.97;
  auto target = createTarget(options.target, options.optLevel);
  if (!target)
    return target.takeError();
  if (!tuning.schedules.empty() && tuning.features != target->features)
    return makeError("the file of tuned kernels was measured on a machine with other CPU features; "
                     "write to another file");
  tuning.features = target->features;
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext *context = original.getContext();
  context->appendDialectRegistry(registry);

  OwningOpRef<ModuleOp> module = original.clone();
  PassManager pm(context, ModuleOp::getOperationName());
  CPUPipelineOptions pipeline;
  pipeline.vectorBytes = target->vectorBytes;
  pipeline.isa = target->isa;
  SelectSchedulesPassOptions select;
  select.isa = target->isa;
  select.vectorBytes = target->vectorBytes;
  buildDecomposePipeline(pm);
  buildKernelPipeline(pm, pipeline);
  pm.addNestedPass<func::FuncOp>(createSelectSchedulesPass(select));
  if (failed(pm.run(*module)))
    return makeError("the model cannot be lowered to kernels");

  ISA best = symbolizeISA(target->isa).value_or(ISA::Portable);
  llvm::MapVector<std::string, KernelOpInterface, std::map<std::string, unsigned>> kernels;
  module->walk([&](KernelOpInterface op) {
    std::string signature = getKernelSignature(op);
    if (!op.isDepthwise() && !isBlockProduct(op) && !tuning.schedules.count(signature))
      kernels.insert({signature, op});
  });
  CompileOptions alone = options;
  alone.parallel = false;
  alone.tuning.clear();
  alone.sharedWeights = {};
  alone.observer = nullptr;
  alone.countRanges = false;
  TuneResult result;
  double own = 0, found = 0;
  size_t index = 0;
  for (auto &[signature, op] : kernels) {
    progress(signature, index++, kernels.size());
    auto candidates = getCandidates(op, op.getScheduleAttr(), best);
    auto times = measure(op, candidates, alone);
    if (!times)
      return times.takeError();
    if (times->empty())
      continue;
    size_t fastest = llvm::min_element(*times) - times->begin();
    if ((*times)[fastest] > kMinGain * times->front())
      fastest = 0;
    std::string text;
    llvm::raw_string_ostream(text) << Attribute(candidates[fastest]);
    tuning.schedules[signature] = text;
    ++result.measured;
    result.changed += fastest != 0;
    own += times->front();
    found += (*times)[fastest];
  }
  if (own > 0)
    result.ratio = found / own;
  return result;
}
