//===- Compile.cpp - terse compile ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "ModelOptions.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Artifact/Artifact.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Support/MLIRBridge.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct CompileCommandOptions {
  std::string input, output, target = "native";
  unsigned threads = 0;
  bool cache = true, countRanges = false;
  ModelOptions model;
};
} // namespace

static std::vector<ArtifactTensor> toArtifact(llvm::ArrayRef<TensorSignature> tensors) {
  std::vector<ArtifactTensor> result;
  for (const TensorSignature &tensor : tensors)
    result.push_back({tensor.name, tensor.dtype, tensor.shape});
  return result;
}

static llvm::Error compile(const CompileCommandOptions &options) {
  if (!isArtifactPath(options.output))
    return makeError("'{0}': a compiled model is written as .terse", options.output);
  if (isArtifactPath(options.input))
    return makeError("'{0}' is compiled already", options.input);
  if (llvm::Error error = checkWritable(options.output))
    return error;
  Session session;
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();

  CompileOptions compileOptions;
  compileOptions.target = options.target;
  compileOptions.parallel = options.threads != 1;
  compileOptions.countRanges = options.countRanges;
  note("compiling " + options.input + " for " + options.target);
  if (options.cache)
    compileOptions.cacheFolder = getDefaultCacheFolder();
  auto code = compileToObject(**module, compileOptions);
  if (!code)
    return inFile(options.input, code.takeError());

  if (options.countRanges && code->ranges.empty())
    return makeError("'{0}': --count-ranges: the model has no static integers whose ranges could "
                     "be counted; recipe int8-static "
                     "makes them",
                     options.input);

  ArtifactContents contents;
  for (const CountedRange &range : code->ranges)
    contents.ranges.push_back({range.name, range.low, range.high});
  contents.object = code->object;
  contents.triple = code->triple;
  contents.features = code->features;
  contents.arenaSize = code->arenaSize;
  contents.weightsSize = code->weightsSize;
  contents.inputs = toArtifact(code->inputs);
  contents.outputs = toArtifact(code->outputs);
  mlir::SymbolTable symbols(**module);
  for (const WeightSlot &slot : code->weights) {
    auto global = symbols.lookup<mlir::ml_program::GlobalOp>(slot.symbol);
    auto type = global ? mlir::dyn_cast<mlir::RankedTensorType>(global.getType())
                       : mlir::RankedTensorType();
    std::optional<DType> dtype = type ? toDType(type.getElementType()) : std::nullopt;
    ArtifactWeight weight{slot.symbol, DType::u8(), {int64_t(slot.bytes)}, slot.offset, slot.data};
    // Weights that compilation made or packed anew are bytes to everybody else.
    if (dtype && getPackedBytes(*dtype, type.getNumElements()) == slot.bytes) {
      weight.dtype = *dtype;
      weight.shape = type.getShape().vec();
    }
    contents.weights.push_back(std::move(weight));
  }
  if (llvm::Error error = writeArtifact(options.output, contents))
    return error;
  auto bytes = getModelFileBytes(options.output);
  if (!bytes)
    return bytes.takeError();
  note("wrote " + options.output + " (" + formatBytes(*bytes) + ", " +
       formatBytes(code->object.size()) + " of it code" +
       (code->isFromCache ? ", which was in the cache)" : ")"));
  return llvm::Error::success();
}

void tool::addCompile(CLI::App &root, Action &action) {
  auto options = std::make_shared<CompileCommandOptions>();
  CLI::App *command =
      root.add_subcommand("compile", "Compile a model to one file of native code and weights");
  command->footer(
      "Examples:\n  terse compile small.mlirbc -o small.terse\n"
      "  terse compile small.mlirbc --dim 'input[0]=1' --target x86-64-v3 -o portable.terse\n"
      "A C program runs the file with terse/Runtime/terse.h and libterse_runtime.a.");
  addModelArgument(*command, options->input);
  command->add_option("-o,--output", options->output, "The file to write")
      ->required()
      ->type_name("OUT.terse");
  command
      ->add_option("--target", options->target,
                   "native (this machine), x86-64, x86-64-v3, x86-64-v4, amx, or an LLVM triple")
      ->capture_default_str();
  command->add_option("--threads", options->threads,
                      "1: no parallel loops in the code; otherwise chosen when it runs");
  command->add_flag("!--no-cache", options->cache,
                    "Generate code even if the cache has it ($TERSE_CACHE_DIR, else terse in the "
                    "user's cache folder)");
  command->add_flag("--count-ranges", options->countRanges,
                    "Count values beyond the ranges of static integers in every run; terse run and "
                    "bench show them, and "
                    "terse/Runtime/terse.h gives them to programs");
  options->model.addTo(*command);
  command->callback([=, &action] { action = [=] { return compile(*options); }; });
}
