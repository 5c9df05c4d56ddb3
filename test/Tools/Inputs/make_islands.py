"""make_islands.py OUT.mlir DATA.npz: a network of the ops that are islands of float unless asked for, and samples for it."""
import sys

import numpy as np

rng = np.random.default_rng(11)
lines = ["module {"]
loads = []


def weight(name, *shape, scale=0.3, mean=0.0):
    values = (rng.standard_normal(shape) * scale + mean).astype("<f4")
    kind = "x".join(map(str, shape)) + "xf32"
    lines.append(f'ml_program.global private @{name}(dense<"0x{values.tobytes().hex().upper()}"> : tensor<{kind}>) : tensor<{kind}>')
    loads.append(f"  %{name} = ml_program.global_load_const @{name} : tensor<{kind}>")


weight("w", 32, 24)
weight("gamma", 32, mean=1.0)
weight("beta", 32)
weight("gamma2", 32, mean=1.0)
weight("lstm_w", 2, 64, 32)
weight("lstm_r", 2, 64, 16)
weight("lstm_b", 2, 128)
weight("gru_w", 1, 24, 32)
weight("gru_r", 1, 24, 8)
kinds = ", ".join(f"#nn<unary_kind {k}>" for k in ("sigmoid", "tanh", "tanh") * 2)
lines += ['func.func @main(%x: tensor<?x2x6x6xf32> {nn.name = "x"}) -> (tensor<12x2x?x16xf32> {nn.name = "y"}, '
          'tensor<1x?x8xf32> {nn.name = "h"}, tensor<?x12x32xf32> {nn.name = "p"}) {', *loads]
lines += ["""
  %0 = nn.resize linear %x {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, coordinate = #nn<resize_coordinate half_pixel>}
    : (tensor<?x2x6x6xf32>) -> tensor<?x2x12x12xf32> loc("resize")
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<?x2x12x12xf32>) -> tensor<?x12x2x12xf32> loc("transpose")
  %2 = nn.reshape %1 : (tensor<?x12x2x12xf32>) -> tensor<?x12x24xf32> loc("rows")
  %3 = nn.linear %2, %w : (tensor<?x12x24xf32>, tensor<32x24xf32>) -> tensor<?x12x32xf32> loc("linear")
  %4 = nn.layer_norm %3, %gamma, %beta {axis = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>}
    : (tensor<?x12x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x12x32xf32> loc("layer_norm")
  %5 = nn.rms_norm %4, %gamma2 {axis = 2 : i64, epsilon = 1.0e-5 : f64} : (tensor<?x12x32xf32>, tensor<32xf32>) -> tensor<?x12x32xf32> loc("rms_norm")
  %6 = nn.softmax %5 {axis = 2 : i64} : (tensor<?x12x32xf32>) -> tensor<?x12x32xf32> loc("softmax")
  %7 = nn.binary mul %6, %5 : (tensor<?x12x32xf32>, tensor<?x12x32xf32>) -> tensor<?x12x32xf32> loc("mul")
  %8 = nn.binary add %7, %5 : (tensor<?x12x32xf32>, tensor<?x12x32xf32>) -> tensor<?x12x32xf32> loc("add")
  %9 = nn.transpose %8 {permutation = array<i64: 1, 0, 2>} : (tensor<?x12x32xf32>) -> tensor<12x?x32xf32> loc("time")
  %y:3 = nn.lstm %9, %lstm_w, %lstm_r, %lstm_b {direction = #nn<direction bidirectional>, activations = ["""
          + kinds + """], operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>}
    : (tensor<12x?x32xf32>, tensor<2x64x32xf32>, tensor<2x64x16xf32>, tensor<2x128xf32>)
    -> (tensor<12x2x?x16xf32>, tensor<2x?x16xf32>, tensor<2x?x16xf32>) loc("lstm")
  %g:2 = nn.gru %9, %gru_w, %gru_r {direction = #nn<direction forward>,
      activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<12x?x32xf32>, tensor<1x24x32xf32>, tensor<1x24x8xf32>) -> (tensor<12x1x?x8xf32>, tensor<1x?x8xf32>) loc("gru")
  %p = nn.softmax %8 {axis = 2 : i64} : (tensor<?x12x32xf32>) -> tensor<?x12x32xf32> loc("scores")
  return %y#0, %g#1, %p : tensor<12x2x?x16xf32>, tensor<1x?x8xf32>, tensor<?x12x32xf32>
}
}"""]
with open(sys.argv[1], "w") as f:
    f.write("\n".join(lines) + "\n")
np.savez(sys.argv[2], x=rng.uniform(-2, 1.5, (20, 2, 6, 6)).astype(np.float32))
