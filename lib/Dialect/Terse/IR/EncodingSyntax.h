//===- EncodingSyntax.h - What encodings write alike ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// After its first parameters an encoding lists keywords in any order:
// `axis = 0`, `block = [1, 32]`, `scale = f16`, flags.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_DIALECT_TERSE_IR_ENCODINGSYNTAX_H
#define TERSE_LIB_DIALECT_TERSE_IR_ENCODINGSYNTAX_H

#include "mlir/IR/DialectImplementation.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"

namespace terse {

/// Parses `(, keyword ...)* >`. `parseOne` reads what follows the keyword. Refuses repeated
/// keywords and those that are not among `keywords`.
mlir::ParseResult parseKeywords(mlir::AsmParser &parser, llvm::ArrayRef<llvm::StringRef> keywords,
                                llvm::function_ref<mlir::ParseResult(llvm::StringRef)> parseOne);

/// `= [1, 32, ?]`
mlir::ParseResult parseSizes(mlir::AsmParser &parser, llvm::SmallVectorImpl<int64_t> &sizes);
void printSizes(mlir::AsmPrinter &printer, llvm::ArrayRef<int64_t> sizes);

/// `f16` or `#terse.other<...>`
mlir::ParseResult parseSlot(mlir::AsmParser &parser, mlir::Attribute &slot);
void printSlot(mlir::AsmPrinter &printer, mlir::Attribute slot);
/// `, scale = f16`; nothing for f32, which is implied.
void printScale(mlir::AsmPrinter &printer, mlir::Attribute scale);

/// What shares a scale, as written: `axis = 0`, `block = [1, 32]` or a template.
struct GranularitySyntax {
  std::optional<int64_t> axis;
  llvm::SmallVector<int64_t> block;
  FitAttr fit;

  static constexpr llvm::StringLiteral keywords[] = {"axis", "block", "channels", "nearest_block"};

  /// Parses what follows `keyword` if it is one of the above; nothing otherwise.
  mlir::OptionalParseResult parse(mlir::AsmParser &parser, llvm::StringRef keyword);
  static void print(mlir::AsmPrinter &printer, const Granularity &granularity, FitAttr fit);
};

/// C2 of every encoding with a granularity.
mlir::LogicalResult verifyGranularity(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                      const Granularity &granularity, FitAttr fit);

/// The same on a tensor; a template is refused.
mlir::LogicalResult verifyGranularityFor(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                         EncodingAttrInterface encoding,
                                         const Granularity &granularity,
                                         llvm::ArrayRef<int64_t> shape);

/// Whether `type` is one that encodings stand for: f16, bf16, f32 or f64.
mlir::LogicalResult verifyLogicalElement(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                         mlir::Attribute encoding, mlir::Type type);

} // namespace terse

#endif // TERSE_LIB_DIALECT_TERSE_IR_ENCODINGSYNTAX_H
