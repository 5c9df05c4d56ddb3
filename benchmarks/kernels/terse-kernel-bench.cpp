//===- terse-kernel-bench.cpp - Kernels beside other libraries' ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times single layers as compiled models and the same layers by the libraries that it finds, in
// turns on one core, and prints a table: times, ratios, percent of what the machine can do.

#include "Harness.h"
#include "Machine.h"
#include "Peers.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Codegen/CPU/Explain.h"
#include "terse/InitAll.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstring>
#include <malloc.h>
#include <random>

using namespace mlir;
using namespace terse;
using namespace terse::bench;
using llvm::formatv;

namespace {
struct Options : CommonOptions {
  std::string target = "native", dump;
};
} // namespace
static Options options;

static const char *const kUsage =
    "Kernels beside those of other libraries, as a table in Markdown.\n"
    "  --seconds=S   time for each layer (1)\n"
    "  --shapes=RE   only layers whose name in the table matches\n"
    "  --peers=LIST  onednn, blas, onednn=FILE, blas=FILE, xnnpack=FILE, libxsmm=FILE (2.x), none "
    "(onednn,blas)\n"
    "  --threads=N   threads (1)\n"
    "  --target=T    target of our kernels (native)\n"
    "  --dump=FILE   write the object code of the last layer\n";

static bool parseOption(llvm::StringRef name, llvm::StringRef value) {
  if (name == "--target")
    options.target = value;
  else if (name == "--dump")
    options.dump = value;
  else
    return false;
  return true;
}

//===--- layers ---===//

static std::string nameOf(const Problem &p) {
  std::string kind = p.kind == Kind::Int8 ? "int8" : p.kind == Kind::BF16 ? "bf16" : "f32";
  if (!p.isConv())
    return formatv("{0} {1},{2},{3}{4}", kind, p.m, p.n, p.k, p.cold ? " cold" : "");
  if (p.groups > 1)
    return formatv("{0} depthwise {1}x{1}/{2} {3}x{3}x{4}", kind, p.kernel, p.stride, p.size,
                   p.channels);
  return formatv("{0} conv {1}x{1}/{2} {3}x{3} {4}->{5}", kind, p.kernel, p.stride, p.size,
                 p.channels, p.n);
}

static std::vector<Problem> listProblems() {
  std::vector<Problem> list;
  for (Kind kind : {Kind::Int8, Kind::BF16, Kind::Float}) {
    auto gemm = [&](int64_t m, int64_t n, int64_t k, bool cold) {
      Problem p;
      p.kind = kind, p.m = m, p.n = n, p.k = k, p.cold = cold;
      list.push_back(p);
    };
    auto conv = [&](int64_t size, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                    int64_t groups = 1) {
      Problem p;
      p.kind = kind, p.size = size, p.channels = in, p.kernel = kernel, p.stride = stride;
      p.pad = kernel / 2, p.groups = groups;
      p.m = p.getOutputSize() * p.getOutputSize(), p.n = out, p.k = in / groups * kernel * kernel;
      list.push_back(p);
    };
    for (bool cold : {false, true})
      for (int64_t m : {1, 16})
        gemm(m, 4096, 4096, cold);
    for (bool cold : {false, true})
      for (auto [n, k] : {std::pair(768, 768), std::pair(3072, 768), std::pair(11008, 4096)})
        gemm(1, n, k, cold);
    gemm(128, 768, 768, false);
    gemm(128, 3072, 768, false);
    gemm(512, 768, 3072, false);
    gemm(512, 4096, 4096, false);
    gemm(1024, 1024, 1024, false);
    gemm(2048, 2048, 2048, false);
    for (auto [size, channels] :
         {std::pair(56, 64), std::pair(28, 128), std::pair(14, 256), std::pair(7, 512)})
      conv(size, channels, channels, 3, 1);
    conv(56, 64, 256, 1, 1);
    conv(56, 256, 64, 1, 1);
    conv(28, 128, 512, 1, 1);
    conv(14, 1024, 256, 1, 1);
    conv(7, 512, 2048, 1, 1);
    conv(224, 3, 64, 7, 2);
    for (int64_t stride : {1, 2})
      for (auto [size, channels] :
           {std::pair(112, 32), std::pair(56, 128), std::pair(28, 256), std::pair(14, 512)})
        conv(size, channels, channels, 3, stride, channels);
  }
  return list;
}

