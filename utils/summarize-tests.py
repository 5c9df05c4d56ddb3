"""Reads lit's xunit results, says what failed and what was skipped and why, and counts.

usage: summarize-tests.py RESULTS.xml

The last line is `N passed, N failed` (and `, N skipped`). The exit status is 1 when a test failed, or when none ran.
"""

import collections
import sys
import xml.etree.ElementTree as ElementTree


def main(path):
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        print(f"error: the test run left no results: {error}", file=sys.stderr)
        return 1
    passed, failed = 0, []
    skipped = collections.defaultdict(list)
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}/{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif skip is not None:
            skipped[skip.get("message") or "skipped by the test itself"].append(name)
        else:
            passed += 1

    for reason, names in sorted(skipped.items()):
        print(f"Skipped {len(names)} ({reason}):")
        for name in names:
            print(f"  {name}")
    for name in failed:
        print(f"FAILED: {name}")
    count = sum(len(names) for names in skipped.values())
    print(f"{passed} passed, {len(failed)} failed" + (f", {count} skipped" if count else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
