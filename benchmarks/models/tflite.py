"""Runs integer models in TensorFlow Lite's format, in NumPy: just what the models that others published need.

The arithmetic is that of TensorFlow Lite's reference kernels (its 8-bit quantization specification): i32 sums, fixed-point
multipliers of 31 bits with rounding at the doubled high product and at the shift, per channel for weights. Softmax keeps
the order of its inputs, which are therefore returned in its place: 8-bit probabilities would make ties.
"""
import struct

import numpy as np

ADD, AVERAGE_POOL, CONV, DEPTHWISE, FULLY_CONNECTED, RESHAPE, SOFTMAX, MEAN, QUANTIZE = 0, 1, 3, 4, 9, 22, 25, 40, 114
TYPES = {0: np.float32, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}


class Table:
    """A table of a flatbuffer; fields by number."""

    def __init__(self, data, position):
        self.data, self.position = data, position
        self.fields = position - struct.unpack_from("<i", data, position)[0]
        self.size = struct.unpack_from("<H", data, self.fields)[0]

    @staticmethod
    def root(data):
        return Table(data, struct.unpack_from("<I", data, 0)[0])

    def find(self, field):
        at = 4 + 2 * field
        offset = struct.unpack_from("<H", self.data, self.fields + at)[0] if at < self.size else 0
        return self.position + offset if offset else None

    def scalar(self, field, code, default=0):
        at = self.find(field)
        return struct.unpack_from("<" + code, self.data, at)[0] if at else default

    def follow(self, field):
        at = self.find(field)
        return at + struct.unpack_from("<I", self.data, at)[0] if at else None

    def table(self, field):
        at = self.follow(field)
        return Table(self.data, at) if at else None

    def vector(self, field, dtype):
        at = self.follow(field)
        if not at:
            return np.zeros(0, dtype)
        return np.frombuffer(self.data, dtype, struct.unpack_from("<I", self.data, at)[0], at + 4)

    def tables(self, field):
        at = self.follow(field)
        offsets = self.vector(field, np.uint32)
        return [Table(self.data, at + 4 + 4 * i + int(o)) for i, o in enumerate(offsets)]


class Tensor:
    def __init__(self, table, buffers):
        self.shape = tuple(table.vector(0, np.int32))
        self.dtype = np.dtype(TYPES[table.scalar(1, "b")])
        quantization = table.table(4)
        self.scale = quantization.vector(2, np.float32).astype(np.float64) if quantization else np.ones(1)
        self.zero = int(quantization.vector(3, np.int64)[0]) if quantization and quantization.find(3) else 0
        content = buffers[table.scalar(2, "I")].vector(0, np.uint8)
        self.constant = np.frombuffer(content.tobytes(), self.dtype).reshape(self.shape) if content.size else None

    def get_range(self, activation):
        info = np.iinfo(self.dtype)
        at = lambda x: int(np.round(x / self.scale[0])) + self.zero
        low = at(0) if activation in (1, 3) else info.min
        high = at(6) if activation == 3 else info.max
        return max(low, info.min), min(high, info.max)


def to_multiplier(real):
    """As a 31-bit integer and a power of two."""
    fraction, exponent = np.frexp(np.asarray(real, np.float64))
    multiplier = np.round(fraction * 2**31).astype(np.int64)
    over = multiplier == 2**31
    return np.where(over, 2**30, multiplier), exponent + over


def scale_by(x, real):
    """x times `real`, rounded twice as the kernels do."""
    multiplier, exponent = to_multiplier(real)
    x = x.astype(np.int64) << np.maximum(exponent, 0)
    product = x * multiplier
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = (np.abs(product + nudge) >> 31) * np.sign(product + nudge)  # Division that truncates.
    shift = np.maximum(-exponent, 0)
    mask = (1 << shift) - 1
    remainder, threshold = high & mask, (mask >> 1) + (high < 0)
    return (high >> shift) + (remainder > threshold)


def pad(x, kernel, strides, same, value):
    """NHWC, with TensorFlow's SAME."""
    if not same:
        return x
    widths = [(0, 0)]
    for size, k, s in zip(x.shape[1:3], kernel, strides):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, widths + [(0, 0)], constant_values=value)


