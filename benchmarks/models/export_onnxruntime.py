#!/usr/bin/env python3
"""Runs compressed models that `terse export` wrote with onnxruntime, beside `terse run` on the same inputs.

    NODE_PATH=.../node_modules export_onnxruntime.py --terse build/bin/terse --models DIR [--npm NODE_MODULES]
                                                     [--data PREPARED] [--samples N] [--only NAME ...]

DIR and NODE_MODULES hold the models of catalogue.py, PREPARED is what prepare_data.py wrote. Each cell of the first table is
max |onnxruntime - terse| / (max - min of terse), the largest of the outputs; for int8-static it is times 255: steps of
an output in 8 bits. The second table is top-1 of both on the same samples, which were not used to calibrate. Exits 1 if a figure exceeds its bar.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

from catalogue import MODELS, add_options, get_error, get_generators, locate, make_feeds, run_terse, specialize
from compare_onnxruntime import run_onnxruntime

RECIPES = ["float", "int8-weights", "int4-weights", "nf4", "fp8", "int8-dynamic", "int8-static"]
# What is compared with sums in another order, rounded on the way, and with integers in between.
BARS = {"int8-dynamic": 2e-2, "int8-static": 1.0}
LABELLED = {"kws_dscnn": ("kws", 200), "resnet8": ("cifar_raw", 200), "resnet20": ("cifar_norm", 200),
            "fashion_cnn": ("fashion", 500), "mobilenet_v1_025": ("imagenet", 100), "mobilenet_v2": ("imagenet_1001", 100)}
QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}


def split(path, count, limit):
    """Inputs that calibrate, inputs and labels that test, picked as static.py does."""
    data = dict(np.load(path))
    labels = data.pop("labels")
    (name, x), = data.items()
    order = np.random.RandomState(0).permutation(len(labels))
    calibration, test = np.sort(order[:count]), np.sort(order[count:])[:limit]
    return name, x[calibration], x[test], labels[test]


def calibrate(args, name, feeds, folder):
    """The file of calibration data, or nothing for models whose inputs are no samples."""
    path = f"{folder}/calibration.npz"
    if name in LABELLED and args.data:
        key, x, _, _ = split(f"{args.data}/{LABELLED[name][0]}.npz", LABELLED[name][1], 0)
        np.savez(path, **{key: x})
    elif len(feeds) == 1:
        (key, _), = feeds.items()
        rng = np.random.default_rng(1)
        np.savez(path, **{key: np.concatenate([get_generators(name)[key](rng) for _ in range(4)])})
    else:
        return None
    return path


def build(args, name, recipe, flags, calibration, folder):
    """The compressed and the exported model."""
    small, exported = f"{folder}/{recipe}.mlirbc", f"{folder}/{recipe}.onnx"
    model = locate(args, name)
    if recipe == "float":
        subprocess.run([args.terse, "import", model, *flags, "-o", small], **QUIET)
    else:
        data = ["--data", calibration] if recipe.startswith("int8-static") else []
        subprocess.run([args.terse, "compress", model, *flags, "--recipe", recipe, *data, "-q", "-o", small], **QUIET)
    subprocess.run([args.terse, "export", small, "-o", exported], **QUIET)
    return small, exported


def measure(args, name, recipe, flags, feeds, calibration, folder):
    small, exported = build(args, name, recipe, flags, calibration, folder)
    want = run_terse(args.terse, small, feeds, folder, [])
    have = run_onnxruntime(exported, feeds, folder)
    error = max(get_error(have[key], value) for key, value in want.items())
    return error * 255 if recipe == "int8-static" else error


def top1(outputs, labels):
    return float((outputs.reshape(len(labels), -1).argmax(1) == labels).mean())


def compare_accuracy(args, name, folder):
    data, count = LABELLED[name]
    key, x, test, labels = split(f"{args.data}/{data}.npz", count, args.samples)
    calibration = f"{folder}/calibration.npz"
    np.savez(calibration, **{key: x})
    cells = []
    for recipe in ("int8-static", "int4-weights"):
        small, exported = build(args, name, recipe, [], calibration, folder)
        ours, theirs = [], []
        for i in range(0, len(labels), 100):
            feeds = {key: np.ascontiguousarray(test[i:i + 100])}
            ours += list(run_terse(args.terse, small, feeds, folder, []).values())
            theirs += list(run_onnxruntime(exported, feeds, folder).values())
        a, b = np.concatenate(ours), np.concatenate(theirs)
        changed = int((a.reshape(len(labels), -1).argmax(1) != b.reshape(len(labels), -1).argmax(1)).sum())
        cells.append(f"{top1(a, labels):.4f} | {top1(b, labels):.4f} | {changed}")
    print(f"| {name} | {len(labels)} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--data")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--recipe", nargs="*", default=RECIPES)
    args = parser.parse_args()
    good = True
    print("| model | " + " | ".join(args.recipe) + " |\n|---|" + "---|" * len(args.recipe))
    for name in MODELS:
        if args.only and name not in args.only:
            continue
        cells = []
        with tempfile.TemporaryDirectory() as folder:
            flags, feeds = specialize(name, make_feeds(name), folder)
            calibration = calibrate(args, name, feeds, folder)
            for recipe in args.recipe:
                if recipe == "int8-static" and not calibration:
                    cells.append("no samples")
                    continue
                try:
                    error = measure(args, name, recipe, flags, feeds, calibration, folder)
                except subprocess.CalledProcessError as e:
                    text = e.stderr.decode().strip().splitlines() if e.stderr else []
                    print(f"{name}, {recipe}: {' '.join(e.cmd)} failed: {' '.join(text[-2:])}", file=sys.stderr)
                    good = False
                    cells.append("failed")
                    continue
                good &= error <= BARS.get(recipe, 1e-5)
                cells.append(f"{error:.2f}" if recipe == "int8-static" else f"{error:.1e}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    if args.data:
        print("\n| model | samples | int8-static terse | onnxruntime | changed | int4-weights terse | onnxruntime | changed |")
        print("|---|---|---|---|---|---|---|---|")
        for name in LABELLED:
            if not args.only or name in args.only:
                with tempfile.TemporaryDirectory() as folder:
                    compare_accuracy(args, name, folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
