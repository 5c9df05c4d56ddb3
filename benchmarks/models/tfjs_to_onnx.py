#!/usr/bin/env python3
"""Converts a TensorFlow.js graph model to ONNX (opset 17).

    tfjs_to_onnx.py MODEL_DIR OUT.onnx

MODEL_DIR holds `model.json` and the shards that it names. Constants keep their names; integers become 64 bits wide.
Needs NumPy. An operation that is not in the table below is an error that names it, the node and the table.

A sparse input. Text encoders take their tokens as a pair of placeholders, indices [tokens, 2] (sentence, position) and values
[tokens], turn them into a matrix with `SparseToDense`, and pack and unpack the positions that are in use with `Where`,
`GatherNd` and `ScatterNd`: the sizes depend on the data. The converted graph has no such sizes:

* the result of SparseToDense becomes the input `tokens` [batch, length], int32, with the default value (-1) where a sentence
  has ended; the caller builds it, and cuts what is longer than the model takes;
* `Where(mask)` stands for all positions, those beyond the end included, sentence by sentence;
* so packing is a reshape to [batch * length, ...], and unpacking one back that writes 0 where the mask is false.

This computes the same for every position in use as long as no packed row depends on another, which holds between a GatherNd
and its ScatterNd in a transformer.
"""
import argparse
import json
import os
import sys

import numpy as np

from onnx_writer import Graph

OPSET = 17
# TF.js name: ONNX name, where inputs and results correspond one to one.
DIRECT = {
    "Add": "Add", "AddV2": "Add", "BiasAdd": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div", "Maximum": "Max",
    "Minimum": "Min", "Less": "Less", "Greater": "Greater", "LogicalNot": "Not", "LogicalAnd": "And", "Sin": "Sin", "Cos": "Cos",
    "Relu": "Relu", "Tanh": "Tanh", "Sigmoid": "Sigmoid", "Exp": "Exp", "Sqrt": "Sqrt", "Neg": "Neg", "Identity": "Identity",
    "Shape": "Shape", "Reshape": "Reshape", "Range": "Range",
}
REDUCTIONS = {"Sum": "ReduceSum", "Mean": "ReduceMean", "Max": "ReduceMax", "Prod": "ReduceProd"}
# DataType of tensorflow/core/framework/types.proto, and of ONNX. Integers are 64 bits wide.
CAST = {1: 1, 3: 7, 9: 7, 10: 9}
CAST_NAMES = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_INT64": 9, "DT_BOOL": 10}


class ConversionError(Exception):
    pass


def load(folder):
    """The nodes, and the constants by name."""
    with open(os.path.join(folder, "model.json")) as f:
        model = json.load(f)
    constants = {}
    for group in model["weightsManifest"]:
        raw = b"".join(open(os.path.join(folder, path), "rb").read() for path in group["paths"])
        offset = 0
        for weight in group["weights"]:
            if "quantization" in weight:
                raise ConversionError(f"constant '{weight['name']}' is quantized; only plain constants can be read")
            dtype = np.dtype({"float32": np.float32, "int32": np.int32, "bool": np.bool_}[weight["dtype"]])
            count = int(np.prod(weight["shape"], dtype=np.int64))
            array = np.frombuffer(raw, dtype, count, offset).reshape(weight["shape"])
            offset += array.nbytes
            constants[weight["name"]] = array.astype(np.int64) if dtype == np.int32 else array
        if offset != len(raw):
            raise ConversionError(f"{group['paths'][0]} and its followers hold {len(raw)} bytes, but {offset} are described")
    return model["modelTopology"]["node"], constants


