//===- terse-weight-only-bench.cpp - Weights of few bits ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times linear layers whose weights are stored in few bits, with f32 activations or such as are
// rounded to bf16 or to 8 bits at run time, beside the same layer with f32 weights and the
// libraries that it finds, in turns. "cold": the weights come from memory. Samples beside a slow
// burst of multiply-adds do not count (see terse-kernel-bench).

#include "Harness.h"
#include "Machine.h"
#include "Peers.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/InitAll.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <map>
#include <random>

using namespace mlir;
using namespace terse;
using namespace terse::bench;
using llvm::formatv;

namespace {
struct Options : CommonOptions {
  std::string formats;
};

struct Format {
  const char *name, *encoding;
  // What rows of activations are rounded to, if anything.
  const char *rows = "";
};
const char *const kBytes = "#terse.uniform<i8, block = [1, ?], dynamic>", *const kBF16 =
                                                                              "#terse.cast<bf16>";
const Format kFormats[] = {
    {"int4, block 32, f16", "#terse.uniform<i4, block = [1, 32], scale = f16>"},
    {"int4 with zero points", "#terse.uniform<ui4, block = [1, 32], scale = f16, zero_point>"},
    {"int4, channel", "#terse.uniform<i4, axis = 0>"},
    {"NF4, block 64, f16", "#terse.codebook<ui4, table = nf4, block = [1, 64], scale = f16>"},
    {"palette of 16", "#terse.codebook<ui4, table = f16, group = [64, ?]>"},
    {"MXFP4", "#terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>"},
    {"int2, block 16, f16", "#terse.uniform<i2, block = [1, 16], scale = f16>"},
    {"int3, block 32, f16", "#terse.uniform<i3, block = [1, 32], scale = f16>"},
    {"int8, block 32, f16", "#terse.uniform<i8, block = [1, 32], scale = f16>"},
    {"int8, channel", "#terse.uniform<i8, axis = 0>"},
    {"MXFP8", "#terse.minifloat<f8E4M3FN, block = [1, 32], scale = f8E8M0FNU>"},
    {"int4, block 32, f16; rows 8", "#terse.uniform<i4, block = [1, 32], scale = f16>", kBytes},
    {"int4, block 128, f16; rows 8", "#terse.uniform<i4, block = [1, 128], scale = f16>", kBytes},
    {"int4 with zero points; rows 8",
     "#terse.uniform<ui4, block = [1, 32], scale = f16, zero_point>", kBytes},
    {"int4, channel; rows 8", "#terse.uniform<i4, axis = 0>", kBytes},
    {"int2, block 16, f16; rows 8", "#terse.uniform<i2, block = [1, 16], scale = f16>", kBytes},
    {"int3, block 32, f16; rows 8", "#terse.uniform<i3, block = [1, 32], scale = f16>", kBytes},
    {"int8, block 32, f16; rows 8", "#terse.uniform<i8, block = [1, 32], scale = f16>", kBytes},
    {"int4, block 32, f16; rows bf16", "#terse.uniform<i4, block = [1, 32], scale = f16>", kBF16},
    {"NF4, block 64, f16; rows bf16",
     "#terse.codebook<ui4, table = nf4, block = [1, 64], scale = f16>", kBF16},
    {"MXFP4; rows bf16", "#terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>", kBF16},
    {"int2, block 16, f16; rows bf16", "#terse.uniform<i2, block = [1, 16], scale = f16>", kBF16},
    {"int8, channel; rows bf16", "#terse.uniform<i8, axis = 0>", kBF16},
};

struct Shape {
  int64_t m, n, k;
  bool cold;
  std::string getName() const {
    return formatv("{0},{1},{2}{3}", m, n, k, cold ? " cold" : "").str();
  }
};
const Shape kShapes[] = {
    {1, 4096, 4096, true},  {1, 11008, 4096, true},   {1, 4096, 4096, false},
    {1, 768, 768, false},   {4, 4096, 4096, false},   {16, 4096, 4096, false},
    {128, 768, 768, false}, {128, 4096, 4096, false}, {512, 768, 3072, false},
};
} // namespace
static Options options;

