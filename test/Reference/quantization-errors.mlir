// RUN: terse-opt %s --terse-interpret --split-input-file --verify-diagnostics -o /dev/null

func.func @components_do_not_fit() {
  %v = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = nn.constant dense<[1.0, 1.0, 1.0]> : tensor<3xf32>
  %n = nn.constant dense<3> : tensor<1xi64>
  %m = nn.constant dense<2> : tensor<2xi64>
  %d = nn.reshape %s, %n : (tensor<3xf32>, tensor<1xi64>) -> tensor<?xf32>
  %e = nn.reshape %v, %m : (tensor<2x2xi8>, tensor<2xi64>) -> tensor<?x2xi8>
  // expected-error @below {{component 'scales' cannot be 3xf32}}
  %w = terse.assemble %e, %d : (tensor<?x2xi8>, tensor<?xf32>) -> tensor<?x2xf32, #terse.uniform<i8, axis = 0>>
  return
}
