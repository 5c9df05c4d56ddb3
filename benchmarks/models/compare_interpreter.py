#!/usr/bin/env python3
"""Compares what native code computes for compressed models with what the reference interpreter computes.

    compare_interpreter.py --terse build/bin/terse --models DIR [--npm NODE_MODULES] [--only NAME ...]
                           [--recipe NAME|FILE ...] [--threads N]

DIR and NODE_MODULES hold the models of catalogue.py. Every model is compressed with every recipe and run on the same
random inputs, with and without --interpret. Recipes int8-static... are calibrated on random inputs, or left out ("-") where the inputs
are no samples. Integers must be equal. The figure for floats is
max |native - interpreted| / (max - min of interpreted), the largest of the outputs. Exits 1 if one exceeds 1e-5.
"""
import argparse
import subprocess
import sys
import tempfile

from catalogue import MODELS, add_options, get_error, locate, make_feeds, run_terse, specialize
from export_onnxruntime import calibrate

BOUND = 1e-5


def compare(args, name, recipe):
    """The figure, or nothing if the recipe needs data that the model has none of."""
    with tempfile.TemporaryDirectory() as folder:
        flags, feeds = specialize(name, make_feeds(name), folder)
        if recipe.startswith("int8-static"):
            calibration = calibrate(args, name, feeds, folder)
            if not calibration:
                return None
            flags = [*flags, "--data", calibration]
        small = f"{folder}/small.mlirbc"
        subprocess.run([args.terse, "compress", locate(args, name), *flags, "--recipe", recipe, "-q", "-o", small], check=True,
                       stderr=subprocess.DEVNULL)
        native = run_terse(args.terse, small, feeds, folder, ["--threads", str(args.threads)])
        interpreted = run_terse(args.terse, small, feeds, folder, ["--interpret"])
    if native.keys() != interpreted.keys():
        return float("inf")
    return max(get_error(native[key], interpreted[key]) for key in interpreted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--recipe", nargs="*", default=["int8-weights", "int4-weights", "int8-dynamic", "int8-static"])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    args.data = None
    worst = 0.0
    print("| model | " + " | ".join(args.recipe) + " |\n|---|" + "---|" * len(args.recipe))
    for name in MODELS:
        if args.only and name not in args.only:
            continue
        cells = []
        for recipe in args.recipe:
            try:
                error = compare(args, name, recipe)
            except subprocess.CalledProcessError as e:
                error = float("inf")
                print(f"{name}, {recipe}: {' '.join(e.cmd)} failed", file=sys.stderr)
            worst = max(worst, error or 0)
            cells.append("-" if error is None else f"{error:.2e}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    sys.exit(0 if worst <= BOUND else 1)


if __name__ == "__main__":
    main()
