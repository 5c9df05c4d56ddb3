// RUN: terse-opt %s --split-input-file --terse-correct-bias=method=analytic | FileCheck %s
// RUN: not terse-opt %s --split-input-file --terse-correct-bias 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: not terse-opt %s --split-input-file --terse-gptq 2>&1 | FileCheck %s --check-prefix=GPTQ
// RUN: not terse-opt %s --split-input-file --terse-record-outputs 2>&1 | FileCheck %s --check-prefix=RECORD
// RUN: not terse-opt %s --split-input-file --terse-adaround="rate=0 data=x.npz" 2>&1 | FileCheck %s --check-prefix=RATE
// DATA: error: terse-correct-bias needs data to run the model on (terse compress: --data CALIB.npz)
// GPTQ: error: terse-gptq needs data to run the model on (terse compress: --data CALIB.npz)
// RECORD: error: terse-record-outputs needs data to run the model on (terse compress: --data CALIB.npz)
// RATE: error: terse-adaround: expected rate > 0

// 1.4 becomes 1, 0.4 becomes 0: with means 10 and 100, 4 and -40 are missing.

// CHECK-LABEL: @main
// CHECK-DAG: nn.constant dense<4.{{[0-9]*}}e+01> : tensor<1xf32>
// CHECK: nn.linear %{{.*}}, %{{.*}}, %{{.*}} {terse.choice
func.func @main(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w = nn.constant dense<[[1.4, 0.4]]> : tensor<1x2xf32>
  %0 = terse.observe %x "x" channel axis = 1 {terse.statistics = #terse.statistics<samples = 1, elements = 2, non_finite = 0, range = [0.0, 100.0, 0.0, 100.0], exponent = 0, first = 0, channels = [10.0, 10.0, 10.0, 10.0, 100.0, 100.0, 100.0, 100.0]>} : tensor<1x2xf32>
  %1 = nn.linear %0, %w {terse.choice = #terse.choice<1 = #terse.static<#terse.uniform<i2>, [dense<1.0> : tensor<f32>]>>} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}
