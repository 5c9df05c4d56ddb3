#!/usr/bin/env python3
"""Time and memory of compressing MobileNetV2 with calibration on all its images, per recipe.

    times.py --terse build/bin/terse --models DIR --data PREPARED > benchmarks/results/times.md

PREPARED is what prepare_data.py wrote (500 images). Seconds are wall and processor time of `terse compress` with the model's
compilation, memory is its peak, also as a multiple of running the float model on one image. Run it on a quiet machine. Needs NumPy.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from commands import add_labelled_options, locate_labelled, write_recipe
from recovery import METHODS

RECIPES = ["int8-static", "int8-static-corrected", "static int8, GPTQ in stages", "int4-gptq", "uint4-gptq", "int4-adaround"]


def run(command, cache):
    """Wall seconds, processor seconds, peak MiB. Code of an earlier run must not help: `cache` is a new folder."""
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "TERSE_CACHE_DIR": cache})
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {errors.strip()}")
    return time.time() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--recipes", nargs="*", default=RECIPES, help="presets, or methods of recovery.py")
    parser.add_argument("--samples", type=int, help="only so many images")
    args = parser.parse_args()
    for name in args.only or ["mobilenet_v2"]:
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            arrays = {key: value[: args.samples] for key, value in np.load(data).items() if key != "labels"}
            count = len(next(iter(arrays.values())))
            calibration, one = os.path.join(folder, "calibration.npz"), os.path.join(folder, "one.npz")
            np.savez(calibration, **arrays)
            np.savez(one, **{key: value[:1] for key, value in arrays.items()})
            del arrays
            base = run([args.terse, "run", model, "--inputs", one, "--outputs", os.path.join(folder, "out.npz")],
                       tempfile.mkdtemp(dir=folder))[2]
            print(f"## {name}, {count} images\n\nRunning the float model on one image: {base:.0f} MiB.\n")
            print("| recipe | wall, s | processor, s | peak, MiB | times one run |\n|---|---|---|---|---|", flush=True)
            for recipe in args.recipes:
                path = recipe
                if recipe in METHODS:
                    path = write_recipe(os.path.join(folder, "recipe.yaml"), METHODS[recipe] + ["terse-apply-encodings"])
                out = os.path.join(folder, "out.mlirbc")
                command = [args.terse, "compress", model, "--recipe", path, "--data", calibration, "-q", "-o", out]
                try:
                    wall, busy, peak = run(command, tempfile.mkdtemp(dir=folder))
                except RuntimeError as error:
                    print(error, file=sys.stderr, flush=True)
                    continue
                print(f"| {recipe} | {wall:.0f} | {busy:.0f} | {peak:.0f} | {peak / base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
