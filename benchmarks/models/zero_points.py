#!/usr/bin/env python3
"""What zero points in float would bring to HQQ: errors of 4-bit weights, in NumPy.

    zero_points.py --terse build/bin/terse --models DIR [--only MODEL ...]

Blocks of B weights along each row, unsigned levels 0..15, f16 scales. `integer` has a zero point of 4 bits and moves scales and zero
points, as terse-hqq does; `float` has one in f16 and moves it alone, as the publication does (its scales are those of the largest and
smallest weight); `float + scales` moves both. SQNR of the weights and the error that HQQ makes small, sum |w - w'|^0.7, relative to
that of the first row. Weights of 4,096 elements or more. Needs NumPy.
"""
import argparse
import json
import os
import struct
import subprocess
import tempfile

import numpy as np

from commands import LABELLED, QUIET

NORM, BETA, GROWTH, STEPS = 0.7, 10.0, 1.01, 20
CASES = [(64, "integer"), (64, "float"), (64, "float + scales"), (48, "integer"), (32, "integer")]


def read_weights(terse, model, folder):
    out = os.path.join(folder, "float.mlirbc")
    subprocess.run([terse, "import", model, "-o", out], **QUIET)
    with open(os.path.join(folder, "float.safetensors"), "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        start = f.tell()
        for name, entry in sorted(header.items()):
            if name != "__metadata__" and entry["dtype"] == "F32" and len(entry["shape"]) > 1 and np.prod(entry["shape"]) >= 4096:
                f.seek(start + entry["data_offsets"][0])
                yield np.fromfile(f, np.float32, int(np.prod(entry["shape"]))).reshape(entry["shape"][0], -1).astype(np.float64)


def half(x):
    return x.astype(np.float16).astype(np.float64)


def optimize(blocks, kind):
    """What the weights decode to."""
    integer = kind == "integer"
    low, high = blocks.min(1, keepdims=True), blocks.max(1, keepdims=True)
    if integer:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    store = (lambda z: np.rint(z).clip(0, 15)) if integer else half
    scale = half((high - low) / 15)
    scale[scale == 0] = 1
    zero = store(-low / scale)
    best, least, beta = np.zeros_like(blocks), np.full((len(blocks), 1), np.inf), BETA
    for _ in range(STEPS + 1):
        levels = np.rint(blocks / scale + zero).clip(0, 15) - zero
        error = blocks - levels * scale
        total = (np.abs(error) ** NORM).sum(1, keepdims=True)
        best, least = np.where(total < least, levels * scale, best), np.minimum(total, least)
        magnitude = np.maximum(np.abs(error / scale), 1e-12)
        left = blocks / scale - np.sign(error) * np.maximum(0, magnitude - magnitude ** (NORM - 1) / beta)
        if kind != "float":
            factor = (left * levels).sum(1, keepdims=True) / np.maximum((levels**2).sum(1, keepdims=True), 1e-12)
            moved = half(scale * np.where(factor > 0, factor, 1))
            scale = np.where(moved > 0, moved, scale)
        zero = store(zero + (levels - left).mean(1, keepdims=True))
        beta *= GROWTH
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--only", nargs="*", default=["kws_dscnn", "resnet20"])
    args = parser.parse_args()
    print("| model | block | zero points | bits per weight | SQNR of the weights | error of HQQ |\n|---|---|---|---|---|---|", flush=True)
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            weights = list(read_weights(args.terse, os.path.join(args.models, LABELLED[name][0]), folder))
        first = None
        for size, kind in CASES:
            noise = signal = error = 0
            for weight in weights:
                columns = weight.shape[1] // size * size
                blocks = weight[:, :columns].reshape(-1, size)
                decoded = optimize(blocks, kind) if columns else blocks
                noise, signal = noise + ((blocks - decoded) ** 2).sum(), signal + (blocks**2).sum()
                error += (np.abs(blocks - decoded) ** NORM).sum() / max(blocks.size, 1) * weight.size
            first = first or error
            bits = 4 + (16 + (4 if kind == "integer" else 16)) / size
            print(f"| {name} | {size} | {kind} | {bits:.3f} | {10 * np.log10(signal / noise):.2f} dB | {error / first:.3f} |", flush=True)


if __name__ == "__main__":
    main()
