"""Every weight format against a reference in NumPy: what it decodes to, interpreted and natively, and its bits.

    formats.py WORK_FOLDER

One model holds a linear layer per format. Its input is the identity, so that a layer's output is its decoded weight.
The references are written from the formats' definitions alone.
"""
import json
import math
import os
import subprocess
import sys

import numpy as np

F32 = np.float32
ROWS, COLUMNS = 16, 96


# Element tables, by bit pattern. e, m: widths; bias as in the specifications; `top` patterns are no numbers.
def minifloat_table(e, m, bias, top=0):
    values = []
    for pattern in range(1 << (e + m)):
        exponent, mantissa = pattern >> m, pattern & ((1 << m) - 1)
        if exponent == 0:
            values.append(mantissa / (1 << m) * 2.0 ** (1 - bias))
        else:
            values.append((1 + mantissa / (1 << m)) * 2.0 ** (exponent - bias))
    return np.array(values[: len(values) - top])


TABLES = {
    "f8E4M3FN": minifloat_table(4, 3, 7, top=1),
    "f8E5M2": minifloat_table(5, 2, 15, top=4),
    "f6E2M3FN": minifloat_table(2, 3, 1),
    "f6E3M2FN": minifloat_table(3, 2, 3),
    "f4E2M1FN": minifloat_table(2, 1, 1),
}
# OCP Microscaling Formats 1.0, tables 1 to 5: largest, smallest normal, smallest subnormal; emax.
OCP = {
    "f8E4M3FN": (448, 2.0**-6, 2.0**-9, 8),
    "f8E5M2": (57344, 2.0**-14, 2.0**-16, 15),
    "f6E2M3FN": (7.5, 1.0, 0.125, 2),
    "f6E3M2FN": (28.0, 0.25, 0.0625, 4),
    "f4E2M1FN": (6.0, 1.0, 0.5, 2),
}
MANTISSA = {"f8E4M3FN": 3, "f8E5M2": 2, "f6E2M3FN": 3, "f6E3M2FN": 2, "f4E2M1FN": 1}
for name, (largest, normal, subnormal, _) in OCP.items():
    table = TABLES[name]
    assert table[-1] == largest and table[1] == subnormal and table[1 << MANTISSA[name]] == normal, name
assert list(TABLES["f4E2M1FN"]) == [0, 0.5, 1, 1.5, 2, 3, 4, 6]

# Dettmers et al., QLoRA (2023), appendix E.
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
                -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
                0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
                0.7229568362236023, 1.0], dtype=F32)


def to_minifloat(x, kind):
    """Nearest, ties to the even pattern, saturating."""
    table = TABLES[kind]
    a = np.abs(x.astype(np.float64))
    high = np.clip(np.searchsorted(table, a), 1, len(table) - 1)
    low = high - 1
    up, down = table[high] - a, a - table[low]
    pick = np.where(up < down, high, np.where(down < up, low, np.where(high % 2 == 0, high, low)))
    return (np.sign(x) * table[np.minimum(pick, len(table) - 1)]).astype(F32)


def blocks(w, size):
    return w.reshape(w.shape[0], -1, size)


def absmax(w, size):
    return np.abs(blocks(w, size)).max(-1)


def per_block(scales, size):
    return np.repeat(scales, size, axis=-1)


def minifloat(w, kind, size, scale):
    s = (absmax(w, size) / F32(TABLES[kind][-1])).astype(F32)
    s = scale(s)
    return to_minifloat(w / per_block(s, size), kind) * per_block(s, size)


def mx(w, kind, size=32):
    """OCP Microscaling Formats 1.0, section 6.3."""
    shared = np.floor(np.log2(absmax(w, size).astype(np.float64))) - OCP[kind][3]
    x = per_block((2.0**shared).astype(F32), size)
    return to_minifloat(w / x, kind) * x


def f16(s):
    return s.astype(np.float16).astype(F32)


def e4m3_with_tensor_scale(s):
    tensor = F32(s.max() / F32(448))
    return to_minifloat((s / tensor).astype(F32), "f8E4M3FN") * tensor