static const char *const kUsage =
    "Linear layers with weights of few bits, as a table in Markdown.\n"
    "  --seconds=S   time for each row (0.5)\n"
    "  --formats=RE  only weights whose name in the table matches\n"
    "  --shapes=RE   only layers whose M,N,K in the table match\n"
    "  --peers=LIST  ggml=FOLDER with its libggml-base.so and libggml-cpu*.so,\n"
    "                onnxruntime=FILE of libonnxruntime.so, xnnpack=FILE,\n"
    "                plugin=FILE with the functions of PeerPlugin.h (none)\n"
    "  --threads=N   threads (1)\n";

static bool parseOption(llvm::StringRef name, llvm::StringRef value) {
  if (name != "--formats")
    return false;
  options.formats = value;
  return true;
}

namespace {
class Bench {
public:
  explicit Bench(std::vector<std::unique_ptr<WeightPeer>> peers) : peers(std::move(peers)) {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    JITModel::setNumThreads(options.threads);
    for (auto &peer : this->peers)
      peer->setThreads(options.threads);
    limits = measureLimits();
  }

  void printHead() {
    llvm::outs() << "Features: " << describeFeatures() << ". " << options.threads
                 << (options.threads == 1 ? " thread" : " threads")
                 << formatv(". One core at most: {0:f0} GFLOPS FMA, {1:f0} GOPS AMX int8; reads in "
                            "GB/s: L2 {2:f0}, L3 {3:f1}, memory {4:f1} in one stream, {5:f1} in "
                            "eight.",
                            limits.fma * 1e-9, limits.amxInt8 * 1e-9, limits.l2 * 1e-9,
                            limits.l3 * 1e-9, limits.dram * 1e-9, limits.dramStreams * 1e-9);
    for (auto &peer : peers)
      llvm::outs() << " " << peer->getName() << ".";
    llvm::outs() << "\n\n| weights | M,N,K | us | error | GB/s of weights | of memory in eight "
                    "streams | GFLOPS | faster than f32 weights | faster than the best other | "
                    "others: us (ours is faster, error) | fast samples |\n"
                    "|---|---|---|---|---|---|---|---|---|---|---|\n";
  }

  void run(const Format &format, const Shape &shape) {
    int64_t m = shape.m, n = shape.n, k = shape.k;
    bool cold = shape.cold;
    Layer &layer = get(format, n, k), &plain = get({"f32", ""}, n, k);
    WeightProblem problem = layer.problem;
    problem.m = m, problem.cold = cold;
    HostTensor x = HostTensor::zeros(DType::f32(), {m, k});
    for (auto [i, v] : llvm::enumerate(x.getMutableAs<float>()))
      v = float(int(i * 37 % 255) - 127) / 127;
    problem.x = x.toFloats();

    // Ours, the same with f32 weights, then the others.
    std::vector<WeightPeer::Prepared> all;
    auto addOwn = [&](Layer &which) {
      JITModel *model = &which.get(*this, m);
      WeightPeer::Prepared own;
      own.run = [model, &x] { cantFail(model->run({x})); };
      own.weights = model->getWeights().data();
      own.weightBytes = model->getWeights().size();
      all.push_back(std::move(own));
      return cantFail(model->run({x}))[0].toFloats();
    };
    std::vector<float> result = addOwn(layer);
    addOwn(plain);
    std::vector<std::string> errors{"", ""};
    double error = compareWithReference(problem, layer.decoded.data(), result.data());
    for (auto &peer : peers) {
      std::string name = peer->getName();
      for (WeightPeer::Prepared &one : peer->prepare(problem)) {
        one.run();
        double e = compareWithReference(problem, one.ownWeights ? problem.w : layer.decoded.data(),
                                        static_cast<const float *>(one.result));
        one.name = name.substr(0, name.find(' ')) + " " + one.name;
        // Rounding of activations to 8 bits, and what the library's own rounding of weights loses.
        if (double most = !one.ownWeights ? 0.03 : problem.bits >= 4 ? 0.15 : 0.6; !(e < most)) {
          llvm::errs() << one.name << " at " << shape.getName() << " is off by "
                       << formatv("{0:f1}", 100 * e) << " % and was left out\n";
          continue;
        }
        errors.push_back(formatv("{0:f1} %", 100 * e));
        all.push_back(std::move(one));
      }
    }

    std::vector<PreparedPeer *> kernels;
    for (PreparedPeer &one : all)
      kernels.push_back(&one);
    // Kernels of both kinds run side by side: bursts of both have to be fast.
    Timing timing = timeInTurns(kernels, cold, {true, true}, options);
    const std::vector<double> &times = timing.seconds;
    double t = times[0], bytes = double(all[0].weightBytes) / t, best = 1e9;
    std::string others;
    for (size_t i = 2; i < all.size(); ++i) {
      others += formatv("{0}{1} {2:f1} ({3:f2}, {4})", others.empty() ? "" : "; ", all[i].name,
                        times[i] * 1e6, times[i] / t, errors[i]);
      best = std::min(best, times[i]);
      std::string group = m == 1 ? (cold ? "M=1 cold" : "M=1") : m < 128 ? "M=4, 16" : "M=128, 512";
      ratios.add(format.name + std::string(", ") + group, all[i].name, times[i] / t);
    }
    llvm::outs() << formatv(
        "| {0} | {1} | {2:f1} | {3:f2} % | {4:f1} | {5} | {6:f0} | {7:f2} | {8} | {9} | "
        "{10}/{11} |\n",
        format.name, shape.getName(), t * 1e6, 100 * error, bytes * 1e-9,
        cold ? formatv("{0:f0} %", 100 * bytes / limits.dramStreams / options.threads).str() : "",
        2e-9 * double(m * n * k) / t, times[1] / t,
        all.size() > 2 ? formatv("{0:f2}", best / t).str() : "-", others, timing.fast,
        timing.count);
    llvm::outs().flush();
  }

