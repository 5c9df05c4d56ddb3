// The stock mlir-opt loads Terse's dialects and passes.
// UNSUPPORTED: sanitizers
// RUN: %llvm_tools/mlir-opt --load-dialect-plugin=%binary_dir/lib/TersePlugin.so \
// RUN:   --load-pass-plugin=%binary_dir/lib/TersePlugin.so --pass-pipeline="builtin.module(func.func(nn-decompose))" %s | FileCheck %s

// CHECK-LABEL: func @softmax
// CHECK-NOT: nn.softmax
// CHECK: nn.reduce
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
