// A weight of another dialect's op: 4 bits and a scale for each of the three output channels.
//
// CHECK-DAG: ml_program.global private @[[VALUES:.*]]({{.*}}) : tensor<4x3xi4>
// CHECK-DAG: ml_program.global private @[[SCALES:.*]]({{.*}}) : tensor<3xf32>
// CHECK-LABEL: func @main
// CHECK: %[[W:.*]] = terse.assemble
// CHECK: acme.dense %{{.*}}, %[[W]]
// CHECK-SAME: tensor<4x3xf32, #terse.uniform<i4, axis = 1>>
ml_program.global private @kernel(dense<[[1.0, 2.0, 3.0], [-7.0, 14.0, 0.5], [3.0, -2.0, 1.0], [0.0, 1.0, 3.5]]>
                                  : tensor<4x3xf32>) : tensor<4x3xf32>

func.func @main(%x: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %kernel = ml_program.global_load_const @kernel : tensor<4x3xf32>
  %y = acme.dense %x, %kernel : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
