//===- Compiler.h - From a module to native code --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_COMPILER_H
#define TERSE_CODEGEN_CPU_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Dialect/Terse/Transforms/CountRanges.h"
#include "terse/Support/HostTensor.h"
#include "terse/Support/TensorSignature.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace terse {

struct CompileOptions {
  /// `native` (features of this machine), `x86-64`, `x86-64-v2`, `x86-64-v3`, `x86-64-v4`, `amx`,
  /// or an LLVM triple.
  std::string target = "native";
  /// Whether large loops may run in parallel (through terse_services).
  bool parallel = true;
  /// Optimization level of LLVM, 0 to 3.
  unsigned optLevel = 2;
  /// Folder in which code of earlier compilations is looked up and kept (see
  /// getDefaultCacheFolder); none if empty. Not used with an observer.
  std::string cacheFolder;
  /// Whether the code counts values beyond the ranges of static integers: it then has one more
  /// output, see countRanges.
  bool countRanges = false;
  /// File of measured schedules (see Tuning.h); none if empty. It is an error if the target has
  /// other features than the machine that measured.
  std::string tuning;
  /// Which kernels work strip by strip (see ukernel-choose-chains): none, cost or all.
  std::string chains = "cost";
  /// Weights that code of other targets reads from the same blob: equal ones are shared, the others
  /// lie behind them.
  llvm::ArrayRef<WeightSlot> sharedWeights;
  /// Called with the module after each named stage ("nn", "linalg", "buffers", "llvm"), for tools
  /// that show it.
  std::function<void(llvm::StringRef stage, mlir::ModuleOp)> observer;
};

/// $TERSE_CACHE_DIR, and nothing if that is empty; where it is not set, `terse` in the user's
/// folder for caches. What is there was not used for 30 days or exceeds 1 GiB in total is removed.
std::string getDefaultCacheFolder();

struct CompiledCode {
  /// A relocatable ELF object (position independent) that exports the names in terse/Runtime/abi.h.
  std::string object;
  /// Whether the object was made by an earlier compilation.
  bool isFromCache = false;
  uint64_t arenaSize = 0;
  /// Bytes of the blob up to the end of the last weight, of this code or shared.
  uint64_t weightsSize = 0;
  std::vector<TensorSignature> inputs, outputs;
  /// The weights blob; `data` of the slots lives as long as the MLIR context.
  std::vector<WeightSlot> weights;
  /// With countRanges, what the rows of the last output are about; empty if there is nothing to
  /// count.
  std::vector<CountedRange> ranges;
  /// Layers whose products on integers are estimated to be slower than on floats, because their
  /// input is rounded at run time.
  std::vector<std::string> slowIntegers;
  /// Kernels that multiply integers by plain vectors, for want of instructions.
  size_t plainIntegers = 0;
  /// Triple and features the code was made for.
  std::string triple, features;
};

/// Adds the dialects and external models that compilation needs.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// Compiles `main` (or the only public function). The module is not changed. Everything else that
/// the function calls is inlined. Errors carry MLIR's diagnostics.
llvm::Expected<CompiledCode> compileToObject(mlir::ModuleOp module, const CompileOptions &options);

/// The weights that compileToObject would use, under the same options, without any code: `weights`,
/// `weightsSize`, inputs and outputs are set.
llvm::Expected<CompiledCode> layOutWeights(mlir::ModuleOp module, const CompileOptions &options);

/// Copies the weights into one blob with the layout of `code`; `base` has room for
/// `code.weightsSize` bytes.
llvm::Error writeWeights(const CompiledCode &code, uint8_t *base);

/// A model compiled into this process.
class JITModel {
public:
  static llvm::Expected<std::unique_ptr<JITModel>> create(mlir::ModuleOp module,
                                                          const CompileOptions &options = {});
  ~JITModel();

  llvm::ArrayRef<TensorSignature> getInputs() const;
  llvm::ArrayRef<TensorSignature> getOutputs() const;

  /// Where each weight lies in the blob that this model reads, and the blob itself. No run may be
  /// in progress while it is written.
  llvm::ArrayRef<WeightSlot> getWeightSlots() const;
  llvm::MutableArrayRef<uint8_t> getWeights();
  /// Size of the object file with the model's code.
  uint64_t getCodeBytes() const;

  /// Inputs in the order of the signature; checks types and shapes. Calls may run concurrently.
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs);

  /// Threads for the parallel loops of models that the calling thread runs; 0 means one per core.
  static void setNumThreads(unsigned threads);

private:
  struct Impl;
  explicit JITModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace terse

#endif
