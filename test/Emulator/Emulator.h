//===- Emulator.h - Instructions that a processor lacks -------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TEST_EMULATOR_H
#define TERSE_TEST_EMULATOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <ucontext.h>

typedef enum { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 } vex_prefix;

/// An instruction with a VEX prefix of three bytes, of the map 0F38, with W = 0.
typedef struct {
  uint8_t opcode;
  vex_prefix prefix;
  int isWide; ///< 256 bits.
  uint8_t reg, vvvv, rm;
  int isMemory;
  uint64_t address; ///< Base and displacement,
  uint64_t index;   ///< and what is added to them, scaled: the stride of a tile's rows.
  unsigned length;
} instruction;

/// Each returns 0 where the instruction is none of its own, and has done nothing.
int emulateTiles(const instruction *in);
int emulateDotProducts(const instruction *in, ucontext_t *context);

#endif // TERSE_TEST_EMULATOR_H
