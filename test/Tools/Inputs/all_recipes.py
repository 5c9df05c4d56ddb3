"""all_recipes.py FOLDER: every recipe in it is a preset, and each gives a pipeline."""
import glob
import os
import subprocess
import sys

names = sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob(sys.argv[1] + "/*.yaml"))
assert len(names) > 20, names
for name in names:
    run = subprocess.run(["terse", "compress", "--recipe", name, "--print-pipeline"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode or not run.stdout.startswith("builtin.module("):
        sys.exit(f"{name}: {run.stderr or run.stdout}")
print(len(names), "presets")
