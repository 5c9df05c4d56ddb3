"""The GoogleTest binaries, one lit test per test case."""

import os

import lit.formats


def flags():
    """The features that Linux says the processor has, by Linux's names."""
    try:
        with open("/proc/cpuinfo") as info:
            return next((line.split() for line in info if line.startswith("flags")), [])
    except OSError:
        return []


config.name = "Terse-Unit"
config.suffixes = []
config.test_source_root = os.path.join(config.terse_binary_dir, "test", "unit")
config.test_exec_root = config.test_source_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"  # As in test/lit.cfg.py.
config.environment["LSAN_OPTIONS"] = "print_suppressions=0:suppressions=" + os.path.join(
    config.terse_source_dir, "test", "lsan.supp"
)

# Where the processor lacks them, tiles and dot products are tested by emulation.
has = flags()
emulated = []
if "avx2" in has and "avx_vnni" not in has:
    emulated += ["avxvnni"]
if "avx512_vnni" in has and "avx512_bf16" in has and "amx_int8" not in has:
    emulated += ["amx-tile", "amx-int8", "amx-bf16"]
if emulated and config.terse_sanitizers != "ON":
    config.environment["TERSE_EMULATED_FEATURES"] = ",".join(emulated)
    config.environment["LD_PRELOAD"] = os.path.join(config.terse_binary_dir, "test", "libTerseEmulator.so")
