//===- CPUOps.td - Ops of CPU code generation ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_IR_CPUOPS_TD
#define TERSE_CODEGEN_CPU_IR_CPUOPS_TD

include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Codegen/CPU/IR/CPUDialect.td"

def TerseCPU_LookupOp : Op<TerseCPU_Dialect, "lookup", !listconcat(ElementwiseMappable.traits, [Pure])> {
  let summary = "entry of a table of 256";
  let description = [{
    `result = table[index]`, where the bits of `index` count as an unsigned number; elementwise on vectors.

    (C1) `table` is 1-D, has 256 entries and the element type of `result`.
    (C2) `result` has the shape of `index`.
  }];
  let arguments = (ins AnyTypeOf<[I8, VectorOfNonZeroRankOf<[I8]>]>:$index, ElementsAttr:$table);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$index `in` $table attr-dict `:` type($index) `->` type($result)";
  let hasVerifier = 1;
}

def TerseCPU_Tile : Type<CPred<"::llvm::isa<::mlir::amx::TileType>($_self)">, "tile">;

def TerseCPU_StreamTileOp : Op<TerseCPU_Dialect, "stream_tile", [MemoryEffects<[MemWrite]>]> {
  let summary = "a tile from memory that the nearest cache need not keep";
  let description = [{
    What `amx.tile_load` loads, whose rows lie `stride` elements apart, by an instruction that does not displace
    what the first-level cache holds (`tileloaddt1`). As there, the effect says that each op wants its own register.
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$base, Variadic<Index>:$indices, Index:$stride);
  let results = (outs TerseCPU_Tile:$tile);
  let assemblyFormat = "$base `[` $indices `]` `,` $stride attr-dict `:` type($base) `into` type($tile)";
  let hasVerifier = 1;
}

#endif
