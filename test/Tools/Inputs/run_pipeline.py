"""run_pipeline.py RECIPE MODULE: runs terse-opt with the pipeline that terse prints for the recipe."""

import subprocess
import sys

pipeline = subprocess.run(["terse", "compress", "--recipe", sys.argv[1], "--print-pipeline"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
sys.exit(subprocess.run(["terse-opt", sys.argv[2], "--pass-pipeline=" + pipeline]).returncode)
