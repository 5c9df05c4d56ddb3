//===- UKernelDialect.cpp - The ukernel dialect and its attributes --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse::ukernel;

#include "terse/Dialect/UKernel/IR/UKernelDialect.cpp.inc"
#include "terse/Dialect/UKernel/IR/UKernelEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/UKernel/IR/UKernelAttributes.cpp.inc"

void UKernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Dialect/UKernel/IR/UKernelAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "terse/Dialect/UKernel/IR/UKernelOps.cpp.inc"
      >();
}

LogicalResult ScheduleAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, ISA isa,
                                   int64_t rows, int64_t columns, int64_t depth, int64_t align,
                                   int64_t block, int64_t lines) {
  if (lines < 0)
    return emitError() << "expected lines that are not negative (got " << lines << ")";
  if (rows < 1 || columns < 1 || depth < 1 || align < 1 || block < 1)
    return emitError() << "expected positive sizes in the schedule";
  if (align % depth)
    return emitError() << "expected align to be a multiple of depth " << depth << " (got " << align
                       << ")";
  if (block % rows)
    return emitError() << "expected block to be a multiple of rows " << rows << " (got " << block
                       << ")";
  return success();
}

LogicalResult WindowAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                                 ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads, int64_t) {
  if (kernel.size() != 2 || strides.size() != 2 || dilations.size() != 2 || pads.size() != 2)
    return emitError() << "expected 2 sizes, strides, dilations and pads";
  for (ArrayRef<int64_t> list : {kernel, strides, dilations})
    if (llvm::any_of(list, [](int64_t v) { return v < 1; }))
      return emitError() << "expected positive sizes, strides and dilations";
  if (llvm::any_of(pads, [](int64_t v) { return v < 0; }))
    return emitError() << "expected pads that are not negative";
  return success();
}

LogicalResult ChainAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t kernels,
                                int64_t rows) {
  if (kernels < 2 || rows < 1)
    return emitError() << "expected two or more kernels and one or more rows in a chain (got "
                       << kernels << " and " << rows << ")";
  return success();
}

LogicalResult DecodingAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, Type value,
                                   int64_t group, Type scale, bool zeroPoints, TableKind table,
                                   int64_t blocks) {
  if (!value.isIntOrFloat() || value.getIntOrFloatBitWidth() > 8)
    return emitError() << "expected codes of at most 8 bits (got " << value << ")";
  if (isa<FloatType>(value) && (value.getIntOrFloatBitWidth() == 6 || zeroPoints))
    return emitError() << "expected floats of 4 or 8 bits without zero points (got " << value
                       << ")";
  if (table != TableKind::None && !value.isUnsignedInteger())
    return emitError() << "expected unsigned indices into a table (got " << value << ")";
  if (blocks < 0 || blocks > 65536)
    return emitError() << "expected at most 65536 blocks (got " << blocks << ")";
  if (group < 1)
    return emitError() << "expected a positive group (got " << group << ")";
  if (scale &&
      !isa<Float32Type, Float16Type, BFloat16Type, Float8E8M0FNUType, Float8E4M3FNType>(scale))
    return emitError() << "expected scales of f32, f16, bf16, f8E8M0FNU or f8E4M3FN (got " << scale
                       << ")";
  return success();
}