static std::string type(llvm::ArrayRef<int64_t> shape, llvm::StringRef element) {
  std::string text = "tensor<";
  for (int64_t d : shape)
    text += std::to_string(d) + "x";
  return text + element.str() + ">";
}

static DType getDType(Kind kind) {
  return kind == Kind::Int8 ? DType::ui(8) : kind == Kind::BF16 ? DType::bf16() : DType::f32();
}

namespace {
struct Layer {
  MLIRContext &context;
  const Problem &p;
  /// What `terse compile --explain` says of it, after `compile`.
  double estimatedCycles = 0;
  bool int8 = p.kind == Kind::Int8;
  llvm::StringRef real = p.kind == Kind::BF16 ? "bf16" : "f32", element = int8 ? "ui8" : real,
                  weightElement = int8 ? "i8" : real, sum = int8 ? "i32" : real;

  // x [+ transposes of a convolution] -> sums -> [scale -> bytes] -> result
  std::string text() {
    int64_t o = p.getOutputSize();
    llvm::SmallVector<int64_t> xs{p.m, p.k}, ws{p.n, p.k}, ys{p.m, p.n}, cs{p.n};
    if (p.isConv()) {
      xs = {1, p.size, p.size, p.channels};
      ws = {p.n, p.channels / p.groups, p.kernel, p.kernel};
      ys = {1, o, o, p.n};
      cs = {p.n, 1, 1};
    }
    llvm::SmallVector<int64_t> inner = ys;
    if (p.isConv())
      inner = {1, p.n, o, o};
    std::string x = type(xs, element), w = type(ws, weightElement), y = type(ys, element), in = x,
                c = type(cs, "f32"), s = type(inner, sum), q = type(inner, element);
    std::string code = formatv("ml_program.global private @w(#ml_program.extern<{0}>) : {0}\n", w);
    if (int8)
      code += formatv("ml_program.global private @c(#ml_program.extern<{0}>) : {0}\n", c);
    code += formatv("func.func @main(%x: {0}) -> {1} {{\n%w = ml_program.global_load_const @w : "
                    "{2}\n",
                    x, y, w);
    std::string left = "%x", last = "%0";
    if (p.isConv()) {
      in = type({1, p.channels, p.size, p.size}, element);
      code += formatv("%t = nn.transpose %x {{permutation = array<i64: 0, 3, 1, 2>} : ({0}) -> "
                      "{1}\n",
                      x, in);
      left = "%t";
      code += formatv("%0 = nn.conv {0}, %w {{strides = array<i64: {1}, {1}>, pads = array<i64: "
                      "{2}, {2}, {3}, {3}>, dilations = array<i64: 1, 1>, groups = {4} : i64} : "
                      "({5}, {6}) -> {7}\n",
                      left, p.stride, p.pad, (o - 1) * p.stride + p.kernel - p.size - p.pad,
                      p.groups, in, w, s);
    } else {
      code += formatv("%0 = nn.linear %x, %w : ({0}, {1}) -> {2}\n", x, w, s);
    }
    if (int8) {
      code += formatv("%c = ml_program.global_load_const @c : {0}\n%1 = terse.requantize %0 "
                      "scales(%c : {0}) clamp(0, 255) : ({1}) -> {2}\n",
                      c, s, q);
      last = "%1";
    }
    if (p.isConv()) {
      code += formatv("%r = nn.transpose {0} {{permutation = array<i64: 0, 2, 3, 1>} : ({1}) -> "
                      "{2}\n",
                      last, q, y);
      last = "%r";
    }
    return code + formatv("return {0} : {1} }", last, y).str();
  }

