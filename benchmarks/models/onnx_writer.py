"""Writes ONNX files without the onnx package: the few protobuf messages that a graph of nodes and initializers needs.

    graph = Graph("name")
    graph.input("x", np.float32, ["batch", 3])
    graph.node("Relu", ["x"], ["y"])
    graph.output("y", np.float32, ["batch", 3])
    graph.save("relu.onnx", opset=17)

Field numbers are those of onnx.proto.
"""
import struct

import numpy as np

# TensorProto.DataType
TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int8): 3, np.dtype(np.int32): 6, np.dtype(np.int64): 7,
         np.dtype(np.bool_): 9}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """One field: an int as varint, a float as fixed32, text and bytes with their length."""
    if isinstance(value, (int, np.integer)):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, array):
    array = np.asarray(array)
    if array.dtype not in TYPES:
        raise ValueError(f"tensor '{name}': ONNX files of this writer hold no {array.dtype}")
    dims = b"".join(field(1, size) for size in array.shape)
    return dims + field(2, TYPES[array.dtype]) + field(8, name) + field(9, np.ascontiguousarray(array).tobytes())


def attribute(name, value):
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, (list, tuple)):
        return field(1, name) + b"".join(field(8, int(v)) for v in value) + field(20, 7)
    return field(1, name) + field(3, int(value)) + field(20, 2)


def value_info(name, dtype, shape):
    """A shape of None leaves the shape open."""
    body = field(1, TYPES[np.dtype(dtype)])
    if shape is not None:
        body += field(2, b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in shape))
    return field(1, name) + field(2, field(1, body))


class Graph:
    def __init__(self, name):
        self.name = name
        self.nodes, self.initializers, self.inputs, self.outputs = [], {}, [], []

    def node(self, op, inputs, outputs, name="", **attributes):
        body = b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs)
        body += field(3, name or outputs[0]) + field(4, op)
        self.nodes.append(body + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))
        return outputs[0]

    def constant(self, name, array):
        self.initializers[name] = np.asarray(array)
        return name

    def input(self, name, dtype, shape):
        self.inputs.append(value_info(name, dtype, shape))

    def output(self, name, dtype, shape):
        self.outputs.append(value_info(name, dtype, shape))

    def save(self, path, opset):
        graph = b"".join(field(1, n) for n in self.nodes) + field(2, self.name)
        graph += b"".join(field(5, tensor(k, v)) for k, v in self.initializers.items())
        graph += b"".join(field(11, i) for i in self.inputs) + b"".join(field(12, o) for o in self.outputs)
        with open(path, "wb") as f:
            f.write(field(1, 8) + field(2, "tfjs_to_onnx") + field(7, graph) + field(8, field(1, "") + field(2, opset)))
