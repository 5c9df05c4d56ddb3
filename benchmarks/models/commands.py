"""What the measuring scripts have in common: the labelled models, recipes made on the fly, and the commands of `terse`."""
import json
import os
import subprocess

import numpy as np

# Model file under --models, prepared data under --data.
LABELLED = {
    "mnist_8": ("mnist_8/model.onnx", "mnist"),
    "fashion_cnn": ("fashion_cnn.onnx", "fashion"),
    "kws_dscnn": ("mlperf_tiny/kws_dscnn_float.onnx", "kws"),
    "resnet8": ("mlperf_tiny/resnet8_cifar10_float.onnx", "cifar_raw"),
    "resnet20": ("resnet_cifar10/resnet20.onnx", "cifar_norm"),
    "resnet56": ("resnet_cifar10/resnet56.onnx", "cifar_norm"),
    "mobilenet_v1_025": ("mobilenet_v1_025_224.onnx", "imagenet"),
    "mobilenet_v2": ("mobilenet_v2_100_224_deq.onnx", "imagenet_1001"),
}
QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def add_labelled_options(parser):
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", required=True, help="what prepare_data.py wrote")
    parser.add_argument("--only", nargs="*", help="only these models")


def locate_labelled(args, name):
    """The model's file and its prepared data."""
    file, data = LABELLED[name]
    return os.path.join(args.models, file), os.path.join(args.data, data + ".npz")


def write_recipe(path, passes, description="made for a measurement"):
    """`passes`: lines of YAML, one list entry each. Returns the path."""
    with open(path, "w") as f:
        f.write(f"terse_recipe: 1\ndescription: {description}\npasses:\n" + "".join(f"  - {line}\n" for line in passes))
    return path


def format_passes(text):
    """Passes that give every weight one format."""
    return [f"terse-choose-encodings: {{format: \"{text}\"}}", "terse-apply-encodings"]


def compress(terse, model, recipe, out, *flags):
    run = subprocess.run([terse, "compress", model, "--recipe", recipe, "-q", "-o", out, *flags], stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise RuntimeError(f"terse compress {model} --recipe {recipe}: {run.stderr.strip()}")


def evaluate(terse, models, data, folder, *flags, labels="labels"):
    """One row of `terse eval --json` per model. Without `labels` there is no metric, but what differs from the first model."""
    result = os.path.join(folder, "eval.json")
    named = ["--labels", labels] if labels else []
    subprocess.run([terse, "eval", *models, "--data", data, *named, "--trace-samples", "0", "--json", result, *flags], **QUIET)
    with open(result) as f:
        return json.load(f)["models"]


def inspect_bits(terse, model):
    """Bits per encoded weight, and the sum that they are."""
    output = subprocess.run([terse, "inspect", model, "--json"], check=True, stdout=subprocess.PIPE).stdout
    totals = json.loads(output)["totals"]
    elements = totals["encoded_elements"] or 1
    parts = [(c["bits"] / elements, c["name"]) for c in totals["components"]]
    return sum(b for b, _ in parts), " + ".join(f"{b:.4f} {n}" for b, n in parts)


def split(path, count, folder):
    """Divides prepared data at random, with a fixed seed, into `count` samples to calibrate and the others to test."""
    data = dict(np.load(path))
    samples = len(data["labels"])
    order = np.random.RandomState(0).permutation(samples)
    calibration, test = np.sort(order[:count]), np.sort(order[count:])
    files = os.path.join(folder, "calibration.npz"), os.path.join(folder, "test.npz")
    np.savez(files[0], **{key: value[calibration] for key, value in data.items() if key != "labels"})
    np.savez(files[1], **{key: value[test] for key, value in data.items()})
    return files, len(test)
