#!/usr/bin/env python3
"""Latency of whole models beside onnxruntime on the same compressed model, one table.

    NODE_PATH=.../node_modules latency.py --terse build/bin/terse --models DIR [--npm NODE_MODULES] [--only NAME ...]
                                          [--batches 1 8] [--threads 1 2] [--rounds 5] [--core N]

Models are those of catalogue.py. "int8" is int8-static where the model can be calibrated on inputs of its catalogue entry, else
int8-dynamic, and what PRESETS says of others; onnxruntime runs what `terse export` writes of it. The last column flags int8 that is
slower than float, which it should never be. Terse and onnxruntime take turns, `--rounds` times for a fifth of a
second each; a cell is the median of the rounds' medians, in brackets that of the rounds' 99th percentiles. onnxruntime is called from
node, which costs what the row "binding" says (a model of one addition); Terse by `terse bench`.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from catalogue import add_options, locate, make_feeds, specialize
from compare_onnxruntime import write_inputs
from export_onnxruntime import build, calibrate
from onnx_writer import Graph

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["kws_dscnn", "fashion_cnn", "resnet8", "resnet20", "resnet56", "mobilenet_v1_025", "mobilenet_v2", "ppocr_rec_w320",
         "magika", "silero_vad_16k", "use_lite"]
PRESETS = {"use_lite": ["int8-static-encoder", "int8-dynamic"]}
SECONDS = 0.2


class Onnxruntime:
    """A node process that times models on the inputs of a folder."""

    def __init__(self, feeds, folder, threads, prefix):
        write_inputs(feeds, folder)
        self.process = subprocess.Popen([*prefix, "node", f"{HERE}/ort_bench.js", folder, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def time(self, model, runs):
        print(model, runs, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"onnxruntime failed on {model}")
        times = json.loads(line)
        return np.percentile(times, 50), np.percentile(times, 99)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def time_terse(args, model, inputs, runs, threads, prefix):
    subprocess.run([*prefix, args.terse, "bench", model, "--inputs", inputs, "--runs", str(runs), "--threads", str(threads),
                    "--json", inputs + ".json"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with open(inputs + ".json") as f:
        latency = json.load(f)["models"][0]["latency"]
    return latency["p50_ms"], latency["p99_ms"]


def count_runs(milliseconds):
    return int(np.clip(SECONDS * 1000 / max(milliseconds, 1e-3), 5, 2000))


def with_batch(name, feeds, batch):
    """The same inputs, repeated to `batch` samples; nothing for models whose inputs are not batched alike."""
    if len(feeds) != 1:
        return feeds if batch == 1 else None
    return {key: np.resize(value, (batch, *value.shape[1:])) for key, value in feeds.items()}


def measure(args, name, folder, rows):
    flags, feeds = specialize(name, make_feeds(name), folder)
    calibration = calibrate(args, name, feeds, folder)
    for recipe in PRESETS.get(name, ["int8-static" if calibration else "int8-dynamic"]):
        measure_recipe(args, name, recipe, flags, feeds, calibration, folder, rows)


def measure_recipe(args, name, recipe, flags, feeds, calibration, folder, rows):
    small, exported = build(args, name, recipe, flags, calibration, folder)
    original, plain = build(args, name, "float", flags, calibration, folder)
    pairs = {"float": (original, plain if flags else locate(args, name)), recipe: (small, exported)}
    compiled = {}
    for kind, (model, _) in pairs.items():
        compiled[kind] = f"{folder}/{kind}.terse"
        subprocess.run([args.terse, "compile", model, "-o", compiled[kind]], check=True, stderr=subprocess.DEVNULL)
    for threads in args.threads:
        prefix = ["taskset", "-c", str(args.core)] if threads == 1 and args.core is not None else []
        for batch in args.batches:
            inputs = with_batch(name, feeds, batch)
            if inputs is None:
                continue
            np.savez(f"{folder}/bench.npz", **inputs)
            ort = Onnxruntime(inputs, folder, threads, prefix)
            times = {}
            for kind, (_, peer) in pairs.items():
                ours = count_runs(time_terse(args, compiled[kind], f"{folder}/bench.npz", 3, threads, prefix)[0])
                theirs = count_runs(ort.time(peer, 3)[0])
                for _ in range(args.rounds):
                    times.setdefault((kind, "terse"), []).append(
                        time_terse(args, compiled[kind], f"{folder}/bench.npz", ours, threads, prefix))
                    times.setdefault((kind, "ort"), []).append(ort.time(peer, theirs))
            ort.close()
            median = {key: np.median(np.array(value), axis=0) for key, value in times.items()}
            rows.append((name, recipe, batch, threads, median))
            print_row(*rows[-1])


def print_row(name, recipe, batch, threads, t):
    def ratio(a, b):
        return f"{t[a][0] / t[b][0]:.2f} ({t[a][1] / t[b][1]:.2f})"

    print(f"| {name} | {recipe} | {batch} | {threads} | {ratio(('float', 'terse'), ('float', 'ort'))} | "
          f"{ratio((recipe, 'terse'), (recipe, 'ort'))} | {ratio((recipe, 'terse'), ('float', 'ort'))} | "
          f"{ratio((recipe, 'terse'), ('float', 'terse'))} | "
          f"{'yes' if t[recipe, 'terse'][0] > t['float', 'terse'][0] else ''} |", flush=True)


def print_binding(args, folder):
    """What onnxruntime's binding costs: one addition, as a share of the smallest model's time."""
    graph = Graph("add")
    graph.input("x", np.float32, [1])
    graph.node("Add", ["x", "x"], ["y"])
    graph.output("y", np.float32, [1])
    graph.save(f"{folder}/add.onnx", opset=17)
    ort = Onnxruntime({"x": np.zeros(1, np.float32)}, folder, 1, [])
    p50 = ort.time(f"{folder}/add.onnx", 500)[0]
    feeds = make_feeds("kws_dscnn")
    ort.close()
    inputs = with_batch("kws_dscnn", feeds, 1)
    ort = Onnxruntime(inputs, folder, 1, [])
    small = ort.time(locate(args, "kws_dscnn"), 500)[0]
    ort.close()
    print(f"\nThe binding of onnxruntime takes {100 * p50 / small:.0f} % of its time for kws_dscnn in float, batch 1.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--data", default="")
    parser.add_argument("--batches", nargs="*", type=int, default=[1, 8])
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="pin what runs on one thread to this core")
    args = parser.parse_args()
    print("| model | int8 | batch | threads | float / onnxruntime float | int8 / onnxruntime int8 | int8 / onnxruntime float | "
          "int8 / float | slower |\n|---|---|---|---|---|---|---|---|---|")
    rows = []
    for name in NAMES:
        if args.only and name not in args.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                measure(args, name, folder, rows)
            except (subprocess.CalledProcessError, RuntimeError) as e:
                text = getattr(e, "stderr", None) or str(e).encode()
                print(f"| {name} | failed: {text.decode().strip().splitlines()[-1]} |", flush=True)
    if not args.only:
        with tempfile.TemporaryDirectory() as folder:
            print_binding(args, folder)
    sys.exit(0)


if __name__ == "__main__":
    main()
