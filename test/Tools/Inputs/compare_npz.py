"""compare_npz.py A.npz B.npz [TOLERANCE]: same names, types and shapes, and values within TOLERANCE (default 0) times
the range of A."""

import sys

import numpy as np

a, b = np.load(sys.argv[1]), np.load(sys.argv[2])
tolerance = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
if a.files != b.files:
    sys.exit(f"names differ: {a.files} and {b.files}")
for name in a.files:
    x, y = a[name], b[name]
    if x.dtype != y.dtype or x.shape != y.shape:
        sys.exit(f"{name}: {x.dtype} {x.shape} and {y.dtype} {y.shape}")
    worst = np.abs(x.astype("f8") - y.astype("f8")).max()
    if not worst <= tolerance * (x.max() - x.min()):
        sys.exit(f"{name}: differs by {worst}, the range is {x.max() - x.min()}")
