#!/usr/bin/env python3
"""Latency of the pieces of a text encoder beside onnxruntime, in float: softmax, layer norm, GELU, attention, two whole layers.

    NODE_PATH=.../node_modules encoder_layers.py --terse build/bin/terse [--tokens 128 512] [--threads 1] [--rounds 5] [--core N]

Sizes are those of BERT-base (Devlin et al., 2019): 768 channels, 12 heads, 3072 inside; weights and inputs are random. A row's figures
are medians of the rounds' medians; results are compared, relative to their range.
"""
import argparse
import os
import subprocess
import tempfile

import numpy as np

from compare_onnxruntime import run_onnxruntime
from latency import Onnxruntime, count_runs, time_terse
from onnx_writer import Graph

CHANNELS, HEADS, INNER = 768, 12, 3072


class Encoder(Graph):
    """Pieces of an encoder; every method returns the name of its result."""

    def __init__(self, tokens):
        super().__init__("encoder")
        self.tokens, self.count, self.random = tokens, 0, np.random.default_rng(0)

    def op(self, kind, *inputs, **attributes):
        self.count += 1
        return self.node(kind, list(inputs), [f"v{self.count}"], **attributes)

    def value(self, array):
        self.count += 1
        return self.constant(f"c{self.count}", array)

    def weights(self, *shape):
        return self.value((self.random.standard_normal(shape) * shape[0] ** -0.5).astype(np.float32))

    def linear(self, x, inputs, outputs):
        return self.op("Add", self.op("MatMul", x, self.weights(inputs, outputs)), self.weights(outputs))

    def norm(self, x):
        scale, shift = np.ones(CHANNELS, np.float32), np.zeros(CHANNELS, np.float32)
        return self.op("LayerNormalization", x, self.value(scale), self.value(shift), axis=-1, epsilon=1e-5)

    def gelu(self, x):
        inner = self.op("Erf", self.op("Div", x, self.value(np.float32(2**0.5))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", inner, self.value(np.float32(1)))), self.value(np.float32(0.5)))

    def attention(self, q, k, v):
        shape = self.value(np.array([1, self.tokens, HEADS, CHANNELS // HEADS], np.int64))
        q, k, v = (self.op("Transpose", self.op("Reshape", x, shape), perm=p)
                   for x, p in ((q, [0, 2, 1, 3]), (k, [0, 2, 3, 1]), (v, [0, 2, 1, 3])))
        scores = self.op("Mul", self.op("MatMul", q, k), self.value(np.float32((CHANNELS // HEADS) ** -0.5)))
        heads = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        back = self.value(np.array([1, self.tokens, CHANNELS], np.int64))
        return self.op("Reshape", self.op("Transpose", heads, perm=[0, 2, 1, 3]), back)

    def layer(self, x):
        q, k, v = (self.linear(x, CHANNELS, CHANNELS) for _ in range(3))
        x = self.norm(self.op("Add", x, self.linear(self.attention(q, k, v), CHANNELS, CHANNELS)))
        inner = self.linear(self.gelu(self.linear(x, CHANNELS, INNER)), INNER, CHANNELS)
        return self.norm(self.op("Add", x, inner))


PIECES = {
    "softmax": (lambda n: {"x": (1, HEADS, n, n)}, lambda g: g.op("Softmax", "x", axis=-1)),
    "layer norm": (lambda n: {"x": (1, n, CHANNELS)}, lambda g: g.norm("x")),
    "GELU": (lambda n: {"x": (1, n, INNER)}, lambda g: g.gelu("x")),
    "attention": (lambda n: {x: (1, n, CHANNELS) for x in "qkv"}, lambda g: g.attention("q", "k", "v")),
    "two layers": (lambda n: {"x": (1, n, CHANNELS)}, lambda g: g.layer(g.layer("x"))),
}


def measure(args, piece, tokens, threads, folder):
    shapes, build = PIECES[piece]
    graph = Encoder(tokens)
    inputs = shapes(tokens)
    for name, shape in inputs.items():
        graph.input(name, np.float32, list(shape))
    result = build(graph)
    graph.output(result, np.float32, list(inputs["x"] if "x" in inputs else inputs["q"]))
    model = f"{folder}/model.onnx"
    graph.save(model, opset=17)
    random = np.random.default_rng(1)
    feeds = {name: random.standard_normal(shape).astype(np.float32) for name, shape in inputs.items()}
    np.savez(f"{folder}/in.npz", **feeds)
    subprocess.run([args.terse, "compile", model, "-o", f"{folder}/m.terse"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run([args.terse, "run", f"{folder}/m.terse", "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/out.npz"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    have = np.load(f"{folder}/out.npz")[result]
    want = run_onnxruntime(model, feeds, folder)[result]
    error = np.abs(have - want).max() / np.abs(want).max()

    prefix = ["taskset", "-c", str(args.core)] if threads == 1 and args.core is not None else []
    peer = Onnxruntime(feeds, folder, threads, prefix)
    # The first runs wait for memory.
    runs = max(40, count_runs(peer.time(model, 5)[0]))
    times = {"terse": [], "onnxruntime": []}
    for _ in range(args.rounds):
        times["terse"].append(time_terse(args, f"{folder}/m.terse", f"{folder}/in.npz", runs, threads, prefix)[0])
        times["onnxruntime"].append(peer.time(model, runs)[0])
    peer.close()
    ratio = np.median(times["terse"]) / np.median(times["onnxruntime"])
    print(f"| {piece} | {tokens} | {threads} | {ratio:.2f} | {error:.1e} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", default="build/bin/terse")
    parser.add_argument("--tokens", nargs="*", type=int, default=[128, 512])
    parser.add_argument("--threads", nargs="*", type=int, default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="pin what runs on one thread to this core")
    args = parser.parse_args()
    print("| piece | tokens | threads | latency / onnxruntime's | difference of results |\n|---|---|---|---|---|")
    for threads in args.threads:
        for piece in PIECES:
            for tokens in args.tokens:
                with tempfile.TemporaryDirectory() as folder:
                    measure(args, piece, tokens, threads, folder)


if __name__ == "__main__":
    main()
