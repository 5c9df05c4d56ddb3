"""check_drift.py data DATA.npz FOLDER: calibration.npz, and live.npz, which leaves its ranges.
check_drift.py counts LIVE.npz MANIFEST.json RUN.txt BENCH.json: the counters against NumPy."""
import json
import sys

import numpy as np

if sys.argv[1] == "data":
    x = np.load(sys.argv[2])["input"][:60].astype(np.float32)
    np.savez(sys.argv[3] + "/calibration.npz", input=x[:20])
    live = x[20:60].copy()
    live[:10] *= 1.5
    np.savez(sys.argv[3] + "/live.npz", input=live)
    sys.exit()
x = np.load(sys.argv[2])["input"]
entry = next(a for a in json.load(open(sys.argv[3]))["activations"] if a["name"] == "input")
scale, zero = np.float32(entry["scales"][0]), entry["zero_points"][0]
q = np.rint(x / scale) + zero
rows = {}
for line in open(sys.argv[4]).read().splitlines()[2:]:
    name, rest = line.split(None, 1)
    seen, below, above, _ = rest.split("]")[1].split()
    rows[name] = (int(seen), int(below), int(above))
assert rows["input"] == (x.size, int((q < 0).sum()), int((q > 255).sum())), (rows["input"], (q < 0).sum(), (q > 255).sum())
assert rows["input"][1] + rows["input"][2] > 0, "the test needs values that leave the range"
# ReLU is no saturation: behind it nothing can be below, and most values are zeros.
assert all(below == 0 for name, (_, below, _) in rows.items() if name.endswith("_a"))
# Four runs of bench on the same inputs.
for entry in json.load(open(sys.argv[5]))["models"][0]["ranges"]:
    assert (entry["seen"], entry["below"], entry["above"]) == tuple(4 * n for n in rows[entry["name"]])
