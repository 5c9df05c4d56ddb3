#!/usr/bin/env python3
"""Times kernels and models beside every library that is found, in turns on pinned cores, and writes one page of tables.

    benchmarks/run.py --models DIR [--npm NODE_MODULES] [--onednn FILE ...] [--libxsmm FILE] [--xnnpack FILE] [--plugin FILE]
                      [--build build] [--core 1] [--only PART ...] [--quick] [-o benchmarks.md]

    benchmarks/run.py --models ~/models --npm ~/node_modules --quick -o here.md

Debian's oneDNN and OpenBLAS are found by themselves; NODE_MODULES with onnxruntime-node and node-llama-cpp brings onnxruntime and
ggml; other libraries are files (README.md says which). What is not found is named in the page and left out. Parts: kernels, threads
(large layers on two threads), weight-only, encoder-layers, latency, results (outputs of compressed models beside onnxruntime's).
All of them take about 45 minutes, with --quick about 15. Wants a quiet machine; every table says how many of its samples were fast ones.
Exits 1 if a part failed.
"""
import argparse
import os
import subprocess
import sys

HERE = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
PARTS = ["kernels", "threads", "weight-only", "encoder-layers", "latency", "results"]
LARGE = "512,768,3072$|512,4096,4096$|128,3072,768$|1024,1024,1024$|2048,2048,2048$|conv 3x3/1"
ONNXRUNTIME = "onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1"
GGML = "@node-llama-cpp/linux-x64/bins/linux-x64"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, help="folder with the models of models/catalogue.py")
    parser.add_argument("--npm", default=os.environ.get("NODE_PATH", ""), help="folder node_modules")
    parser.add_argument("--build", default="build", help="where Terse was built")
    parser.add_argument("--onednn", nargs="*", default=[], metavar="FILE", help="further versions than the system's")
    for library in ["libxsmm", "xnnpack", "plugin"]:
        parser.add_argument(f"--{library}", default="", metavar="FILE")
    parser.add_argument("--core", type=int, default=1, help="what runs on one thread runs here")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="less time for each row, fewer rounds")
    parser.add_argument("-o", "--output", default="benchmarks.md")
    return parser.parse_args()


def find_peers(args):
    """The options --peers of both programs, and notes on what is missing."""
    layers = ["onednn", *(f"onednn={file}" for file in args.onednn), "blas"]
    weights, notes = [], []
    for name, file in [("libxsmm", args.libxsmm), ("xnnpack", args.xnnpack)]:
        if file:
            layers.append(f"{name}={file}")
    for name, file in [("xnnpack", args.xnnpack), ("plugin", args.plugin)]:
        if file:
            weights.append(f"{name}={file}")
    for name, path in [("ggml", GGML), ("onnxruntime", ONNXRUNTIME)]:
        path = os.path.join(args.npm, path)
        if args.npm and os.path.exists(path):
            weights.append(f"{name}={path}")
        else:
            notes.append(f"{name} is not in the folder of --npm.")
    return ",".join(layers), ",".join(weights) or "none", notes


def list_commands(args, layers, weights):
    """Title, command and number of threads of each part."""
    program, script = f"{args.build}/bin/", f"{HERE}/models/"
    seconds = "0.2" if args.quick else "0.6"
    rounds = ["--rounds", "2" if args.quick else "5"]
    kernels = [program + "terse-kernel-bench", "--peers", layers, "--seconds", seconds]
    python = [sys.executable]
    terse = ["--terse", program + "terse"]
    models = [*terse, "--models", args.models, *(["--npm", args.npm] if args.npm else [])]
    core = ["--core", str(args.core)]
    return {
        "kernels": ("Single layers", kernels, 1),
        "threads": ("Large layers on two threads", [*kernels, "--threads", "2", "--shapes", LARGE], 2),
        "weight-only": ("Weights of few bits",
                        [program + "terse-weight-only-bench", "--peers", weights, "--seconds", seconds], 1),
        "encoder-layers": ("Pieces of a text encoder, in float",
                           [*python, script + "encoder_layers.py", *terse, *core, *rounds], 1),
        "latency": ("Latency of models", [*python, script + "latency.py", *models, *core, *rounds], 2),
        "results": ("Results of compressed models", [*python, script + "export_onnxruntime.py", *models], 2),
    }


def main():
    args = parse()
    layers, weights, notes = find_peers(args)
    needs = {"kernels": "terse-kernel-bench", "threads": "terse-kernel-bench", "weight-only": "terse-weight-only-bench"}
    programs = sorted({needs[part] for part in args.only if part in needs})
    if programs:
        subprocess.run(["ninja", "-C", args.build, *programs], check=True, stdout=sys.stderr)
    failed = False
    with open(args.output, "w") as page:
        page.write("# Kernels and models beside other libraries\n\n" + "".join(note + "\n" for note in notes))
        for part, (title, command, threads) in list_commands(args, layers, weights).items():
            if part not in args.only:
                continue
            print(f"{part}: {' '.join(command)}", file=sys.stderr)
            environment = {**os.environ, "NODE_PATH": args.npm, "OMP_NUM_THREADS": str(threads)}
            if threads > 1:
                # Threads of one library would go on spinning where those of the next want to run.
                environment["OMP_WAIT_POLICY"] = "PASSIVE"
            pinned = ["taskset", "-c", str(args.core)] if threads == 1 else []
            done = subprocess.run([*pinned, *command], env=environment, stdout=subprocess.PIPE, text=True)
            page.write(f"\n## {title}\n\n```\n{' '.join([*pinned, *command])}\n```\n\n{done.stdout}")
            if done.returncode:
                failed = True
                page.write(f"\nThis part ended with exit status {done.returncode}.\n")
            page.flush()
    print("wrote " + args.output, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
