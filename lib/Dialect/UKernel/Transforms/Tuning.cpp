//===- Tuning.cpp - Schedules that a machine has measured -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/Transforms/Tuning.h"
#include "DecodedWeights.h"
#include "Utils.h"
#include "mlir/AsmParser/AsmParser.h"
#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_APPLYTUNINGPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

llvm::Expected<Tuning> Tuning::read(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("'{0}': {1}", path, buffer.getError().message());
  auto parsed = llvm::json::parse((*buffer)->getBuffer());
  if (!parsed)
    return makeError("'{0}': {1}", path, llvm::toString(parsed.takeError()));
  const llvm::json::Object *object = parsed->getAsObject();
  const llvm::json::Object *kernels = object ? object->getObject("kernels") : nullptr;
  std::optional<llvm::StringRef> features =
      object ? object->getString("features") : std::optional<llvm::StringRef>();
  if (!kernels || !features || object->getInteger("terse_tuning") != 1)
    return makeError("'{0}': not a file of tuned kernels (written by terse compile --tune)", path);
  Tuning tuning;
  tuning.features = features->str();
  for (const auto &[kernel, schedule] : *kernels) {
    std::optional<llvm::StringRef> text = schedule.getAsString();
    if (!text)
      return makeError("'{0}': the schedule of '{1}' is not a string", path, kernel.str());
    tuning.schedules[kernel.str()] = text->str();
  }
  return tuning;
}

llvm::Error Tuning::write(llvm::StringRef path) const {
  llvm::json::Object kernels;
  for (const auto &[kernel, schedule] : schedules)
    kernels[kernel] = schedule;
  llvm::json::Value value = llvm::json::Object{
      {"terse_tuning", 1}, {"features", features}, {"kernels", std::move(kernels)}};
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  file->getStream() << llvm::formatv("{0:2}\n", value);
  return file->commit();
}

//===----------------------------------------------------------------------===//
// Kernels and their schedules
//===----------------------------------------------------------------------===//

std::string terse::ukernel::getKernelSignature(KernelOpInterface op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto shape = [&](Value value) {
    auto type = cast<ShapedType>(value.getType());
    llvm::interleave(
        type.getShape(), os,
        [&](int64_t d) {
          if (ShapedType::isDynamic(d))
            os << '?';
          else
            os << d;
        },
        "x");
    os << 'x' << type.getElementType();
  };
  os << op->getName().stripDialect() << ' ';
  shape(op.getLhs());
  os << (op.getLhsUnsigned() ? " unsigned" : "") << ", ";
  shape(op.getRhs());
  if (WeightsOp weights = getWeights(op.getRhs()))
    os << " of " << Attribute(weights.getFormat());
  os << (op.getRhsUnsigned() ? " unsigned" : "") << " -> ";
  shape(op.getInit());
  if (WindowAttr window = op.getWindowOrNull()) {
    os << ", ";
    os << Attribute(window);
  }
  return text;
}

static int64_t getDepth(ISA isa, bool floats) {
  if (floats || isa == ISA::Portable)
    return 1;
  return isa == ISA::AVX2 || isa == ISA::AVX512 ? 2 : 4;
}

std::string terse::ukernel::checkSchedule(KernelOpInterface op, ScheduleAttr schedule, ISA best) {
  bool floats = isa<FloatType>(getSumType(op));
  ISA isa = schedule.getIsa();
  if (op.isDepthwise())
    return "windows of single channels have one schedule only";
  if (cast<ShapedType>(op.getLhs().getType()).getElementType().isBF16())
    return "kernels of bf16 have one schedule only";
  if (floats ? isa != ISA::Portable && isa != ISA::AVX2 && isa != ISA::AVX512 : isa > best)
    return llvm::formatv("'{0}' are not instructions of the target for these types",
                         stringifyISA(isa));
  if (floats && isa == ISA::AVX512 && best < ISA::AVX512)
    return "'avx512' are not instructions of the target";
  if (!floats && op.getRhsUnsigned() && isa >= ISA::AVXVNNI && isa != ISA::AVX512)
    return llvm::formatv("'{0}' takes no unsigned weights", stringifyISA(isa));
  int64_t depth = getDepth(isa, floats), align = isa == ISA::AMXInt8 ? 64 : depth;
  if (int64_t lines = schedule.getLines()) {
    align = isa == ISA::AMXInt8 ? getLineDepth(op, lines) : 0;
    if (!align)
      return llvm::formatv("cannot take {0} lines of the window together", lines);
  }
  if (schedule.getDepth() != depth || schedule.getAlign() != align)
    return llvm::formatv("expected depth {0} and align {1}", depth, align);
  int64_t rows = schedule.getRows(), columns = schedule.getColumns();
  if (isa == ISA::AMXInt8 ? (rows != 16 && rows != 32) || (columns != 16 && columns != 32)
                          : columns % getLanes(isa) != 0 || rows > 32 || columns > 128)
    return llvm::formatv("no tile of {0} x {1}", rows, columns);
  if (schedule.getBlock() % rows != 0)
    return llvm::formatv("expected a block of a multiple of {0} rows", rows);
  return "";
}

