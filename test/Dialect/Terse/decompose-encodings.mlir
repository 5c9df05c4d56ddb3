// RUN: terse-opt %s --terse-decompose-encodings --split-input-file | FileCheck %s
// RUN: terse-opt %s --terse-decompose-encodings --terse-decompose-encodings --split-input-file | FileCheck %s

!w = tensor<8x4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @decode_per_tensor
// CHECK-SAME: %[[V:.*]]: tensor<8x4xi8>, %[[S:.*]]: tensor<f32>) -> tensor<8x4xf32>
func.func @decode_per_tensor(%w: !w) -> tensor<8x4xf32> {
  // CHECK-NEXT: %[[F:.*]] = nn.cast %[[V]] : (tensor<8x4xi8>) -> tensor<8x4xf32>
  // CHECK-NEXT: %[[X:.*]] = nn.binary mul %[[F]], %[[S]]
  // CHECK-NEXT: return %[[X]]
  %0 = terse.decode %w : !w
  return %0 : tensor<8x4xf32>
}

// -----

!w = tensor<8x4xf16, #terse.uniform<ui4, axis = 1, scale = bf16, zero_point>>

// CHECK-LABEL: func.func @decode_per_axis
// CHECK-SAME: %[[V:.*]]: tensor<8x4xui4>, %[[S:.*]]: tensor<4xbf16>, %[[Z:.*]]: tensor<4xui4>)
func.func @decode_per_axis(%w: !w) -> tensor<8x4xf16> {
  // CHECK-DAG: %[[ZF:.*]] = nn.cast %[[Z]] : (tensor<4xui4>) -> tensor<4xf32>
  // CHECK-DAG: %[[SF:.*]] = nn.cast %[[S]] : (tensor<4xbf16>) -> tensor<4xf32>
  // CHECK-DAG: %[[VF:.*]] = nn.cast %[[V]] : (tensor<8x4xui4>) -> tensor<8x4xf32>
  // CHECK-DAG: %[[ZR:.*]] = nn.reshape %[[ZF]] : (tensor<4xf32>) -> tensor<1x4xf32>
  // CHECK: %[[D:.*]] = nn.binary sub %[[VF]], %[[ZR]]
  // CHECK: %[[SR:.*]] = nn.reshape %[[SF]] : (tensor<4xf32>) -> tensor<1x4xf32>
  // CHECK: %[[X:.*]] = nn.binary mul %[[D]], %[[SR]]
  // CHECK: %[[H:.*]] = nn.cast %[[X]] : (tensor<8x4xf32>) -> tensor<8x4xf16>
  // CHECK: return %[[H]]
  %0 = terse.decode %w : !w
  return %0 : tensor<8x4xf16>
}

// -----

!w = tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>

// Blocks that divide split their dimension; nothing is copied.
// CHECK-LABEL: func.func @decode_per_block
// CHECK-SAME: %[[V:.*]]: tensor<8x64xi4>, %[[S:.*]]: tensor<8x2xf16>)
func.func @decode_per_block(%w: !w) -> tensor<8x64xf32> {
  // CHECK-DAG: %[[VR:.*]] = nn.reshape %[[V]] : (tensor<8x64xi4>) -> tensor<8x2x32xi4>
  // CHECK-DAG: %[[VF:.*]] = nn.cast %[[VR]] : (tensor<8x2x32xi4>) -> tensor<8x2x32xf32>
  // CHECK-DAG: %[[SF:.*]] = nn.cast %[[S]] : (tensor<8x2xf16>) -> tensor<8x2xf32>
  // CHECK-DAG: %[[SR:.*]] = nn.reshape %[[SF]] : (tensor<8x2xf32>) -> tensor<8x2x1xf32>
  // CHECK: %[[X:.*]] = nn.binary mul %[[VF]], %[[SR]]
  // CHECK: nn.reshape %[[X]] : (tensor<8x2x32xf32>) -> tensor<8x64xf32>
  %0 = terse.decode %w : !w
  return %0 : tensor<8x64xf32>
}

// -----

!w = tensor<8x100xf32, #terse.uniform<i4, block = [1, 32]>>

