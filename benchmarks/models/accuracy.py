#!/usr/bin/env python3
"""Accuracy, bytes and latency of float and naively rounded models, measured through the commands a user runs.

    accuracy.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/accuracy.md

PREPARED is what prepare_data.py wrote. Latencies are printed as ratios to the float model of the same run.
"""
import argparse
import os
import tempfile

from commands import LABELLED, add_labelled_options, compress, evaluate, locate_labelled

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recipes")
VARIANTS = ["int8-tensor.yaml", "int8-weights", "int4-channel.yaml", "int4-block32.yaml", "int4-weights", "int8-dynamic"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    args = parser.parse_args()
    print("| model | variant | top-1 | file bytes / float | p50 latency / float |\n|---|---|---|---|---|", flush=True)
    for name in LABELLED:
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            models = [model]
            for variant in VARIANTS:
                recipe = os.path.join(RECIPES, variant) if variant.endswith(".yaml") else variant
                models.append(os.path.join(folder, variant.replace(".yaml", "") + ".mlirbc"))
                compress(args.terse, model, recipe, models[-1])
            rows = evaluate(args.terse, models, data, folder)
        for variant, row in zip(["float"] + VARIANTS, rows):
            latency = row["latency"]["p50_ms"] / rows[0]["latency"]["p50_ms"]
            size = row["file_bytes"] / rows[0]["file_bytes"]
            print(f"| {name} | {variant.replace('.yaml', '')} | {row['metrics']['top1']:.4f} | {size:.4f} | {latency:.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
