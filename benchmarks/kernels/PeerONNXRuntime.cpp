//===- PeerONNXRuntime.cpp - onnxruntime's MatMulNBits by its C interface -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interface is a table of functions that only ever grows at its end; the numbers below are
// places in it. Where onnxruntime keeps packed weights is its own business: for runs from memory a
// model has so many layers that no cache keeps them.

#include "Peers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <optional>

using namespace terse::bench;

namespace {
using Handle = void *;
enum Function {
  GetErrorMessage = 2,
  CreateEnv = 3,
  CreateSessionFromArray = 8,
  Run = 9,
  CreateSessionOptions = 10,
  SetGraphOptimizationLevel = 23,
  SetIntraOpNumThreads = 24,
  CreateTensorWithData = 49,
  CreateCpuMemoryInfo = 69,
  ReleaseStatus = 93,
  ReleaseSession = 95,
  ReleaseValue = 96,
  ReleaseSessionOptions = 100
};
constexpr int kVersion = 20;
struct Base {
  const Handle *(*getTable)(uint32_t version);
  const char *(*getVersion)();
};

// A protobuf message, as bytes.
class Message {
public:
  Message &integer(unsigned field, uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Message &text(unsigned field, const std::string &value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes += value;
    return *this;
  }
  Message &message(unsigned field, const Message &value) { return text(field, value.bytes); }
  std::string bytes;

private:
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7)
      bytes += char(value | 128);
    bytes += char(value);
  }
};

enum Element { Float = 1, UInt8 = 2 };

Message tensor(const std::string &name, Element type, std::vector<int64_t> shape, std::string raw) {
  Message m;
  for (int64_t d : shape)
    m.integer(1, uint64_t(d));
  return m.integer(2, type).text(8, name).text(9, raw);
}
Message value(const std::string &name, std::vector<int64_t> shape) {
  Message dims, type;
  for (int64_t d : shape)
    dims.message(1, Message().integer(1, uint64_t(d)));
  type.integer(1, Float).message(2, dims);
  return Message().text(1, name).message(2, Message().message(1, type));
}
Message attribute(const std::string &name, int64_t value) {
  return Message().text(1, name).integer(3, uint64_t(value)).integer(20, 2);
}

struct ONNXRuntime : WeightPeer {
  const Handle *table = nullptr;
  std::string version;
  Handle environment = nullptr, memory = nullptr;
  int threads = 1;

  template <typename R, typename... A>
  R call(Function f, A... args) {
    return reinterpret_cast<R (*)(A...)>(table[f])(args...);
  }
  template <typename... A>
  bool ok(Function f, A... args) {
    Handle status = call<Handle>(f, args...);
    if (status)
      call<void>(ReleaseStatus, status);
    return !status;
  }

  std::string getName() const override { return "onnxruntime " + version; }
  void setThreads(int count) override { threads = count; }

  // `layers` products of one input with weights of their own.
  static std::string writeModel(const WeightProblem &p, int64_t accuracy, int64_t layers) {
    int64_t blocks = p.k / p.block, blockBytes = p.block * p.bits / 8;
    std::string codes(size_t(p.n * blocks * blockBytes), 0);
    int64_t perByte = 8 / p.bits, zero = 1 << (p.bits - 1);
    for (int64_t i = 0; i < p.n * p.k; ++i)
      codes[i / perByte] |= char((p.codes[i] + zero) << (i % perByte * p.bits));
    std::string scales(reinterpret_cast<const char *>(p.scales.data()), p.scales.size() * 4);
    Message graph;
    for (int64_t i = 0; i < layers; ++i) {
      std::string number = std::to_string(i);
      Message node;
      node.text(1, "x").text(1, "w" + number).text(1, "s" + number).text(2, "y" + number);
      node.text(4, "MatMulNBits");
      for (auto [name, v] :
           {std::pair("K", p.k), std::pair("N", p.n), std::pair("bits", p.bits),
            std::pair("block_size", p.block), std::pair("accuracy_level", accuracy)})
        node.message(5, attribute(name, v));
      graph.message(1, node.text(7, "com.microsoft"));
    }
    graph.text(2, "g");
    for (int64_t i = 0; i < layers; ++i) {
      std::string number = std::to_string(i);
      graph.message(5, tensor("w" + number, UInt8, {p.n, blocks, blockBytes}, codes));
      graph.message(5, tensor("s" + number, Float, {p.n * blocks}, scales));
    }
    graph.message(11, value("x", {p.m, p.k}));
    for (int64_t i = 0; i < layers; ++i)
      graph.message(12, value("y" + std::to_string(i), {p.m, p.n}));
    Message model;
    model.integer(1, 8).message(7, graph).message(8, Message().text(1, "").integer(2, 17));
    model.message(8, Message().text(1, "com.microsoft").integer(2, 1));
    return model.bytes;
  }

