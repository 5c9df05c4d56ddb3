//===- format.h - Layout of `.terse` artifacts -----------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared by the writer (lib/Artifact) and the loader (lib/Runtime); described
// in docs/Formats.md. All numbers are little-endian.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RUNTIME_FORMAT_H
#define TERSE_RUNTIME_FORMAT_H

#include <stdint.h>

/// Eight bytes; the first is not ASCII and the last two are a line end, so that neither a text file
/// nor a transfer that changes line ends goes unnoticed.
#define TERSE_FORMAT_MAGIC "\x89TERSE\r\n"
/// Version 2 lists variants of the code behind the metadata of version 1; where there is one
/// variant only, version 1 is written.
#define TERSE_FORMAT_VERSION 2
/// The weights begin at a multiple of this.
#define TERSE_FORMAT_PAGE 4096

/// The first 128 bytes of the file.
typedef struct terse_file_header {
  char magic[8];
  uint32_t version;
  uint32_t abi_version;
  /// Of the whole file: a shorter or longer one is damaged.
  uint64_t file_size;
  uint64_t metadata_offset, metadata_size;
  /// An ELF shared object; of several variants, the first.
  uint64_t code_offset, code_size;
  uint64_t weights_offset, weights_size;
  uint64_t arena_size;
  /// The ELF machine number of the code.
  uint32_t machine;
  /// CRC-32 (polynomial 0xEDB88320) of each section.
  uint32_t metadata_checksum, code_checksum, weights_checksum;
  /// Names and ends of the ranges that the code counts; 0 where it counts none. The last output is
  /// theirs then.
  uint64_t ranges_offset, ranges_size;
  uint32_t ranges_checksum;
  uint8_t reserved[8];
  /// CRC-32 of the 124 bytes before it.
  uint32_t header_checksum;
} terse_file_header;

#endif // TERSE_RUNTIME_FORMAT_H
