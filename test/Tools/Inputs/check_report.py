"""check_report.py MODE ...: what a page of terse must be, whatever it shows.

data FOLDER              inputs.npz, and data.npz with labels and slices
page HTML                the page of a compressed model and the JSON beside it
statistics|bare|empty HTML
"""
import html.parser
import json
import sys

import numpy as np

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(html.parser.HTMLParser):
    """Balanced tags, no reference to anything outside, text and headings."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.headings, self.text, self.cells = [], {}, [], [], []
        source = open(path, encoding="utf-8").read()
        assert source.startswith("<!DOCTYPE html>")
        assert "http:" not in source and "https:" not in source and "url(" not in source and "@import" not in source
        assert "prefers-color-scheme:dark" in source
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        assert not {"src", "href", "onclick", "onload"} & {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.tags[tag] = self.tags.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        if "h2" in self.open:
            self.headings.append(data)
        if "script" not in self.open and "style" not in self.open:
            self.text.append(data)
            if "td" in self.open:
                self.cells[-1] += data


mode = sys.argv[1]
if mode == "data":
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 8)).astype(np.float32)
    np.savez(sys.argv[2] + "/inputs.npz", x=x)
    np.savez(sys.argv[2] + "/data.npz", x=x, labels=rng.integers(0, 4, 40), kind=np.arange(40) % 3)
    sys.exit()
page = Page(sys.argv[2])
assert page.tags["script"] == 1 and page.tags["style"] == 1 and page.tags["main"] == 1
if mode == "page":
    for heading in ["Side by side", "Where the bytes are", "How long a run takes", "What was asked, what was done", "Layers",
                    "Accuracy by class", "Accuracy by kind", "Activations and their ranges", "Weights and their ranges",
                    "Changed predictions"]:
        assert heading in page.headings, heading
    for name in ["<script>alert('1 & 2')</script>", 'a"b<i>', "</table>"]:
        assert name in page.cells, name
    text = "".join(page.text)
    assert "int8-static" in text and "terse-choose-activation-encodings" in text
    data = json.load(open(sys.argv[2].replace(".html", ".json")))
    model = data["models"][1]
    names = [layer["name"] for layer in model["layers"]]
    assert names == ["<script>alert('1 & 2')</script>", 'a"b<i>', "</table>"], names
    assert data["slices_by"] == "kind" and [s["samples"] for s in sorted(model["slices"], key=lambda s: s["group"])] == [14, 13, 13]
    assert model["manifest"]["recipe"] == "int8-static" and model["storage"]["weights"]
    # Histograms hold what was seen; few values saturate where the same data calibrated.
    histograms = {h["name"]: h for h in model["activation_histograms"]}
    assert sum(histograms["x"]["counts"]) == 4 * 8
    for use in model["saturation"]:
        assert use["below"] + use["above"] <= 0.1 * use["seen"], use
        assert abs(histograms[use["name"]]["outside"] - (use["below"] + use["above"]) / use["seen"]) < 1e-12
    first = model["layers"][0]
    assert abs(first["local"]["sqnr_db"] - first["accumulated"]["sqnr_db"]) < 1.5 # Nothing stands before it.
elif mode == "statistics":
    assert "Histograms" in page.headings and "Ranges" in page.headings and page.tags["figure"] >= 2
    assert any(cell == 'a"b<i>' for cell in page.cells)
elif mode == "bare":
    assert "Changed predictions" in page.headings and "Accuracy by class" not in page.headings
elif mode == "empty":
    assert "The file has no values." in "".join(page.text)
