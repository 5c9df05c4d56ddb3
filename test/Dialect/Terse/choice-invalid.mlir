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
  // expected-error @below {{expected a terse encoding, #terse.static, #terse.product or a reason in quotes (got 5 : i32)}}
  return {terse.choice = #terse.choice<0 = 5 : i32>}
}

// -----

func.func @static_c1_none(%x: tensor<4xf32>) {
  // expected-error @below {{expected dense constants as parameters (got "0.02")}}
  return {terse.choice = #terse.choice<0 = #terse.static<#terse.uniform<i8>, ["0.02"]>>}
}

// -----

func.func @statistics_range(%x: tensor<4xf32>) {
  // expected-error @below {{expected 4 numbers as range}}
  return {terse.statistics = #terse.statistics<samples = 1, elements = 4, non_finite = 0, range = [1.0], exponent = 0, first = 0>}
}
