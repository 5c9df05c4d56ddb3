#!/usr/bin/env python3
"""Compares what native code computes for compressed models with what the reference interpreter computes.

    compare_interpreter.py --terse build/bin/terse --models DIR [--npm NODE_MODULES] [--only NAME ...]
                           [--recipe NAME|FILE ...] [--threads N]

DIR and NODE_MODULES hold the models of catalogue.py. Every model is compressed with every recipe and run on the same
random inputs, with and without --interpret. Integers must be equal. The figure for floats is
max |native - interpreted| / (max - min of interpreted), the largest of the outputs. Exits 1 if one exceeds 1e-5.
"""
import argparse
import subprocess
import sys
import tempfile

from catalogue import MODELS, add_options, get_error, locate, make_feeds, run_terse, specialize

BOUND = 1e-5


def compare(terse, name, model, recipe, threads):
    with tempfile.TemporaryDirectory() as folder:
        flags, feeds = specialize(name, make_feeds(name), folder)
        small = f"{folder}/small.mlirbc"
        subprocess.run([terse, "compress", model, *flags, "--recipe", recipe, "-q", "-o", small], check=True,
                       stderr=subprocess.DEVNULL)
        native = run_terse(terse, small, feeds, folder, ["--threads", str(threads)])
        interpreted = run_terse(terse, small, feeds, folder, ["--interpret"])
    if native.keys() != interpreted.keys():
        return float("inf")
    return max(get_error(native[key], interpreted[key]) for key in interpreted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--recipe", nargs="*", default=["int8-weights", "int4-weights", "int8-dynamic"])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    worst = 0.0
    print("| model | " + " | ".join(args.recipe) + " |\n|---|" + "---|" * len(args.recipe))
    for name in MODELS:
        if args.only and name not in args.only:
            continue
        cells = []
        for recipe in args.recipe:
            try:
                error = compare(args.terse, name, locate(args, name), recipe, args.threads)
            except subprocess.CalledProcessError as e:
                error = float("inf")
                print(f"{name}, {recipe}: {' '.join(e.cmd)} failed", file=sys.stderr)
            worst = max(worst, error)
            cells.append(f"{error:.2e}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    sys.exit(0 if worst <= BOUND else 1)


if __name__ == "__main__":
    main()
