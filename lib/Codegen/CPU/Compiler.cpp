//===- Compiler.cpp - From a module to an object file ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/Compiler.h"
#include "EntryFunction.h"
#include "ObjectCache.h"
#include "SingleLaneStores.h"
#include "Target.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/TransformOps/DialectExtension.h"
#include "mlir/Dialect/Linalg/Transforms/AllInterfaces.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/SubsetOpInterfaceImpl.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "terse/Codegen/CPU/Explain.h"
#include "terse/Conversion/WeightFormats.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "terse/Dialect/UKernel/Transforms/Tuning.h"
#include "terse/Pipelines/Pipelines.h"
#include "terse/Runtime/abi.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

using namespace mlir;
using namespace terse;

void terse::registerCompilerDialects(DialectRegistry &registry) {
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  func::registerInlinerExtension(registry);
  linalg::registerAllDialectInterfaceImplementations(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  vector::registerBufferizableOpInterfaceExternalModels(registry);
  vector::registerSubsetOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertAMXToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
  ukernel::registerBufferizationModels(registry);
  registerWeightFormats(registry);
  registry.insert<LLVM::LLVMDialect, amx::AMXDialect, cpu::TerseCPUDialect, nn::NNDialect,
                  ukernel::UKernelDialect>();
}

// Runs `pm` and turns its diagnostics into the error.
static llvm::Error runPasses(PassManager &pm, ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  LogicalResult result = success();
  {
    ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &d) {
      if (d.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      os << (text.empty() ? "" : "\n") << d.getLocation() << ": " << d.str();
      for (Diagnostic &note : d.getNotes())
        if (note.str().size() < 500)
          os << "\n  note: " << note.str();
      return success();
    });
    result = pm.run(module);
  }
  if (succeeded(result))
    return llvm::Error::success();
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                 text.empty() ? "compilation failed" : text);
}

static llvm::Expected<TensorSignature> getSignature(Type type, StringAttr name, StringRef fallback,
                                                    unsigned index) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<DType> dtype = tensor ? toDType(tensor.getElementType()) : std::nullopt;
  if (!dtype) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "expected ranked tensors as inputs and outputs (got " << type << ")";
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), text);
  }
  TensorSignature signature;
  signature.name = name ? name.str() : (fallback + llvm::Twine(index)).str();
  signature.dtype = *dtype;
  for (int64_t d : tensor.getShape())
    signature.shape.push_back(ShapedType::isDynamic(d) ? -1 : d);
  return signature;
}

static llvm::Error readSignature(func::FuncOp entry, CompiledCode &code) {
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    auto s = getSignature(type, entry.getArgAttrOfType<StringAttr>(i, "nn.name"), "input", i);
    if (!s)
      return s.takeError();
    code.inputs.push_back(*s);
  }
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes())) {
    auto s = getSignature(type, entry.getResultAttrOfType<StringAttr>(i, "nn.name"), "output", i);
    if (!s)
      return s.takeError();
    code.outputs.push_back(*s);
  }
  return llvm::Error::success();
}

// Every code object exports the pointer to the services of its loader.
static void addServicesPointer(llvm::Module &module) {
  auto *ptr = llvm::PointerType::get(module.getContext(), 0);
  if (module.getNamedGlobal(TERSE_SERVICES_SYMBOL))
    return;
  new llvm::GlobalVariable(module, ptr, /*isConstant=*/false, llvm::GlobalValue::ExternalLinkage,
                           llvm::ConstantPointerNull::get(ptr), TERSE_SERVICES_SYMBOL);
}

static llvm::Expected<std::string> emitObject(llvm::Module &module, llvm::TargetMachine &machine,
                                              unsigned optLevel) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function &f : module)
    if (!f.isDeclaration()) {
      f.addFnAttr("target-cpu", machine.getTargetCPU());
      f.addFnAttr("target-features", machine.getTargetFeatureString());
      f.addFnAttr(llvm::Attribute::NoUnwind);
    }
  llvm::LoopAnalysisManager lam;
  llvm::FunctionAnalysisManager fam;
  llvm::CGSCCAnalysisManager cgam;
  llvm::ModuleAnalysisManager mam;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = optLevel > 1;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(mam);
  builder.registerCGSCCAnalyses(cgam);
  builder.registerFunctionAnalyses(fam);
  builder.registerLoopAnalyses(lam);
  builder.crossRegisterProxies(lam, fam, cgam, mam);
  static const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2,
      llvm::OptimizationLevel::O3};
  auto level = levels[std::min(optLevel, 3u)];
  llvm::ModulePassManager mpm = optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                                              : builder.buildPerModuleDefaultPipeline(level);
  mpm.run(module, mam);
  lowerSingleLaneStores(module);

  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream os(buffer);
  llvm::legacy::PassManager codegen;
  if (machine.addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError(std::make_error_code(std::errc::not_supported),
                                   "the target cannot write object files");
  codegen.run(module);
  return std::string(buffer.begin(), buffer.end());
}