def nearest(x, table):
    """The first one of equally near entries."""
    return table[np.abs(x.astype(np.float64)[..., None] - table.astype(np.float64)).argmin(-1)].astype(F32)


def with_table(w, table, s, size):
    s = per_block(s, size)
    return nearest((w / s).astype(F32), table) * s


def double_quantized(s):
    """8 bits after the mean: all scales here are one block."""
    mean = F32(s.astype(np.float64).mean())
    rest = (s - mean).astype(F32)
    step = F32(np.abs(rest).max() / F32(127))
    return mean + (np.rint(rest / step) * step).astype(F32)


def powers_of_two(bits):
    n = (1 << (bits - 1)) - 1
    steps = [2.0**-k for k in range(n)]
    return np.array([-v for v in steps] + [0.0] + steps[::-1], dtype=F32)


def binary(w):
    a = np.abs(w).astype(np.float64).mean(-1, keepdims=True).astype(F32)
    return np.where(w < 0, -a, a)


def ternary(w):
    """The best of all ternary codes, by trying every number of nonzero elements."""
    result = np.zeros_like(w)
    for row, out in zip(w, result):
        order = np.argsort(-np.abs(row), kind="stable")
        sums = np.cumsum(np.abs(row[order]).astype(np.float64))
        k = (sums**2 / np.arange(1, len(row) + 1)).argmax()
        a = F32(sums[k] / (k + 1))
        out[:] = nearest((row / a).astype(F32), np.array([-1, 0, 1], dtype=F32)) * a
    return result


def best_palette_error(x, k):
    """The least square error of k centers, by dynamic programming in O(k n^2)."""
    x = np.sort(x.astype(np.float64))
    n = len(x)
    s1, s2 = np.concatenate([[0], np.cumsum(x)]), np.concatenate([[0], np.cumsum(x * x)])

    def cost(i, j):  # of the points [i, j), for arrays i
        return s2[j] - s2[i] - (s1[j] - s1[i]) ** 2 / (j - i)

    best = np.array([0.0] + [cost(0, j) for j in range(1, n + 1)])
    for _ in range(1, k):
        best = np.array([0.0] + [min(best[j], (best[:j] + cost(np.arange(j), j)).min()) for j in range(1, n + 1)])
    return best[n]


def check_palette(group_rows, bits):
    def check(w, decoded):
        for first in range(0, ROWS, group_rows):
            x, y = w[first : first + group_rows].ravel(), decoded[first : first + group_rows].ravel()
            assert len(np.unique(y)) <= 1 << bits
            error, best = ((x.astype(np.float64) - y) ** 2).sum(), best_palette_error(x, 1 << bits)
            assert error <= best * 1.0001, (error, best)
    return check


def check_scaled_palette(w, decoded):
    s = f16(np.abs(w).max(1, keepdims=True))
    check_palette(8, 4)((w / s).astype(F32), np.round(decoded / s, 6))


def check_vectors(w, decoded):
    entries = np.unique(decoded.reshape(-1, 2), axis=0)
    assert len(entries) <= 64
    # Better than three bits for each element on its own, which is the same size.
    scalar = best_palette_error(w.ravel(), 8)
    error = ((w.astype(np.float64) - decoded) ** 2).sum()
    assert error < 1.05 * scalar, (error, scalar)


def outliers(w):
    columns = np.sort(np.argsort(-np.abs(w).max(0), kind="stable")[:2])
    kept = np.zeros_like(w)
    kept[:, columns] = f16(w[:, columns])
    rest = w - kept
    s = (np.abs(rest).max(1, keepdims=True) / F32(127)).astype(F32)
    return kept + np.clip(np.rint(rest / s), -128, 127).astype(F32) * s


