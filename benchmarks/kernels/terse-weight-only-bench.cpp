//===- terse-weight-only-bench.cpp - Weights of few bits ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times linear layers with f32 activations whose weights are stored in few bits, on one thread,
// beside the same layer with f32 weights, interleaved. "cold": the weights come from memory.
// Samples beside a slow burst of multiply-adds do not count (see terse-kernel-bench).
//
//   terse-weight-only-bench [seconds per row (0.5)]

#include "Machine.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/InitAll.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <map>
#include <random>

using namespace mlir;
using namespace terse;
using namespace terse::bench;
using llvm::formatv;

static double median(std::vector<double> v) {
  if (v.empty())
    return 0;
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

namespace {
struct Format {
  const char *name, *encoding;
};
const Format kFormats[] = {
    {"int4, block 32, f16", "#terse.uniform<i4, block = [1, 32], scale = f16>"},
    {"int4 with zero points", "#terse.uniform<ui4, block = [1, 32], scale = f16, zero_point>"},
    {"int4, channel", "#terse.uniform<i4, axis = 0>"},
    {"NF4, block 64, f16", "#terse.codebook<ui4, table = nf4, block = [1, 64], scale = f16>"},
    {"palette of 16", "#terse.codebook<ui4, table = f16, group = [64, ?]>"},
    {"MXFP4", "#terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>"},
    {"int2, block 16, f16", "#terse.uniform<i2, block = [1, 16], scale = f16>"},
    {"int3, block 32, f16", "#terse.uniform<i3, block = [1, 32], scale = f16>"},
    {"int8, channel", "#terse.uniform<i8, axis = 0>"},
    {"MXFP8", "#terse.minifloat<f8E4M3FN, block = [1, 32], scale = f8E8M0FNU>"},
};

class Bench {
public:
  explicit Bench(double seconds) : seconds(seconds) {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    JITModel::setNumThreads(1);
    limits = measureLimits();
  }

  void printHead() {
    llvm::outs() << "Features: " << describeFeatures()
                 << formatv(". One core at most: {0:f0} GFLOPS FMA; reads in GB/s: L2 {1:f0}, L3 "
                            "{2:f1}, memory {3:f1} in one stream, {4:f1} in eight.\n\n",
                            limits.fma * 1e-9, limits.l2 * 1e-9, limits.l3 * 1e-9,
                            limits.dram * 1e-9, limits.dramStreams * 1e-9)
                 << "| weights | M,N,K | us | GB/s of weights | of memory in eight streams | "
                    "GFLOPS | times faster than f32 weights | fast samples |\n"
                    "|---|---|---|---|---|---|---|---|\n";
  }

  void run(const Format &format, int64_t m, int64_t n, int64_t k, bool cold) {
    JITModel &model = get(format, m, n, k), &plain = get({"f32", ""}, m, n, k);
    HostTensor x = HostTensor::zeros(DType::f32(), {m, k});
    for (auto [i, v] : llvm::enumerate(x.getMutableAs<float>()))
      v = float(int(i * 37 % 255) - 127) / 127;
    std::vector<double> bursts;
    std::vector<std::array<double, 3>> samples;
    auto time = [&](JITModel &which) {
      if (cold) {
        flush(which.getWeights().data(), which.getWeights().size());
        double start = threadTime();
        cantFail(which.run({x}));
        return threadTime() - start;
      }
      cantFail(which.run({x}));
      int64_t runs = 0;
      double start = threadTime(), end;
      do {
        cantFail(which.run({x}));
        ++runs;
      } while ((end = threadTime()) - start < 0.003);
      return (end - start) / double(runs);
    };
    for (double stop = threadTime() + seconds; threadTime() < stop || samples.size() < 5;) {
      double before = burstFloat(), a = time(model), between = burstFloat(), b = time(plain);
      bursts.insert(bursts.end(), {before, between});
      samples.push_back({a, b, std::min({before, between, burstFloat()})});
    }
    std::nth_element(bursts.begin(), bursts.begin() + bursts.size() * 9 / 10, bursts.end());
    double best = bursts[bursts.size() * 9 / 10];
    std::vector<double> a, b;
    for (auto &s : samples)
      if (s[2] >= 0.85 * best)
        a.push_back(s[0]), b.push_back(s[1]);
    size_t fast = a.size();
    if (!fast) {
      auto quickest = *std::min_element(samples.begin(), samples.end());
      a.push_back(quickest[0]), b.push_back(quickest[1]);
    }
    double t = median(a), bytes = double(model.getWeights().size()) / t;
    llvm::outs() << formatv("| {0} | {1},{2},{3}{4} | {5:f1} | {6:f1} | {7} | {8:f0} | {9:f2} | "
                            "{10}/{11} |\n",
                            format.name, m, n, k, cold ? " cold" : "", t * 1e6, bytes * 1e-9,
                            cold ? formatv("{0:f0} %", 100 * bytes / limits.dramStreams).str() : "",
                            2e-9 * double(m * n * k) / t, median(b) / t, fast, samples.size());
    llvm::outs().flush();
  }

private:
  JITModel &get(const Format &format, int64_t m, int64_t n, int64_t k) {
    auto &model = models[{format.name, m, n, k}];
    if (!model)
      model = compile(format.encoding, m, n, k);
    return *model;
  }

  // A linear layer with random weights in `format`, f32 if that is empty.
  std::unique_ptr<JITModel> compile(llvm::StringRef format, int64_t m, int64_t n, int64_t k) {
    auto logical = RankedTensorType::get({n, k}, Float32Type::get(&context));
    HostTensor weights = HostTensor::zeros(DType::f32(), {n, k});
    std::mt19937 rng{1};
    std::normal_distribution<float> normal(0, 0.02f);
    for (float &v : weights.getMutableAs<float>())
      v = normal(rng);
    llvm::SmallVector<HostTensor> components{weights};
    llvm::SmallVector<Type> types{logical};
    Type type = logical;
    if (!format.empty()) {
      auto encoding = llvm::cast<EncodingAttrInterface>(parseAttribute(format, &context));
      components = *encoding.encodeHost(weights, logical, {}, [] { return InFlightDiagnostic(); });
      types = getComponentTypes(encoding, logical);
      type = RankedTensorType::get({n, k}, logical.getElementType(), encoding);
    }
    std::string globals, loads, names, list;
    for (auto [i, t] : llvm::enumerate(types)) {
      globals += formatv("ml_program.global private @c{0}(#ml_program.extern<{1}>) : {1}\n", i, t);
      loads += formatv("%c{0} = ml_program.global_load_const @c{0} : {1}\n", i, t);
      names += formatv("{0}%c{1}", i ? ", " : "", i);
      list += formatv("{0}{1}", i ? ", " : "", t);
    }
    std::string weight = "%c0";
    if (!format.empty()) {
      loads += formatv("%w = terse.assemble {0} : ({1}) -> {2}\n", names, list, type);
      weight = "%w";
    }
    std::string text = formatv("{0}func.func @main(%x: tensor<{1}x{3}xf32>) -> "
                               "tensor<{1}x{2}xf32> {{\n{4}%0 = nn.linear %x, {5} : "
                               "(tensor<{1}x{3}xf32>, {6}) -> tensor<{1}x{2}xf32>\nreturn %0 : "
                               "tensor<{1}x{2}xf32> }",
                               globals, m, n, k, loads, weight, type);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      llvm::report_fatal_error(llvm::StringRef(text));
    for (auto [global, t] : llvm::zip(module->getOps<ml_program::GlobalOp>(), components))
      global.setValueAttr(toDenseResource(t, global.getSymName(), &context));
    return cantFail(JITModel::create(*module, CompileOptions()));
  }

  double seconds;
  MLIRContext context;
  Limits limits;
  std::map<std::tuple<std::string, int64_t, int64_t, int64_t>, std::unique_ptr<JITModel>> models;
};
} // namespace

int main(int argc, char **argv) {
  Bench bench(argc > 1 ? std::atof(argv[1]) : 0.5);
  bool few = argc > 2;
  bench.printHead();
  for (const Format &format : llvm::ArrayRef(kFormats).take_front(few ? 1 : std::size(kFormats))) {
    bench.run(format, 1, 4096, 4096, true);
    bench.run(format, 1, 4096, 4096, false);
    bench.run(format, 1, 768, 768, false);
    bench.run(format, 16, 4096, 4096, false);
    bench.run(format, 128, 768, 768, false);
  }
  bench.run(kFormats[0], 1, 11008, 4096, true);
  bench.run(kFormats[0], 4, 4096, 4096, false);
}
