"""make_tfjs.py FOLDER [OP]: a TensorFlow.js graph model with a sparse input: embeddings, a packed linear layer, a masked sum.

With OP, the last node is one of that operation."""
import json
import os
import sys

import numpy as np

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
rng = np.random.default_rng(0)
constants = {
    "table": rng.normal(size=(10, 4)).astype(np.float32),
    "weight": rng.normal(size=(1, 1, 4, 3)).astype(np.float32),
    "bias": rng.normal(size=3).astype(np.float32),
    "axis0": np.int32(0), "axis1": np.int32(1), "default": np.int32(-1), "width": np.array([3], np.int32),
    "shape": np.array([2, 5], np.int32),
}
weights, data = [], b""
for name, array in constants.items():
    weights.append({"name": name, "shape": list(array.shape), "dtype": str(array.dtype)})
    data += array.tobytes()
with open(os.path.join(folder, "shard"), "wb") as f:
    f.write(data)


def node(op, name, *inputs, **attrs):
    return {"op": op, "name": name, "input": list(inputs), "attr": attrs}


nodes = [node("Const", name) for name in constants] + [
    node("Placeholder", "indices"), node("Placeholder", "values"),
    node("SparseToDense", "dense", "indices", "shape", "values", "default"),
    node("Greater", "mask", "dense", "default"),
    node("Where", "positions", "mask"),
    node("GatherV2", "rows", "table", "values", "axis0"),
    node("ExpandDims", "spatial", "rows", "axis0"),
    node("Conv2D", "product", "spatial", "weight", strides={"list": {"i": ["1", "1", "1", "1"]}}),
    node("BiasAdd", "biased", "product", "bias"),
    node("Squeeze", "packed", "biased", squeeze_dims={"list": {"i": ["0"]}}),
    node("Shape", "size", "mask"),
    node("ConcatV2", "full", "size", "width", "axis0"),
    node("ScatterNd", "unpacked", "positions", "packed", "full"),
    node(sys.argv[2] if len(sys.argv) > 2 else "Sum", "result", "unpacked", "axis1", keep_dims={"b": False}),
]
with open(os.path.join(folder, "model.json"), "w") as f:
    json.dump({"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["shard"], "weights": weights}]}, f)

tokens = np.array([[1, 2, 3, -1, -1], [9, 0, 4, 4, 5]], np.int32)
np.savez(os.path.join(folder, "in.npz"), tokens=tokens)
want = [sum(constants["table"][t] @ constants["weight"][0, 0] + constants["bias"] for t in row if t >= 0) for row in tokens]
np.savez(os.path.join(folder, "want.npz"), output=np.array(want, np.float32))
