// RUN: terse-opt %s -split-input-file -verify-diagnostics

func.func @block_product_c1_no_integers(%x: tensor<2x64xi8>, %w: tensor<8x64xf32, #terse.codebook<ui4, table = nf4>>) {
  // expected-error @+1 {{expected a weight encoded as integers of 2 to 8 bits}}
  %0 = terse.block_product %x, %w : (tensor<2x64xi8>, tensor<8x64xf32, #terse.codebook<ui4, table = nf4>>) -> tensor<2x8xf32>
  return
}

// -----

func.func @block_product_c2_channels(%x: tensor<2x32xi8>, %w: tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) {
  // expected-error @+1 {{expected an input of rank 2 or more with 64 channels (got 'tensor<2x32xi8>')}}
  %0 = terse.block_product %x, %w : (tensor<2x32xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> tensor<2x8xf32>
  return
}

// -----

func.func @block_product_c3_result(%x: tensor<2x64xi8>, %w: tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) {
  // expected-error @+1 {{expected a result of the input's shape with 8 channels (got 'tensor<2x9xf32>')}}
  %0 = terse.block_product %x, %w : (tensor<2x64xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32]>>) -> tensor<2x9xf32>
  return
}

// -----

func.func @block_product_c4_overflow(%x: tensor<2x65537xi8>, %w: tensor<1x65537xf32, #terse.uniform<ui8, axis = 0>>) {
  // expected-error @+1 {{expected blocks whose sums fit i32}}
  %0 = terse.block_product %x, %w : (tensor<2x65537xi8>, tensor<1x65537xf32, #terse.uniform<ui8, axis = 0>>) -> tensor<2x1xf32>
  return
}
