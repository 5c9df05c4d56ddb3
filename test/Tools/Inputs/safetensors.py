"""Reads the weights files of Terse with nothing but NumPy: the format has no other reader here to agree with."""

import json
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "i1", "U8": "u1", "BOOL": "?"}


def unpack(data, bits, count, signed):
    """Little-endian bit order, element after element, no padding but at the end."""
    stream = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")
    values = stream[: count * bits].reshape(count, bits).astype("i4") @ (1 << np.arange(bits))
    return np.where(values >= 1 << (bits - 1), values - (1 << bits), values) if signed else values


def load(path):
    """Name to array; packed integers come back as int8 or uint8."""
    raw = open(path, "rb").read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    metadata = header.pop("__metadata__")
    assert metadata["terse_format"] == "1", metadata
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = raw[8 + size + begin : 8 + size + end]
        kind = metadata.get("dtype:" + name)
        if kind is None:
            tensors[name] = np.frombuffer(data, DTYPES[entry["dtype"]]).reshape(entry["shape"])
            continue
        shape = json.loads(metadata["shape:" + name])
        signed = not kind.startswith("ui")
        bits = int(kind.lstrip("usi"))
        values = unpack(data, bits, int(np.prod(shape)), signed)
        tensors[name] = values.astype("i1" if signed else "u1").reshape(shape)
    return tensors
