#!/usr/bin/env python3
"""Accuracy against size of mixed precision, beside every uniform format.

    mixed.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/mixed.md

PREPARED is what prepare_data.py wrote. Each data set is split at random with a fixed seed, or with --ordered into the first samples
and the others: what formats cost is measured on some samples without labels, accuracy on all others. The candidates of the
search are the default ones of `terse-mix-precision`; it is given the size of each uniform model as its budget, and sizes between.
With --rounding PASS, as in --rounding 'terse-gptq: {correct-bias: true, stages: -1}', every model is rounded by that pass after its
formats have been chosen, the uniform ones as well. With --static layers compute on integers where their format allows it, as in the
preset mixed-static; the samples that measure formats also calibrate. Bytes are those of all weights. Needs NumPy.
"""
import argparse
import json
import os
import tempfile

import numpy as np

from commands import add_labelled_options, compress, evaluate, locate_labelled, split, write_recipe

# Samples that sensitivities are measured on.
MODELS = {"mobilenet_v1_025": 100, "resnet20": 200, "kws_dscnn": 200}
# The default candidates, then formats that are compared only.
UNIFORM = {
    "f16": "#terse.cast<f16>",
    "int8 channel": "#terse.uniform<i8, channels = 1>",
    "int6 channel, searched": "#terse.uniform<i6, channels = 1> | terse-search-scales",
    "int5 block 32, searched": "#terse.uniform<i5, block = 32, scale = f16> | terse-search-scales",
    "int4 block 32, searched": "#terse.uniform<i4, block = 32, scale = f16> | terse-search-scales",
    "int3 block 32, searched": "#terse.uniform<i3, block = 32, scale = f16> | terse-search-scales",
    "int4 block 32": "#terse.uniform<i4, block = 32, scale = f16>",
    "int4 channel": "#terse.uniform<i4, channels = 1>",
}
# With --static: those of the preset mixed-static. All but f16 and blocks are integer layers.
STATIC = {
    "f16": "#terse.cast<f16>",
    "int8 static": "#terse.uniform<i8, channels = 1>",
    "int6 static, searched": "#terse.uniform<i6, channels = 1> | terse-search-scales",
    "int5 static, searched": "#terse.uniform<i5, channels = 1> | terse-search-scales",
    "int4 static, searched": "#terse.uniform<i4, channels = 1> | terse-search-scales",
    "int4 block 32, searched": "#terse.uniform<i4, block = 32, scale = f16> | terse-search-scales",
}
ACTIVATIONS = "terse-choose-activation-encodings{activation-type=ui8 method=percentile}"
# Further budgets, as ratios to the float weights.
BETWEEN = [0.35, 0.24, 0.22, 0.2, 0.18, 0.16]
PREPARE = ["nn-fold-batch-norm", "nn-fold-pad", "nn-recognize-activations", "nn-fold-constants", "canonicalize"]


def quote(text):
    return '"' + text + '"'


def split_ordered(path, count, folder):
    """The first `count` samples to measure with, the others to test."""
    data = dict(np.load(path))
    files = os.path.join(folder, "calibration.npz"), os.path.join(folder, "test.npz")
    np.savez(files[0], **{key: value[:count] for key, value in data.items() if key != "labels"})
    np.savez(files[1], **{key: value[count:] for key, value in data.items()})
    return files, len(data["labels"]) - count


