"""make_npz.py OUT.npz NAME=SHAPExDTYPE...: arrays of reproducible numbers; `labels=NxintM` are classes below M."""

import sys

import numpy as np

arrays = {}
generator = np.random.default_rng(1)
for spec in sys.argv[2:]:
    name, text = spec.split("=")
    *shape, dtype = text.split("x")
    shape = [int(size) for size in shape]
    if dtype.startswith("classes"):
        arrays[name] = generator.integers(0, int(dtype[7:]), shape)
    else:
        arrays[name] = generator.standard_normal(shape).astype(dtype)
np.savez(sys.argv[1], **arrays)
