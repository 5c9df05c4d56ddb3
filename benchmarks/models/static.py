#!/usr/bin/env python3
"""Top-1 of static integer models against their float models, for every way to choose ranges.

    static.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/static.md

PREPARED is what prepare_data.py wrote. Each data set is split once, at random with a fixed seed: some samples calibrate,
all others are the test. Every model is calibrated once; the variants share its statistics. `naive` has one scale per weight
tensor and the ranges that were seen (min-max); the other variants have one scale per output channel. Needs NumPy.
"""
import argparse
import os
import tempfile

from commands import add_labelled_options, compress, evaluate, locate_labelled, split, write_recipe

# Samples for calibration.
MODELS = {"kws_dscnn": 200, "resnet8": 200, "resnet20": 200, "fashion_cnn": 500, "mobilenet_v1_025": 100, "mobilenet_v2": 100}
METHODS = ["min-max", "moving-average", "percentile", "kl", "mse"]


def get_passes(granularity, method):
    return ["nn-fold-batch-norm", "nn-fold-pad", "nn-recognize-activations", "nn-fold-constants", "canonicalize",
            "terse-insert-observers", "terse-calibrate",
            f"terse-choose-encodings: {{weight-type: i8, granularity: {granularity}}}",
            f"terse-choose-activation-encodings: {{activation-type: ui8, method: {method}}}", "terse-apply-encodings"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--methods", nargs="*", default=METHODS)
    args = parser.parse_args()
    variants = [("naive", "tensor", "min-max")] + [(method, "channel", method) for method in args.methods]
    print("| model | calibration / test samples | float | " + " | ".join(v[0] for v in variants) + " |")
    print("|---|---|---|" + "---|" * len(variants), flush=True)
    for name, count in MODELS.items():
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            (calibration, test), samples = split(data, count, folder)
            statistics = os.path.join(folder, "statistics.json")
            models = [model]
            for i, (label, granularity, method) in enumerate(variants):
                recipe = write_recipe(os.path.join(folder, label + ".yaml"), get_passes(granularity, method), "static int8")
                models.append(os.path.join(folder, label + ".mlirbc"))
                source = ["--data", calibration] if i == 0 else []
                compress(args.terse, model, recipe, models[-1], *source, "--statistics", statistics)
            rows = [row["metrics"]["top1"] for row in evaluate(args.terse, models, test, folder)]
        cells = [f"{rows[0]:.4f}"] + [f"{row:.4f} ({100 * (row - rows[0]):+.2f})" for row in rows[1:]]
        print(f"| {name} | {count} / {samples} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
