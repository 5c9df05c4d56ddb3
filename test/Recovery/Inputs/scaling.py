"""SmoothQuant and AWQ of a small network against NumPy, which follows the publications.

    scaling.py FOLDER

A norm that two layers read, one of which a third one reads behind a ReLU. The scaled network computes the same in float (the
interpreter), and its weights are those that the formulas give.
"""
import re
import subprocess
import sys

import numpy as np

FOLDER = sys.argv[1]
rng = np.random.default_rng(11)
BITS = 3
QMAX = 2 ** (BITS - 1) - 1
SHAPES = {"A": (8, 12), "B": (4, 12), "C": (5, 8)}
W = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
V = {"scale": (np.exp(rng.normal(size=12) * 1.5)).astype(np.float32), "bias": rng.normal(size=12).astype(np.float32),
     "offset": rng.normal(size=8).astype(np.float32)}
X = rng.normal(size=(20, 3, 12)).astype(np.float32)


def dense(array):
    return re.sub(r"\s+", " ", np.array2string(array.astype(np.float64), separator=", ", threshold=10**9, floatmode="unique"))


def constant(name, array):
    return f"  %{name} = nn.constant dense<{dense(array)}> : tensor<{'x'.join(map(str, array.shape))}xf32>\n"


def layer(result, x, weight, shape, out, bias=""):
    rows, columns = SHAPES[weight]
    choice = f"{{terse.choice = #terse.choice<1 = #terse.uniform<i{BITS}, axis = 0>>}}"
    operands = f"%{x}, %{weight}" + (f", %{bias}" if bias else "")
    types = f"tensor<{shape}xf32>, tensor<{rows}x{columns}xf32>" + (f", tensor<{rows}xf32>" if bias else "")
    return f"  %{result} = nn.linear {operands} {choice} : ({types}) -> tensor<{out}xf32>\n"


def write():
    text = 'func.func @main(%x: tensor<?x3x12xf32> {nn.name = "x"}) -> (tensor<?x3x5xf32> {nn.name = "c"}, tensor<?x3x4xf32> {nn.name = "b"}) {\n'
    for name, array in {**W, **V}.items():
        text += constant(name, array)
    text += """  %n = nn.layer_norm %x, %scale, %bias {axis = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x3x12xf32>, tensor<12xf32>, tensor<12xf32>) -> tensor<?x3x12xf32>
"""
    text += layer("a", "n", "A", "?x3x12", "?x3x8", "offset")
    text += layer("b", "n", "B", "?x3x12", "?x3x4")
    text += "  %r = nn.unary relu %a : (tensor<?x3x8xf32>) -> tensor<?x3x8xf32>\n"
    text += layer("c", "r", "C", "?x3x8", "?x3x5")
    text += "  return %c, %b : tensor<?x3x5xf32>, tensor<?x3x4xf32>\n}\n"
    with open(f"{FOLDER}/net.mlir", "w") as f:
        f.write(text)
    np.savez(f"{FOLDER}/x.npz", x=X)
    np.savez(f"{FOLDER}/other.npz", x=rng.normal(size=(7, 3, 12)).astype(np.float32))


def to_array(text, shape):
    if text.startswith('"0x'):
        return np.frombuffer(bytes.fromhex(text[3:-1]), "<f4").reshape(shape)
    return np.array([float(n) for n in re.findall(r"-?\d[\d.]*(?:[Ee][+-]?\d+)?", text)], np.float32).reshape(shape)


def run(options):
    text = subprocess.run(["terse-opt", f"{FOLDER}/net.mlir", options, "-o", f"{FOLDER}/scaled.mlir"], check=True)
    with open(f"{FOLDER}/scaled.mlir") as f:
        text = f.read()
    found = {}
    for content, size in re.findall(r"= nn.constant dense<(.*?)> : tensor<([\dx]*)xf32>", text):
        shape = tuple(int(d) for d in size.split("x"))
        found[shape] = to_array(content, shape).astype(np.float64)
    return {name: found[shape] for name, shape in SHAPES.items()}, text


