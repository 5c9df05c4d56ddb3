"""expect_empty.py FOLDER: fails if there is anything in the folder."""

import os
import sys

left = os.listdir(sys.argv[1])
if left:
    sys.exit(f"left behind: {left}")