  struct State {
    ONNXRuntime &library;
    Handle session = nullptr;
    std::vector<Handle> values;
    std::vector<float> x;
    std::vector<std::vector<float>> results;
    std::vector<std::string> names;
    std::vector<const char *> outputs;
    ~State() {
      for (Handle v : values)
        library.call<void>(ReleaseValue, v);
      if (session)
        library.call<void>(ReleaseSession, session);
    }
  };

  std::optional<Prepared> prepare(const WeightProblem &p, int64_t accuracy) {
    int64_t bytes = p.n * p.k * p.bits / 8 + p.n * p.k / p.block * 4;
    int64_t layers = p.cold ? std::max<int64_t>(2, (int64_t(160) << 20) / bytes) : 1;
    auto state = std::make_shared<State>(State{*this, nullptr, {}, {}, {}, {}, {}});
    Handle options = nullptr;
    if (!ok(CreateSessionOptions, &options))
      return std::nullopt;
    bool made =
        ok(SetIntraOpNumThreads, options, threads) && ok(SetGraphOptimizationLevel, options, 99);
    if (made) {
      std::string model = writeModel(p, accuracy, layers);
      made = ok(CreateSessionFromArray, environment, static_cast<const void *>(model.data()),
                model.size(), options, &state->session);
    }
    call<void>(ReleaseSessionOptions, options);
    if (!made)
      return std::nullopt;
    state->x = p.x;
    state->results.resize(layers, std::vector<float>(size_t(p.m * p.n)));
    auto wrap = [&](std::vector<float> &data, int64_t rows, int64_t columns) {
      int64_t shape[] = {rows, columns};
      Handle v = nullptr;
      if (ok(CreateTensorWithData, memory, static_cast<void *>(data.data()), data.size() * 4,
             static_cast<const int64_t *>(shape), size_t(2), int(Float), &v))
        state->values.push_back(v);
    };
    wrap(state->x, p.m, p.k);
    for (int64_t i = 0; i < layers; ++i) {
      wrap(state->results[i], p.m, p.n);
      state->names.push_back("y" + std::to_string(i));
    }
    for (const std::string &name : state->names)
      state->outputs.push_back(name.c_str());
    if (int64_t(state->values.size()) != layers + 1)
      return std::nullopt;
    Prepared result;
    result.name = "accuracy " + std::to_string(accuracy);
    result.copies = layers;
    auto *run =
        reinterpret_cast<Handle (*)(Handle, Handle, const char *const *, const Handle *, size_t,
                                    const char *const *, size_t, Handle *)>(table[Run]);
    State *s = state.get();
    result.run = [=] {
      const char *input = "x";
      run(s->session, nullptr, &input, s->values.data(), 1, s->outputs.data(), size_t(layers),
          s->values.data() + 1);
    };
    result.result = state->results[0].data();
    result.owner = state;
    return result;
  }

  std::vector<Prepared> prepare(const WeightProblem &p) override {
    std::vector<Prepared> all;
    if (p.codes.empty() || p.block < 16 || (p.bits & (p.bits - 1)) || p.k % p.block)
      return all;
    // The largest error that a kernel may make: that of f32, that of 8-bit activations.
    for (int64_t accuracy : {0, 4})
      if (std::optional<Prepared> one = prepare(p, accuracy))
        all.push_back(std::move(*one));
    return all;
  }
};
} // namespace

std::unique_ptr<WeightPeer> terse::bench::loadONNXRuntime(const std::string &location,
                                                          std::string &error) {
  auto peer = std::make_unique<ONNXRuntime>();
  Handle library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto *getBase =
      library ? reinterpret_cast<const Base *(*)()>(dlsym(library, "OrtGetApiBase")) : nullptr;
  if (!getBase) {
    error = library ? "no OrtGetApiBase" : dlerror();
    return nullptr;
  }
  peer->table = getBase()->getTable(kVersion);
  peer->version = getBase()->getVersion();
  if (!peer->table) {
    error = "version " + peer->version + " is too old";
    return nullptr;
  }
  // Errors only.
  if (!peer->ok(CreateEnv, 4, static_cast<const char *>("bench"), &peer->environment) ||
      !peer->ok(CreateCpuMemoryInfo, 1, 0, &peer->memory)) {
    error = "no environment";
    return nullptr;
  }
  return peer;
}
