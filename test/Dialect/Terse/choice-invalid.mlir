// RUN: terse-opt %s --split-input-file --verify-diagnostics

// @choice_c2_numbers_increase
func.func @choice_c2() {
  // expected-error @below {{expected increasing operand numbers from 0 (got 0 after 1)}}
  return {terse.choice = #terse.choice<1 = "a", 0 = "b">}
}

// -----

func.func @choice_c2_negative() {
  // expected-error @below {{expected increasing operand numbers from 0 (got -2 after -1)}}
  return {terse.choice = #terse.choice<-2 = "a">}
}

// -----

func.func @choice_c3() {
  // expected-error @below {{expected a terse encoding or a reason in quotes (got 5 : i32)}}
  return {terse.choice = #terse.choice<0 = 5 : i32>}
}
