"""run_widths.py TERSE MODEL.mlir FOLDER NAME=SHAPExDTYPE...: compiles the model for every x86 level that this machine has,
and compares it bit for bit with the interpreter on random inputs whose open size (`N`) is nothing, one, odd or several vectors."""

import subprocess
import sys

import numpy as np

LEVELS = {"x86-64": [], "x86-64-v3": ["avx2", "fma"], "x86-64-v4": ["avx512bw", "avx512vl"],
          "x86-64-v4+avx512vbmi": ["avx512bw", "avx512vl", "avx512vbmi"]}


def make(spec, n, rng):
    *shape, dtype = spec.split("x")
    shape = [n if size == "N" else int(size) for size in shape]
    if np.dtype(dtype).kind == "f":
        return rng.uniform(-300, 300, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -1000), min(limits.max, 1000), shape, dtype=dtype, endpoint=True)


terse, model, folder, *specs = sys.argv[1:]
with open("/proc/cpuinfo") as f:
    flags = next(line.split() for line in f if line.startswith("flags"))
compiled = {}
for level, needs in LEVELS.items():
    if all(flag in flags for flag in needs):
        compiled[level] = f"{folder}/{level}.terse"
        subprocess.run([terse, "compile", model, "--target", level, "--threads", "1", "-o", compiled[level]], check=True)
    else:
        print(f"{level}: not run, this machine has no {' '.join(needs)}")


def run(model, *options):
    subprocess.run([terse, "run", model, "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/out.npz", *options], check=True)
    return dict(np.load(f"{folder}/out.npz"))


rng = np.random.default_rng(7)
for n in (0, 1, 7, 17, 131):
    inputs = dict(spec.split("=") for spec in specs)
    np.savez(f"{folder}/in.npz", **{name: make(spec, n, rng) for name, spec in inputs.items()})
    want = run(model, "--interpret")
    for level, path in compiled.items():
        have = run(path)
        for name, value in want.items():
            if value.shape != have[name].shape or value.tobytes() != have[name].tobytes():
                different = np.flatnonzero(value.ravel() != have[name].ravel())
                sys.exit(f"{level}, size {n}, {name}: {len(different)} values differ, the first at {different[:1]}")
