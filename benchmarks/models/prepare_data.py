#!/usr/bin/env python3
"""Turns the labelled data sets into one npz per model, ready for `terse eval`.

    prepare_data.py DATA_DIR OUT_DIR

DATA_DIR holds `datasets/` (the models and data sets that benchmarks/README.md names). Each npz has the model's input under the model's own input
name and the labels under `labels`. Needs NumPy, and Pillow for the photographs.
"""
import gzip
import io
import os
import sys
import tarfile

import numpy as np

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def save(out, name, key, x, labels):
    np.savez_compressed(os.path.join(out, name + ".npz"), **{key: x.astype(np.float32), "labels": labels.astype(np.int64)})
    print(f"{name}: {x.shape}")


def mnist(data, out):
    z = np.load(f"{data}/datasets/mnist_test.npz")
    # The file is sorted by label: every fifth image covers all classes.
    save(out, "mnist", "Input3", z["x"][::5, None], z["y"][::5])


def fashion(out):
    # Debian's package dataset-fashion-mnist.
    root = "/usr/share/datasets/fashion-mnist"
    for base, _, files in os.walk("/usr/share"):
        if "t10k-images-idx3-ubyte.gz" in files or "t10k-images-idx3-ubyte" in files:
            root = base
            break
    else:
        print("fashion: skipped (package dataset-fashion-mnist is not installed)")
        return

    def read(name, skip):
        path = os.path.join(root, name)
        raw = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
        return np.frombuffer(raw, np.uint8, offset=skip)

    x = read("t10k-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
    save(out, "fashion", "input", (x / np.float32(255) - np.float32(0.286)) / np.float32(0.353), read("t10k-labels-idx1-ubyte", 8))


def kws(data, out):
    z = np.load(f"{data}/datasets/kws01_features.npz")
    x = (z["x_int8"].astype(np.float32) - np.float32(z["zero_point"])) * z["scale"]
    save(out, "kws", "input", x.reshape(-1, 1, 49, 10), z["y"])


def cifar(data, out):
    z = np.load(f"{data}/datasets/cifar10_test_jpg_2k.npz")
    x = z["x"].astype(np.float32).transpose(0, 3, 1, 2)
    save(out, "cifar_raw", "input", x, z["y"])
    save(out, "cifar_norm", "input", (x / 255 - MEAN[None, :, None, None]) / STD[None, :, None, None], z["y"])


def imagenet(data, out):
    from PIL import Image

    xs, ys = [], []
    with tarfile.open(f"{data}/datasets/imagenet500_256.tar") as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if not member.isfile():
                continue
            image = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
            w, h = image.size
            left, top = (w - 224) // 2, (h - 224) // 2
            pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
            xs.append((pixels / 127.5 - 1).transpose(2, 0, 1))
            ys.append(int(os.path.basename(member.name).split("_")[0]))
    x, y = np.stack(xs), np.array(ys)
    save(out, "imagenet", "input", x, y)
    # The 1001-class models count a background class first.
    save(out, "imagenet_1001", "input", x, y + 1)


def main():
    data, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    mnist(data, out)
    fashion(out)
    kws(data, out)
    cifar(data, out)
    imagenet(data, out)


if __name__ == "__main__":
    main()
