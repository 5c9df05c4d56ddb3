"""check_mixed_static.py WITH.json WITHOUT.json MANIFEST.json: sensitivities with and without integer activations, and a choice."""
import json
import sys

with_, without, manifest = (json.load(open(path)) for path in sys.argv[1:])
worse = 0
for a, b in zip(with_["units"], without["units"], strict=True):
    assert a["name"] == b["name"]
    # (1) and (2) are integers per channel, (3) is f16.
    assert [option["integer"] for option in a["options"]] == [True, True, False], a["name"]
    assert "integer" not in b["options"][0]
    worse += a["options"][0]["noise"] > 1.05 * b["options"][0]["noise"]
    f16 = a["options"][2]["noise"], b["options"][2]["noise"]
    assert abs(f16[0] - f16[1]) <= 0.01 * f16[1] + 1e-9, f16
# 8-bit activations add more noise than 8-bit weights nearly everywhere.
assert worse > len(with_["units"]) // 2, worse
layers = manifest["mixed_precision"]["layers"]
assert all(layer.get("integer", False) == ("uniform" in layer["format"]) for layer in layers)
assert len(manifest["activations"]) > 1