// A short last block: scales are gathered.
// CHECK-LABEL: func.func @decode_short_last_block
// CHECK-SAME: %[[V:.*]]: tensor<8x100xi4>, %[[S:.*]]: tensor<8x4xf32>)
func.func @decode_short_last_block(%w: !w) -> tensor<8x100xf32> {
  // CHECK: %[[I:.*]] = nn.iota {axis = 0 : i64} : () -> tensor<100xi64>
  // CHECK: %[[B:.*]] = nn.constant dense<32> : tensor<i64>
  // CHECK: %[[Q:.*]] = nn.binary div %[[I]], %[[B]]
  // CHECK: %[[G:.*]] = nn.gather %[[S]], %[[Q]] {axis = 1 : i64} : (tensor<8x4xf32>, tensor<100xi64>) -> tensor<8x100xf32>
  // CHECK: nn.binary mul %{{.*}}, %[[G]]
  %0 = terse.decode %w : !w
  return %0 : tensor<8x100xf32>
}

// -----

!w = tensor<?x?x64xf32, #terse.uniform<i8, block = [4, 1, 32]>>

// CHECK-LABEL: func.func @decode_dynamic_blocks
// CHECK-SAME: %[[V:.*]]: tensor<?x?x64xi8>, %[[S:.*]]: tensor<?x?x2xf32>) -> tensor<?x?x64xf32>
func.func @decode_dynamic_blocks(%w: !w) -> tensor<?x?x64xf32> {
  // CHECK: %[[SHAPE:.*]] = nn.shape %[[V]]
  // CHECK: %[[D0:.*]] = nn.slice %[[SHAPE]] {ends = array<i64: 1>, starts = array<i64: 0>, steps = array<i64: 1>}
  // CHECK: %[[I0:.*]] = nn.iota %[[D0]] {axis = 0 : i64} : (tensor<1xi64>) -> tensor<?xi64>
  // CHECK: %[[Q0:.*]] = nn.binary div %[[I0]]
  // CHECK: %[[G0:.*]] = nn.gather %[[S]], %[[Q0]] {axis = 0 : i64}
  // CHECK: %[[I2:.*]] = nn.iota {axis = 0 : i64} : () -> tensor<64xi64>
  // CHECK: %[[Q2:.*]] = nn.binary div %[[I2]]
  // CHECK: nn.gather %[[G0]], %[[Q2]] {axis = 2 : i64} : (tensor<?x?x2xf32>, tensor<64xi64>) -> tensor<?x?x64xf32>
  %0 = terse.decode %w : !w
  return %0 : tensor<?x?x64xf32>
}

// -----

!w = tensor<?x64xf32, #terse.uniform<i8, block = [1, ?]>>

// Scales of one element along a dimension broadcast as they are.
// CHECK-LABEL: func.func @decode_whole_dimension
// CHECK-SAME: %[[V:.*]]: tensor<?x64xi8>, %[[S:.*]]: tensor<?x1xf32>)
func.func @decode_whole_dimension(%w: !w) -> tensor<?x64xf32> {
  // CHECK: %[[F:.*]] = nn.cast %[[V]]
  // CHECK: nn.binary mul %[[F]], %[[S]]
  %0 = terse.decode %w : !w
  return %0 : tensor<?x64xf32>
}

// -----

!w = tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = #terse.uniform<ui8, axis = 0, scale = f16>>>

// CHECK-LABEL: func.func @decode_nested_scale
// CHECK-SAME: %[[V:.*]]: tensor<8x64xi4>, %[[SV:.*]]: tensor<8x2xui8>, %[[SS:.*]]: tensor<8xf16>)
func.func @decode_nested_scale(%w: !w) -> tensor<8x64xf32> {
  // CHECK-DAG: %[[A:.*]] = nn.cast %[[SS]] : (tensor<8xf16>) -> tensor<8xf32>
  // CHECK-DAG: %[[B:.*]] = nn.cast %[[SV]] : (tensor<8x2xui8>) -> tensor<8x2xf32>
  // CHECK-DAG: %[[C:.*]] = nn.reshape %[[A]] : (tensor<8xf32>) -> tensor<8x1xf32>
  // CHECK: %[[SCALE:.*]] = nn.binary mul %[[B]], %[[C]]
  // CHECK: %[[SR:.*]] = nn.reshape %[[SCALE]] : (tensor<8x2xf32>) -> tensor<8x2x1xf32>
  // CHECK: nn.binary mul %{{.*}}, %[[SR]]
  %0 = terse.decode %w : !w
  return %0 : tensor<8x64xf32>
}

