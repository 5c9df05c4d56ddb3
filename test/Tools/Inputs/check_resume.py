"""check_resume.py FOLDER: kills `terse compress` in the middle, several times, and lets it finish: the files are those of a
run that was not disturbed, and nothing else is left. And the memory of a run does not grow with the number of weights."""

import json
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np

COUNT, SIZE = 24, 1024
folder = sys.argv[1]
os.chdir(folder)


def write_model(name, count):
    """A chain of linear layers, written as `terse import` would."""
    rng = np.random.default_rng(5)
    header, offset = {"__metadata__": {"terse_format": "1"}}, 0
    bytes_each = SIZE * SIZE * 4
    for i in range(count):
        header[f"w{i:02}"] = {"dtype": "F32", "shape": [SIZE, SIZE], "data_offsets": [offset, offset + bytes_each]}
        offset += bytes_each
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with open(f"{name}.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        base = rng.standard_normal((SIZE, SIZE)).astype("f4")
        for i in range(count):
            f.write((base * np.float32(1 + i)).tobytes())
    kind = f"tensor<{SIZE}x{SIZE}xf32>"
    lines = [f"ml_program.global private @w{i:02}(#ml_program.extern : {kind}) : {kind}" for i in range(count)]
    lines += [f"func.func @main(%x00: tensor<1x{SIZE}xf32>) -> tensor<1x{SIZE}xf32> {{"]
    for i in range(count):
        lines += [f"  %w{i:02} = ml_program.global_load_const @w{i:02} : {kind}",
                  f"  %x{i + 1:02} = nn.linear %x{i:02}, %w{i:02} : (tensor<1x{SIZE}xf32>, {kind}) -> tensor<1x{SIZE}xf32>"]
    lines += [f"  return %x{count:02} : tensor<1x{SIZE}xf32>", "}"]
    with open(f"{name}.mlir", "w") as f:
        f.write("\n".join(lines) + "\n")


def command(output, model="plain"):
    return ["terse", "compress", f"{model}.mlir", "--recipe", "int4-weights", "-q", "-o", output]


def finished(output):
    try:
        return [name for name in os.listdir(output + ".partial") if name.endswith(".safetensors")]
    except FileNotFoundError:
        return []


def own_memory(pid):
    """Bytes of the process that no file backs."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon"))
    except (OSError, StopIteration):
        return 0


def peak_memory(output, model):
    process = subprocess.Popen(command(output, model))
    peak = 0
    while process.poll() is None:
        peak = max(peak, own_memory(process.pid))
        time.sleep(0.001)
    assert process.returncode == 0
    return peak


write_model("few", 6)
write_model("plain", COUNT)
few, many = peak_memory("few-out.mlirbc", "few"), peak_memory("whole.mlirbc", "plain")
# The encoded weights of the larger model take 11 MB more.
print(f"own memory: {few / 1e6:.1f} MB with 6 weights, {many / 1e6:.1f} MB with {COUNT}, of "
      f"{SIZE * SIZE * 4 / 1e6:.1f} MB each")
assert many - few < 5e6
for name in os.listdir("."):
    if name.startswith("few"):
        os.remove(name)

counts = []
for wanted in (3, 9, 15):
    process = subprocess.Popen(command("cut.mlirbc"), stderr=subprocess.DEVNULL)
    while len(finished("cut.mlirbc")) < wanted and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it finished before it could be killed"
    assert not os.path.exists("cut.mlirbc") and not os.path.exists("cut.safetensors")
    counts.append(len(finished("cut.mlirbc")))
assert counts == sorted(counts) and counts[0] >= 3, counts
# Damage is found: such a weight is done again.
victim = os.path.join("cut.mlirbc.partial", finished("cut.mlirbc")[0])
with open(victim, "r+b") as f:
    f.truncate(100)
run = subprocess.run(command("cut.mlirbc"), stderr=subprocess.PIPE, text=True, check=True)
assert f"continuing an interrupted run: {counts[-1]} weights found" in run.stderr, run.stderr
for suffix in ("mlirbc", "safetensors"):
    with open(f"whole.{suffix}", "rb") as a, open(f"cut.{suffix}", "rb") as b:
        assert a.read() == b.read(), suffix
assert sorted(os.listdir(".")) == ["cut.mlirbc", "cut.safetensors", "plain.mlir", "plain.safetensors", "whole.mlirbc",
                                   "whole.safetensors"], os.listdir(".")
print("resumed after", counts, "equal")
