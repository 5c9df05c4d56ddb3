"""check_eval.py EVAL.json DATA.npz COUNT: the figures of an evaluation follow from its own predictions."""

import json
import sys

import numpy as np

evaluation = json.load(open(sys.argv[1]))
count = int(sys.argv[3])
labels = np.load(sys.argv[2])["labels"].reshape(-1)[:count]
assert evaluation["samples"] == count
reference = evaluation["models"][0]
for model in evaluation["models"]:
    predictions = np.array(model["predictions"])
    assert len(predictions) == count
    assert abs(model["metrics"]["top1"] - np.mean(predictions == labels)) < 1e-9
    assert model["metrics"]["top5"] >= model["metrics"]["top1"]
    assert 0 < model["latency"]["p50_ms"] <= model["latency"]["p90_ms"] <= model["latency"]["p99_ms"]
    assert model["size_ratio"] == model["file_bytes"] / reference["file_bytes"]
    assert (model["code_bytes"] > 0) == (model["runs_as"] != "interpreter")
    if model is reference:
        continue
    changed = np.flatnonzero(predictions != np.array(reference["predictions"]))
    assert [c["index"] for c in model["changed_predictions"]] == changed.tolist()
    assert all(c["label"] == labels[c["index"]] for c in model["changed_predictions"])
    assert model["layers"] and model["output_sqnr"]
    shares = [layer["loss_share"] for layer in model["layers"]]
    assert all(share >= 0 for share in shares) and abs(sum(shares) - 1) < 1e-9
    for entry in model["classes"]:
        of_class = labels == entry["group"]
        assert entry["samples"] == of_class.sum() and entry["hits"] == (predictions[of_class] == labels[of_class]).sum()
    drops = [entry["drop"] for entry in model["classes"]]
    assert drops == sorted(drops, reverse=True) and sum(e["samples"] for e in model["classes"]) == count
