"""Runs compiled models (.terse) in this process, through the C runtime: for loops that carry states and inputs of many sizes.

    model = Model(terse, "model.terse")
    outputs = model.run({"x": array})

The runtime is a static library beside the program (build/lib/libterse_runtime.a); the C compiler makes a shared one of it once.
"""
import atexit
import ctypes
import os
import shutil
import subprocess
import tempfile

import numpy as np

TYPES = {0x0120: np.float32, 0x2040: np.int64, 0x2020: np.int32, 0x2008: np.int8, 0x3008: np.uint8, 0x1001: np.bool_}
CODES = {np.dtype(v): k for k, v in TYPES.items()}
MAX_RANK = 16


class Tensor(ctypes.Structure):
    _fields_ = [("dtype", ctypes.c_int), ("rank", ctypes.c_int32), ("shape", ctypes.c_int64 * MAX_RANK),
                ("data", ctypes.c_void_p), ("capacity", ctypes.c_size_t)]


class Options(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int32), ("verify_weights", ctypes.c_int32), ("variant", ctypes.c_char_p)]


_library = None


def library(terse):
    global _library
    if _library is None:
        archive = os.path.join(os.path.dirname(os.path.abspath(terse)), "..", "lib", "libterse_runtime.a")
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, True)
        shared = os.path.join(folder, "libterse_runtime.so")
        subprocess.run(["cc", "-shared", "-o", shared, "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", "-lpthread",
                        "-ldl", "-lm"], check=True)
        lib = ctypes.CDLL(shared)
        lib.terse_last_error.restype = ctypes.c_char_p
        lib.terse_input_count.restype = lib.terse_output_count.restype = ctypes.c_size_t
        lib.terse_input_name.restype = lib.terse_output_name.restype = ctypes.c_char_p
        lib.terse_tensor_size.restype = ctypes.c_size_t
        for name in ("terse_input_name", "terse_output_name"):
            getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        for name in ("terse_input_count", "terse_output_count", "terse_model_unload"):
            getattr(lib, name).argtypes = [ctypes.c_void_p]
        lib.terse_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
        _library = lib
    return _library


class Model:
    def __init__(self, terse, path, threads=2):
        self.lib = library(terse)
        self.handle = ctypes.c_void_p()
        options = Options(threads, 0, None)
        self.check(self.lib.terse_model_load(os.fsencode(path), ctypes.byref(options), ctypes.byref(self.handle)))
        names = [(self.lib.terse_input_count, self.lib.terse_input_name), (self.lib.terse_output_count, self.lib.terse_output_name)]
        self.inputs, self.outputs = [[name(self.handle, i).decode() for i in range(count(self.handle))] for count, name in names]

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.terse_last_error().decode())

    def run(self, feeds):
        inputs = (Tensor * len(self.inputs))()
        arrays = [np.ascontiguousarray(feeds[name]) for name in self.inputs]
        for t, array in zip(inputs, arrays):
            t.dtype, t.rank, t.data, t.capacity = CODES[array.dtype], array.ndim, array.ctypes.data, array.nbytes
            t.shape[: array.ndim] = array.shape
        outputs = (Tensor * len(self.outputs))()
        self.check(self.lib.terse_run(self.handle, inputs, len(inputs), outputs, len(outputs)))
        results = {}
        for name, t in zip(self.outputs, outputs):
            raw = ctypes.string_at(t.data, self.lib.terse_tensor_size(ctypes.byref(t)))
            results[name] = np.frombuffer(raw, TYPES[t.dtype]).reshape(t.shape[: t.rank])
            self.lib.terse_tensor_release(ctypes.byref(t))
        return results

    def close(self):
        self.lib.terse_model_unload(self.handle)
        self.handle = ctypes.c_void_p()