llvm::SmallVector<ScheduleAttr> terse::ukernel::getCandidates(KernelOpInterface op,
                                                              ScheduleAttr schedule, ISA best) {
  llvm::SetVector<ScheduleAttr> result;
  bool floats = isa<FloatType>(getSumType(op));
  auto add = [&](ISA isa, int64_t rows, int64_t columns, int64_t block) {
    int64_t depth = getDepth(isa, floats);
    block = std::max(rows, block / rows * rows);
    auto candidate = ScheduleAttr::get(op->getContext(), isa, rows, columns, depth,
                                       isa == ISA::AMXInt8 ? 64 : depth, block);
    if (checkSchedule(op, candidate, best).empty())
      result.insert(candidate);
  };
  result.insert(schedule);
  int64_t block = schedule.getBlock(), vectors;
  auto addTiles = [&] {
    for (int64_t rows : {16, 32})
      for (int64_t columns : {16, 32})
        add(ISA::AMXInt8, rows, columns, block);
    for (int64_t other : {32, 64, 128, 256, 512})
      add(ISA::AMXInt8, 32, 32, other);
  };
  auto addVectors = [&](ISA isa) {
    int64_t lanes = getLanes(isa), sums = isa == ISA::AVX512 || isa == ISA::AVX512VNNI ? 24 : 12;
    vectors = llvm::divideCeil(getSizes(op).n, lanes);
    for (int64_t panel = 1; panel <= std::min<int64_t>(vectors, 4); ++panel)
      add(isa, std::min<int64_t>(sums / panel, 12), panel * lanes, block);
  };
  ISA isa = schedule.getIsa();
  // Few rows are multiplied as weights are decoded, all in one tile.
  auto init = cast<ShapedType>(op.getInit().getType());
  int64_t m = init.hasStaticShape() ? init.getNumElements() / init.getShape().back() : 0;
  if (getWeights(op.getRhs()) && m > 0 && schedule.getRows() == m) {
    vectors = llvm::divideCeil(getSizes(op).n, getLanes(isa));
    for (int64_t panel = 1; panel <= std::min<int64_t>(vectors, 8); ++panel)
      add(isa, m, panel * getLanes(isa), m);
    return result.takeVector();
  }
  if (isa == ISA::AMXInt8 || (!floats && best == ISA::AMXInt8))
    addTiles();
  if (isa != ISA::AMXInt8)
    addVectors(isa);
  else
    addVectors(ISA::AVX512VNNI);
  if (isa != ISA::AMXInt8)
    for (int64_t other : {block / 2, block * 2, block * 4})
      add(isa, schedule.getRows(), schedule.getColumns(), other);
  return result.takeVector();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct ApplyTuningPass : terse::ukernel::impl::ApplyTuningPassBase<ApplyTuningPass> {
  using ApplyTuningPassBase::ApplyTuningPassBase;

  void runOnOperation() override {
    std::optional<ISA> best = readIntegerISA(getOperation(), isa);
    if (!best)
      return signalPassFailure();
    auto tuning = Tuning::read(file);
    if (!tuning) {
      getOperation().emitError(llvm::toString(tuning.takeError()));
      return signalPassFailure();
    }
    getOperation().walk([&](KernelOpInterface op) {
      auto found = tuning->schedules.find(getKernelSignature(op));
      if (op.getScheduleAttr() || found == tuning->schedules.end())
        return;
      auto schedule =
          dyn_cast_or_null<ScheduleAttr>(parseAttribute(found->second, op->getContext()));
      std::string why = schedule ? checkSchedule(op, schedule, *best) : "not a schedule";
      if (!why.empty()) {
        op.emitError("'") << file << "': the schedule of '" << found->first
                          << "' does not fit: " << why
                          << "; remove it from the file to measure again";
        return signalPassFailure();
      }
      op.setScheduleAttr(schedule);
    });
  }
};
} // namespace
