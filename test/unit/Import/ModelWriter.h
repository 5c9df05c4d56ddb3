//===- ModelWriter.h - Small ONNX files for tests ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_UNIT_IMPORT_MODELWRITER_H
#define TERSE_TEST_UNIT_IMPORT_MODELWRITER_H

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace terse::test {

/// A protobuf message under construction. Fields are written as they come.
class Message {
public:
  std::string bytes;

  Message &varint(unsigned field, uint64_t value) {
    put(field << 3);
    put(value);
    return *this;
  }
  Message &text(unsigned field, const std::string &value) {
    put(field << 3 | 2);
    put(value.size());
    bytes += value;
    return *this;
  }
  Message &message(unsigned field, const Message &value) { return text(field, value.bytes); }
  Message &fixed32(unsigned field, float value) {
    put(field << 3 | 5);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
    return *this;
  }

private:
  void put(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  }
};

using Dims = std::vector<int64_t>;

inline Message tensorType(int64_t element, const Dims &dims) {
  Message shape, tensor, type;
  for (int64_t d : dims) {
    Message dim;
    if (d >= 0)
      dim.varint(1, d);
    else
      dim.text(2, "N");
    shape.message(1, dim);
  }
  tensor.varint(1, element).message(2, shape);
  return type.message(1, tensor);
}

inline Message value(const std::string &name, int64_t element, const Dims &dims) {
  return Message().text(1, name).message(2, tensorType(element, dims));
}

template <typename T>
Message tensor(const std::string &name, int64_t element, const Dims &dims,
               const std::vector<T> &data) {
  Message m;
  for (int64_t d : dims)
    m.varint(1, d);
  std::string raw(reinterpret_cast<const char *>(data.data()), data.size() * sizeof(T));
  return m.varint(2, element).text(8, name).text(9, raw);
}

inline Message node(const std::string &op, const std::vector<std::string> &inputs,
                    const std::vector<std::string> &outputs,
                    const std::vector<Message> &attributes = {}) {
  Message m;
  for (const std::string &i : inputs)
    m.text(1, i);
  for (const std::string &o : outputs)
    m.text(2, o);
  m.text(3, op + "_" + (outputs.empty() ? "" : outputs[0])).text(4, op);
  for (const Message &a : attributes)
    m.message(5, a);
  return m;
}

inline Message intAttribute(const std::string &name, int64_t v) {
  return Message().text(1, name).varint(3, uint64_t(v)).varint(20, 2);
}

inline Message graphAttribute(const std::string &name, const Message &graph) {
  return Message().text(1, name).message(6, graph).varint(20, 5);
}

struct Graph {
  std::vector<Message> nodes, initializers, inputs, outputs;

  Message build() const {
    Message g;
    for (const Message &n : nodes)
      g.message(1, n);
    g.text(2, "test");
    for (const Message &t : initializers)
      g.message(5, t);
    for (const Message &i : inputs)
      g.message(11, i);
    for (const Message &o : outputs)
      g.message(12, o);
    return g;
  }
};

inline std::string model(const Graph &graph, int64_t opset = 21) {
  return Message()
      .varint(1, 10)
      .message(7, graph.build())
      .message(8, Message().text(1, "").varint(2, opset))
      .bytes;
}

} // namespace terse::test

#endif
