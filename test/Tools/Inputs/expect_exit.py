"""expect_exit.py CODE COMMAND...: runs the command, passes its stderr on, and fails unless it exits
with CODE and, for CODE 1, says exactly one error."""

import subprocess
import sys

code, command = int(sys.argv[1]), sys.argv[2:]
done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
sys.stderr.write(done.stderr)
sys.stderr.flush()
if done.returncode != code:
    sys.exit(f"expected exit status {code}, got {done.returncode}")
if code == 1:
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    if len(errors) != 1:
        sys.exit(f"expected one line with an error, got {len(errors)}")