def check_same(name):
    """The float network computes what it did."""
    outputs = []
    for model in ("net", "scaled"):
        subprocess.run(["terse", "run", f"{FOLDER}/{model}.mlir", "--interpret", "--inputs", f"{FOLDER}/other.npz", "--outputs",
                        f"{FOLDER}/out.npz"], check=True, stdout=subprocess.DEVNULL)
        with np.load(f"{FOLDER}/out.npz") as f:
            outputs.append({k: f[k] for k in f.files})
    for key, want in outputs[0].items():
        error = np.abs(outputs[1][key] - want).max() / np.abs(want).max()
        assert error < 1e-5, (name, key, error)
    print(f"{name}: the same in float")


def activations():
    x = X.astype(np.float64)
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * V["scale"] + V["bias"]
    x = x.reshape(-1, 12)
    return x, np.maximum(x @ W["A"].T.astype(np.float64) + V["offset"], 0)


def check_factors(name, weights, first, second):
    want = {"A": W["A"] * first / second[:, None], "B": W["B"] * first, "C": W["C"] * second}
    for key, value in want.items():
        assert np.allclose(weights[key], value, rtol=1e-4), (name, key, weights[key] / value)
    print(f"{name}: the factors of the publication")


def smooth(x, weights, alpha, floor=0.0):
    s = np.maximum(np.abs(x).max(0), floor) ** alpha / np.abs(np.concatenate(weights)).max(0) ** (1 - alpha)
    return s / np.exp(np.log(s).mean())


def nearest(w):
    scale = np.abs(w).max(axis=1, keepdims=True) / QMAX
    return np.clip(np.round(w / scale), -QMAX - 1, QMAX) * scale


def awq(x, weights, grid=20):
    best = None
    for i in range(grid):
        s = np.abs(x).mean(0) ** (i / grid)
        s = s / np.sqrt(s.max() * s.min())
        error = sum((((x / s) @ nearest(w * s).T - x @ w.T) ** 2).sum(1).mean() for w in weights)
        if best is None or error < best[0]:
            best = (error, s, i)
    return best


write()
x1, x2 = activations()
big = {k: w.astype(np.float64) for k, w in W.items()}
for alpha in (0.0, 0.5, 0.8):
    weights, _ = run(f"--terse-smooth=data={FOLDER}/x.npz alpha={alpha} interpret")
    check_same(f"smooth {alpha}")
    check_factors(f"smooth {alpha}", weights, smooth(x1, [big["A"], big["B"]], alpha), smooth(x2, [big["C"]], alpha))
# The search takes one of the grid, or none; small channels count as the one in the middle.
weights, _ = run(f"--terse-smooth=data={FOLDER}/x.npz interpret")
check_same("smooth, searched")
found = weights["B"][0] / big["B"][0]
magnitudes = np.abs(x1).max(0)
grid = [smooth(x1, [big["A"], big["B"]], i / 20, np.sort(magnitudes)[len(magnitudes) // 2]) for i in range(21)]
assert any(np.allclose(found, s, rtol=1e-4) for s in [np.ones_like(found), *grid]), found
assert not np.allclose(found, 1), "the test wants factors that gain something"
print("smooth, searched: small channels count as the one in the middle")

first, second = awq(x1, [big["A"], big["B"]]), awq(x2, [big["C"]])
assert first[2] and second[2], "the test wants scales that gain something"
weights, _ = run(f"--terse-awq=data={FOLDER}/x.npz positions=0 steps=1 interpret")
check_same("awq")
check_factors("awq", weights, first[1], second[1])

# Clipping makes no layer's error larger, and one smaller.
weights, text = run(f"--terse-awq=data={FOLDER}/x.npz positions=0 interpret")
check_same("awq, clipped")
assert text.count('origin = "clipped"') >= 1, text
for key, x, s in (("B", x1, first[1]), ("C", x2, second[1])):
    line = next(l for l in text.splitlines() if "nn.linear" in l and f"tensor<{SHAPES[key][0]}x{SHAPES[key][1]}xf32>" in l)
    plain = (((x / s) @ nearest(weights[key]).T - x @ big[key].T) ** 2).sum()
    if "#terse.static" not in line:
        continue
    scale = to_array(re.search(r"dense<(.*?)> : tensor", line).group(1), (SHAPES[key][0], 1))
    clipped = np.clip(np.round(weights[key] / scale), -QMAX - 1, QMAX) * scale
    error = (((x / s) @ clipped.T - x @ big[key].T) ** 2).sum()
    assert error < plain, (key, error, plain)
    print(f"awq, clipped {key}: {plain:.3f} -> {error:.3f}")