def windows(x, kernel, strides):
    """The input at each place of the kernel: (kh kw, N, H, W, C)."""
    h, w = ((size - k) // s + 1 for size, k, s in zip(x.shape[1:3], kernel, strides))
    return np.stack([x[:, i:i + (h - 1) * strides[0] + 1:strides[0], j:j + (w - 1) * strides[1] + 1:strides[1]]
                     for i in range(kernel[0]) for j in range(kernel[1])])


class Model:
    def __init__(self, path):
        with open(path, "rb") as file:
            root = Table.root(file.read())
        buffers = root.tables(4)
        codes = [max(code.scalar(0, "b"), code.scalar(3, "i")) for code in root.tables(1)]
        graph = root.tables(2)[0]
        self.tensors = [Tensor(t, buffers) for t in graph.tables(0)]
        self.inputs, self.outputs = graph.vector(1, np.int32), graph.vector(2, np.int32)
        self.steps = [(codes[op.scalar(0, "I")], op.vector(1, np.int32), int(op.vector(2, np.int32)[0]),
                       op.table(4)) for op in graph.tables(3)]

    def run(self, x):
        """`x`: floats, NHWC. Returns the scores as integers."""
        first = self.tensors[self.inputs[0]]
        low, high = np.iinfo(first.dtype).min, np.iinfo(first.dtype).max
        values = {self.inputs[0]: np.clip(np.round(x / first.scale[0]) + first.zero, low, high).astype(np.int64)}
        for code, inputs, output, options in self.steps:
            values[output] = KERNELS[code](self, options, [values.get(i) for i in inputs],
                                           [self.tensors[i] if i >= 0 else None for i in inputs], self.tensors[output])
        return values[self.outputs[0]]

    def finish(self, sums, x, weight, y, activation):
        result = scale_by(sums, x.scale[0] * weight.scale / y.scale[0]) + y.zero
        return np.clip(result, *y.get_range(activation))

    def conv(self, options, values, tensors, y):
        x, weight, bias = tensors
        strides = options.scalar(2, "i"), options.scalar(1, "i")
        channels, *kernel, _ = weight.shape
        taps = windows(pad(values[0], kernel, strides, options.scalar(0, "b") == 0, x.zero) - x.zero, kernel, strides)
        # Products of 8-bit integers are exact in f64.
        columns = np.moveaxis(taps, 0, -2).reshape(-1, weight.constant[0].size).astype(np.float64)
        sums = columns @ weight.constant.reshape(channels, -1).T.astype(np.float64)
        sums = sums.astype(np.int64).reshape(*taps.shape[1:4], channels) + bias.constant
        return self.finish(sums, x, weight, y, options.scalar(3, "b"))

    def depthwise(self, options, values, tensors, y):
        x, weight, bias = tensors
        if options.scalar(3, "i") != 1:
            raise NotImplementedError("a depth multiplier other than 1")
        strides = options.scalar(2, "i"), options.scalar(1, "i")
        kernel = weight.shape[1:3]
        taps = windows(pad(values[0], kernel, strides, options.scalar(0, "b") == 0, x.zero) - x.zero, kernel, strides)
        sums = (taps * weight.constant.reshape(-1, 1, 1, 1, weight.shape[3]).astype(np.int64)).sum(0) + bias.constant
        return self.finish(sums, x, weight, y, options.scalar(4, "b"))

    def fully_connected(self, options, values, tensors, y):
        x, weight, bias = tensors
        sums = (values[0].reshape(-1, weight.shape[1]) - x.zero) @ weight.constant.T.astype(np.int64) + bias.constant
        return self.finish(sums, x, weight, y, options.scalar(0, "b"))

    def add(self, options, values, tensors, y):
        twice = 2 * max(t.scale[0] for t in tensors)
        total = sum(scale_by((v - t.zero) << 20, t.scale[0] / twice) for v, t in zip(values, tensors))
        result = scale_by(total, twice / (2.0**20 * y.scale[0])) + y.zero
        return np.clip(result, *y.get_range(options.scalar(0, "b")))

    @staticmethod
    def divide(sums, count):
        return np.sign(sums) * ((np.abs(sums) + count // 2) // count)

    def average_pool(self, options, values, tensors, y):
        kernel, strides = (options.scalar(4, "i"), options.scalar(3, "i")), (options.scalar(2, "i"), options.scalar(1, "i"))
        if options.scalar(0, "b") == 0 and any(size % s or k != s for size, k, s in zip(tensors[0].shape[1:3], kernel, strides)):
            raise NotImplementedError("average pooling over padding")
        sums = windows(values[0], kernel, strides).sum(0)
        return np.clip(self.divide(sums, kernel[0] * kernel[1]), *y.get_range(options.scalar(5, "b")))

    def mean(self, options, values, tensors, y):
        axes = tuple(int(a) for a in np.atleast_1d(tensors[1].constant))
        sums = (values[0] - tensors[0].zero).sum(axes, keepdims=bool(options.scalar(0, "b")))
        count = int(np.prod([tensors[0].shape[a] for a in axes]))
        result = self.divide(scale_by(sums, tensors[0].scale[0] / y.scale[0]), count) + y.zero
        return np.clip(result, *y.get_range(0))

    def quantize(self, options, values, tensors, y):
        return np.clip(scale_by(values[0] - tensors[0].zero, tensors[0].scale[0] / y.scale[0]) + y.zero, *y.get_range(0))

    def reshape(self, options, values, tensors, y):
        return values[0].reshape(len(values[0]), -1)


# What comes behind a softmax is only about probabilities: the scores stay as they are.
KERNELS = {ADD: Model.add, AVERAGE_POOL: Model.average_pool, CONV: Model.conv, DEPTHWISE: Model.depthwise,
           FULLY_CONNECTED: Model.fully_connected, RESHAPE: Model.reshape, MEAN: Model.mean, QUANTIZE: Model.quantize,
           SOFTMAX: lambda model, options, values, tensors, y: values[0]}