// -----

!h = tensor<8xf32, #terse.cast<f16>>

// CHECK-LABEL: func.func @cast
// CHECK-SAME: %[[V:.*]]: tensor<8xf16>, %[[X:.*]]: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf16>)
func.func @cast(%w: !h, %x: tensor<8xf32>) -> (tensor<8xf32>, !h) {
  // CHECK-DAG: %[[D:.*]] = nn.cast %[[V]] : (tensor<8xf16>) -> tensor<8xf32>
  // CHECK-DAG: %[[E:.*]] = nn.cast %[[X]] : (tensor<8xf32>) -> tensor<8xf16>
  // CHECK: return %[[D]], %[[E]]
  %0 = terse.decode %w : !h
  %1 = terse.encode %x : tensor<8xf32> -> !h
  return %0, %1 : tensor<8xf32>, !h
}

// -----

!q = tensor<?x8xf32, #terse.uniform<i8, axis = 1>>

// CHECK-LABEL: func.func @encode_given_parameters
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[S:.*]]: tensor<8xf32>) -> (tensor<?x8xi8>, tensor<8xf32>)
func.func @encode_given_parameters(%x: tensor<?x8xf32>, %s: tensor<8xf32>) -> !q {
  // CHECK-NEXT: %[[SR:.*]] = nn.reshape %[[S]] : (tensor<8xf32>) -> tensor<1x8xf32>
  // CHECK-NEXT: %[[D:.*]] = nn.binary div %[[X]], %[[SR]]
  // CHECK-NEXT: %[[R:.*]] = nn.unary round %[[D]]
  // CHECK-NEXT: %[[C:.*]] = nn.unary clamp %[[R]] {alpha = -1.280000e+02 : f64, beta = 1.270000e+02 : f64}
  // CHECK-NEXT: %[[Q:.*]] = nn.cast %[[C]] : (tensor<?x8xf32>) -> tensor<?x8xi8>
  // CHECK-NEXT: return %[[Q]], %[[S]]
  %0 = terse.encode %x params(%s : tensor<8xf32>) : tensor<?x8xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<4xf32, #terse.uniform<i8, narrow>>

// CHECK-LABEL: func.func @encode_narrow
func.func @encode_narrow(%x: tensor<4xf32>, %s: tensor<f32>) -> !q {
  // CHECK: nn.unary clamp %{{.*}} {alpha = -1.270000e+02 : f64, beta = 1.270000e+02 : f64}
  %0 = terse.encode %x params(%s : tensor<f32>) : tensor<4xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<?x8xf32, #terse.uniform<i8, dynamic, scale = f16>>

// CHECK-LABEL: func.func @encode_dynamic_symmetric
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>) -> (tensor<?x8xi8>, tensor<f16>)
func.func @encode_dynamic_symmetric(%x: tensor<?x8xf32>) -> !q {
  // CHECK: %[[A:.*]] = nn.unary abs %[[X]]
  // CHECK: %[[INF:.*]] = nn.constant dense<0x7F800000>
  // CHECK: %[[FIN:.*]] = nn.compare lt %[[A]], %[[INF]]
  // CHECK: %[[F:.*]] = nn.select %[[FIN]], %[[A]]
  // CHECK: %[[RED:.*]] = nn.reduce max %[[F]] {axes = array<i64: 0, 1>} : (tensor<?x8xf32>) -> tensor<f32>
  // CHECK: %[[MAX:.*]] = nn.binary max %[[RED]]
  // CHECK: %[[DIV:.*]] = nn.binary div %[[MAX]]
  // CHECK: %[[ZERO:.*]] = nn.compare eq %[[MAX]]
  // CHECK: %[[SEL:.*]] = nn.select %[[ZERO]], %{{.*}}, %[[DIV]]
  // CHECK: %[[CLAMP:.*]] = nn.unary clamp %[[SEL]]
  // CHECK: %[[STORED:.*]] = nn.cast %[[CLAMP]] : (tensor<f32>) -> tensor<f16>
  // CHECK: %[[SEEN:.*]] = nn.cast %[[STORED]] : (tensor<f16>) -> tensor<f32>
  // CHECK: %[[Q:.*]] = nn.binary div %[[X]], %[[SEEN]]
  // CHECK: return %{{.*}}, %[[STORED]]
  %0 = terse.encode %x : tensor<?x8xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<4xf32, #terse.uniform<ui8, dynamic, zero_point>>

// CHECK-LABEL: func.func @encode_dynamic_zero_point
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>) -> (tensor<4xui8>, tensor<f32>, tensor<ui8>)
func.func @encode_dynamic_zero_point(%x: tensor<4xf32>) -> !q {
  // CHECK: %[[MAX:.*]] = nn.reduce max
  // CHECK: %[[HI:.*]] = nn.binary max %[[MAX]]
  // CHECK: %[[MIN:.*]] = nn.reduce min
  // CHECK: %[[LO:.*]] = nn.binary min %[[MIN]]
  // CHECK: %[[SPAN:.*]] = nn.binary sub %[[HI]], %[[LO]]
  // CHECK: %[[STEPS:.*]] = nn.constant dense<2.550000e+02>
  // CHECK: nn.binary div %[[SPAN]], %[[STEPS]]
  // CHECK: %[[SEL:.*]] = nn.select
  // CHECK: %[[S:.*]] = nn.unary clamp %[[SEL]]
  // CHECK: %[[LS:.*]] = nn.binary div %[[LO]], %[[S]]
  // CHECK: %[[ZF:.*]] = nn.unary clamp %{{.*}} {beta = 2.550000e+02 : f64}
  // CHECK: %[[Z:.*]] = nn.cast %[[ZF]] : (tensor<f32>) -> tensor<ui8>
  // CHECK: %[[D:.*]] = nn.binary div %[[X]], %[[S]]
  // CHECK: %[[NUMBER:.*]] = nn.compare eq %[[D]], %[[D]]
  // CHECK: %[[N:.*]] = nn.select %[[NUMBER]], %[[D]]
  // CHECK: %[[R:.*]] = nn.unary round %[[N]]
  // CHECK: nn.binary add %[[R]], %[[ZF]]
  // CHECK: return %{{.*}}, %[[S]], %[[Z]]
  %0 = terse.encode %x : tensor<4xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<7x100xf32, #terse.uniform<i4, block = [1, 32]>>

// Zeros fill up the last block.
// CHECK-LABEL: func.func @encode_short_last_block
func.func @encode_short_last_block(%x: tensor<7x100xf32>) -> !q {
  // CHECK: %[[P:.*]] = nn.pad constant %{{.*}} {high = array<i64: 0, 28>, low = array<i64: 0, 0>}
  // CHECK: %[[R:.*]] = nn.reshape %[[P]] : (tensor<7x128xf32>) -> tensor<7x4x32xf32>
  // CHECK: nn.reduce max %[[R]] {axes = array<i64: 2>} : (tensor<7x4x32xf32>) -> tensor<7x4xf32>
  %0 = terse.encode %x : tensor<7x100xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<?x?xf32, #terse.uniform<i4, block = [1, 32]>>

// How many zeros are missing is known at run time only.
// CHECK-LABEL: func.func @encode_dynamic_blocks
func.func @encode_dynamic_blocks(%x: tensor<?x?xf32>) -> !q {
  // CHECK: %[[P:.*]] = nn.pad constant %{{.*}} {high = array<i64: 0, 31>, low = array<i64: 0, 0>}
  // CHECK: %[[C:.*]] = nn.dynamic_slice %[[P]]
  // CHECK: %[[R:.*]] = nn.reshape %[[C]], %{{.*}} : (tensor<?x?xf32>, tensor<3xi64>) -> tensor<?x?x32xf32>
  // CHECK: nn.reduce max %[[R]] {axes = array<i64: 2>} : (tensor<?x?x32xf32>) -> tensor<?x?xf32>
  %0 = terse.encode %x : tensor<?x?xf32> -> !q
  return %0 : !q
}

// -----

!q = tensor<2x?x8xf32, #terse.uniform<i8, block = [1, 1, ?], dynamic>>

// One scale per token.
// CHECK-LABEL: func.func @encode_whole_dimension
func.func @encode_whole_dimension(%x: tensor<2x?x8xf32>) -> !q {
  // CHECK: nn.reduce max %{{.*}} {axes = array<i64: 2>, keepdims = true} : (tensor<2x?x8xf32>) -> tensor<2x?x1xf32>
  %0 = terse.encode %x : tensor<2x?x8xf32> -> !q
  return %0 : !q
}

// -----

// CHECK-LABEL: func.func @fake_quant
func.func @fake_quant(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  // CHECK: nn.binary div
  // CHECK: %[[Q:.*]] = nn.cast %{{.*}} : (tensor<4xf32>) -> tensor<4xi8>
  // CHECK: nn.cast %[[Q]] : (tensor<4xi8>) -> tensor<4xf32>
  // CHECK: nn.binary mul
  %0 = terse.fake_quant #terse.uniform<i8> %x params(%s : tensor<f32>) : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

!w = tensor<64x32xf32, #terse.uniform<i8>>

// Ops that know no encodings compute in float, decoded once for two uses by one op.
// CHECK-LABEL: func.func @implicit_decode
// CHECK-SAME: %[[X:.*]]: tensor<2x32xf32>, %[[V:.*]]: tensor<64x32xi8>, %[[S:.*]]: tensor<f32>
func.func @implicit_decode(%x: tensor<2x32xf32>, %w: !w) -> (tensor<2x64xf32>, tensor<64x32xf32>) {
  // CHECK: %[[W:.*]] = nn.binary mul
  // CHECK: nn.linear %[[X]], %[[W]] : (tensor<2x32xf32>, tensor<64x32xf32>) -> tensor<2x64xf32>
  %0 = nn.linear %x, %w : (tensor<2x32xf32>, !w) -> tensor<2x64xf32>
  // CHECK: %[[W2:.*]] = nn.binary mul
  // CHECK: nn.binary add %[[W2]], %[[W2]]
  %1 = nn.binary add %w, %w : (!w, !w) -> tensor<64x32xf32>
  return %0, %1 : tensor<2x64xf32>, tensor<64x32xf32>
}

// -----

!q = tensor<4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @implicit_encode
// CHECK-SAME: -> (tensor<4xi8>, tensor<f32>)
func.func @implicit_encode(%x: tensor<4xf32>) -> !q {
  // CHECK: %[[R:.*]] = nn.unary relu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: nn.binary div %[[R]]
  %0 = nn.unary relu %x : (tensor<4xf32>) -> !q
  return %0 : !q
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// CHECK-LABEL: func.func @assemble_and_components
// CHECK-SAME: %[[V:.*]]: tensor<4xi8>, %[[S:.*]]: tensor<f32>
func.func @assemble_and_components(%v: tensor<4xi8>, %s: tensor<f32>) -> (tensor<4xi8>, tensor<f32>, !w) {
  // CHECK-NEXT: return %[[V]], %[[S]], %[[V]], %[[S]]
  %0 = terse.assemble %v, %s : (tensor<4xi8>, tensor<f32>) -> !w
  %1:2 = terse.components %0 : !w
  return %1#0, %1#1, %0 : tensor<4xi8>, tensor<f32>, !w
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// Names follow a value to its components.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{.*}}: tensor<2xf32> {nn.name = "x"}
// CHECK-SAME: %{{.*}}: tensor<4xi8> {nn.name = "w.values"}, %{{.*}}: tensor<f32> {nn.name = "w.scales"}
// CHECK-SAME: %{{.*}}: tensor<3xf32> {nn.name = "b"}
// CHECK-SAME: -> (tensor<4xi8> {nn.name = "y.values"}, tensor<f32> {nn.name = "y.scales"}, tensor<3xf32> {nn.name = "z"})
func.func @main(%x: tensor<2xf32> {nn.name = "x"}, %w: !w {nn.name = "w"}, %b: tensor<3xf32> {nn.name = "b"})
    -> (!w {nn.name = "y"}, tensor<3xf32> {nn.name = "z"}) {
  return %w, %b : !w, tensor<3xf32>
}

// -----

!w = tensor<4xf32, #terse.uniform<i8>>

// CHECK: func.func private @callee(tensor<4xi8>, tensor<f32>) -> (tensor<4xi8>, tensor<f32>)
func.func private @callee(%w: !w) -> !w

// CHECK-LABEL: func.func @control_flow
// CHECK-SAME: %[[C:.*]]: i1, %[[V:.*]]: tensor<4xi8>, %[[S:.*]]: tensor<f32>, %{{.*}}: index) -> (tensor<4xi8>, tensor<f32>)
func.func @control_flow(%c: i1, %w: !w, %n: index) -> !w {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[FOR:.*]]:2 = scf.for {{.*}} iter_args(%[[A:.*]] = %[[V]], %[[B:.*]] = %[[S]]) -> (tensor<4xi8>, tensor<f32>)
  // CHECK: func.call @callee(%[[A]], %[[B]]) : (tensor<4xi8>, tensor<f32>) -> (tensor<4xi8>, tensor<f32>)
  // CHECK: scf.yield %{{.*}}, %{{.*}} : tensor<4xi8>, tensor<f32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %w) -> !w {
    %1 = func.call @callee(%a) : (!w) -> !w
    scf.yield %1 : !w
  }
  // CHECK: %[[IF:.*]]:2 = scf.if %[[C]] -> (tensor<4xi8>, tensor<f32>)
  %2 = scf.if %c -> !w {
    %1 = func.call @callee(%w) : (!w) -> !w
    scf.yield %1 : !w
  } else {
    scf.yield %w : !w
  }
  // CHECK: %[[WHILE:.*]]:2 = scf.while (%{{.*}} = %[[V]], %{{.*}} = %[[S]]) : (tensor<4xi8>, tensor<f32>) -> (tensor<4xi8>, tensor<f32>)
  %3 = scf.while (%a = %w) : (!w) -> !w {
    scf.condition(%c) %a : !w
  } do {
  ^bb0(%b: !w):
    %1 = func.call @callee(%b) : (!w) -> !w
    scf.yield %1 : !w
  }
  // CHECK: %[[X:.*]] = arith.select %[[C]], %[[IF]]#0, %[[WHILE]]#0 : tensor<4xi8>
  // CHECK: %[[Y:.*]] = arith.select %[[C]], %[[IF]]#1, %[[WHILE]]#1 : tensor<f32>
  %4 = arith.select %c, %2, %3 : !w
  // CHECK: cf.cond_br %[[C]], ^bb1(%[[X]], %[[Y]] : tensor<4xi8>, tensor<f32>), ^bb1(%[[FOR]]#0, %[[FOR]]#1 : tensor<4xi8>, tensor<f32>)
  cf.cond_br %c, ^bb1(%4 : !w), ^bb1(%0 : !w)
// CHECK: ^bb1(%[[L:.*]]: tensor<4xi8>, %[[M:.*]]: tensor<f32>):
^bb1(%k: !w):
  // CHECK: return %[[L]], %[[M]]
  return %k : !w
}

// -----

#e = #terse.uniform<i8, axis = 0>

// CHECK-LABEL: func.func @tensor_cast
func.func @tensor_cast(%w: tensor<4x2xf32, #e>) -> tensor<?x2xf32, #e> {
  // CHECK: tensor.cast %{{.*}} : tensor<4x2xi8> to tensor<?x2xi8>
  // CHECK: tensor.cast %{{.*}} : tensor<4xf32> to tensor<?xf32>
  %0 = tensor.cast %w : tensor<4x2xf32, #e> to tensor<?x2xf32, #e>
  return %0 : tensor<?x2xf32, #e>
}

// -----

// Nothing to do, and observers of float values stay.
// CHECK-LABEL: func.func @no_encodings
func.func @no_encodings(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: terse.observe
  // CHECK-NEXT: nn.unary relu
  // CHECK-NEXT: return
  %0 = terse.observe %x "x" min_max : tensor<4xf32>
  %1 = nn.unary relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Float values are widened by a cast and multiplied with their scale.
// CHECK-LABEL: func.func @decode_minifloat
// CHECK-SAME: %[[V:.*]]: tensor<4x64xf4E2M1FN>, %[[S:.*]]: tensor<4x2xf8E8M0FNU>)
func.func @decode_minifloat(%w: tensor<4x64xf32, #terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>>) -> tensor<4x64xf32> {
  // CHECK: %[[SF:.*]] = nn.cast %[[S]] : (tensor<4x2xf8E8M0FNU>) -> tensor<4x2xf32>
  // CHECK: %[[W:.*]] = nn.reshape %[[V]] : (tensor<4x64xf4E2M1FN>) -> tensor<4x2x32xf4E2M1FN>
  // CHECK: %[[WF:.*]] = nn.cast %[[W]] : (tensor<4x2x32xf4E2M1FN>) -> tensor<4x2x32xf32>
  // CHECK: %[[SW:.*]] = nn.reshape %[[SF]] : (tensor<4x2xf32>) -> tensor<4x2x1xf32>
  // CHECK: nn.binary mul %[[WF]], %[[SW]]
  %0 = terse.decode %w : tensor<4x64xf32, #terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>>
  return %0 : tensor<4x64xf32>
}

// -----

// A learned table is read by a gather; each group's indices begin where its part of the table does.
// CHECK-LABEL: func.func @decode_palette
// CHECK-SAME: %[[V:.*]]: tensor<16x64xui4>, %[[T:.*]]: tensor<2x1x16xf16>)
func.func @decode_palette(%w: tensor<16x64xf32, #terse.codebook<ui4, table = f16, group = [8, ?]>>) -> tensor<16x64xf32> {
  // CHECK: %[[I:.*]] = nn.cast %[[V]] : (tensor<16x64xui4>) -> tensor<16x64xi32>
  // CHECK: %[[F:.*]] = nn.reshape {{.*}} -> tensor<32xf32>
  // CHECK: nn.iota {axis = 0 : i64} : () -> tensor<2xi32>
  // CHECK: %[[AT:.*]] = nn.binary add
  // CHECK: %[[FLAT:.*]] = nn.reshape %[[AT]] {{.*}} -> tensor<16x64xi32>
  // CHECK: nn.gather %[[F]], %[[FLAT]]
  %0 = terse.decode %w : tensor<16x64xf32, #terse.codebook<ui4, table = f16, group = [8, ?]>>
  return %0 : tensor<16x64xf32>
}

// -----

// A fixed table is a small constant.
// CHECK-LABEL: func.func @decode_nf4
// CHECK-SAME: %[[V:.*]]: tensor<8x64xui4>, %[[S:.*]]: tensor<8x1xf32>)
func.func @decode_nf4(%w: tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 64]>>) -> tensor<8x64xf32> {
  // CHECK: %[[T:.*]] = nn.constant {{.*}} : tensor<16xf32>
  // CHECK: %[[X:.*]] = nn.gather %[[T]]
  // CHECK: nn.binary mul %[[X]], %[[S]]
  %0 = terse.decode %w : tensor<8x64xf32, #terse.codebook<ui4, table = nf4, block = [1, 64]>>
  return %0 : tensor<8x64xf32>
}

// -----

// CHECK-LABEL: func.func @decode_sum
// CHECK-SAME: %[[V:.*]]: tensor<8x1xf16>, %[[I:.*]]: tensor<1xui16>, %[[Q:.*]]: tensor<8x64xi8>, %[[S:.*]]: tensor<8xf32>)
func.func @decode_sum(%w: tensor<8x64xf32, #terse.sum<#terse.columns<f16, count = 1, axis = 1>, #terse.uniform<i8, axis = 0>>>) -> tensor<8x64xf32> {
  // CHECK: %[[IS:.*]] = nn.compare eq
  // CHECK: %[[COLUMNS:.*]] = nn.select %[[IS]]
  // CHECK: %[[REST:.*]] = nn.binary mul
  // CHECK: nn.binary add %[[COLUMNS]], %[[REST]]
  %0 = terse.decode %w : tensor<8x64xf32, #terse.sum<#terse.columns<f16, count = 1, axis = 1>, #terse.uniform<i8, axis = 0>>>
  return %0 : tensor<8x64xf32>
}
