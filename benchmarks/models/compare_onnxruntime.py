#!/usr/bin/env python3
"""Compares float outputs of `terse run` with onnxruntime's on the same inputs, and optionally `--interpret`.

    NODE_PATH=.../node_modules compare_onnxruntime.py --terse build/bin/terse --models DIR [--npm NODE_MODULES]
                                                      [--data PREPARED] [--only NAME ...] [--interpret]

DIR holds the ONNX models under the names of catalogue.py; NODE_MODULES brings onnxruntime-node and the two models that
npm packages ship. The figure is max |a - b| / (max b - min b) per output. Exits 1 if one exceeds 1e-4.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from catalogue import MODELS, add_options, get_error, locate, make_feeds, run_terse, specialize

HERE = os.path.dirname(os.path.abspath(__file__))


def write_inputs(feeds, folder):
    """Raw data and their list, as the scripts for node read them."""
    listing = {}
    for i, (name, value) in enumerate(feeds.items()):
        np.ascontiguousarray(value).tofile(f"{folder}/in{i}.bin")
        listing[name] = {"type": str(value.dtype), "shape": list(value.shape), "file": f"in{i}.bin"}
    with open(f"{folder}/in.json", "w") as f:
        json.dump(listing, f)


def run_onnxruntime(model, feeds, folder):
    write_inputs(feeds, folder)
    subprocess.run(["node", f"{HERE}/ort_run.js", model, folder], check=True)
    with open(f"{folder}/out.json") as f:
        outputs = json.load(f)["outputs"]
    return {k: np.fromfile(f"{folder}/{v['file']}", v["type"]).reshape(v["shape"]) for k, v in outputs.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--interpret", action="store_true")
    args = parser.parse_args()
    worst = 0.0
    print("| model | output | max error / range |\n|---|---|---|")
    for name in MODELS:
        if args.only and name not in args.only:
            continue
        model, feeds = locate(args, name), make_feeds(name)
        with tempfile.TemporaryDirectory() as folder:
            expected = run_onnxruntime(model, feeds, folder)
            try:
                flags, feeds = specialize(name, feeds, folder)
                got = run_terse(args.terse, model, feeds, folder, flags + (["--interpret"] if args.interpret else []))
            except subprocess.CalledProcessError as e:
                print(f"| {name} | - | failed ({e.returncode}) |", flush=True)
                worst = float("inf")
                continue
        for key, want in expected.items():
            error = get_error(got[key], want)
            worst = max(worst, error)
            print(f"| {name} | {key} | {error:.2e} |", flush=True)
    sys.exit(0 if worst <= 1e-4 else 1)


if __name__ == "__main__":
    main()
