"""sqnr.py A.npz B.npz DB: the signal to noise ratio of every array of B against that of A is at least DB."""
import sys

import numpy as np

reference, other = np.load(sys.argv[1]), np.load(sys.argv[2])
for name in reference.files:
    a, b = reference[name].astype(np.float64), other[name].astype(np.float64)
    ratio = 10 * np.log10((a**2).sum() / ((a - b) ** 2).sum())
    if not ratio >= float(sys.argv[3]):
        sys.exit(f"{name}: SQNR {ratio:.1f} dB, expected at least {sys.argv[3]}")
