#!/usr/bin/env python3
"""Accuracy and bits per weight of every weight format on real models, nothing calibrated and no weight left out.

    formats.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/formats.md

PREPARED is what prepare_data.py wrote. Bits per weight are those of the encoded weights with all their scales and tables, as
`terse inspect --json` counts them. `native` is the largest difference of a native output from the interpreter's on the
first samples, relative to the largest output.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

from commands import (QUIET, add_labelled_options, compress, evaluate, format_passes, inspect_bits, locate_labelled,
                      write_recipe)

MODELS = ["kws_dscnn", "resnet20", "mobilenet_v2"]
# Presets by name, other formats as templates.
FORMATS = {
    "int8-weights": None,
    "int8-outliers": None,
    "fp8": None,
    "mxfp8": None,
    "palette8": None,
    "mxfp6": None,
    "int4 per channel": "#terse.uniform<i4, channels = 1>",
    "palette4": None,
    "palette4-scaled": None,
    "palette4, table in int8": "#terse.codebook<ui4, table = #terse.uniform<i8>, group = 8>",
    "palette4, per tensor": "#terse.codebook<ui4, table = f16>",
    "palette of pairs, 256 per tensor": "#terse.codebook<ui8, table = f16, vector = 2>",
    "int4 block 32": "#terse.uniform<i4, block = 32, scale = f16>",
    "int4 block 64": "#terse.uniform<i4, block = 64>",
    "nf4": None,
    "nf4-double": None,
    "fp4 table, block 64": "#terse.codebook<ui4, table = fp4, block = 64>",
    "nvfp4": None,
    "mxfp4": None,
    "powers of two, 4 bits": "#terse.codebook<ui4, table = pow2, channels = 1>",
    "int3 per channel": "#terse.uniform<i3, channels = 1>",
    "palette of 8 per 4 channels": "#terse.codebook<ui3, table = f16, group = 4>",
    "ternary": None,
    "binary": None,
}


def compare(terse, model, data, folder, count=4):
    """The largest relative difference of native code from the interpreter."""
    few = os.path.join(folder, "few.npz")
    with np.load(data) as f:
        inputs = {key: f[key][:1] for key in f.files if key != "labels"}
        samples = [{key: f[key][i : i + 1] for key in inputs} for i in range(count)]
    worst = 0.0
    for sample in samples:
        np.savez(few, **sample)
        outputs = []
        for flags in ([], ["--interpret"]):
            out = os.path.join(folder, "out.npz")
            subprocess.run([terse, "run", model, "--inputs", few, "--outputs", out, *flags], **QUIET)
            with np.load(out) as f:
                outputs.append(f[f.files[0]].astype(np.float64))
        worst = max(worst, np.abs(outputs[0] - outputs[1]).max() / np.abs(outputs[1]).max())
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--formats", nargs="*", help="only these, by their names in the table")
    parser.add_argument("--compare", type=int, default=2, help="samples that are interpreted, too")
    args = parser.parse_args()
    print("| model | format | bits per weight | of which | top-1 | changed | native |\n|---|---|---|---|---|---|---|", flush=True)
    for name in MODELS:
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            names = [n for n in FORMATS if not args.formats or n in args.formats]
            models, shares, native = [model], [], []
            for index, variant in enumerate(names):
                recipe = variant
                if FORMATS[variant]:
                    recipe = write_recipe(os.path.join(folder, "recipe.yaml"), format_passes(FORMATS[variant]), "one format")
                out = os.path.join(folder, f"{index}.mlirbc")
                compress(args.terse, model, recipe, out)
                models.append(out)
                shares.append(inspect_bits(args.terse, out))
                native.append(compare(args.terse, out, data, folder, args.compare) if args.compare else float("nan"))
                print(f"{name}: {variant}: {shares[-1][0]:.4f} bits", file=sys.stderr, flush=True)
            rows = evaluate(args.terse, models, data, folder)
        print(f"| {name} | f32 | 32 | | {rows[0]['metrics']['top1']:.4f} | | |")
        for variant, (bits, terms), difference, row in zip(names, shares, native, rows[1:]):
            changed = row.get("changed_predictions", row.get("changed", ""))
            changed = changed if isinstance(changed, (int, str)) else len(changed)
            print(f"| {name} | {variant} | {bits:.4f} | {terms} | {row['metrics']['top1']:.4f} | {changed} | {difference:.0e} |",
                  flush=True)


if __name__ == "__main__":
    main()
