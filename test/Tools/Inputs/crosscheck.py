"""crosscheck.py PLAIN.safetensors COMPRESSED.safetensors MANIFEST.json: computes every encoded weight again in NumPy
from the plain one, by the formulas in docs/Numerics.md, and compares bit for bit."""

import json
import re
import sys

import numpy as np

from safetensors import load

plain, stored = load(sys.argv[1]), load(sys.argv[2])
manifest = json.load(open(sys.argv[3]))


def expand(scales, shape, blocks):
    """Gives every element its block's scale."""
    for axis, (size, block) in enumerate(zip(shape, blocks)):
        scales = np.repeat(scales, block, axis=axis).take(range(size), axis=axis)
    return scales


def encode(w, blocks, bits, scale_type):
    qmax = np.float32(2 ** (bits - 1) - 1)
    counts = [-(-size // block) for size, block in zip(w.shape, blocks)]
    largest = np.zeros(counts, "f4")
    for index in np.ndindex(*counts):
        part = w[tuple(slice(i * b, (i + 1) * b) for i, b in zip(index, blocks))]
        largest[index] = np.abs(part).max()
    scales = np.where(largest > 0, largest / qmax, np.float32(1)).astype(scale_type)
    steps = w / expand(scales.astype("f4"), w.shape, blocks)
    q = np.clip(np.rint(steps), -qmax - 1, qmax).astype("i1")  # np.rint rounds half to even.
    return q, scales


checked = 0
for entry in manifest["weights"]:
    encoding = entry.get("encoding")
    if encoding is None:
        assert entry["reason"], entry
        continue
    text = re.fullmatch(r"#terse\.uniform<i(\d)(?:, axis = (\d+))?(?:, block = \[([^\]]*)\])?(?:, scale = (f16))?>",
                        encoding)
    assert text, encoding
    bits, axis, block, scale = text.groups()
    w = plain[entry["name"]]
    blocks = list(w.shape)
    if axis:
        blocks[int(axis)] = 1
    if block:
        blocks = [w.shape[i] if b == "?" else int(b) for i, b in enumerate(block.split(", "))]
    values, scales = (stored[c["name"]] for c in entry["components"])
    q, s = encode(w, blocks, int(bits), "f2" if scale else "f4")
    s = s.reshape(scales.shape)
    assert values.shape == w.shape and scales.dtype == s.dtype
    assert s.tobytes() == scales.tobytes(), f"{entry['name']}: scales differ"
    assert q.tobytes() == values.tobytes(), f"{entry['name']}: {np.sum(q != values)} values differ"
    # The manifest's bits are the exact sum of the components'.
    assert entry["bits"] == w.size * int(bits) + scales.size * scales.itemsize * 8, entry
    checked += 1
print(f"{checked} weights equal")