  std::unique_ptr<JITModel> compile(const Operands &operands) {
    std::string code = text();
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(code, &context);
    if (!module) {
      llvm::errs() << code << "\n";
      return nullptr;
    }
    for (auto global : module->getOps<ml_program::GlobalOp>()) {
      bool scale = global.getSymName() == "c";
      HostTensor t = HostTensor::zeros(scale  ? DType::f32()
                                       : int8 ? DType::si(8)
                                              : getDType(p.kind),
                                       llvm::cast<RankedTensorType>(global.getType()).getShape());
      const void *from =
          scale ? static_cast<const void *>(operands.scale.data()) : operands.w.data();
      std::memcpy(t.getMutableBytes().data(), from, t.getBytes().size());
      global.setValueAttr(toDenseResource(t, global.getSymName(), &context));
    }
    CompileOptions compile;
    compile.target = options.target;
    compile.parallel = options.threads > 1;
    compile.observer = [&](llvm::StringRef stage, ModuleOp lowered) {
      if (stage == "linalg")
        estimatedCycles = estimateCycles(lowered);
    };
    auto model = JITModel::create(*module, compile);
    if (!model) {
      llvm::errs() << llvm::toString(model.takeError()) << "\n";
      return nullptr;
    }
    if (!options.dump.empty()) {
      auto object = compileToObject(*module, compile);
      if (object) {
        std::error_code error;
        llvm::raw_fd_ostream(options.dump, error) << object->object;
      }
    }
    return std::move(*model);
  }
};
} // namespace

static Operands makeOperands(const Problem &p) {
  std::mt19937 rng{1};
  Operands o;
  o.x.resize(p.getInputElements() * p.getElementBytes());
  o.w.resize(p.getWeightElements() * p.getElementBytes());
  if (p.kind == Kind::Int8) {
    for (uint8_t &b : o.x)
      b = rng();
    for (uint8_t &b : o.w)
      b = uint8_t(int(rng() % 255) - 127);
    for (int64_t i = 0; i < p.n; ++i)
      o.scale.push_back(float(60 + rng() % 40) / (8000 * std::sqrt(float(p.k))));
    return o;
  }
  if (p.kind == Kind::BF16) {
    // 7 bits and a sign: no rounding.
    for (std::vector<uint8_t> *v : {&o.x, &o.w})
      for (size_t i = 0; i < v->size(); i += 2) {
        float f = float(int(rng() % 255) - 127) / 128;
        std::memcpy(v->data() + i, reinterpret_cast<const char *>(&f) + 2, 2);
      }
    return o;
  }
  for (std::vector<uint8_t> *v : {&o.x, &o.w}) {
    auto *f = reinterpret_cast<float *>(v->data());
    for (size_t i = 0; i < v->size() / 4; ++i)
      f[i] = float(int(rng() % 255) - 127) / 127;
  }
  return o;
}

//===--- measuring ---===//

