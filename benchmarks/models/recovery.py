#!/usr/bin/env python3
"""What methods of accuracy recovery gain on real models, each alone and combined: makes the table of docs/Accuracy.md.

    recovery.py --terse build/bin/terse --models DIR --data PREPARED [--only MODEL ...] [--methods NAME ...] [--update docs/Accuracy.md]

PREPARED is what prepare_data.py wrote. Each data set is split once, at random with a fixed seed: some samples calibrate, all
others are the test (see static.py). Weights get 4 bits, activations stay float, or both get 8 bits and compute on integers.
Of each kind the method is bold that has the highest SQNR on the calibration samples: so it is chosen, without the test. Large
models are measured with some methods only (ROWS); --methods names others. Seconds are those of `terse compress`, processor time in
brackets. --update replaces those of the same model and method between the markers of the file, and keeps the others. Needs NumPy.
"""
import argparse
import os
import resource
import sys
import tempfile
import time

from commands import add_labelled_options, compress, evaluate, inspect_bits, locate_labelled, split, write_recipe
from static import MODELS

PREPARE = ["nn-fold-batch-norm", "nn-fold-pad", "nn-recognize-activations", "nn-fold-constants", "canonicalize"]
SIGNED = "#terse.uniform<i4, block = {block}, scale = f16>"
# With a zero point: levels reach from the smallest weight of a block to the largest.
UNSIGNED = "#terse.uniform<ui4, block = {block}, scale = f16, zero_point>"
CHANNEL = "#terse.uniform<i4, channels = 1>"
PALETTE = "#terse.codebook<ui4, table = f16, group = 8>"
OBSERVE = ["terse-insert-observers", "terse-calibrate"]
INT8 = ["terse-choose-encodings: {weight-type: i8, granularity: channel}",
        "terse-choose-activation-encodings: {activation-type: ui8, method: percentile}"]


def weights(*passes, format=SIGNED, block=64, before=()):
    return PREPARE + list(before) + [f'terse-choose-encodings: {{format: "{format.format(block=block)}"}}'] + list(passes)


def static(*passes, before=(), observers="terse-insert-observers", choice=INT8):
    return PREPARE + list(before) + [observers, "terse-calibrate"] + list(choice) + list(passes)


# Name: (what it is, passes before terse-apply-encodings).
METHODS = {
    "int4": weights(),
    "int4, scales of least error": weights("terse-search-scales"),
    "int4, HQQ": weights("terse-hqq"),
    "int4, equalization": weights(before=["nn-equalize-layers"]),
    "int4, bias correction": weights("terse-correct-bias"),
    "int4, GPTQ": weights("terse-gptq"),
    "int4, GPTQ + biases": weights("terse-gptq: {correct-bias: true}"),
    "int4, GPTQ + biases + search": weights("terse-gptq: {correct-bias: true, sweeps: 8, steps: 4, shrink: 0.3, refits: 2}"),
    "int4, GPTQ + biases in stages": weights("terse-gptq: {correct-bias: true, stages: -1}"),
    "int4, zero points": weights(format=UNSIGNED),
    "int4, zero points, GPTQ + biases": weights("terse-gptq: {correct-bias: true}", format=UNSIGNED),
    "int4, zero points, GPTQ + biases in stages": weights("terse-gptq: {correct-bias: true, stages: -1}", format=UNSIGNED),
    "int4, AdaRound": weights("terse-search-scales", "terse-adaround"),
    "int4, AdaRound + biases": weights("terse-search-scales", "terse-adaround: {correct-bias: true}"),
    "int4 of 32, GPTQ + biases": weights("terse-gptq: {correct-bias: true}", block=32),
    "int4 of 32, GPTQ + biases in stages": weights("terse-gptq: {correct-bias: true, stages: -1}", block=32),
    "int4 per channel": weights(format=CHANNEL),
    "int4 per channel, GPTQ + biases in stages": weights("terse-gptq: {correct-bias: true, stages: -1}", format=CHANNEL),
    "16 values per 8 channels": weights(format=PALETTE),
    "16 values per 8 channels, GPTQ + biases in stages": weights("terse-gptq: {correct-bias: true, stages: -1}", format=PALETTE),
    "static int8": static(),
    "static int8, scales of least error": static("terse-search-scales"),
    "static int8, equalization": static(before=["nn-equalize-layers"]),
    "static int8, equalization + absorption": static(
        before=["nn-equalize-layers: {clamps: relu}", "terse-record-outputs", "terse-absorb-bias"]),
    "static int8, bias correction": static("terse-correct-bias"),
    "static int8, GPTQ + search + bias correction": static(
        "terse-record-outputs", "terse-gptq: {correct-bias: true, sweeps: 20, steps: 8, shrink: 0.4, refits: 3}", "terse-correct-bias"),
    "static int8, AdaRound + bias correction": static("terse-record-outputs", "terse-adaround: {correct-bias: true}", "terse-correct-bias"),
    "static int8, GPTQ in stages": static("terse-gptq: {correct-bias: true, stages: -1}"),
}
# Where all methods would take too long, those that are measured.
SOME = ["int4", "int4, zero points", "int4, bias correction", "int4, GPTQ", "int4, GPTQ + biases", "int4, GPTQ + biases in stages",
        "int4, zero points, GPTQ + biases in stages", "int4, AdaRound + biases", "static int8", "static int8, bias correction",
        "static int8, GPTQ in stages"]
