#!/usr/bin/env python3
"""Accuracy, bytes and latency of float and naively rounded models, measured through the commands a user runs.

    accuracy.py --terse build/bin/terse --models DIR --data PREPARED [--only NAME ...] > benchmarks/results/accuracy.md

PREPARED is what prepare_data.py wrote. Latencies are printed as ratios to the float model of the same run.
"""
import argparse
import json
import os
import subprocess
import tempfile

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recipes")
MODELS = {
    "mnist_8": ("mnist_8/model.onnx", "mnist"),
    "fashion_cnn": ("fashion_cnn.onnx", "fashion"),
    "kws_dscnn": ("mlperf_tiny/kws_dscnn_float.onnx", "kws"),
    "resnet8": ("mlperf_tiny/resnet8_cifar10_float.onnx", "cifar_raw"),
    "resnet20": ("resnet_cifar10/resnet20.onnx", "cifar_norm"),
    "resnet56": ("resnet_cifar10/resnet56.onnx", "cifar_norm"),
    "mobilenet_v1_025": ("mobilenet_v1_025_224.onnx", "imagenet"),
    "mobilenet_v2": ("mobilenet_v2_100_224_deq.onnx", "imagenet_1001"),
}
VARIANTS = ["int8-tensor.yaml", "int8-weights", "int4-channel.yaml", "int4-block32.yaml", "int4-weights", "int8-dynamic"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    print("| model | variant | top-1 | file bytes / float | p50 latency / float |\n|---|---|---|---|---|", flush=True)
    for name, (file, data) in MODELS.items():
        if args.only and name not in args.only:
            continue
        model = os.path.join(args.models, file)
        with tempfile.TemporaryDirectory() as folder:
            models = [model]
            for variant in VARIANTS:
                recipe = os.path.join(RECIPES, variant) if variant.endswith(".yaml") else variant
                out = os.path.join(folder, variant.replace(".yaml", "") + ".mlirbc")
                subprocess.run([args.terse, "compress", model, "--recipe", recipe, "-o", out], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                models.append(out)
            result = os.path.join(folder, "eval.json")
            subprocess.run([args.terse, "eval", *models, "--data", os.path.join(args.data, data + ".npz"), "--labels",
                            "labels", "--trace-samples", "0", "--json", result], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            with open(result) as f:
                rows = json.load(f)["models"]
        for variant, row in zip(["float"] + VARIANTS, rows):
            latency = row["latency"]["p50_ms"] / rows[0]["latency"]["p50_ms"]
            size = row["file_bytes"] / rows[0]["file_bytes"]
            print(f"| {name} | {variant.replace('.yaml', '')} | {row['metrics']['top1']:.4f} | {size:.4f} | {latency:.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
