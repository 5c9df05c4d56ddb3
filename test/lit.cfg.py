"""The lit suite: mirrors lib, one file per pass flag."""

import os
import platform
import shutil

import lit.formats

config.name = "Terse"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.terse_binary_dir, "test")

# Our tools first: a name such as terse-opt must never resolve to an installed copy.
config.environment["PATH"] = os.pathsep.join(
    [config.terse_tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")]
)
# Variables are scoped by CHECK-LABEL, and a prefix that checks nothing is an error.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"

# Debian's interpreter has NumPy; another python3 on the PATH need not.
python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
config.substitutions.append(("%python", python))
config.substitutions.append(("%source_dir", config.terse_source_dir))
config.substitutions.append(("%binary_dir", config.terse_binary_dir))
config.substitutions.append(("%cxx", config.cxx))
config.substitutions.append(("%llvm_tools", config.llvm_tools_dir))

# Every test compiles by itself, but those about the cache.
config.environment["TERSE_CACHE_DIR"] = ""

# What REQUIRES and UNSUPPORTED may name.
config.available_features.add("host=" + platform.machine())
if config.terse_sanitizers == "ON":
    config.available_features.add("sanitizers")
if shutil.which("gcc"):
    config.available_features.add("gcc")
# Allocators of LLVM's headers poison what the library, which is not instrumented, uses without unpoisoning.
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
config.environment["LSAN_OPTIONS"] = "print_suppressions=0:suppressions=" + os.path.join(
    config.test_source_root, "lsan.supp"
)
if os.path.isdir("/usr/share/libonnx-testdata/data/node"):
    config.available_features.add("onnx-testdata")
