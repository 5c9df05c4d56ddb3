//===- Target.cpp - What code is generated for ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Target.h"
#include "terse/Runtime/services.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace terse;

// The levels of the x86-64 psABI, each on top of the one before.
static const char *const kLevel2 = "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+sahf";
static const char *const kLevel3 = ",+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave";
static const char *const kLevel4 = ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl";
static const char *const kAMX =
    ",+avx512vbmi,+avx512vnni,+avx512bf16,+avx512fp16,+amx-tile,+amx-int8,+amx-bf16";

static std::string getHostFeatures() {
  std::string features;
  // Sorted: the same machine gives the same string, which goes into artifacts.
  std::vector<std::string> on;
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
    // What the runtime knows it knows better: what the operating system permits this process.
    int has = terse_cpu_has_feature(feature.first().str().c_str());
    if (has > 0 || (has < 0 && feature.second))
      on.push_back("+" + feature.first().str());
  }
  llvm::sort(on);
  return llvm::join(on, ",");
}

llvm::Expected<NativeTarget> terse::createTarget(llvm::StringRef whole, unsigned optLevel) {
  // A level and features beside it.
  auto [spec, extra] = whole.split('+');
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
  NativeTarget target;
  std::string cpu;
  target.triple = "x86_64-unknown-linux-gnu";
  if (spec == "native" || spec.empty()) {
    target.triple = llvm::sys::getProcessTriple();
    target.features = getHostFeatures();
  } else if (spec == "x86-64") {
  } else if (spec == "x86-64-v2") {
    target.features = kLevel2;
  } else if (spec == "x86-64-v3") {
    target.features = std::string(kLevel2) + kLevel3;
  } else if (spec == "x86-64-v4") {
    target.features = std::string(kLevel2) + kLevel3 + kLevel4;
  } else if (spec == "amx") {
    target.features = std::string(kLevel2) + kLevel3 + kLevel4 + kAMX;
  } else {
    target.triple = llvm::Triple::normalize(spec);
  }
  if (!extra.empty())
    for (llvm::StringRef feature : llvm::split(extra, '+'))
      target.features += (target.features.empty() ? "+" : ",+") + feature.str();
  llvm::Triple triple(target.triple);
  auto fail = [&](const llvm::Twine &why) {
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "unknown target '" + whole + "': " + why +
                                       " (known: native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, "
                                       "amx, with '+feature' added, or a triple)");
  };
  std::string error;
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend || triple.getArch() == llvm::Triple::UnknownArch)
    return fail("no code generator");
  if (triple.getArch() == llvm::Triple::x86_64)
    cpu = "x86-64";
  static const llvm::CodeGenOptLevel levels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less, llvm::CodeGenOptLevel::Default,
      llvm::CodeGenOptLevel::Aggressive};
  llvm::TargetOptions options;
  // Multiply-adds are fused only where the IR says so: the same numbers on every x86 target.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  target.machine.reset(backend->createTargetMachine(triple, cpu, target.features, options,
                                                    llvm::Reloc::PIC_, std::nullopt,
                                                    levels[std::min(optLevel, 3u)]));
  if (!target.machine)
    return fail("no target machine");

  llvm::SmallVector<llvm::StringRef> list;
  llvm::StringRef(target.features).split(list, ',', -1, false);
  llvm::StringSet<> on;
  for (llvm::StringRef f : list)
    if (f.consume_front("+"))
      on.insert(f);
  bool x86 = triple.isX86();
  target.hasF16C = !x86 || on.contains("f16c");
  target.hasFMA = !x86 || on.contains("fma");
  // AMD's processors, and no others, have SSE4a. They follow eight streams by themselves, and
  // instructions that fetch take the place of loads (Zen 4).
  target.fetchesStreams = !on.contains("sse4a");
  if (x86)
    target.vectorBytes = on.contains("avx512bw") && on.contains("avx512vl") ? 64
                         : on.contains("avx2")                              ? 32
                                                                            : 16;
  bool wide = target.vectorBytes == 64;
  // Processors with tiles multiply bf16 by vectors, too, but no faster than f32.
  if (x86 && wide && on.contains("avx512bf16"))
    target.bf16 = on.contains("amx-tile") && on.contains("amx-bf16") ? "amx_bf16" : "avx512bf16";
  target.hasVBMI = wide && on.contains("avx512vbmi");
  if (!x86)
    target.isa = "portable";
  else if (wide && on.contains("amx-int8") && on.contains("avx512vnni"))
    target.isa = "amx_int8";
  else if (wide)
    target.isa = on.contains("avx512vnni") ? "avx512vnni" : "avx512";
  else if (target.vectorBytes == 32)
    target.isa = on.contains("avxvnni") ? "avxvnni" : "avx2";
  return target;
}