def get_size(path):
    with open(path) as f:
        manifest = json.load(f)
    return manifest["totals"]["bytes"], manifest["totals"]["plain_bytes"], manifest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--loss", default="divergence")
    parser.add_argument("--samples", type=int, help="at most so many samples for what formats cost")
    parser.add_argument("--ordered", action="store_true", help="measure with the first samples")
    parser.add_argument("--static", action="store_true", help="integer layers")
    parser.add_argument("--rounding", help="a pass that rounds the weights of every model, in the syntax of recipes")
    parser.add_argument("--budgets", nargs="*", type=float, default=BETWEEN, help="further budgets, as ratios to the float weights")
    parser.add_argument("--sensitivities", help="folder of what formats cost, NAME.json: used if there, else written")
    args = parser.parse_args()
    for name, count in MODELS.items():
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            (calibration, test), samples = (split_ordered if args.ordered else split)(data, count, folder)
            rows = []
            rounding = [args.rounding] if args.rounding else []
            # GPTQ wants batch norms folded; sizes do not change by it otherwise.
            prepare = PREPARE if rounding or args.static else []
            observe = ["terse-insert-observers", "terse-calibrate"] if args.static else []
            activations = [quote(ACTIVATIONS)] if args.static else []
            table = STATIC if args.static else UNIFORM
            learn = ["--data", calibration] if rounding or args.static else []

            def add(kind, label, recipe, *flags):
                out = os.path.join(folder, f"{len(rows)}.mlirbc")
                manifest = os.path.join(folder, f"{len(rows)}.json")
                try:
                    compress(args.terse, model, recipe, out, "--manifest", manifest, *flags)
                except RuntimeError as error:
                    if "bytes at least" in str(error):
                        return None # No choice is that small.
                    raise
                size, plain, content = get_size(manifest)
                rows.append({"kind": kind, "label": label, "size": size, "ratio": size / plain, "path": out, "manifest": content})
                return size

            for label, text in table.items():
                template, *passes = [part.strip() for part in text.split("|")]
                recipe = write_recipe(os.path.join(folder, "uniform.yaml"),
                                      [*prepare, *observe, f"terse-choose-encodings: {{format: {quote(template)}}}", *passes,
                                       *activations, *rounding, "terse-apply-encodings"])
                add("uniform", label, recipe, *learn)
            plain = rows[0]["size"] / rows[0]["ratio"]
            budgets = sorted({row["size"] for row in rows} | {int(ratio * plain) for ratio in args.budgets}, reverse=True)
            options = [f"loss: {args.loss}", f"samples: {min(count, args.samples or count)}"]
            if args.static:
                candidates = ", ".join(quote(text) for text in table.values())
                options += [f"candidates: [{candidates}]", f"activations: {quote(ACTIVATIONS)}"]
            recipe = write_recipe(os.path.join(folder, "mixed.yaml"),
                                  [*prepare, *observe, f"terse-mix-precision: {{{', '.join(options)}}}", *rounding,
                                   "terse-apply-encodings"])
            costs = os.path.join(args.sensitivities or folder, name + ("-static.json" if args.static else ".json"))
            for budget in budgets:
                add("mixed", f"at most {budget}", recipe, "--data", calibration, "--sensitivities", costs,
                    "--max-size", str(budget))
            results = evaluate(args.terse, [model] + [row["path"] for row in rows], test, folder)
        reference = results[0]["metrics"]["top1"]
        for row, result in zip(rows, results[1:]):
            row["top1"] = result["metrics"]["top1"]
        print(f"\n## {name}\n\nFloat: {reference:.4f} on {samples} samples, {int(plain)} bytes; what formats cost measured on "
              f"{count} others.\n")
        print("| | bytes | of float | top-1 | points | formats |\n|---|---|---|---|---|---|")
        for row in sorted(rows, key=lambda r: (-r["size"], r["kind"])):
            formats = {}
            for layer in row["manifest"].get("mixed_precision", {}).get("layers", []):
                label = next((l for l, t in table.items() if t == layer["format"]), layer["format"])
                formats[label] = formats.get(label, 0) + 1
            shown = ", ".join(f"{n} {label}" for label, n in sorted(formats.items(), key=lambda item: -item[1]))
            title = f"**{row['label']}**" if row["kind"] == "uniform" else "mixed"
            print(f"| {title} | {row['size']} | {row['ratio']:.4f} | {row['top1']:.4f} | {100 * (row['top1'] - reference):+.2f} | {shown} |")
        mixed = [row for row in rows if row["kind"] == "mixed"]
        lost = []
        for row in rows:
            if row["kind"] == "uniform" and not any(m["size"] <= row["size"] and m["top1"] >= row["top1"] for m in mixed):
                best = max((m["top1"] for m in mixed if m["size"] <= row["size"]), default=float("nan"))
                lost.append(f"{row['label']} ({row['top1']:.4f} against {best:.4f})")
        uniform = sum(row["kind"] == "uniform" for row in rows)
        print(f"\nOf {uniform} uniform models {uniform - len(lost)} are matched or beaten by a mixed one of at most their size"
              + (f"; not: {', '.join(lost)}." if lost else "."), flush=True)


if __name__ == "__main__":
    main()