  // Lets go of the memory of a format's layers.
  void forget(const Format &format) {
    for (auto it = layers.begin(); it != layers.end();)
      it = std::get<0>(it->first) == format.name ? layers.erase(it) : std::next(it);
  }

  void printMeans() { ratios.print("weights", "other"); }

private:
  // Weights in a format, and models for numbers of rows.
  struct Layer {
    std::string encoding;
    std::string rows;
    WeightProblem problem;
    std::vector<float> original, decoded;
    llvm::SmallVector<HostTensor> components;
    std::map<int64_t, std::unique_ptr<JITModel>> models;

    JITModel &get(Bench &bench, int64_t m) {
      auto &model = models[m];
      if (!model)
        model = bench.compile(*this, m);
      return *model;
    }
  };

  // The error's root mean square relative to that of the result, in some columns.
  static double compareWithReference(const WeightProblem &p, const float *weights,
                                     const float *result) {
    double error = 0, range = 0;
    for (int64_t i = 0; i < std::min<int64_t>(p.m, 16); ++i)
      for (int64_t j = 0; j < std::min<int64_t>(p.n, 64); ++j) {
        double sum = 0;
        for (int64_t l = 0; l < p.k; ++l)
          sum += double(p.x[i * p.k + l]) * double(weights[j * p.k + l]);
        double d = sum - double(result[i * p.n + j]);
        error += d * d, range += sum * sum;
      }
    return std::sqrt(error / range);
  }

  // Random weights in `format`, f32 if that has no encoding.
  Layer &get(const Format &format, int64_t n, int64_t k) {
    std::unique_ptr<Layer> &layer = layers[{format.name, n, k}];
    if (layer)
      return *layer;
    layer = std::make_unique<Layer>();
    layer->encoding = format.encoding;
    layer->rows = format.rows;
    HostTensor weights = HostTensor::zeros(DType::f32(), {n, k});
    std::mt19937 rng{1};
    std::normal_distribution<float> normal(0, 0.02f);
    for (float &v : weights.getMutableAs<float>())
      v = normal(rng);
    layer->original = layer->decoded = weights.toFloats();
    layer->components = {weights};
    WeightProblem &problem = layer->problem;
    problem.n = n, problem.k = k, problem.bits = 32, problem.w = layer->original.data();
    if (layer->encoding.empty())
      return *layer;
    auto logical = RankedTensorType::get({n, k}, Float32Type::get(&context));
    auto encoding = llvm::cast<EncodingAttrInterface>(parseAttribute(layer->encoding, &context));
    auto noError = [] { return InFlightDiagnostic(); };
    layer->components = *encoding.encodeHost(weights, logical, {}, noError);
    layer->decoded = encoding.decodeHost(layer->components, logical, noError)->toFloats();
    const HostTensor &codes = layer->components[0];
    problem.bits =
        getElementTypeOrSelf(getComponentTypes(encoding, logical)[0]).getIntOrFloatBitWidth();
    // Codes and scales of symmetric blocks, which others may have as well.
    llvm::StringRef text = layer->encoding;
    if (!text.consume_front("#terse.uniform<i") || layer->components.size() != 2 ||
        (!text.contains("block = [1, ") && !text.contains("axis = 0")))
      return *layer;
    const HostTensor &scales = layer->components[1];
    problem.block = n * k / scales.getNumElements();
    for (int64_t i = 0; i < codes.getNumElements(); ++i)
      problem.codes.push_back(int8_t(codes.getAsInt(i)));
    problem.scales = scales.toFloats();
    return *layer;
  }

