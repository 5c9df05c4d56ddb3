"""Rounds small layers by terse-opt and by NumPy, which follows the publications and knows nothing of how the passes work.

    reference.py TERSE_OPT FOLDER METHOD
"""
import itertools
import re
import subprocess
import sys

import numpy as np

TERSE_OPT, FOLDER, METHOD = sys.argv[1:]
rng = np.random.default_rng(7)
BITS = 3
QMAX = 2 ** (BITS - 1) - 1


def windows(x, kernel, strides, pads, dilations):
    """For each position of a convolution of x[n, c, ...] its window [n, c, position, tap]."""
    rank = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[d], pads[rank + d]) for d in range(rank)])
    sizes = [(x.shape[2 + d] - (kernel[d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(rank)]
    columns = []
    for tap in itertools.product(*[range(k) for k in kernel]):
        index = tuple(slice(tap[d] * dilations[d], tap[d] * dilations[d] + (sizes[d] - 1) * strides[d] + 1, strides[d])
                      for d in range(rank))
        columns.append(x[(slice(None), slice(None)) + index].reshape(x.shape[0], x.shape[1], -1))
    return np.stack(columns, axis=-1)


def conv_case(shape, weight, strides, pads, dilations, groups):
    x = np.maximum(rng.normal(size=shape), -0.3).astype(np.float32)
    w = rng.normal(size=weight).astype(np.float32)
    seen = windows(x.astype(np.float64), weight[2:], strides, pads, dilations)
    per_group, rows = weight[1], weight[0] // groups
    problems = []
    for g in range(groups):
        columns = seen[:, g * per_group : (g + 1) * per_group].transpose(0, 2, 1, 3)
        problems.append((columns.reshape(-1, columns.shape[2] * columns.shape[3]), slice(g * rows, (g + 1) * rows)))
    arrays = [f"strides = array<i64: {', '.join(map(str, strides))}>", f"pads = array<i64: {', '.join(map(str, pads))}>",
              f"dilations = array<i64: {', '.join(map(str, dilations))}>", f"groups = {groups} : i64"]
    out = [1, weight[0]] + [(shape[2 + d] + pads[d] + pads[len(strides) + d] - (weight[2 + d] - 1) * dilations[d] - 1) // strides[d] + 1
                            for d in range(len(strides))]
    return "nn.conv", x, w, problems, ", ".join(arrays), out


def transposed_case(shape, weight, strides, pads):
    """x spread out with zeros between, under the flipped kernel."""
    x = rng.normal(size=shape).astype(np.float32)
    w = rng.normal(size=weight).astype(np.float32)
    rank = len(strides)
    spread = np.zeros(shape[:2] + tuple((shape[2 + d] - 1) * strides[d] + 1 for d in range(rank)))
    spread[(slice(None), slice(None)) + tuple(slice(None, None, s) for s in strides)] = x
    border = [weight[2 + d] - 1 - pads[d] for d in range(rank)]
    seen = windows(spread, weight[2:], [1] * rank, border + border, [1] * rank)[..., ::-1]
    columns = seen.transpose(0, 2, 1, 3)
    problems = [(columns.reshape(-1, columns.shape[2] * columns.shape[3]), None)]
    out = [1, weight[1]] + [(shape[2 + d] - 1) * strides[d] + weight[2 + d] - 2 * pads[d] for d in range(rank)]
    zeros, ones = ", ".join(["0"] * rank), ", ".join(["1"] * rank)
    text = (f"strides = array<i64: {', '.join(map(str, strides))}>, pads = array<i64: {', '.join(map(str, pads * 2))}>, "
            f"dilations = array<i64: {ones}>, output_padding = array<i64: {zeros}>, groups = 1 : i64")
    return "nn.conv_transpose", x, w, problems, text, out


def linear_case(shape, outputs):
    x = rng.normal(size=shape).astype(np.float32)
    w = rng.normal(size=(outputs, shape[-1])).astype(np.float32)
    x[..., 2] = 0  # An input that is always 0.
    x[..., 3] = x[..., 4]  # Inputs that are always equal.
    return "nn.linear", x, w, [(x.reshape(-1, shape[-1]).astype(np.float64), slice(None))], "", [1] + list(shape[1:-1]) + [outputs]


CASES = {
    "linear": linear_case((40, 20), 6),
    "rows": linear_case((9, 5, 17), 3),
    "constant input": linear_case((1, 12), 4),
    "conv": conv_case((6, 3, 7, 6), (4, 3, 3, 3), [2, 1], [1, 0, 1, 2], [1, 2], 1),
    "grouped": conv_case((6, 4, 5, 5), (6, 2, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 2),
    "depthwise": conv_case((6, 5, 6, 6), (5, 1, 3, 3), [2, 2], [0, 0, 1, 1], [1, 1], 5),
    "conv1d": conv_case((8, 3, 11), (2, 3, 4), [3], [2, 0], [2], 1),
    "transposed": transposed_case((7, 3, 4, 3), (3, 2, 3, 2), [2, 1], [1, 0]),
}


def as_matrix(op, w, rows):
    """The weight as rows of output channels."""
    if op == "nn.conv_transpose":
        return w.swapaxes(0, 1).reshape(w.shape[1], -1)
    return w.reshape(w.shape[0], -1)[rows]


def nearest(w, scale):
    return np.clip(np.round(w / scale), -QMAX - 1, QMAX) * scale


def damp(x, share=0.01):
    h = x.T @ x / len(x)
    return h + np.eye(len(h)) * share * np.mean(np.diag(h)), h


def gptq(w, x, scale, order):
    """Frantar et al. 2022, algorithm 1 with blocks of one column."""
    h, _ = damp(x)
    perm = np.argsort(-np.diag(h), kind="stable") if order else np.arange(len(h))
    inverse = np.linalg.inv(h[np.ix_(perm, perm)])
    upper = np.linalg.cholesky(inverse).T
    rest, q = w[:, perm].copy(), np.zeros_like(w)
    for k in range(len(h)):
        q[:, k] = nearest(rest[:, k : k + 1], scale)[:, 0]
        error = (rest[:, k] - q[:, k]) / upper[k, k]
        rest[:, k:] -= np.outer(error, upper[k, k:])
    return q[:, np.argsort(perm)]


def errors(q, w, x):
    _, h = damp(x)
    return np.einsum("rk,kl,rl->r", q - w, h, q - w)


def to_array(text, shape):
    """The numbers of a dense attribute, of which MLIR writes many as the hex of their bytes."""
    if text.startswith('"0x'):
        return np.frombuffer(bytes.fromhex(text[3:-1]), "<f4").reshape(shape)
    numbers = re.findall(r"-?\d[\d.]*(?:E[+-]?\d+|e[+-]?\d+)?", text)
    values = np.array([float(n) for n in numbers], np.float32)
    return np.full(shape, values[0]) if values.size == 1 else values.reshape(shape)


def run(name, options):
    op, x, w, _, attributes, out = CASES[name]
    np.savez(f"{FOLDER}/x.npz", x=x)
    dims = lambda shape: "x".join(map(str, shape)) + "xf32"
    axis = 1 if op == "nn.conv_transpose" else 0
    dense = re.sub(r"\s+", " ", np.array2string(w.astype(np.float64), separator=", ", threshold=10**9, floatmode="unique"))
    shape = [1] + list(x.shape[1:])
    module = f"""func.func @main(%x: tensor<{dims(shape)}> {{nn.name = "x"}}) -> tensor<{dims(out)}> {{
  %w = nn.constant dense<{dense}> : tensor<{dims(w.shape)}>
  %y = {op} %x, %w {{terse.choice = #terse.choice<1 = #terse.uniform<i{BITS}, axis = {axis}>>{', ' if attributes else ''}{attributes}}} : (tensor<{dims(shape)}>, tensor<{dims(w.shape)}>) -> tensor<{dims(out)}>
  return %y : tensor<{dims(out)}>
}}
"""
    with open(f"{FOLDER}/layer.mlir", "w") as f:
        f.write(module)
    result = subprocess.run([TERSE_OPT, f"{FOLDER}/layer.mlir", f"--terse-{METHOD}=data={FOLDER}/x.npz interpret {options}"],
                            check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    constants = re.findall(r"= nn.constant dense<(.*?)> : tensor<([\dx]*)xf32>", result)
    values = [to_array(text, [int(d) for d in size.split("x")]) for text, size in constants]
    return next(v for v in values if v.shape == w.shape), [v for v in values if v.shape != w.shape], result


def compare_gptq():
    for name, (op, x, w, problems, _, _) in CASES.items():
        for order in (True, False):
            have, _, _ = run(name, f"positions=0 act-order={str(order).lower()} block=4")
            for columns, rows in problems:
                matrix, found = (as_matrix(op, m.astype(np.float64), rows) for m in (w, have))
                scale = (np.abs(as_matrix(op, w, rows)).max(axis=1, keepdims=True) / np.float32(QMAX)).astype(np.float64)
                fed, plain = gptq(matrix, columns, scale, order), nearest(matrix, scale)
                want = np.where((errors(fed, matrix, columns) <= errors(plain, matrix, columns))[:, None], fed, plain)
                assert np.allclose(found, want, atol=1e-5), (name, order, found / scale, want / scale)
                # No output is worse off than by rounding to nearest.
                assert (errors(found, matrix, columns) <= errors(plain, matrix, columns) * (1 + 1e-6)).all(), name
        print(f"{name}: as by NumPy")


def total(name, have, centered=False):
    op, _, w, problems, _, _ = CASES[name]
    have_error = nearest_error = 0
    for columns, rows in problems:
        if centered:
            columns = columns - columns.mean(axis=0)
        matrix, found = (as_matrix(op, m.astype(np.float64), rows) for m in (w, have))
        scale = np.abs(matrix).max(axis=1, keepdims=True) / QMAX
        have_error += errors(found, matrix, columns).sum()
        nearest_error += errors(nearest(matrix, scale), matrix, columns).sum()
    return have_error, nearest_error


def compare_improvements():
    """What goes beyond the publication never makes the error larger, and the reported bias is the mean error."""
    for name, (op, x, w, problems, _, _) in CASES.items():
        plain = total(name, run(name, "positions=0")[0])[0]
        last, _ = total(name, run(name, "positions=0 sweeps=20")[0])
        better, bound = total(name, run(name, "positions=0 sweeps=20 steps=8 refits=3")[0])
        assert better <= last * (1 + 1e-5) and last <= bound * (1 + 1e-5), (name, plain, last, better, bound)
        have, others, _ = run(name, "positions=0 sweeps=20 correct-bias")
        for columns, rows in problems:
            matrix, found = (as_matrix(op, m.astype(np.float64), rows) for m in (w, have))
            want = (matrix - found) @ columns.mean(axis=0)
            bias = others[0].astype(np.float64)[rows if rows is not None else slice(None)]
            assert np.allclose(bias, want, atol=1e-4), (name, bias, want)
        centered, bound = total(name, have, centered=True)
        assert centered <= bound * (1 + 1e-5), (name, centered, bound)
        print(f"{name}: {bound:.4f} -> {centered:.4f} with a bias")


def compare_adaround():
    """Between its neighbours, and better than rounding to nearest."""
    for name, (op, x, w, problems, _, _) in CASES.items():
        have, _, text = run(name, "positions=0 iterations=400")
        again, _, same = run(name, "positions=0 iterations=400")
        assert text == same, name
        error, bound = total(name, have)
        assert error <= bound * (1 + 1e-6), (name, error, bound)
        for columns, rows in problems:
            matrix, found = (as_matrix(op, m.astype(np.float64), rows) for m in (w, have))
            scale = np.abs(matrix).max(axis=1, keepdims=True) / QMAX
            assert (np.abs(found - matrix) <= scale * (1 + 1e-5)).all(), name
        print(f"{name}: {bound:.4f} -> {error:.4f}")


def compare_biases():
    """Two layers, the first without a bias: corrected one after the other, the second on what the first one gives."""
    x = rng.normal(0.5, 1, size=(64, 12)).astype(np.float32)
    w1, w2 = rng.normal(size=(8, 12)).astype(np.float32), rng.normal(size=(5, 8)).astype(np.float32)
    b2 = rng.normal(size=5).astype(np.float32)
    np.savez(f"{FOLDER}/x.npz", x=x)
    text = lambda a: re.sub(r"\s+", " ", np.array2string(a.astype(np.float64), separator=", ", threshold=10**9, floatmode="unique"))
    choice = f"terse.choice = #terse.choice<1 = #terse.uniform<i{BITS}, axis = 0>>"
    with open(f"{FOLDER}/layers.mlir", "w") as f:
        f.write(f"""func.func @main(%x: tensor<1x12xf32> {{nn.name = "x"}}) -> tensor<1x5xf32> {{
  %w1 = nn.constant dense<{text(w1)}> : tensor<8x12xf32>
  %w2 = nn.constant dense<{text(w2)}> : tensor<5x8xf32>
  %b2 = nn.constant dense<{text(b2)}> : tensor<5xf32>
  %0 = nn.linear %x, %w1 {{{choice}}} : (tensor<1x12xf32>, tensor<8x12xf32>) -> tensor<1x8xf32>
  %1 = nn.unary relu %0 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %2 = nn.linear %1, %w2, %b2 {{{choice}}} : (tensor<1x8xf32>, tensor<5x8xf32>, tensor<5xf32>) -> tensor<1x5xf32>
  return %2 : tensor<1x5xf32>
}}
""")

    def rounded(w):
        return nearest(w.astype(np.float64), np.abs(w).max(axis=1, keepdims=True) / np.float32(QMAX))

    def parse(passes):
        result = subprocess.run([TERSE_OPT, f"{FOLDER}/layers.mlir", *passes], check=True, stdout=subprocess.PIPE,
                                universal_newlines=True).stdout
        found = re.findall(r"= nn.constant dense<(.*?)> : tensor<([\dx]*)xf32>", result)
        return {size: to_array(text, [int(d) for d in size.split("x")]) for text, size in found}, result

    def check(found, q1, q2):
        first, second = x @ w1.T.astype(np.float64), x @ q1.T
        want1 = (first - second).mean(axis=0)
        want2 = (np.maximum(first, 0) @ w2.T + b2 - np.maximum(second + want1, 0) @ q2.T).mean(axis=0)
        assert np.allclose(found["8"], want1, atol=1e-4), (found["8"], want1)
        assert np.allclose(found["5"], want2, atol=1e-4), (found["5"], want2)

    data = f"data={FOLDER}/x.npz interpret"
    correct, record = f"--terse-correct-bias={data} limit=0", f"--terse-record-outputs={data} limit=0"
    check(parse([correct])[0], rounded(w1), rounded(w2))
    # One round corrects the second layer for what the first one did before it was corrected itself.
    assert not np.allclose(parse([f"{correct} rounds=1"])[0]["5"], parse([correct])[0]["5"], atol=1e-3)
    assert not np.allclose(parse([f"--terse-correct-bias={data} limit=8"])[0]["8"], parse([correct])[0]["8"], atol=1e-3)
    # The float model is the one that was recorded, whatever has become of the weights.
    found, result = parse([record, f"--terse-gptq={data}", correct])
    check(found, found["8x12"].astype(np.float64), found["5x8"].astype(np.float64))
    assert "terse.statistics" not in result
    print("biases: as by NumPy")


def check_odd():
    """Data and weights with which formulas divide by 0, and data that are refused."""
    global METHOD

    def layer(name, x, w):
        x, w = np.asarray(x, np.float32), np.asarray(w, np.float32)
        CASES[name] = ("nn.linear", x, w, [(x.astype(np.float64), slice(None))], "", [1, len(w)])
        return w.astype(np.float64), nearest(w.astype(np.float64), np.maximum(np.abs(w).max(axis=1, keepdims=True), 1e-30) / np.float32(QMAX))

    for METHOD in ("gptq", "adaround"):
        options = "positions=0" + (" iterations=20" if METHOD == "adaround" else "")
        w = rng.normal(size=(3, 5))
        _, plain = layer("zeros", np.zeros((4, 5)), w)
        assert np.allclose(run("zeros", options)[0], plain, atol=1e-6)
        _, plain = layer("constant", np.ones((4, 5)) * rng.normal(size=5), w)
        assert np.allclose(run("constant", options + " correct-bias")[0], plain, atol=1e-6)
        layer("one", [[2.0]], [[0.7]])
        assert np.allclose(run("one", options)[0], 0.7)
        layer("zero weights", rng.normal(size=(4, 3)), np.zeros((2, 3)))
        assert (run("zero weights", options)[0] == 0).all()
        # A huge weight and a huge input.
        w, x = rng.normal(size=(2, 6)), rng.normal(size=(30, 6))
        w[0, 1], x[:, 4] = 1e6, x[:, 4] * 1e6
        w, plain = layer("outliers", x, w)
        have = run("outliers", options + " sweeps=3 refits=2")[0].astype(np.float64)
        assert np.isfinite(have).all()
        assert (errors(have, w, x) <= errors(plain, w, x) * (1 + 1e-4)).all()

        def refused(x, text):
            np.savez(f"{FOLDER}/bad.npz", x=x)
            process = subprocess.run([TERSE_OPT, f"{FOLDER}/layer.mlir", f"--terse-{METHOD}=data={FOLDER}/bad.npz interpret"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
            assert process.returncode == 1 and text in process.stderr, process.stderr

        refused(np.full((2, 6), np.nan, np.float32), "is NaN; calibration data must be finite")
        refused(np.zeros((0, 6), np.float32), "there are no samples")
        refused(np.zeros((2, 7), np.float32), "but the model's input 'x' is")
    print("odd data: as documented")


def check_formats():
    """Levels of any encoding are encoded as themselves: a model whose weights are such levels needs no corrected bias."""
    x, w = rng.normal(0.5, 1, size=(40, 32)).astype(np.float32), rng.normal(size=(8, 32)).astype(np.float32)
    np.savez(f"{FOLDER}/x.npz", x=x)
    data = f"data={FOLDER}/x.npz interpret"
    numbers = ", ".join("[" + ", ".join(repr(float(v)) for v in row) + "]" for row in w)
    for encoding in ("uniform<ui4, block = [1, 16], zero_point>", "uniform<i4, block = [2, 8], scale = f16>", "uniform<i3>",
                     "minifloat<f4E2M1FN, block = [1, 16], scale = f8E8M0FNU>", "minifloat<f8E4M3FN, axis = 0>",
                     "minifloat<f4E2M1FN, block = [1, 16], scale = #terse.minifloat<f8E4M3FN>>", "codebook<ui4, table = nf4, block = [1, 8]>",
                     "codebook<ui3, table = f16>", "codebook<ui2, table = ternary, axis = 0>"):
        with open(f"{FOLDER}/layer.mlir", "w") as f:
            f.write(f"""func.func @main(%x: tensor<1x32xf32> {{nn.name = "x"}}) -> tensor<1x8xf32> {{
  %w = nn.constant dense<[{numbers}]> : tensor<8x32xf32>
  %y = nn.linear %x, %w {{terse.choice = #terse.choice<1 = #terse.{encoding}>}} : (tensor<1x32xf32>, tensor<8x32xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}}
""")
        command = [TERSE_OPT, f"{FOLDER}/layer.mlir", f"--terse-gptq={data} sweeps=2 steps=3 refits=1", f"--terse-correct-bias={data} rounds=1"]
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
        assert 'origin = "gptq"' in result and "tensor<8xf32>) ->" not in result, (encoding, result)
        command[3:] = [f"--terse-correct-bias={data} rounds=1"]
        assert "tensor<8xf32>) ->" in subprocess.run(command[:2] + command[3:], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    print("formats: levels stay")


if __name__ == "__main__":
    {"gptq": compare_gptq, "adaround": compare_adaround, "correct-bias": compare_biases, "odd": check_odd, "formats": check_formats}[METHOD]()
    if METHOD == "gptq":
        compare_improvements()
