// RUN: terse-opt %s --terse-interpret -o /dev/null
// RUN: terse-opt %s --nn-decompose --terse-interpret -o /dev/null

func.func @batch_norm() {
  %x = nn.constant dense<[[1.0, 10.0], [3.0, 20.0]]> : tensor<2x2xf32>
  %scale = nn.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %bias = nn.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %mean = nn.constant dense<[1.0, 10.0]> : tensor<2xf32>
  %variance = nn.constant dense<[4.0, 25.0]> : tensor<2xf32>
  %y = nn.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 0.0}
    : (tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %e = nn.constant dense<[[0.5, 0.0], [2.5, 2.0]]> : tensor<2x2xf32>
  check.expect_close %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @layer_norm() {
  %x = nn.constant dense<[[1.0, 3.0], [10.0, 30.0]]> : tensor<2x2xf32>
  %scale = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %bias = nn.constant dense<0.5> : tensor<2xf32>
  %y = nn.layer_norm %x, %scale, %bias {axis = 1 : i64, epsilon = 0.0, operandSegmentSizes = array<i32: 1, 1, 1>}
    : (tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %e = nn.constant dense<[[-0.5, 2.5], [-0.5, 2.5]]> : tensor<2x2xf32>
  check.expect_close %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @rms_norm() {
  %x = nn.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %y = nn.rms_norm %x {axis = 1 : i64, epsilon = 0.0} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %e = nn.constant dense<[[0.848528137, 1.13137085]]> : tensor<1x2xf32>
  check.expect_close %y, %e : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// Two groups of two channels: means 2 and 20, deviations 1 and 10.
func.func @group_norm() {
  %x = nn.constant dense<[[[1.0], [3.0], [10.0], [30.0]]]> : tensor<1x4x1xf32>
  %scale = nn.constant dense<[1.0, 1.0, 1.0, 2.0]> : tensor<4xf32>
  %bias = nn.constant dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>
  %y = nn.group_norm %x, %scale, %bias {groups = 2 : i64, epsilon = 0.0}
    : (tensor<1x4x1xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x1xf32>
  %e = nn.constant dense<[[[-1.0], [1.0], [0.0], [2.0]]]> : tensor<1x4x1xf32>
  check.expect_close %y, %e : tensor<1x4x1xf32>, tensor<1x4x1xf32>
  return
}

func.func @instance_norm() {
  %x = nn.constant dense<[[[1.0, 3.0], [10.0, 30.0]]]> : tensor<1x2x2xf32>
  %one = nn.constant dense<1.0> : tensor<2xf32>
  %zero = nn.constant dense<0.0> : tensor<2xf32>
  %y = nn.instance_norm %x, %one, %zero {epsilon = 0.0} : (tensor<1x2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2xf32>
  %e = nn.constant dense<[[[-1.0, 1.0], [-1.0, 1.0]]]> : tensor<1x2x2xf32>
  check.expect_close %y, %e : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  return
}

func.func @softmax() {
  %x = nn.constant dense<[[1000.0, 1000.0], [0.0, 1.0986123]]> : tensor<2x2xf32>
  %y = nn.softmax %x {axis = 1 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %e = nn.constant dense<[[0.5, 0.5], [0.25, 0.75]]> : tensor<2x2xf32>
  check.expect_close %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
  %l = nn.softmax %x {axis = 1 : i64, log = true} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %le = nn.constant dense<[[-0.693147181, -0.693147181], [-1.38629436, -0.287682072]]> : tensor<2x2xf32>
  check.expect_close %l, %le : tensor<2x2xf32>, tensor<2x2xf32>
  return
}
