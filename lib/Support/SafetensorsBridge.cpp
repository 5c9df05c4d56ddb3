//===- SafetensorsBridge.cpp - Tensors of files as attributes ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/SafetensorsBridge.h"

#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

llvm::Expected<DenseResourceElementsAttr> terse::mapTensor(const SafetensorsFile &file,
                                                           StringRef name, RankedTensorType type,
                                                           StringRef resource) {
  std::optional<DType> dtype = toDType(type.getElementType());
  if (!dtype || !type.hasStaticShape())
    return makeError("'{0}' has type {1}, which no weights file can hold", name, type);
  const SafetensorsEntry *entry = file.find(name);
  if (!entry)
    return makeError("tensor '{0}' ({1}) of the module is missing", name,
                     formatTensorType(type.getShape(), *dtype));
  if (entry->dtype != *dtype || ArrayRef<int64_t>(entry->shape) != type.getShape())
    return makeError("tensor '{0}' is {1}, but the module needs {2}", name,
                     formatTensorType(entry->shape, entry->dtype),
                     formatTensorType(type.getShape(), *dtype));
  uint64_t expected = getPackedBytes(*dtype, type.getNumElements());
  if (entry->bytes.size() != expected)
    return makeError("tensor '{0}' has {1} bytes of data, expected {2}", name, entry->bytes.size(),
                     expected);

  // Elements of resources must be aligned; a file by another writer need not align them.
  size_t alignment = dtype->isSubByte() ? 1 : dtype->getHostBytes();
  auto &manager = DenseResourceElementsHandle::getManagerInterface(type.getContext());
  AsmResourceBlob blob;
  if (reinterpret_cast<uintptr_t>(entry->bytes.data()) % alignment == 0) {
    blob = makeSharedBlob(entry->bytes, alignment, file.getOwner());
  } else {
    ArrayRef<char> bytes(reinterpret_cast<const char *>(entry->bytes.data()), entry->bytes.size());
    blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, alignment, /*dataIsMutable=*/false);
  }
  return DenseResourceElementsAttr::get(type, manager.insert(resource, std::move(blob)));
}
