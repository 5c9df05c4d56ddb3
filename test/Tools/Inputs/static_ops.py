"""static_ops.py data FOLDER: inputs of static-ops.mlir.
static_ops.py compare FLOAT.npz OTHER.npz DB: the SQNR of output y is at least DB."""
import sys

import numpy as np

if sys.argv[1] == "data":
    x = np.random.RandomState(1).uniform(-2, 1.5, (30, 2, 6, 6)).astype(np.float32)
    np.savez(sys.argv[2] + "/x.npz", x=x)
else:
    reference, other = (np.load(path)["y"].astype(np.float64) for path in sys.argv[2:4])
    sqnr = 10 * np.log10((reference**2).sum() / ((reference - other) ** 2).sum())
    if not sqnr >= float(sys.argv[4]):
        sys.exit(f"SQNR {sqnr:.1f} dB, expected at least {sys.argv[4]}")
