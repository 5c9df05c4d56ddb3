//===- Emulator.c - Instructions that a processor lacks -------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library to preload, so that code for AMX and AVX-VNNI is tested on machines without. The
// processor stops at an instruction that it does not know with SIGILL; the handler decodes it, does
// what Intel's Software Developer's Manual says, and goes on behind it.
//
//   TERSE_EMULATED_FEATURES=amx-tile,amx-int8,amx-bf16 LD_PRELOAD=libTerseEmulator.so PROGRAM
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>

static uint64_t readRegister(const ucontext_t *context, unsigned number) {
  static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                              REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                              REG_R12, REG_R13, REG_R14, REG_R15};
  return (uint64_t)context->uc_mcontext.gregs[order[number]];
}

static int64_t readDisplacement(const uint8_t **code, unsigned bytes) {
  int32_t wide = 0;
  if (bytes == 1)
    wide = (int8_t) * *code;
  else if (bytes == 4)
    memcpy(&wide, *code, 4);
  *code += bytes;
  return wide;
}

/// False where the code at the instruction pointer has another form.
static int decode(const ucontext_t *context, instruction *in) {
  const uint8_t *start = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP], *code = start;
  *in = (instruction){0};
  // Inverted bits R, X, B, then the map; W, inverted vvvv, L, prefix.
  if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || code[2] & 0x80)
    return 0;
  unsigned extendR = !(code[1] & 0x80), extendX = !(code[1] & 0x40), extendB = !(code[1] & 0x20);
  in->isWide = code[2] >> 2 & 1;
  in->vvvv = ~(code[2] >> 3) & 15;
  in->prefix = code[2] & 3;
  in->opcode = code[3];
  uint8_t modrm = code[4], mode = modrm >> 6;
  code += 5;
  in->reg = (modrm >> 3 & 7) | extendR << 3;
  in->rm = (modrm & 7) | extendB << 3;
  in->isMemory = mode != 3;
  if (in->isMemory) {
    unsigned displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    if ((modrm & 7) == 4) {
      uint8_t sib = *code++;
      unsigned index = (sib >> 3 & 7) | extendX << 3, base = (sib & 7) | extendB << 3;
      if (index != 4)
        in->index = readRegister(context, index) << (sib >> 6);
      if ((base & 7) == 5 && mode == 0)
        displacement = 4;
      else
        in->address = readRegister(context, base);
      in->address += readDisplacement(&code, displacement);
    } else if ((modrm & 7) == 5 && mode == 0) {
      in->address = readDisplacement(&code, 4) + (uint64_t)code;
    } else {
      in->address = readRegister(context, in->rm);
      in->address += readDisplacement(&code, displacement);
    }
  }
  in->length = code - start;
  return 1;
}

/// What the program wants done about SIGILL; in force once an instruction is none of ours.
static struct sigaction wanted;

static int (*getSigaction(void))(int, const struct sigaction *, struct sigaction *) {
  return (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
}

static void handle(int number, siginfo_t *info, void *opaque) {
  (void)info;
  ucontext_t *context = opaque;
  instruction in;
  if (decode(context, &in) && (emulateTiles(&in) || emulateDotProducts(&in, context)))
    context->uc_mcontext.gregs[REG_RIP] += in.length;
  else
    getSigaction()(number, &wanted, NULL); // The instruction runs, and fails, again.
}

/// Programs that print a stack when they crash (all with LLVM's InitLLVM) must not displace the
/// handler.
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  if (number != SIGILL)
    return getSigaction()(number, action, old);
  if (old)
    *old = wanted;
  if (action)
    wanted = *action;
  return 0;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  getSigaction()(SIGILL, &action, &wanted);
}