N = ROWS * COLUMNS
same = lambda s: s
# name -> (format, reference or check, bits by the formula in the format's documentation)
CASES = {
    "fp8": ("#terse.minifloat<f8E4M3FN, channels = 1>", lambda w: minifloat(w, "f8E4M3FN", COLUMNS, same), 8 * N + 32 * ROWS),
    "fp8_e5m2": ("#terse.minifloat<f8E5M2, channels = 1>", lambda w: minifloat(w, "f8E5M2", COLUMNS, same), 8 * N + 32 * ROWS),
    "fp6": ("#terse.minifloat<f6E2M3FN, block = 32, scale = f16>", lambda w: minifloat(w, "f6E2M3FN", 32, f16), 6 * N + 16 * N // 32),
    "mxfp8": ("#terse.minifloat<f8E4M3FN, block = 32, scale = f8E8M0FNU>", lambda w: mx(w, "f8E4M3FN"), 8 * N + 8 * N // 32),
    "mxfp8_e5m2": ("#terse.minifloat<f8E5M2, block = 32, scale = f8E8M0FNU>", lambda w: mx(w, "f8E5M2"), 8 * N + 8 * N // 32),
    "mxfp6": ("#terse.minifloat<f6E2M3FN, block = 32, scale = f8E8M0FNU>", lambda w: mx(w, "f6E2M3FN"), 6 * N + 8 * N // 32),
    "mxfp6_e3m2": ("#terse.minifloat<f6E3M2FN, block = 32, scale = f8E8M0FNU>", lambda w: mx(w, "f6E3M2FN"), 6 * N + 8 * N // 32),
    "mxfp4": ("#terse.minifloat<f4E2M1FN, block = 32, scale = f8E8M0FNU>", lambda w: mx(w, "f4E2M1FN"), 4 * N + 8 * N // 32),
    "nvfp4": ("#terse.minifloat<f4E2M1FN, block = 16, scale = #terse.minifloat<f8E4M3FN>>",
              lambda w: minifloat(w, "f4E2M1FN", 16, e4m3_with_tensor_scale), 4 * N + 8 * N // 16 + 32),
    "nf4": ("#terse.codebook<ui4, table = nf4, block = 32>", lambda w: with_table(w, NF4, absmax(w, 32), 32), 4 * N + 32 * N // 32),
    "nf4_dq": ("#terse.codebook<ui4, table = nf4, block = 32, scale = #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = 256>>>",
               lambda w: with_table(w, NF4, double_quantized(absmax(w, 32)), 32), 4 * N + 8 * N // 32 + 32 + 32),
    "fp4_table": ("#terse.codebook<ui4, table = fp4, channels = 1, scale = f16>",
                  lambda w: with_table(w, (np.concatenate([TABLES["f4E2M1FN"], -TABLES["f4E2M1FN"]]) / 6).astype(F32), f16(absmax(w, COLUMNS)), COLUMNS),
                  4 * N + 16 * ROWS),
    "pow2": ("#terse.codebook<ui4, table = pow2, channels = 1>",
             lambda w: with_table(w, powers_of_two(4), absmax(w, COLUMNS), COLUMNS), 4 * N + 32 * ROWS),
    "binary": ("#terse.codebook<ui1, table = binary, channels = 1>", binary, N + 32 * ROWS),
    "ternary": ("#terse.codebook<ui2, table = ternary, channels = 1>", ternary, 2 * N + 32 * ROWS),
    "palette": ("#terse.codebook<ui4, table = f32, group = 8>", check_palette(8, 4), 4 * N + 32 * 16 * 2),
    "palette_scaled": ("#terse.codebook<ui4, table = f32, group = 8, channels = 1, scale = f16>", check_scaled_palette,
                       4 * N + 32 * 16 * 2 + 16 * ROWS),
    "palette_tensor": ("#terse.codebook<ui3, table = f32>", check_palette(ROWS, 3), 3 * N + 32 * 8),
    "palette_vectors": ("#terse.codebook<ui6, table = f16, vector = 2>", check_vectors, 6 * N // 2 + 16 * 64 * 2),
    "outliers": ("#terse.sum<#terse.columns<f16, count = 2>, #terse.uniform<i8, channels = 1>>", outliers,
                 16 * 2 * ROWS + 16 * 2 + 8 * N + 32 * ROWS),
}


def write_model(path, weights):
    globals_, body, results, names, data = [], [], [], [], []
    for name in CASES:
        globals_.append(f"ml_program.global private @{name}(dense_resource<{name}> : tensor<{ROWS}x{COLUMNS}xf32>) : tensor<{ROWS}x{COLUMNS}xf32>")
        body.append(f"  %w_{name} = ml_program.global_load_const @{name} : tensor<{ROWS}x{COLUMNS}xf32>")
        body.append(f"  %{name} = nn.linear %x, %w_{name} : (tensor<{COLUMNS}x{COLUMNS}xf32>, tensor<{ROWS}x{COLUMNS}xf32>) -> tensor<{COLUMNS}x{ROWS}xf32> loc(\"{name}\")")
        results.append(f"tensor<{COLUMNS}x{ROWS}xf32> {{nn.name = \"{name}\"}}")
        names.append("%" + name)
        data.append(f"      {name}: \"0x04000000{weights[name].tobytes().hex()}\"")
    with open(path, "w") as f:
        f.write("\n".join(globals_))
        f.write(f"\nfunc.func @main(%x: tensor<{COLUMNS}x{COLUMNS}xf32> {{nn.name = \"x\"}}) -> ({', '.join(results)}) {{\n")
        f.write("\n".join(body))
        f.write(f"\n  return {', '.join(names)} : {', '.join(r.split(' ')[0] for r in results)}\n}}\n")
        f.write("{-#\n  dialect_resources: {\n    builtin: {\n" + ",\n".join(data) + "\n    }\n  }\n#-}\n")


def write_recipe(path):
    with open(path, "w") as f:
        f.write("terse_recipe: 1\ndescription: one format for each layer\npasses:\n")
        for name, (text, _, _) in CASES.items():
            f.write(f"  - terse-choose-encodings:\n      layers: [\"{name}\"]\n      format: \"{text}\"\n")
        f.write("  - terse-apply-encodings\n")


def main():
    work = sys.argv[1]
    os.makedirs(work, exist_ok=True)
    path = lambda name: os.path.join(work, name)
    random = np.random.default_rng(1)
    weights = {}
    for name in CASES:
        w = (random.standard_normal((ROWS, COLUMNS)) * np.exp2(random.integers(-6, 3, (ROWS, 1)))).astype(F32)
        w[:, 5] *= 20  # an outlier column
        w[3, 7] = 0
        weights[name] = w
    write_model(path("model.mlir"), weights)
    write_recipe(path("recipe.yaml"))
    np.savez(path("in.npz"), x=np.eye(COLUMNS, dtype=F32))
    run = lambda *args: subprocess.run(["terse", *args], check=True, stdout=subprocess.PIPE).stdout
    run("compress", path("model.mlir"), "--recipe", path("recipe.yaml"), "--strict", "-o", path("out.mlirbc"), "-q")
    run("run", path("out.mlirbc"), "--inputs", path("in.npz"), "--outputs", path("native.npz"))
    run("run", path("out.mlirbc"), "--inputs", path("in.npz"), "--outputs", path("interpreted.npz"), "--interpret")
    bits = {w["name"]: w["bits"] for w in json.loads(run("inspect", path("out.mlirbc"), "--json"))["weights"]}
    interpreted, native = np.load(path("interpreted.npz")), np.load(path("native.npz"))
    failed = 0
    for name, (text, reference, expected_bits) in CASES.items():
        decoded, w = interpreted[name].T, weights[name]
        complaints = []
        if not np.array_equal(decoded, native[name].T):
            complaints.append("native code differs from the interpreter")
        if bits[name] != expected_bits:
            complaints.append(f"expected {expected_bits} bits (got {bits[name]})")
        if reference.__code__.co_argcount == 2:
            reference(w, decoded)
        else:
            expected = reference(w)
            if not np.array_equal(decoded, expected):
                at = np.argwhere(decoded != expected)
                complaints.append(f"{len(at)} elements differ from the reference, first {tuple(at[0])}: "
                                  f"{decoded[tuple(at[0])]!r}, expected {expected[tuple(at[0])]!r}")
        error = np.abs(decoded - w).mean() / np.abs(w).mean()
        print(f"{name}: {bits[name] / N:.4f} bits per weight, mean error {error:.4f}: "
              + ("equal" if not complaints else "; ".join(complaints)))
        failed += bool(complaints)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