  std::unique_ptr<JITModel> compile(const Layer &layer, int64_t m) {
    int64_t n = layer.problem.n, k = layer.problem.k;
    auto logical = RankedTensorType::get({n, k}, Float32Type::get(&context));
    llvm::SmallVector<Type> types{logical};
    Type type = logical;
    bool encoded = !layer.encoding.empty();
    if (encoded) {
      auto encoding = llvm::cast<EncodingAttrInterface>(parseAttribute(layer.encoding, &context));
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
    if (encoded) {
      loads += formatv("%w = terse.assemble {0} : ({1}) -> {2}\n", names, list, type);
      weight = "%w";
    }
    std::string row = formatv("tensor<{0}x{1}xf32>", m, k), input = "%x", left = row;
    if (!layer.rows.empty()) {
      left.insert(left.size() - 1, ", " + layer.rows);
      loads += formatv("%e = terse.encode %x : {0} -> {1}\n", row, left);
      input = "%e";
    }
    std::string text = formatv("{0}func.func @main(%x: {3}) -> tensor<{1}x{2}xf32> {{\n{4}%0 = "
                               "nn.linear {7}, {5} : ({8}, {6}) -> tensor<{1}x{2}xf32>\nreturn "
                               "%0 : tensor<{1}x{2}xf32> }",
                               globals, m, n, row, loads, weight, type, input, left);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      llvm::report_fatal_error(llvm::StringRef(text));
    for (auto [global, t] : llvm::zip(module->getOps<ml_program::GlobalOp>(), layer.components))
      global.setValueAttr(toDenseResource(t, global.getSymName(), &context));
    CompileOptions compile;
    compile.parallel = options.threads > 1;
    return cantFail(JITModel::create(*module, compile));
  }

  MLIRContext context;
  std::vector<std::unique_ptr<WeightPeer>> peers;
  Limits limits;
  std::map<std::tuple<std::string, int64_t, int64_t>, std::unique_ptr<Layer>> layers;
  Ratios ratios;
};
} // namespace

int main(int argc, char **argv) {
  options.seconds = 0.5;
  if (!parseOptions(argc, argv, options, kUsage, parseOption))
    return 1;
  std::vector<std::unique_ptr<WeightPeer>> peers;
  for (const std::string &entry : options.peers) {
    auto [name, location] = llvm::StringRef(entry).split('=');
    std::string error =
        "unknown peer; use ggml=FOLDER, onnxruntime=FILE, xnnpack=FILE or plugin=FILE";
    std::unique_ptr<WeightPeer> peer;
    if (name == "ggml" && !location.empty())
      peer = loadGGML(location.str(), error);
    else if (name == "onnxruntime" && !location.empty())
      peer = loadONNXRuntime(location.str(), error);
    else if (name == "plugin" && !location.empty())
      peer = loadPlugin(location.str(), error);
    else if (name == "xnnpack" && !location.empty())
      peer = loadXNNPACKForWeights(location.str(), error);
    if (peer)
      peers.push_back(std::move(peer));
    else
      llvm::errs() << "without " << entry << ": " << error << "\n";
  }
  Bench bench(std::move(peers));
  bench.printHead();
  llvm::Regex formats(options.formats), shapes(options.shapes);
  for (const Format &format : kFormats) {
    for (const Shape &shape : kShapes)
      if ((options.formats.empty() || formats.match(format.name)) &&
          (options.shapes.empty() || shapes.match(shape.getName())))
        bench.run(format, shape);
    bench.forget(format);
  }
  bench.printMeans();
}
