//===- Compile.cpp - terse compile ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "ModelOptions.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Artifact/Artifact.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Codegen/CPU/Explain.h"
#include "terse/Codegen/CPU/Tune.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct CompileCommandOptions {
  std::string input, output, tuning, target = "native", chains = "cost";
  unsigned threads = 0;
  bool cache = true, countRanges = false, explain = false;
  ModelOptions model;
};
} // namespace

static std::vector<ArtifactTensor> toArtifact(llvm::ArrayRef<TensorSignature> tensors) {
  std::vector<ArtifactTensor> result;
  for (const TensorSignature &tensor : tensors)
    result.push_back({tensor.name, tensor.dtype, tensor.shape});
  return result;
}

/// The weights that `code` added to the blob, as the artifact lists them. Those of a second target
/// are packed as it reads them, under the same names.
static void addWeights(mlir::ModuleOp module, const CompiledCode &code, llvm::StringRef target,
                       ArtifactContents &contents) {
  mlir::SymbolTable symbols(module);
  for (const WeightSlot &slot : code.weights) {
    if (slot.offset < contents.weightsSize)
      continue; // Shared.
    auto global = symbols.lookup<mlir::ml_program::GlobalOp>(slot.symbol);
    auto type = global ? mlir::dyn_cast<mlir::RankedTensorType>(global.getType())
                       : mlir::RankedTensorType();
    std::optional<DType> dtype = type ? toDType(type.getElementType()) : std::nullopt;
    std::string name = slot.symbol;
    if (!target.empty())
      name += "@" + target.str();
    ArtifactWeight weight{name, DType::u8(), {int64_t(slot.bytes)}, slot.offset, slot.data};
    // Weights that compilation made or packed anew are bytes to everybody else.
    if (dtype && getPackedBytes(*dtype, type.getNumElements()) == slot.bytes) {
      weight.dtype = *dtype;
      weight.shape = type.getShape().vec();
    }
    contents.weights.push_back(std::move(weight));
  }
  contents.weightsSize = code.weightsSize;
}

/// Measures what the file does not know yet and writes it.
static llvm::Error tune(mlir::ModuleOp module, const CompileCommandOptions &options,
                        CompileOptions &compileOptions) {
  if (options.target != "native")
    return makeError("--tune measures on this machine, so that the target is native (got {0})",
                     options.target);
  ukernel::Tuning tuning;
  if (llvm::sys::fs::exists(options.tuning)) {
    auto read = ukernel::Tuning::read(options.tuning);
    if (!read)
      return read.takeError();
    tuning = std::move(*read);
  }
  llvm::Expected<TuneResult> result = TuneResult();
  {
    std::optional<Progress> progress;
    result = tuneKernels(module, compileOptions, tuning,
                         [&](llvm::StringRef kernel, size_t index, size_t total) {
                           if (!progress)
                             progress.emplace("measuring", total);
                           else
                             progress->advance();
                           progress->showStep(kernel, index, total);
                         });
  }
  if (!result)
    return result.takeError();
  if (llvm::Error error = tuning.write(options.tuning))
    return error;
  if (result->measured)
    note(llvm::formatv(
        "measured {0} kernels: {1} are faster in another way than the compiler's own, "
        "all together take {2:F2} of its time; wrote {3}",
        result->measured, result->changed, result->ratio, options.tuning));
  compileOptions.tuning = options.tuning;
  return llvm::Error::success();
}

