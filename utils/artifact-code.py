"""Takes the code out of a `.terse` artifact, for a disassembler or debugger.

usage: artifact-code.py MODEL.terse CODE.so
"""

import struct
import sys


def main(artifact, output):
    with open(artifact, "rb") as file:
        header = file.read(128)
        if len(header) < 128 or header[:8] != b"\x89TERSE\r\n":
            sys.exit(f"error: {artifact}: not a Terse artifact")
        offset, size = struct.unpack_from("<QQ", header, 40)
        file.seek(offset)
        code = file.read(size)
    with open(output, "wb") as file:
        file.write(code)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
