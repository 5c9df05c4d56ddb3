// Rules in sequence: the first that matches a layer's name decides.
// RUN: terse-opt %s --pass-pipeline='builtin.module(terse-choose-encodings{layers={first} skip="sensitive"},terse-choose-encodings{layers={*fc*,first} except-layers={*fc2} weight-type=i4},terse-choose-encodings)' --mlir-print-debuginfo | FileCheck %s
// What a person wrote stands.
// RUN: terse-opt %s --terse-choose-encodings --terse-choose-encodings="weight-type=i4" | FileCheck %s --check-prefix=TWICE
// RUN: not terse-opt %s --terse-choose-encodings="weight-type=i9" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not terse-opt %s --terse-choose-encodings="layers=[" 2>&1 | FileCheck %s --check-prefix=GLOB
// RUN: not terse-opt %s --terse-choose-encodings="block-size=0" 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not terse-opt %s --terse-choose-encodings="scale-type=i8" 2>&1 | FileCheck %s --check-prefix=SCALE
// RUN: not terse-opt %s --terse-choose-encodings="activation-type=f64" 2>&1 | FileCheck %s --check-prefix=ACTIVATION

// TYPE: option weight-type: expected i2 to i8, ui1 to ui8, si1, f16 or bf16 (got 'i9')
// GLOB: layer pattern '[' is malformed
// BLOCK: option block-size: expected a positive number (got 0)
// SCALE: option scale-type: expected f32, f16 or bf16 (got 'i8')
// RUN: terse-opt %s --terse-choose-encodings="weight-type=bf16 activations=tensor activation-type=bf16" | FileCheck %s --check-prefix=BF16
// BF16: nn.linear {{.*}}terse.choice = #terse.choice<0 = #terse.cast<bf16>, 1 = #terse.cast<bf16>>
// ACTIVATION: option activation-type: expected i2 to i8, ui1 to ui8, si1, f16 or bf16 (got 'f64')

ml_program.global private @w(dense<0.5> : tensor<64x64xf32>) : tensor<64x64xf32>

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x64xf32>) -> tensor<2x64xf32> {
  %w = ml_program.global_load_const @w : tensor<64x64xf32>
  // CHECK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = "sensitive">}
  // TWICE: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 0>>}
  %0 = nn.linear %x, %w : (tensor<2x64xf32>, tensor<64x64xf32>) -> tensor<2x64xf32> loc("first")
  // CHECK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i4, axis = 0>>}
  %1 = nn.linear %0, %w : (tensor<2x64xf32>, tensor<64x64xf32>) -> tensor<2x64xf32> loc("block/fc1")
  // CHECK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i8, axis = 0>>}
  %2 = nn.linear %1, %w : (tensor<2x64xf32>, tensor<64x64xf32>) -> tensor<2x64xf32> loc("block/fc2")
  // CHECK: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i2, axis = 0>>}
  // TWICE: nn.linear {{.*}} {terse.choice = #terse.choice<1 = #terse.uniform<i2, axis = 0>>}
  %3 = nn.linear %2, %w {terse.choice = #terse.choice<1 = #terse.uniform<i2, axis = 0>>} : (tensor<2x64xf32>, tensor<64x64xf32>) -> tensor<2x64xf32>
  return %3 : tensor<2x64xf32>
}