class Converter:
    def __init__(self, nodes, constants):
        self.nodes, self.constants = nodes, constants
        self.by_name = {node["name"]: node for node in nodes}
        self.graph = Graph("tfjs")
        self.used = set()
        self.number = 0
        # Results of Where: what the positions are positions of.
        self.masks = {}

    # What a node says.
    def attr(self, node, name, default=None):
        value = node.get("attr", {}).get(name)
        if value is None:
            return default
        kind, content = next(iter(value.items()))
        if kind == "list":
            return [int(v) for v in content.get("i", [])]
        if kind == "s":
            return bytes(content).decode() if isinstance(content, list) else content
        return content if kind in ("b", "type", "shape") else int(content)

    def fail(self, node, text):
        raise ConversionError(f"node '{node['name']}' ({node['op']}): {text}")

    def ref(self, name):
        """The ONNX name of an input."""
        name = name[:-2] if name.endswith(":0") else name
        if name in self.constants and name not in self.used:
            self.used.add(name)
            self.graph.constant(name, self.constants[name])
        return name

    def value(self, node, index):
        """A constant input."""
        name = node["input"][index]
        if name not in self.constants:
            self.fail(node, f"input {index} ('{name}') has to be a constant")
        return self.constants[name]

    def ints(self, values):
        self.number += 1
        return self.graph.constant(f"ints.{self.number}", np.array(values, np.int64))

    def emit(self, op, inputs, output=None, **attributes):
        if output is None:
            self.number += 1
            output = f"value.{self.number}"
        return self.graph.node(op, inputs, [output], **attributes)

    # The conversion.
    def run(self):
        dense = [node for node in self.nodes if node["op"] == "SparseToDense"]
        placeholders = [node["name"] for node in self.nodes if node["op"] == "Placeholder"]
        self.tokens = dense[0] if dense else None
        if self.tokens:
            if len(dense) > 1 or len(placeholders) != 2:
                raise ConversionError("a sparse input is a pair of placeholders that one SparseToDense reads; this graph has "
                                      f"{len(placeholders)} placeholders and {len(dense)} SparseToDense")
            self.graph.input("tokens", np.int32, ["batch", "length"])
            self.graph.node("Cast", ["tokens"], [self.tokens["name"]], to=7)
            # The values themselves: every position.
            self.emit("Reshape", [self.tokens["name"], self.ints([-1])], self.tokens["input"][2])
        needed = self.find_needed()
        for node in self.sort(needed):
            if node["op"] in ("Const", "SparseToDense") or (self.tokens and node["name"] == self.tokens["input"][2]):
                continue
            convert = getattr(self, "convert_" + node["op"], None)
            inputs = [i for i in node.get("input", []) if not i.startswith("^")]
            if convert:
                convert(node)
            elif node["op"] in DIRECT:
                self.emit(DIRECT[node["op"]], [self.ref(i) for i in inputs], node["name"])
            elif node["op"] in REDUCTIONS:
                self.convert_reduction(node)
            else:
                known = sorted(list(DIRECT) + list(REDUCTIONS) + [n[8:] for n in dir(self) if n.startswith("convert_")])
                self.fail(node, f"there is no conversion of this operation; there are {', '.join(known)}")
        self.write_outputs()
        return self.graph

    def find_needed(self):
        """The nodes that results depend on, not looking behind the sparse input."""
        read = {i.split(":")[0] for node in self.nodes for i in node.get("input", [])}
        self.results = [node["name"] for node in self.nodes if node["name"] not in read and node["op"] not in ("Const", "Placeholder")]
        stops = {self.tokens["name"], self.tokens["input"][2]} if self.tokens else set()
        needed, work = set(), list(self.results)
        while work:
            name = work.pop()
            if name in needed:
                continue
            needed.add(name)
            if name not in stops:
                work += [i.split(":")[0] for i in self.by_name[name].get("input", []) if not i.startswith("^")]
        return needed

    def sort(self, needed):
        done, order = set(), []

        def visit(name):
            if name in done or name not in needed:
                return
            done.add(name)
            if not (self.tokens and name in (self.tokens["name"], self.tokens["input"][2])):
                for i in self.by_name[name].get("input", []):
                    visit(i.split(":")[0])
            order.append(self.by_name[name])

        sys.setrecursionlimit(10000)
        for node in self.nodes:
            visit(node["name"])
        return order

    def write_outputs(self):
        for index, name in enumerate(self.results):
            output = "output" if len(self.results) == 1 else f"output.{index}"
            self.graph.node("Identity", [name], [output])
            self.graph.output(output, np.float32, None)

    def convert_Placeholder(self, node):
        dims = (self.attr(node, "shape") or {}).get("dim", [])
        shape = [int(d["size"]) if int(d["size"]) >= 0 else f"{node['name']}.{i}" for i, d in enumerate(dims)]
        self.graph.input(node["name"], np.float32, shape)

    # The sparse input.
    def convert_Where(self, node):
        """All positions of a mask [batch, length] as rows (sentence, position)."""
        mask = self.ref(node["input"][0])
        self.masks[node["name"]] = mask
        shape = self.emit("Shape", [mask])
        columns = []
        for axis in (0, 1):
            size = self.emit("Gather", [shape, self.ints(axis)], axis=0)
            steps = self.emit("Range", [self.ints(0), size, self.ints(1)])
            steps = self.emit("Unsqueeze", [steps, self.ints([1 - axis])])
            columns.append(self.emit("Reshape", [self.emit("Expand", [steps, shape]), self.ints([-1, 1])]))
        self.emit("Concat", columns, node["name"], axis=1)

    def mask_of(self, node, name):
        while name not in self.masks and name in self.by_name and self.by_name[name]["op"] in ("Cast", "Identity"):
            name = self.by_name[name]["input"][0]
        if name not in self.masks:
            self.fail(node, "its positions have to come from Where, the positions in use of a sparse input")
        return self.masks[name]

    def convert_GatherNd(self, node):
        self.mask_of(node, node["input"][1])
        x = self.ref(node["input"][0])
        rest = self.emit("Slice", [self.emit("Shape", [x]), self.ints([2]), self.ints([2**31 - 1])])
        self.emit("Reshape", [x, self.emit("Concat", [self.ints([-1]), rest], axis=0)], node["name"])

    def convert_ScatterNd(self, node):
        mask = self.emit("Unsqueeze", [self.mask_of(node, node["input"][0]), self.ints([2])])
        rows = self.emit("Reshape", [self.ref(node["input"][1]), self.ref(node["input"][2])])
        zero = self.graph.constant("zero", np.float32(0))
        self.emit("Where", [mask, rows, zero], node["name"])

    # Contractions.
    def convert_MatMul(self, node):
        inputs = [self.ref(i) for i in node["input"]]
        for i, key in enumerate(("transpose_a", "transpose_b")):
            if self.attr(node, key, False):
                inputs[i] = self.emit("Transpose", [inputs[i]], perm=[1, 0])
        self.emit("MatMul", inputs, node["name"])

    def convert_BatchMatMul(self, node):
        inputs = [self.ref(i) for i in node["input"]]
        for i, key in enumerate(("adj_x", "adj_y")):
            if self.attr(node, key, False):
                rank = len(self.attr(node, "_output_shapes", []) or []) or 4
                inputs[i] = self.emit("Transpose", [inputs[i]], perm=list(range(rank - 2)) + [rank - 1, rank - 2])
        self.emit("MatMul", inputs, node["name"])

    convert_BatchMatMulV2 = convert_BatchMatMul

    def convert_Conv2D(self, node):
        """NHWC. A 1x1 kernel is a product along the last axis."""
        weight = self.value(node, 1)
        ones = all(v == 1 for key in ("strides", "dilations") for v in self.attr(node, key, [1]))
        if weight.shape[:2] != (1, 1) or not ones:
            self.fail(node, f"only 1x1 kernels without strides are converted (got {list(weight.shape)})")
        name = node["input"][1]
        self.graph.constant(name, weight.reshape(weight.shape[2:]))
        self.used.add(name)
        self.emit("MatMul", [self.ref(node["input"][0]), name], node["name"])

    # Shapes.
    def convert_ExpandDims(self, node):
        self.emit("Unsqueeze", [self.ref(node["input"][0]), self.ints([int(self.value(node, 1))])], node["name"])

    def convert_Squeeze(self, node):
        axes = self.attr(node, "squeeze_dims", [])
        self.emit("Squeeze", [self.ref(node["input"][0])] + ([self.ints(axes)] if axes else []), node["name"])

    def convert_Pack(self, node):
        axis = self.ints([self.attr(node, "axis", 0)])
        parts = [self.emit("Unsqueeze", [self.ref(i), axis]) for i in node["input"]]
        self.emit("Concat", parts, node["name"], axis=self.attr(node, "axis", 0))

    def convert_ConcatV2(self, node):
        self.emit("Concat", [self.ref(i) for i in node["input"][:-1]], node["name"], axis=int(self.value(node, len(node["input"]) - 1)))

    def convert_SplitV(self, node):
        sizes = self.value(node, 1)
        outputs = [node["name"]] + [f"{node['name']}:{i}" for i in range(1, len(sizes))]
        self.graph.node("Split", [self.ref(node["input"][0]), self.ints(sizes)], outputs, axis=int(self.value(node, 2)))

    def convert_Slice(self, node):
        begin, size = self.value(node, 1), self.value(node, 2)
        end = [2**31 - 1 if s < 0 else b + s for b, s in zip(begin, size)]
        self.emit("Slice", [self.ref(node["input"][0]), self.ints(begin), self.ints(end)], node["name"])

    def convert_StridedSlice(self, node):
        begin, end, steps = (self.value(node, i) for i in (1, 2, 3))
        if self.attr(node, "ellipsis_mask", 0) or self.attr(node, "new_axis_mask", 0):
            self.fail(node, "ellipses and new axes are not converted")
        drop = [d for d in range(len(begin)) if self.attr(node, "shrink_axis_mask", 0) >> d & 1]
        starts, ends, axes, strides = [], [], [], []
        for d in range(len(begin)):
            whole = d not in drop and self.attr(node, "begin_mask", 0) >> d & self.attr(node, "end_mask", 0) >> d & 1
            if whole and steps[d] == 1:
                continue
            starts.append(0 if self.attr(node, "begin_mask", 0) >> d & 1 and d not in drop else begin[d])
            last = begin[d] + 1 if begin[d] != -1 else 2**31 - 1
            ends.append(last if d in drop else 2**31 - 1 if self.attr(node, "end_mask", 0) >> d & 1 else end[d])
            axes.append(d)
            strides.append(steps[d])
        x = self.ref(node["input"][0])
        slice_inputs = [x] + [self.ints(v) for v in (starts, ends, axes, strides)]
        if not drop:
            self.emit("Slice", slice_inputs, node["name"])
        else:
            self.emit("Squeeze", [self.emit("Slice", slice_inputs), self.ints(drop)], node["name"])

    def convert_Transpose(self, node):
        self.emit("Transpose", [self.ref(node["input"][0])], node["name"], perm=[int(v) for v in self.value(node, 1)])

    def convert_GatherV2(self, node):
        self.emit("Gather", [self.ref(i) for i in node["input"][:2]], node["name"], axis=int(self.value(node, 2)))

    # Numbers.
    def convert_Cast(self, node):
        target = self.attr(node, "DstT")
        target = CAST_NAMES.get(target, target)
        if target not in CAST:
            self.fail(node, f"conversions to type {target} are not known")
        self.emit("Cast", [self.ref(node["input"][0])], node["name"], to=CAST[target])

    def convert_Square(self, node):
        self.emit("Mul", [self.ref(node["input"][0])] * 2, node["name"])

    def convert_Rsqrt(self, node):
        self.emit("Reciprocal", [self.emit("Sqrt", [self.ref(node["input"][0])])], node["name"])

    def convert_Softmax(self, node):
        self.emit("Softmax", [self.ref(node["input"][0])], node["name"], axis=-1)

    def convert_reduction(self, node):
        axes = [int(v) for v in np.atleast_1d(self.value(node, 1))]
        keep = int(bool(self.attr(node, "keep_dims", False)))
        if node["op"] == "Sum":  # The axes of the others are an attribute in this opset.
            self.emit("ReduceSum", [self.ref(node["input"][0]), self.ints(axes)], node["name"], keepdims=keep)
        else:
            self.emit(REDUCTIONS[node["op"]], [self.ref(node["input"][0])], node["name"], axes=axes, keepdims=keep)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder with model.json")
    parser.add_argument("output")
    args = parser.parse_args()
    try:
        Converter(*load(args.model)).run().save(args.output, OPSET)
    except (ConversionError, OSError, KeyError) as error:
        sys.exit(f"tfjs_to_onnx.py: cannot convert '{args.model}': {error}")


if __name__ == "__main__":
    main()
