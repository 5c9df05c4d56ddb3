// RUN: terse-opt %s --split-input-file --verify-diagnostics

func.func @c1_entries(%x: i8) -> i8 {
  // expected-error@+1 {{expected a table of 256 entries (got 'tensor<255xi8>')}}
  %0 = terse_cpu.lookup %x in dense<7> : tensor<255xi8> : i8 -> i8
  return %0 : i8
}

// -----

func.func @c1_element(%x: i8) -> i8 {
  // expected-error@+1 {{expected a result of the table's 'i16' (got 'i8')}}
  %0 = terse_cpu.lookup %x in dense<7> : tensor<256xi16> : i8 -> i8
  return %0 : i8
}

// -----

func.func @c2_shape(%x: vector<8xi8>) -> vector<4xi8> {
  // expected-error@+1 {{all non-scalar operands/results must have the same shape and base type}}
  %0 = terse_cpu.lookup %x in dense<7> : tensor<256xi8> : vector<8xi8> -> vector<4xi8>
  return %0 : vector<4xi8>
}
