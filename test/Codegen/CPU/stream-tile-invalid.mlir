// RUN: terse-opt %s --split-input-file --verify-diagnostics

func.func @element(%x: memref<1024xi8>, %i: index) {
  // expected-error@+1 {{expected a tile of the memory's 'i8' (got '!amx.tile<16x32xbf16>')}}
  %0 = terse_cpu.stream_tile %x[%i], %i : memref<1024xi8> into !amx.tile<16x32xbf16>
  return
}

// -----

func.func @indices(%x: memref<16x64xi8>, %i: index) {
  // expected-error@+1 {{expected 2 indices (got 1)}}
  %0 = terse_cpu.stream_tile %x[%i], %i : memref<16x64xi8> into !amx.tile<16x64xi8>
  return
}

// -----

func.func @no_tile(%x: memref<16x64xi8>, %i: index) {
  // expected-error@+1 {{must be tile, but got 'vector<16x64xi8>'}}
  %0 = terse_cpu.stream_tile %x[%i, %i], %i : memref<16x64xi8> into vector<16x64xi8>
  return
}
