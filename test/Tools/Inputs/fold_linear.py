"""fold_linear.py FOLDER: random chains of layers compute the same before and after nn-fold-linear, in the interpreter."""
import re
import subprocess
import sys

import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(5)


def constant(name, shape):
    values = rng.normal(size=shape).round(3)
    text = re.sub(r"\s+", " ", np.array2string(values, separator=", ", threshold=10**9, floatmode="unique"))
    return f"  %{name} = nn.constant dense<{text}> : tensor<{'x'.join(map(str, shape))}xf32>\n"


def conv(i, x, c, o, k, stride, pad, size, bias):
    out = (size + 2 * pad - k) // stride + 1
    text = constant(f"w{i}", (o, c, k, k)) + (constant(f"b{i}", (o,)) if bias else "")
    operands, types = f"%{x}, %w{i}", f"tensor<?x{c}x{size}x{size}xf32>, tensor<{o}x{c}x{k}x{k}xf32>"
    if bias:
        operands, types = operands + f", %b{i}", types + f", tensor<{o}xf32>"
    attributes = f"{{strides = array<i64: {stride}, {stride}>, pads = array<i64: {pad}, {pad}, {pad}, {pad}>, dilations = array<i64: 1, 1>}}"
    return text + f"  %y{i} = nn.conv {operands} {attributes} : ({types}) -> tensor<?x{o}x{out}x{out}xf32>\n", out


folded = 0
for case in range(12):
    body, channels, size = "", 3, 7
    count = 3
    for i in range(count):
        pointwise = rng.random() < 0.6
        k, stride, pad = (1, 1, 0) if pointwise else (int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(0, 2)))
        outputs = int(rng.integers(2, 7))
        text, size = conv(i, f"y{i - 1}" if i else "x", channels, outputs, k, stride, pad, size, bool(rng.random() < 0.5))
        body, channels = body + text, outputs
    result = f"tensor<?x{channels}x{size}x{size}xf32>"
    with open(f"{folder}/net.mlir", "w") as f:
        f.write(f'func.func @main(%x: tensor<?x3x7x7xf32> {{nn.name = "x"}}) -> ({result} {{nn.name = "y"}}) {{\n{body}'
                f"  return %y{count - 1} : {result}\n}}\n")
    np.savez(f"{folder}/x.npz", x=rng.normal(size=(3, 3, 7, 7)).astype(np.float32))
    subprocess.run(["terse-opt", f"{folder}/net.mlir", "--nn-fold-linear", "-o", f"{folder}/folded.mlir"], check=True)
    outputs = []
    for model in ("net", "folded"):
        subprocess.run(["terse", "run", f"{folder}/{model}.mlir", "--interpret", "--inputs", f"{folder}/x.npz", "--outputs",
                        f"{folder}/y.npz"], check=True, stdout=subprocess.DEVNULL)
        outputs.append(np.load(f"{folder}/y.npz")["y"])
    error = np.abs(outputs[0] - outputs[1]).max() / np.abs(outputs[0]).max()
    assert error < 1e-5, (case, error)
    with open(f"{folder}/folded.mlir") as f:
        folded += count - f.read().count("nn.conv")
print(f"{folded} layers folded, all the same")
