"""check_mixed.py A.json RATIO C.json BYTES: manifests of mixed precision keep their budgets and explain every layer."""
import itertools
import json
import sys


def check(path, limit):
    manifest = json.load(open(path))
    plan, totals = manifest["mixed_precision"], manifest["totals"]
    limit = limit * totals["plain_bytes"] if limit < 1 else limit
    assert plan["bytes"] == totals["bytes"] == manifest["gates"]["weights_bytes"] <= limit, (plan["bytes"], totals, limit)
    choices = []
    for layer in plan["layers"]:
        assert layer["reason"] and layer["layers"]
        options = [(layer["plain_bytes"], 0.0)] + [(o["bytes"], o["divergence"]) for o in layer["options"]]
        assert (layer["bytes"], layer["loss"]) in options
        choices.append(options)
        if layer["format"] != "float":
            assert layer["format"] == plan["candidates"][layer["candidate"]]
            stored = [w for w in manifest["weights"] if w["layer"] in layer["layers"] and "encoding" in w]
            assert sum(w["bytes"] for w in stored) == layer["bytes"]
    # All choices, layer by layer: of equal sizes only the least loss can be part of the best.
    best = {plan["other_bytes"]: 0.0}
    for options in choices:
        after = {}
        for (size, loss), (more, cost) in itertools.product(best.items(), options):
            if size + more <= limit:
                after[size + more] = min(after.get(size + more, float("inf")), loss + cost)
        best = after
    assert abs(min(best.values()) - plan["predicted_loss"]) <= 1e-12 + 1e-9 * plan["predicted_loss"]


check(sys.argv[1], float(sys.argv[2]))
check(sys.argv[3], float(sys.argv[4]))
