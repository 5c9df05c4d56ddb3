//===- JITModel.cpp - Models compiled into this process -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Runtime/services.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace terse;

//===----------------------------------------------------------------------===//
// JITModel
//===----------------------------------------------------------------------===//

namespace {
struct Free {
  void operator()(void *p) const { std::free(p); }
};
using AlignedBytes = std::unique_ptr<uint8_t, Free>;

AlignedBytes allocate(uint64_t bytes) {
  return AlignedBytes(static_cast<uint8_t *>(std::aligned_alloc(64, (bytes + 64) / 64 * 64)));
}
} // namespace

struct JITModel::Impl {
  CompiledCode code;
  uint64_t codeBytes = 0;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  terse_entry_fn entry = nullptr;
  AlignedBytes weights;
  // Arenas of past calls, for the next ones.
  std::mutex mutex;
  std::vector<AlignedBytes> arenas;

  ~Impl() {
    for (AlignedBytes &arena : arenas)
      std::free(reinterpret_cast<terse_scratch *>(arena.get())->data);
  }

  // The arena begins behind what stands in front of it.
  AlignedBytes takeArena() {
    std::lock_guard<std::mutex> lock(mutex);
    if (arenas.empty()) {
      AlignedBytes arena = allocate(code.arenaSize + TERSE_SCRATCH_OFFSET);
      if (arena)
        std::memset(arena.get(), 0, TERSE_SCRATCH_OFFSET);
      return arena;
    }
    AlignedBytes arena = std::move(arenas.back());
    arenas.pop_back();
    return arena;
  }
  void giveArena(AlignedBytes arena) {
    std::lock_guard<std::mutex> lock(mutex);
    arenas.push_back(std::move(arena));
  }
};

JITModel::JITModel(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
JITModel::~JITModel() = default;
llvm::ArrayRef<TensorSignature> JITModel::getInputs() const { return impl->code.inputs; }
llvm::ArrayRef<TensorSignature> JITModel::getOutputs() const { return impl->code.outputs; }
llvm::ArrayRef<WeightSlot> JITModel::getWeightSlots() const { return impl->code.weights; }
llvm::MutableArrayRef<uint8_t> JITModel::getWeights() {
  return {impl->weights.get(), impl->code.weightsSize};
}
uint64_t JITModel::getCodeBytes() const { return impl->codeBytes; }
void JITModel::setNumThreads(unsigned threads) { terse_set_thread_count(int32_t(threads)); }

llvm::Expected<std::unique_ptr<JITModel>> JITModel::create(mlir::ModuleOp module,
                                                           const CompileOptions &options) {
  auto impl = std::make_unique<Impl>();
  llvm::Expected<CompiledCode> code = compileToObject(module, options);
  if (!code)
    return code.takeError();
  impl->code = std::move(*code);

  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  impl->jit = std::move(*jit);
  // libc and libm come from this process.
  auto generator = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      impl->jit->getDataLayout().getGlobalPrefix());
  if (!generator)
    return generator.takeError();
  impl->jit->getMainJITDylib().addGenerator(std::move(*generator));
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(impl->code.object, "terse.o");
  impl->codeBytes = impl->code.object.size();
  impl->code.object.clear();
  if (llvm::Error error = impl->jit->addObjectFile(std::move(buffer)))
    return error;
  auto entry = impl->jit->lookup(TERSE_ENTRY_SYMBOL);
  if (!entry)
    return entry.takeError();
  auto pointer = impl->jit->lookup(TERSE_SERVICES_SYMBOL);
  if (!pointer)
    return pointer.takeError();
  impl->entry = entry->toPtr<terse_entry_fn>();
  *pointer->toPtr<const terse_services **>() = terse_default_services();

  impl->weights = allocate(impl->code.weightsSize);
  if (!impl->weights)
    return llvm::createStringError(std::make_error_code(std::errc::not_enough_memory),
                                   "no memory for the weights");
  if (llvm::Error error = writeWeights(impl->code, impl->weights.get()))
    return error;
  return std::unique_ptr<JITModel>(new JITModel(std::move(impl)));
}

static llvm::Error checkInput(const TensorSignature &want, const HostTensor &have) {
  bool fits = want.dtype == have.dtype && want.shape.size() == have.shape.size();
  for (size_t i = 0; fits && i < want.shape.size(); ++i)
    fits = want.shape[i] < 0 || want.shape[i] == have.shape[i];
  if (fits)
    return llvm::Error::success();
  std::string shape;
  for (int64_t d : want.shape)
    shape += (d < 0 ? "?" : std::to_string(d)) + "x";
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                 "input '" + want.name + "': expected " + shape +
                                     want.dtype.getName() + " (got " + have.getTypeString() + ")");
}

llvm::Expected<std::vector<HostTensor>> JITModel::run(llvm::ArrayRef<HostTensor> inputs) {
  const CompiledCode &code = impl->code;
  if (inputs.size() != code.inputs.size())
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "expected %zu inputs (got %zu)", code.inputs.size(),
                                   inputs.size());
  std::vector<std::vector<int64_t>> shapes;
  std::vector<terse_buffer> in, out;
  for (auto [want, have] : llvm::zip(code.inputs, inputs)) {
    if (llvm::Error error = checkInput(want, have))
      return error;
    shapes.push_back(have.shape);
    in.push_back({const_cast<uint8_t *>(have.getBytes().data()), nullptr});
  }
  for (const TensorSignature &s : code.outputs) {
    shapes.push_back(s.shape);
    out.push_back({nullptr, nullptr});
  }
  for (size_t i = 0; i < in.size(); ++i)
    in[i].shape = shapes[i].data();
  for (size_t i = 0; i < out.size(); ++i)
    out[i].shape = shapes[in.size() + i].data();

  AlignedBytes arena = impl->takeArena();
  if (!arena)
    return llvm::createStringError(std::make_error_code(std::errc::not_enough_memory),
                                   "no memory for %llu bytes of intermediate results",
                                   (unsigned long long)code.arenaSize);
  int32_t status =
      impl->entry(impl->weights.get(), arena.get() + TERSE_SCRATCH_OFFSET, in.data(), out.data());
  impl->giveArena(std::move(arena));

  std::vector<std::shared_ptr<const void>> owners;
  for (terse_buffer &b : out)
    owners.emplace_back(b.data, Free());
  if (status == TERSE_ENTRY_OUT_OF_MEMORY)
    return llvm::createStringError(std::make_error_code(std::errc::not_enough_memory),
                                   "no memory for the outputs");
  if (status)
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "the sizes of the inputs do not fit each other");
  std::vector<HostTensor> results;
  for (size_t i = 0; i < out.size(); ++i) {
    const std::vector<int64_t> &shape = shapes[in.size() + i];
    std::optional<int64_t> count = countElements(shape);
    if (!count)
      return llvm::createStringError(std::make_error_code(std::errc::value_too_large),
                                     "output '%s' is too large", code.outputs[i].name.c_str());
    DType dtype = code.outputs[i].dtype;
    llvm::ArrayRef<uint8_t> bytes(static_cast<const uint8_t *>(out[i].data),
                                  *count * dtype.getHostBytes());
    auto tensor = HostTensor::view(dtype, shape, bytes, owners[i]);
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
  }
  return results;
}
