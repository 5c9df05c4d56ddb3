// RUN: terse-opt %s --terse-decompose-encodings --split-input-file --verify-diagnostics --allow-unregistered-dialect

!w = tensor<4xf32, #terse.uniform<i8>>

func.func @region_of_unknown_op(%w: !w) {
  // expected-error@+1 {{passes encoded tensors into its regions, which only func.func, scf.for, scf.if and scf.while may do; decode them before it}}
  "test.loop"(%w) ({
  ^bb0(%a: !w):
    "test.yield"(%a) : (!w) -> ()
  }) : (!w) -> ()
  return
}