namespace {
/// One compilation, stage by stage.
class Compilation {
public:
  Compilation(ModuleOp original, const CompileOptions &options)
      : original(original), options(options) {}

  /// To fused linalg on tensors; signature and weights are known then.
  llvm::Error lowerToLinalg();
  /// Gives weights that other code has the place that they have there.
  void shareWeights();
  /// Counts what leaves the ranges of static integers.
  llvm::Error addCounters();
  /// From the cache if it is there.
  llvm::Error makeObject();

  CompiledCode code;

private:
  llvm::Error generateCode();
  llvm::Error run(llvm::function_ref<void(OpPassManager &)> build, StringRef stage) {
    PassManager pm(module->getContext(), ModuleOp::getOperationName());
    build(pm);
    if (llvm::Error error = runPasses(pm, *module))
      return error;
    if (options.observer)
      options.observer(stage, *module);
    return llvm::Error::success();
  }

  ModuleOp original;
  const CompileOptions &options;
  NativeTarget target;
  CPUPipelineOptions pipeline;
  OwningOpRef<ModuleOp> module;
};
} // namespace

llvm::Error Compilation::lowerToLinalg() {
  llvm::Expected<NativeTarget> created = createTarget(options.target, options.optLevel);
  if (!created)
    return created.takeError();
  target = std::move(*created);
  DialectRegistry registry;
  registerCompilerDialects(registry);
  original.getContext()->appendDialectRegistry(registry);

  module = original.clone();
  pipeline.parallel = options.parallel;
  pipeline.hasF16C = target.hasF16C;
  pipeline.hasVBMI = target.hasVBMI;
  pipeline.hasFMA = target.hasFMA;
  pipeline.fetchesStreams = target.fetchesStreams;
  pipeline.vectorBytes = target.vectorBytes;
  // LLVM places tile registers only when it optimizes.
  pipeline.isa = target.isa == "amx_int8" && options.optLevel == 0 ? "avx512vnni" : target.isa;
  pipeline.bf16 = target.bf16 == "amx_bf16" && options.optLevel == 0 ? "avx512bf16" : target.bf16;

  pipeline.chains = options.chains;
  pipeline.tuning = options.tuning;
  if (!options.tuning.empty()) {
    auto tuning = ukernel::Tuning::read(options.tuning);
    if (!tuning)
      return tuning.takeError();
    if (tuning->features != target.features)
      return makeError(
          "'{0}': was measured on a machine with other CPU features than target '{1}'; "
          "measure on this one with --tune and another file",
          options.tuning, options.target);
  }
  code.triple = target.triple;
  code.features = target.features;
  if (!getEntryFunction(*module))
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "expected a function 'main' or exactly one public function");
  if (options.countRanges)
    if (llvm::Error error = addCounters())
      return error;
  if (llvm::Error error = run(buildDecomposePipeline, "nn"))
    return error;
  // Encoded arguments have become their components by now; types still say more than their storage.
  if (llvm::Error error = readSignature(getEntryFunction(*module), code))
    return error;
  if (llvm::Error error =
          run([&](OpPassManager &pm) { buildLinalgPipeline(pm, pipeline); }, "linalg"))
    return error;
  code.slowIntegers = findSlowIntegers(*module);
  code.plainIntegers = countPlainIntegers(*module);
  if (!options.sharedWeights.empty())
    shareWeights();
  for (const WeightSlot &slot : options.sharedWeights)
    code.weightsSize = std::max(code.weightsSize, slot.offset + slot.bytes);
  for (WeightSlot &slot : computeWeightsLayout(*module)) {
    code.weightsSize = std::max(code.weightsSize, slot.offset + slot.bytes);
    code.weights.push_back(std::move(slot));
  }
  return llvm::Error::success();
}

