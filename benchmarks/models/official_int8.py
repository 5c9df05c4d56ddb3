#!/usr/bin/env python3
"""Static integer models of Terse beside the integer models that the networks' makers published, on the same samples.

    official_int8.py --terse build/bin/terse --models DIR --data PREPARED [--recipe NAME|FILE ...] [--only NAME ...]
        > benchmarks/results/official-int8.md

The published ones (.tflite) are run by tflite.py, whose arithmetic is that of TensorFlow Lite's reference kernels. Samples are
split as in static.py; the published models were calibrated by their makers. Top-1 in percent. Needs NumPy, which takes minutes
for MobileNetV2.
"""
import argparse
import os
import tempfile

import numpy as np

import tflite
from commands import add_labelled_options, compress, evaluate, locate_labelled, split
from static import MODELS

OFFICIAL = {
    "kws_dscnn": "mlperf_tiny/kws_ref_model.tflite",
    "resnet8": "mlperf_tiny/pretrainedResnet_quant.tflite",
    "mobilenet_v2": "tf2_mobilenet_v2_1.0_224_ptq.tflite",
}


def predict_official(path, data):
    model = tflite.Model(path)
    shape = model.tensors[model.inputs[0]].shape[1:]
    x = data["input"]
    # Channels last; one channel needs no moving.
    x = x.reshape(-1, *shape) if shape[-1] == 1 else np.moveaxis(x, 1, -1)
    return np.concatenate([model.run(x[i:i + 8]).argmax(-1) for i in range(0, len(x), 8)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_labelled_options(parser)
    parser.add_argument("--recipe", nargs="*", default=["int8-static"])
    args = parser.parse_args()
    names = [os.path.splitext(os.path.basename(recipe))[0] for recipe in args.recipe]
    print("| model | test samples | float | published int8 | " + " | ".join(names) + " |\n|---|---|---|---|" + "---|" * len(names),
          flush=True)
    for name, official in OFFICIAL.items():
        if args.only and name not in args.only:
            continue
        model, data = locate_labelled(args, name)
        with tempfile.TemporaryDirectory() as folder:
            (calibration, test), samples = split(data, MODELS[name], folder)
            models = [model]
            for i, recipe in enumerate(args.recipe):
                models.append(os.path.join(folder, f"{i}.mlirbc"))
                compress(args.terse, model, recipe, models[-1], "--data", calibration)
            scores = [row["metrics"]["top1"] for row in evaluate(args.terse, models, test, folder)]
            arrays = dict(np.load(test))
        published = (predict_official(os.path.join(args.models, official), arrays) == arrays["labels"]).mean()
        cells = [scores[0], published, *scores[1:]]
        print(f"| {name} | {samples} | " + " | ".join(f"{100 * score:.2f}" for score in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