FEW = ["int4", "int4, zero points", "int4, GPTQ + biases in stages", "int4, zero points, GPTQ + biases in stages", "static int8",
       "static int8, GPTQ in stages"]
PALETTES = [name for name in METHODS if name.startswith(("int4 per channel", "16 values"))]
ROWS = {"kws_dscnn": list(METHODS), "resnet8": SOME, "resnet20": SOME + PALETTES, "fashion_cnn": FEW, "mobilenet_v1_025": SOME, "mobilenet_v2": FEW}
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
HEAD = ["| model | method | bits per weight | top-1 | points | SQNR of the output | the same on calibration samples | compress, s |",
        "|---|---|---|---|---|---|---|---|"]


def measure(args, model, passes, calibration, folder, index):
    """The compressed model, its bits per weight, and the seconds it took."""
    recipe = write_recipe(os.path.join(folder, f"{index}.yaml"), passes + ["terse-apply-encodings"])
    out = os.path.join(folder, f"{index}.mlirbc")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    compress(args.terse, model, recipe, out, "--data", calibration)
    seconds, after = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out, inspect_bits(args.terse, out)[0], f"{seconds:.0f} ({busy:.0f})"


def update(path, rows):
    """Puts rows in the place of those with the same model and method, in the order of MODELS and METHODS."""
    with open(path) as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    table, tail = rest.split(END)
    key = lambda row: tuple(cell.strip(" *") for cell in row.split("|")[1:3])
    have = {key(row): row for row in table.strip().splitlines()[2:]}
    have.update({key(row): row for row in rows})
    models, methods = list(MODELS), ["float"] + list(METHODS)
    order = sorted(have, key=lambda key: (models.index(key[0]), methods.index(key[1])))
    with open(path, "w") as f:
        f.write(head + BEGIN + "\n" + "\n".join(HEAD + [have[key] for key in order]) + "\n" + END + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--methods", nargs="*", help="only these methods")
    parser.add_argument("--update", help="file with the table")
    args = parser.parse_args()
    print("\n".join(HEAD), flush=True)
    for name, count in MODELS.items():
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            (calibration, test), samples = split(data, count, folder)
            done = []
            for index, (method, passes) in enumerate(METHODS.items()):
                if method not in (args.methods or ROWS[name]):
                    continue
                try:
                    done.append((method, *measure(args, model, passes, calibration, folder, index)))
                except RuntimeError as error:
                    print(f"{name}: {method}: {error}", file=sys.stderr, flush=True)
            models = [model] + [entry[1] for entry in done]
            results = evaluate(args.terse, models, test, folder)
            seen = evaluate(args.terse, models, calibration, folder, labels=None)
        float1 = results[0]["metrics"]["top1"]
        qualities = {method: result["output_sqnr"][0]["sqnr_db"] for (method, *_), result in zip(done, seen[1:])}
        kind = lambda method: method.startswith("static")
        best = {max((m for m in qualities if kind(m) == k), key=qualities.get) for k in {kind(m) for m in qualities}}
        rows = [f"| {name} | float | 32 | {float1:.4f} | | | | {count} + {samples} samples |"]
        for (method, _, bits, seconds), result in zip(done, results[1:]):
            top1, quality = result["metrics"]["top1"], result["output_sqnr"][0]["sqnr_db"]
            label = f"**{method}**" if method in best else method
            rows.append(f"| {name} | {label} | {bits:.2f} | {top1:.4f} | {100 * (top1 - float1):+.2f} | {quality:.1f} dB | "
                        f"{qualities[method]:.1f} dB | {seconds} |")
        print("\n".join(rows), flush=True)
        if args.update:
            update(args.update, rows)


if __name__ == "__main__":
    main()