void Compilation::shareWeights() {
  auto getKey = [](const WeightSlot &slot) {
    return StringRef(slot.data.data(), slot.data.size());
  };
  uint64_t end = 0;
  llvm::DenseMap<StringRef, uint64_t> offsets; // By content.
  for (const WeightSlot &slot : options.sharedWeights) {
    end = std::max(end, llvm::alignTo(slot.offset + slot.bytes, 64));
    if (!slot.data.empty())
      offsets.try_emplace(getKey(slot), slot.offset);
  }
  SymbolTable symbols(*module);
  Builder b(module->getContext());
  for (const WeightSlot &slot : computeWeightsLayout(*module)) {
    auto found = slot.data.empty() ? offsets.end() : offsets.find(getKey(slot));
    uint64_t offset = found != offsets.end() ? found->second : end;
    if (offset == end)
      end = llvm::alignTo(end + slot.bytes, 64);
    symbols.lookup(slot.symbol)->setAttr(kWeightOffsetAttr, b.getI64IntegerAttr(offset));
  }
}

llvm::Error Compilation::addCounters() {
  // Where a range ends and where the model clamps is known while the integer graph is made only.
  (*module)->setDiscardableAttr(kCountRangesAttr, UnitAttr::get(module->getContext()));
  auto build = [](OpPassManager &pm) {
    pm.addPass(createInlinerPass());
    pm.addPass(createSymbolDCEPass());
    buildIntegerPipeline(pm);
  };
  if (llvm::Error error = run(build, "integers"))
    return error;
  (*module)->removeDiscardableAttr(kCountRangesAttr);
  auto ranges = countRanges(getEntryFunction(*module));
  if (!ranges)
    return ranges.takeError();
  code.ranges = std::move(*ranges);
  return llvm::Error::success();
}

llvm::Error Compilation::generateCode() {
  if (llvm::Error error =
          run([&](OpPassManager &pm) { buildBufferPipeline(pm, pipeline); }, "buffers"))
    return error;
  if (auto entry = module->lookupSymbol<func::FuncOp>(TERSE_ENTRY_SYMBOL))
    if (auto size = entry->getAttrOfType<IntegerAttr>(kArenaSizeAttr))
      code.arenaSize = size.getInt();
  if (llvm::Error error = run([&](OpPassManager &pm) { buildLLVMPipeline(pm, pipeline); }, "llvm"))
    return error;

  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(*module, llvmContext, "terse");
  if (!llvmModule)
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "translation to LLVM IR failed");
  addServicesPointer(*llvmModule);
  llvm::Expected<std::string> object = emitObject(*llvmModule, *target.machine, options.optLevel);
  if (!object)
    return object.takeError();
  code.object = std::move(*object);
  return llvm::Error::success();
}

llvm::Error Compilation::makeObject() {
  if (options.cacheFolder.empty() || options.observer)
    return generateCode();
  cpu::ObjectCache cache(options.cacheFolder);
  std::string settings =
      llvm::formatv("{0} {1} {2} O{3} parallel={4}", code.triple, target.machine->getTargetCPU(),
                    code.features, options.optLevel, options.parallel);
  std::string key = cpu::ObjectCache::getKey(*module, settings);
  if (std::optional<cpu::CachedObject> found = cache.find(key)) {
    code.object = std::move(found->object);
    code.arenaSize = found->arenaSize;
    code.isFromCache = true;
    return llvm::Error::success();
  }
  if (llvm::Error error = generateCode())
    return error;
  cache.add(key, {code.object, code.arenaSize});
  return llvm::Error::success();
}

llvm::Expected<CompiledCode> terse::compileToObject(ModuleOp original,
                                                    const CompileOptions &options) {
  Compilation compilation(original, options);
  if (llvm::Error error = compilation.lowerToLinalg())
    return std::move(error);
  if (llvm::Error error = compilation.makeObject())
    return std::move(error);
  return std::move(compilation.code);
}

llvm::Expected<CompiledCode> terse::layOutWeights(ModuleOp original,
                                                  const CompileOptions &options) {
  Compilation compilation(original, options);
  if (llvm::Error error = compilation.lowerToLinalg())
    return std::move(error);
  return std::move(compilation.code);
}

llvm::Error terse::writeWeights(const CompiledCode &code, uint8_t *base) {
  for (const WeightSlot &slot : code.weights) {
    if (slot.bytes == 0)
      continue;
    if (slot.data.size() < slot.bytes)
      return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                     "the data of weight '" + slot.symbol + "' is missing");
    std::memcpy(base + slot.offset, slot.data.data(), slot.bytes);
  }
  return llvm::Error::success();
}
