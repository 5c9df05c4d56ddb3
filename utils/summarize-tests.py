"""Reads the results of a test run, says what failed and what was skipped and why, and counts.

usage: summarize-tests.py RESULTS.xml [CONFORMANCE.json ...]

RESULTS.xml is written by lit (--xunit-xml-output), the others by terse-onnx-conformance (--json). The last line is
`N passed, N failed` (and `, N skipped`). The exit status is 1 when a test failed, or when none ran.
"""

import collections
import json
import re
import sys
import xml.etree.ElementTree as ElementTree


class Summary:
    def __init__(self):
        self.passed = 0
        self.failed = []
        # Reason -> names, in the order of appearance.
        self.skipped = collections.OrderedDict()

    def skip(self, reason, name):
        self.skipped.setdefault(reason, []).append(name)

    def read_lit(self, path):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{case.get('classname')}/{case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(name)
            elif skip is not None:
                self.skip(skip.get("message") or "skipped by the test itself", name)
            else:
                self.passed += 1

    def read_conformance(self, path):
        with open(path) as file:
            cases = json.load(file)
        for case in cases:
            if case["status"] == "passed":
                self.passed += 1
            elif case["status"] == "unsupported":
                self.skip("not imported: " + shorten(case["message"], case["operator"]), case["case"])
            else:
                self.failed.append(f"ONNX {case['case']} ({case['status']}): {case['message']}")

    def print(self):
        for reason, names in self.skipped.items():
            print(f"Skipped {len(names)} ({reason}): {' '.join(names)}")
        for name in self.failed:
            print(f"FAILED: {name}")
        count = sum(len(names) for names in self.skipped.values())
        print(f"{self.passed} passed, {len(self.failed)} failed" + (f", {count} skipped" if count else ""))


def shorten(message, operator):
    """The reason without the file, the node and the way out, which differ from case to case."""
    found = re.search(r"\(op ([^,)]+)(?:, opset \d+)?\): ([^;]*)", message)
    if not found:
        return f"{operator}: {message.split(': ', 1)[-1]}"
    return f"{found.group(1)}: {found.group(2)}"


def main(results, *conformance):
    summary = Summary()
    try:
        summary.read_lit(results)
        for path in conformance:
            summary.read_conformance(path)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        print(f"error: the test run left no results: {error}", file=sys.stderr)
        return 1
    summary.print()
    return 1 if summary.failed or not summary.passed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
