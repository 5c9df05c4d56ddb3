"""run_help_examples.py MODEL.onnx DATA.npz FOLDER: runs every example of every command's --help, in FOLDER.

The files that the examples name are made from MODEL, whose input is called `input`, and from DATA.
"""
import os
import re
import shutil
import subprocess
import sys

import numpy as np

# What writes a file stands before what reads it.
COMMANDS = ["import", "compress", "compile", "inspect", "run", "eval", "bench", "export", ""]

model, data, folder = sys.argv[1:]
os.makedirs(folder)
shutil.copy(model, f"{folder}/model.onnx")
arrays = dict(np.load(data))
few = {key: value[:40] for key, value in arrays.items()}
np.savez(f"{folder}/test.npz", **few)
del few["labels"]
np.savez(f"{folder}/calibration.npz", **few)
np.savez(f"{folder}/in.npz", **{key: value[:1] for key, value in few.items()})


def run(command):
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"exit status {done.returncode}: {command}\n{done.stdout}")
    return done.stdout


with open(f"{folder}/mine.yaml", "w") as f:
    f.write("terse_recipe: 1\npasses:\n  - terse-choose-encodings: {weight-type: i8, granularity: channel}\n  - terse-apply-encodings\n")
run("terse compress model.onnx --recipe int8-weights -q -o big.mlirbc")
run("terse compress model.onnx --recipe int8-static --data calibration.npz --statistics statistics.json -q -o int8.mlirbc")

for name in COMMANDS:
    text = run(f"terse {name} --help")
    examples = re.findall(r"^  (terse .*)$", text[text.index("\nExample"):], re.MULTILINE)
    if not examples:
        sys.exit(f"terse {name} --help has no example")
    for example in examples:
        run(example)
