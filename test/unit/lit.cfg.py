"""The GoogleTest binaries, one lit test per test case."""

import os

import lit.formats

config.name = "Terse-Unit"
config.suffixes = []
config.test_source_root = os.path.join(config.terse_binary_dir, "test", "unit")
config.test_exec_root = config.test_source_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"  # As in test/lit.cfg.py.
config.environment["LSAN_OPTIONS"] = "print_suppressions=0:suppressions=" + os.path.join(
    config.terse_source_dir, "test", "lsan.supp"
)
