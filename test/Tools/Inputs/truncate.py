"""Cuts a byte off every file of a folder."""
import os
import sys

for name in os.listdir(sys.argv[1]):
    path = os.path.join(sys.argv[1], name)
    os.truncate(path, max(os.path.getsize(path) - 1, 0))
