#!/usr/bin/env python3
"""Which 4-bit format keeps the sentence encoder nearest, with the noise of the answer.

    pairs.py --terse build/bin/terse --models DIR --npm NODE_MODULES --datasets DIR [--variants A B ...]

Pearson's correlation on all pairs of STS-B that are here (dev, and those of train of which no sentence calibrates), for variants of
encoders.py. For each format of a method the difference NF4 - int4 is given with the standard error and the share of positive
differences of 2,000 bootstrap samples of the pairs (seed 0). `distance` is the mean of 1 - cosine between an embedding and the float model's.
`agreement` is Pearson's correlation of the pairs' similarities with those of the float model, without human scores: what rounding alone changes.
"""
import argparse
import os
import tempfile

import numpy as np

from commands import inspect_bits
from encoders import VARIANTS, compress_variant, load, specialize
from tasks import UseLite

METHODS = {"nearest": ("int4 block 64", "nf4"), "scales of least error": ("int4 block 64, search", "nf4, search"),
           "AWQ": ("int4 block 64, awq", "nf4, awq"), "GPTQ": ("int4 block 64, gptq", "nf4, gptq"),
           "AWQ + GPTQ": ("int4 block 64, awq + gptq", "nf4, awq + gptq")}
DRAWS = 2000


def correlations(cosine, scores, draws):
    """Pearson's correlation for every draw (rows of indices)."""
    a, b = cosine[draws], scores[draws]
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("terse", "models", "npm", "datasets"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--samples", type=int, default=0, help="a quick look at that many pairs of each half")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    task = UseLite(args)
    contents = task.calibration()
    seen = {tuple(row) for arrays in contents for row in arrays["tokens"]}
    unseen = lambda pair: not any(tuple(task.tokens(s)) in seen for s in pair[1:])
    halves = [[p for p in task.pairs(part) if unseen(p)] for part in ("dev", "train")]
    pairs = [p for half in halves for p in half[: args.samples or None]]
    scores = np.array([p[0] for p in pairs])
    draws = np.random.RandomState(0).randint(0, len(pairs), (DRAWS, len(pairs)))
    sentences = sorted({s for p in pairs for s in p[1:]})
    place = {s: i for i, s in enumerate(sentences)}
    first, second = ([place[p[i]] for p in pairs] for i in (1, 2))

    def measure(model):
        e = task.embed(load(args.terse, model, args.threads).run, sentences)
        e /= np.linalg.norm(e, axis=1, keepdims=True)
        return e, (e[first] * e[second]).sum(1)

    with tempfile.TemporaryDirectory() as folder:
        model = specialize(args.terse, task, task.locate(folder), folder)
        data = []
        for i, arrays in enumerate(contents):
            data.append(os.path.join(folder, f"calibration{i}.npz"))
            np.savez(data[-1], **arrays)
        reference, exact = measure(model)
        print(f"{len(pairs)} pairs; float: {np.corrcoef(exact, scores)[0, 1]:.4f}\n", flush=True)
        print("| method | int4 block 64 | nf4 | nf4 - int4 | standard error | positive | agreement of int4 | of nf4 | positive | distance of int4 | of nf4 | bits |\n"
              "|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
        for method in args.methods:
            values, drawn, agreements, agreed, distances = [], [], [], [], []
            for variant in METHODS[method]:
                out = os.path.join(folder, "out.mlirbc")
                compress_variant(args.terse, model, variant, VARIANTS[variant], out, data, folder)
                embeddings, cosine = measure(out)
                values.append(np.corrcoef(cosine, scores)[0, 1])
                drawn.append(correlations(cosine, scores, draws))
                agreements.append(np.corrcoef(cosine, exact)[0, 1])
                agreed.append(correlations(cosine, exact, draws))
                distances.append(1 - np.mean((embeddings * reference).sum(1)))
            difference = drawn[1] - drawn[0]
            print(f"| {method} | {values[0]:.4f} | {values[1]:.4f} | {values[1] - values[0]:+.4f} | {difference.std():.4f} | "
                  f"{np.mean(difference > 0):.3f} | {agreements[0]:.4f} | {agreements[1]:.4f} | {np.mean(agreed[1] > agreed[0]):.3f} | {distances[0]:.4f} | {distances[1]:.4f} | {inspect_bits(args.terse, out)[0]:.3f} |",
                  flush=True)


if __name__ == "__main__":
    main()
