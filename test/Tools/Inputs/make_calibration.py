"""make_calibration.py DATA.npz FOLDER: calibration sets, good and bad, from the samples of a labelled set."""
import sys

import numpy as np

data, folder = sys.argv[1:]
x = np.load(data)["input"][:40].astype(np.float32)


def save(name, **arrays):
    np.savez(f"{folder}/{name}.npz", **arrays)


save("all", input=x)
save("first", input=x[:25])
save("second", input=np.asfortranarray(x[25:]))
nan, infinite = x[:5].copy(), x[:5].copy()
nan.reshape(5, -1)[3, 7] = np.nan
infinite.reshape(5, -1)[0, 0] = -np.inf
save("nan", input=nan)
save("infinite", input=infinite)
save("empty", input=x[:0])
save("shape", input=x[:4].transpose(0, 1, 3, 2))
save("names", a=x, b=x)
