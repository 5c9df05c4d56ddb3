"""make_mixed.py DATA.npz FOLDER: some.npz, the first 200 labelled samples."""
import sys

import numpy as np

data = np.load(sys.argv[1])
np.savez(f"{sys.argv[2]}/some.npz", **{key: data[key][:200] for key in data.files})
