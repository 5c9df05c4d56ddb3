//===- Npy.h - NumPy's array file format ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The .npy format, versions 1.0 to 3.0 (numpy.lib.format). Reading takes every numeric dtype of
// NumPy that has a DType: bool, (u)int8 to (u)int64, float16, float32, float64, in both byte orders
// and both memory orders. Complex, structured, string, time and object arrays are errors.
//
// Files are written as NumPy writes them: version 1.0, C order, little-endian, data at a multiple
// of 64 bytes. Element types that NumPy does not have are widened, without loss: narrow integers to
// int8 and uint8, bf16 and the 4- to 8-bit floats to float32.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_NPY_H
#define TERSE_SUPPORT_NPY_H

#include "terse/Support/HostTensor.h"
#include "llvm/Support/raw_ostream.h"

namespace terse {

/// Reads a .npy file. The tensor is a view of the file's mapping where the memory order and the
/// byte order allow it.
llvm::Expected<HostTensor> readNpy(llvm::StringRef path);

/// Parses the contents of a .npy file, which must end with the array. With an owner the tensor may
/// be a view of the bytes. The bytes may be hostile.
llvm::Expected<HostTensor> parseNpy(llvm::ArrayRef<uint8_t> bytes,
                                    std::shared_ptr<const void> owner = nullptr);

/// What the header of a .npy file says.
struct NpyLayout {
  DType dtype;
  std::vector<int64_t> shape;
  bool isFortranOrder = false, isByteSwapped = false;
  /// Where the data begin.
  size_t dataOffset = 0;
};

/// Parses the header of a .npy file; `bytes` holds at least all of it.
llvm::Expected<NpyLayout> parseNpyHeader(llvm::ArrayRef<uint8_t> bytes);

/// Writes a .npy file, atomically.
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor);

/// The tensor as it is written: widened to an element type that NumPy has.
HostTensor widenForNumpy(const HostTensor &tensor);

/// The header of a .npy file up to the data. The element type must be one that NumPy has.
std::string makeNpyHeader(DType dtype, llvm::ArrayRef<int64_t> shape);

} // namespace terse

#endif // TERSE_SUPPORT_NPY_H
