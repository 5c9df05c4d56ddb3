"""make_recurrent.py OUT.mlir: a bidirectional LSTM, a GRU and a learned position table, with reproducible weights."""

import sys

import numpy as np

rng = np.random.default_rng(7)
lines = ["module {"]


def weight(name, *shape):
    values = (rng.standard_normal(shape) * 0.3).astype("<f4")
    kind = "x".join(map(str, shape)) + "xf32"
    lines.append(f'ml_program.global private @{name}(dense<"0x{values.tobytes().hex().upper()}"> : tensor<{kind}>) '
                 f": tensor<{kind}>")
    return f"  %{name} = ml_program.global_load_const @{name} : tensor<{kind}>"


loads = [weight("pos", 12, 1, 32), weight("lstm_w", 2, 64, 32), weight("lstm_r", 2, 64, 16), weight("lstm_b", 2, 128),
         weight("gru_w", 1, 24, 32), weight("gru_r", 1, 24, 8)]
kinds = ", ".join(f"#nn<unary_kind {k}>" for k in ("sigmoid", "tanh", "tanh") * 2)
lines += ['func.func @main(%x: tensor<12x?x32xf32> {nn.name = "x"}) -> (tensor<12x2x?x16xf32> {nn.name = "y"}, '
          'tensor<1x?x8xf32> {nn.name = "h"}) {', *loads]
lines += ["""  %a = nn.binary add %x, %pos : (tensor<12x?x32xf32>, tensor<12x1x32xf32>) -> tensor<12x?x32xf32> loc("positions")
  %y:3 = nn.lstm %a, %lstm_w, %lstm_r, %lstm_b {direction = #nn<direction bidirectional>, activations = ["""
          + kinds + """], operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0>}
    : (tensor<12x?x32xf32>, tensor<2x64x32xf32>, tensor<2x64x16xf32>, tensor<2x128xf32>)
    -> (tensor<12x2x?x16xf32>, tensor<2x?x16xf32>, tensor<2x?x16xf32>) loc("lstm")
  %g:2 = nn.gru %a, %gru_w, %gru_r {direction = #nn<direction forward>,
      activations = [#nn<unary_kind sigmoid>, #nn<unary_kind tanh>], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<12x?x32xf32>, tensor<1x24x32xf32>, tensor<1x24x8xf32>) -> (tensor<12x1x?x8xf32>, tensor<1x?x8xf32>) loc("gru")
  return %y#0, %g#1 : tensor<12x2x?x16xf32>, tensor<1x?x8xf32>
}
}"""]
with open(sys.argv[1], "w") as f:
    f.write("\n".join(lines) + "\n")