static double readResult(Kind kind, const void *data, int64_t i) {
  if (kind == Kind::Int8)
    return static_cast<const uint8_t *>(data)[i];
  if (kind == Kind::Float)
    return static_cast<const float *>(data)[i];
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

static double readPeer(const Problem &p, const Operands &operands, const PreparedPeer &peer,
                       int64_t i) {
  if (peer.sums) {
    float sum = float(static_cast<const int32_t *>(peer.result)[i]);
    return std::clamp(std::nearbyint(sum * operands.scale[i % p.n]), 0.0f, 255.0f);
  }
  if (peer.signedBytes)
    return static_cast<const uint8_t *>(peer.result)[i] ^ 0x80;
  return readResult(p.kind, peer.result, i);
}

// "equal", "off by" (integers) or the largest error relative to the range.
static std::string compareResults(const Problem &p, const Operands &operands, const void *a,
                                  const PreparedPeer &peer) {
  double worst = 0, range = 0;
  for (int64_t i = 0; i < p.getOutputElements(); ++i) {
    double x = readResult(p.kind, a, i), y = readPeer(p, operands, peer, i);
    worst = std::max(worst, std::abs(x - y)), range = std::max(range, std::abs(x));
  }
  if (worst == 0)
    return peer.sums ? "equal, but sums" : "equal";
  return p.kind == Kind::Int8 ? formatv("off by {0}", worst).str()
                              : formatv("{0:e1}", worst / range).str();
}

namespace {
class Bench {
public:
  explicit Bench(std::vector<std::unique_ptr<Peer>> peers) : peers(std::move(peers)) {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    limits = measureLimits();
    JITModel::setNumThreads(options.threads);
    for (auto &peer : this->peers)
      peer->setThreads(options.threads);
  }

  void printHead() {
    llvm::outs() << "Features: " << describeFeatures() << ". " << options.threads
                 << (options.threads == 1 ? " thread" : " threads")
                 << ". One core at most: " << formatv("{0:f0}", limits.amxInt8 * 1e-9)
                 << " GOPS AMX int8, " << formatv("{0:f0}", limits.amxBF16 * 1e-9)
                 << " GFLOPS AMX bf16, " << formatv("{0:f0}", limits.vnni * 1e-9) << " GOPS VNNI, "
                 << formatv("{0:f0}", limits.bf16 * 1e-9) << " GFLOPS vdpbf16ps, "
                 << formatv("{0:f0}", limits.fma * 1e-9) << " GFLOPS FMA; reads in GB/s: "
                 << formatv("L1 {0:f0}, L2 {1:f0}, L3 {2:f1}, memory {3:f1} in one stream, {4:f1} "
                            "in eight",
                            limits.l1 * 1e-9, limits.l2 * 1e-9, limits.l3 * 1e-9,
                            limits.dram * 1e-9, limits.dramStreams * 1e-9)
                 << ".\n\n| layer | us | GOPS | of limit |";
    for (auto &peer : peers)
      llvm::outs() << " " << peer->getName() << " us | ours is faster | results |";
    llvm::outs() << " estimate | fast samples |\n|---|---|---|---|";
    for (size_t i = 0; i < peers.size(); ++i)
      llvm::outs() << "---|---|---|";
    llvm::outs() << "---|---|\n";
  }

  // Cycles per second, as the instructions that the layer waits for let the machine run.
  double getClock(const Problem &p) {
    bool tiles = p.m > 1 && p.groups == 1;
    if (p.kind == Kind::Int8)
      return tiles && limits.amxInt8 > 0 ? limits.amxInt8 / 2048 : limits.vnni / 256;
    if (p.kind == Kind::BF16 && limits.amxBF16 == 0 && limits.bf16 > 0)
      return limits.bf16 / 128;
    return tiles && p.kind == Kind::BF16 && limits.amxBF16 > 0 ? limits.amxBF16 / 1024
                                                               : limits.fma / 64;
  }

  // Of windows of single channels, multiply-adds of floats are the limit without tiles.
  double limitOfBF16(const Problem &p) {
    if (limits.amxBF16 > 0)
      return limits.amxBF16;
    return limits.bf16 > 0 && p.groups == 1 ? limits.bf16 : limits.fma;
  }

  // The time that arithmetic or reading the weights takes at least.
  double limitOf(const Problem &p) {
    double peak = p.kind == Kind::Float                            ? limits.fma
                  : p.kind == Kind::BF16                           ? limitOfBF16(p)
                  : limits.amxInt8 > 0 && p.m > 1 && p.groups == 1 ? limits.amxInt8
                                                                   : limits.vnni;
    double bytes = double(p.getWeightElements() * p.getElementBytes());
    double bandwidth = p.cold || bytes > 60e6 ? limits.dramStreams
                       : bytes > 1.5e6        ? std::max(limits.l3, limits.dramStreams)
                                              : limits.l2;
    if (peak == 0 || bandwidth == 0)
      return 0;
    return std::max(p.getOperations() / peak, bytes / bandwidth) / options.threads;
  }

  void run(const Problem &p) {
    Operands operands = makeOperands(p);
    Layer layer{context, p};
    auto model = layer.compile(operands);
    if (!model)
      return;
    HostTensor x = HostTensor::zeros(getDType(p.kind), model->getInputs()[0].shape);
    std::memcpy(x.getMutableBytes().data(), operands.x.data(), operands.x.size());
    HostTensor result = cantFail(model->run(x))[0];
    // Ours first, then the peers.
    std::vector<PreparedPeer> all(1);
    all[0].run = [&] { cantFail(model->run(x)); };
    all[0].weights = model->getWeights().data();
    all[0].weightBytes = model->getWeights().size();
    std::vector<std::string> results;
    for (auto &peer : peers) {
      PreparedPeer prepared = peer->prepare(p, operands);
      std::string text;
      if (prepared.run) {
        prepared.run();
        text = compareResults(p, operands, result.getBytes().data(), prepared);
      }
      all.push_back(std::move(prepared));
      results.push_back(text);
    }
    std::vector<PreparedPeer *> kernels;
    for (PreparedPeer &one : all)
      kernels.push_back(&one);
    bool floats = p.kind == Kind::Float;
    Timing timing = timeInTurns(kernels, p.cold, {floats, !floats}, options);
    const std::vector<double> &times = timing.seconds;
    double t = times[0], ops = p.getOperations();
    llvm::outs() << formatv("| {0} | {1:f1} | {2:f0} | {3:f0} % |", nameOf(p), t * 1e6,
                            ops / t * 1e-9, 100 * limitOf(p) / t);
    std::string family = nameOf(p);
    family = p.isConv() ? llvm::StringRef(family).take_front(family.find('/')).str()
             : p.m == 1 ? family.substr(0, family.find(' ')) + " M=1" + (p.cold ? " cold" : "")
                        : family.substr(0, family.find(' '));
    for (size_t i = 0; i < peers.size(); ++i) {
      if (!all[i + 1].run) {
        llvm::outs() << " - | - | - |";
        continue;
      }
      double ratio = times[i + 1] / t;
      llvm::outs() << formatv(" {0:f1} | {1:f2} | {2} |", times[i + 1] * 1e6, ratio, results[i]);
      ratios.add(family, peers[i]->getName(), ratio);
    }
    llvm::outs() << formatv(" {0:f2} | {1}/{2} |\n", layer.estimatedCycles / getClock(p) / t,
                            timing.fast, timing.count);
    llvm::outs().flush();
  }

  void printMeans() { ratios.print("layers", "library"); }

private:
  MLIRContext context;
  std::vector<std::unique_ptr<Peer>> peers;
  Limits limits;
  Ratios ratios;
};
} // namespace

int main(int argc, char **argv) {
  // Libraries write their results where the last ones were. Ours are new ones each time: their
  // memory must not come from the system again.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  options.peers = {"onednn", "blas"};
  if (!parseOptions(argc, argv, options, kUsage, parseOption))
    return 1;
  std::vector<std::unique_ptr<Peer>> peers;
  for (const std::string &entry : options.peers) {
    auto [name, file] = llvm::StringRef(entry).split('=');
    std::string error = "unknown peer; use onednn, blas, libxsmm=FILE or xnnpack=FILE";
    std::unique_ptr<Peer> peer;
    if (name == "none")
      continue;
    if (name == "onednn")
      peer = loadOneDNN(file.empty() ? "libdnnl.so" : file.str(), error);
    else if (name == "blas")
      peer = loadBLAS(file.empty() ? "libopenblas.so.0" : file.str(), error);
    else if (name == "libxsmm")
      peer = loadLIBXSMM(file.empty() ? "libxsmm.so" : file.str(), error);
    else if (name == "xnnpack")
      peer = loadXNNPACK(file.empty() ? "libXNNPACK.so" : file.str(), error);
    if (peer)
      peers.push_back(std::move(peer));
    else
      llvm::errs() << "without " << entry << ": " << error << "\n";
  }
  Bench bench(std::move(peers));
  bench.printHead();
  llvm::Regex pattern(options.shapes);
  for (const Problem &p : listProblems())
    if (options.shapes.empty() || pattern.match(nameOf(p)))
      bench.run(p);
  bench.printMeans();
}