static llvm::Error compile(const CompileCommandOptions &options) {
  if (!isArtifactPath(options.output))
    return makeError("'{0}': a compiled model is written as .terse", options.output);
  if (isArtifactPath(options.input))
    return makeError("'{0}' is compiled already", options.input);
  for (const std::string &path : {options.output, options.tuning})
    if (llvm::Error error = checkWritable(path))
      return error;
  llvm::SmallVector<llvm::StringRef> targets;
  llvm::StringRef(options.target).split(targets, ',');
  for (auto [i, target] : llvm::enumerate(targets))
    if (target.empty() || llvm::is_contained(llvm::ArrayRef(targets).take_front(i), target))
      return makeError("--target {0}: give every target once, separated by commas", options.target);
  Session session;
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();

  CompileOptions compileOptions;
  compileOptions.parallel = options.threads != 1;
  compileOptions.countRanges = options.countRanges;
  compileOptions.chains = options.chains;
  if (options.cache)
    compileOptions.cacheFolder = getDefaultCacheFolder();
  if (!options.tuning.empty())
    if (llvm::Error error = tune(**module, options, compileOptions))
      return error;
  ArtifactContents contents;
  std::vector<CompiledCode> codes;
  std::vector<WeightSlot> weights;
  for (llvm::StringRef target : targets) {
    note("compiling " + options.input + " for " + target);
    compileOptions.target = target.str();
    compileOptions.sharedWeights = weights;
    if (options.explain)
      compileOptions.observer = [&](llvm::StringRef stage, mlir::ModuleOp lowered) {
        if (stage == "linalg")
          explainKernels(lowered, llvm::outs());
      };
    auto code = compileToObject(**module, compileOptions);
    if (!code)
      return inFile(options.input, code.takeError());
    if (options.countRanges && code->ranges.empty())
      return makeError("'{0}': --count-ranges: the model has no static integers whose ranges could "
                       "be counted; recipe int8-static makes them",
                       options.input);
    if (!codes.empty() && code->triple != codes.front().triple)
      return makeError("--target {0}: '{1}' is another machine than '{2}'; one file holds code for "
                       "one kind of machine",
                       options.target, target, targets.front());
    addWeights(**module, *code, codes.empty() ? "" : target, contents);
    weights.insert(weights.end(), code->weights.begin(), code->weights.end());
    codes.push_back(std::move(*code));
  }

  if (const std::vector<std::string> &slow = codes.front().slowIntegers; !slow.empty()) {
    size_t shown = std::min<size_t>(slow.size(), 8);
    note(llvm::formatv(
        "estimated to be slower in 8 bits than in float, because their input is rounded at run "
        "time ({0} layers; terse compress --keep-float-when-faster leaves their input in float): "
        "{1}{2}",
        slow.size(), llvm::join(llvm::ArrayRef(slow).take_front(shown), ", "),
        shown < slow.size() ? ", ..." : ""));
  }
  for (auto [code, target] : llvm::zip(codes, targets))
    if (code.plainIntegers)
      note(llvm::formatv("{0} layers of integers are estimated to be slower than floats for the "
                         "target '{1}', which has no instructions that multiply bytes (x86-64-v3 "
                         "and above have)",
                         code.plainIntegers, target));
  uint64_t codeBytes = 0;
  for (auto [code, target] : llvm::zip(codes, targets)) {
    contents.variants.push_back({target.str(), code.object, code.features, code.arenaSize});
    codeBytes += code.object.size();
  }
  contents.triple = codes.front().triple;
  contents.inputs = toArtifact(codes.front().inputs);
  contents.outputs = toArtifact(codes.front().outputs);
  for (const CountedRange &range : codes.front().ranges)
    contents.ranges.push_back({range.name, range.low, range.high});
  if (llvm::Error error = writeArtifact(options.output, contents))
    return error;
  auto bytes = getModelFileBytes(options.output);
  if (!bytes)
    return bytes.takeError();
  bool isFromCache = llvm::all_of(codes, [](const CompiledCode &code) { return code.isFromCache; });
  note("wrote " + options.output + " (" + formatBytes(*bytes) + ", " + formatBytes(codeBytes) +
       " of it code" + (isFromCache ? ", which was in the cache)" : ")"));
  return llvm::Error::success();
}

void tool::addCompile(CLI::App &root, Action &action) {
  auto options = std::make_shared<CompileCommandOptions>();
  CLI::App *command =
      root.add_subcommand("compile", "Compile a model to one file of native code and weights");
  command->footer(
      "Examples:\n  terse compile small.mlirbc -o small.terse\n"
      "  terse compile small.mlirbc --dim 'input[0]=1' --target x86-64-v3 -o portable.terse\n"
      "  terse compile small.mlirbc --target amx,x86-64-v4,x86-64-v3 -o anywhere.terse\n"
      "  terse compile small.mlirbc --explain -o small.terse\n"
      "  terse compile small.mlirbc --tune machine.json -o small.terse\n"
      "A C program runs the file with terse/Runtime/terse.h and libterse_runtime.a.");
  addModelArgument(*command, options->input);
  command->add_option("-o,--output", options->output, "The file to write")
      ->required()
      ->type_name("OUT.terse");
  command
      ->add_option("--target", options->target,
                   "native (this machine), x86-64, x86-64-v2, x86-64-v3, x86-64-v4, amx, with "
                   "+FEATURE behind it, or an LLVM triple; several, the best first: the file holds "
                   "code for each, and the loader takes the first that its machine can run")
      ->capture_default_str();
  command->add_option("--threads", options->threads,
                      "1: no parallel loops in the code; otherwise chosen when it runs");
  command->add_flag("!--no-cache", options->cache,
                    "Generate code even if the cache has it ($TERSE_CACHE_DIR, else terse in the "
                    "user's cache folder)");
  command->add_flag("--explain", options->explain,
                    "Print which code every layer becomes and an estimate of its cycles");
  command
      ->add_option("--tune", options->tuning,
                   "Use the fastest of several schedules of every kernel, as this file says; "
                   "kernels that it does not know are measured on this machine and added")
      ->type_name("FILE.json");
  command
      ->add_option("--chains", options->chains,
                   "Kernels that work on strips of an image together, so that what stands between "
                   "them stays in the cache: none, those for which that pays (cost), or all")
      ->check(CLI::IsMember({"none", "cost", "all"}))
      ->capture_default_str();
  command->add_flag("--count-ranges", options->countRanges,
                    "Count values beyond the ranges of static integers in every run; terse run and "
                    "bench show them, and "
                    "terse/Runtime/terse.h gives them to programs");
  options->model.addTo(*command);
  command->callback([=, &action] { action = [=] { return compile(*options); }; });
}
