#!/usr/bin/env python3
"""Top-1 of static integer models against their float models, for every way to choose ranges.

    static.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/static.md

PREPARED is what prepare_data.py wrote. Each data set is split once, at random with a fixed seed: some samples calibrate,
all others are the test. Every model is calibrated once; the variants share its statistics. `naive` has one scale per weight
tensor and the ranges that were seen (min-max); the other variants have one scale per output channel. Needs NumPy.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np

# Model file, data, samples for calibration, points of top-1 that may be lost.
MODELS = {
    "kws_dscnn": ("mlperf_tiny/kws_dscnn_float.onnx", "kws", 200),
    "resnet8": ("mlperf_tiny/resnet8_cifar10_float.onnx", "cifar_raw", 200),
    "resnet20": ("resnet_cifar10/resnet20.onnx", "cifar_norm", 200),
    "fashion_cnn": ("fashion_cnn.onnx", "fashion", 500),
    "mobilenet_v1_025": ("mobilenet_v1_025_224.onnx", "imagenet", 100),
    "mobilenet_v2": ("mobilenet_v2_100_224_deq.onnx", "imagenet_1001", 100),
}
METHODS = ["min-max", "moving-average", "percentile", "kl", "mse"]
RECIPE = """terse_recipe: 1
description: static int8
passes:
  - nn-fold-batch-norm
  - nn-fold-pad
  - nn-recognize-activations
  - nn-fold-constants
  - canonicalize
  - terse-insert-observers
  - terse-calibrate
  - terse-choose-encodings: {{weight-type: i8, granularity: {granularity}}}
  - terse-choose-activation-encodings: {{activation-type: ui8, method: {method}}}
  - terse-apply-encodings
"""


def split(path, count, folder):
    data = dict(np.load(path))
    samples = len(data["labels"])
    order = np.random.RandomState(0).permutation(samples)
    calibration, test = np.sort(order[:count]), np.sort(order[count:])
    files = os.path.join(folder, "calibration.npz"), os.path.join(folder, "test.npz")
    np.savez(files[0], **{key: value[calibration] for key, value in data.items() if key != "labels"})
    np.savez(files[1], **{key: value[test] for key, value in data.items()})
    return files, len(test)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--methods", nargs="*", default=METHODS)
    args = parser.parse_args()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    variants = [("naive", "tensor", "min-max")] + [(method, "channel", method) for method in args.methods]
    print("| model | calibration / test samples | float | " + " | ".join(v[0] for v in variants) + " |")
    print("|---|---|---|" + "---|" * len(variants), flush=True)
    for name, (file, data, count) in MODELS.items():
        if args.only and name not in args.only:
            continue
        model = os.path.join(args.models, file)
        with tempfile.TemporaryDirectory() as folder:
            (calibration, test), samples = split(os.path.join(args.data, data + ".npz"), count, folder)
            statistics = os.path.join(folder, "statistics.json")
            models = [model]
            for i, (label, granularity, method) in enumerate(variants):
                recipe = os.path.join(folder, label + ".yaml")
                with open(recipe, "w") as f:
                    f.write(RECIPE.format(granularity=granularity, method=method))
                out = os.path.join(folder, label + ".mlirbc")
                source = ["--data", calibration] if i == 0 else []
                subprocess.run([args.terse, "compress", model, "--recipe", recipe, *source, "--statistics", statistics, "-q",
                                "-o", out], **quiet)
                models.append(out)
            result = os.path.join(folder, "eval.json")
            subprocess.run([args.terse, "eval", *models, "--data", test, "--labels", "labels", "--trace-samples", "0",
                            "--json", result], **quiet)
            with open(result) as f:
                rows = [row["metrics"]["top1"] for row in json.load(f)["models"]]
        cells = [f"{rows[0]:.4f}"] + [f"{row:.4f} ({100 * (row - rows[0]):+.2f})" for row in rows[1:]]
        print(f"| {name} | {count} / {samples} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
