"""run_examples.py FOLDER MODEL.onnx DATA.npz: runs every example of every `terse COMMAND --help` as it stands, in a folder with
the files that they name, and checks that each does what it says: exit status 0 and the file after -o or --outputs."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np

folder, model, data = sys.argv[1:]
COMMANDS = ["", "import", "compress", "inspect", "compile", "run", "eval", "bench"]
shutil.copy(model, os.path.join(folder, "model.onnx"))
arrays = dict(np.load(data))
os.chdir(folder)
few = {key: value[:16] for key, value in arrays.items()}
np.savez("test.npz", **few)
labels = few.pop("labels")
np.savez("calibration.npz", **few)
np.savez("in.npz", **few)
with open("mine.yaml", "w") as f:
    f.write("terse_recipe: 1\npasses:\n  - terse-choose-encodings: {}\n  - terse-apply-encodings\n")
# What an earlier step of a user's work has made.
subprocess.run(["terse", "compress", "model.onnx", "--recipe", "int8-static", "--data", "calibration.npz",
                "--statistics", "statistics.json", "-o", "unused.mlirbc", "-q"], check=True)
count = 0
for command in COMMANDS:
    text = subprocess.run(["terse", *command.split(), "--help"], check=True, capture_output=True, text=True).stdout
    examples = [shlex.split(line) for line in text.splitlines() if re.match("  terse [a-z]", line)]
    assert examples, f"terse {command} --help has no example"
    for example in examples:
        outputs = [value for option, value in zip(example, example[1:]) if option in ("-o", "--outputs", "--manifest")]
        for output in outputs:
            if os.path.exists(output):
                os.remove(output)
        print(shlex.join(example), flush=True)
        result = subprocess.run(example, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert all(os.path.exists(output) for output in outputs), outputs
        count += 1
print(f"{count} examples ran")
