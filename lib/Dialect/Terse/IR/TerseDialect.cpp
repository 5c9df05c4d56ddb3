//===- TerseDialect.cpp - The terse dialect ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "mlir/Bytecode/BytecodeImplementation.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/ScalarEncoding.h"
#include "terse/Dialect/Terse/IR/BlockProduct.h"

using namespace mlir;
using namespace terse;

#include "terse/Dialect/Terse/IR/TerseDialect.cpp.inc"

namespace {

/// Written into bytecode from the first release on, so that later readers can upgrade old files.
struct TerseDialectVersion : DialectVersion {
  explicit TerseDialectVersion(uint64_t number) : number(number) {}
  uint64_t number;
};

constexpr uint64_t kCurrentVersion = 1;

/// Attributes are stored in their textual form, which is the one that is documented and tested; the
/// interface adds the version.
struct TerseBytecodeInterface : BytecodeDialectInterface {
  explicit TerseBytecodeInterface(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  void writeVersion(DialectBytecodeWriter &writer) const override {
    writer.writeVarInt(kCurrentVersion);
  }

  std::unique_ptr<DialectVersion> readVersion(DialectBytecodeReader &reader) const override {
    uint64_t number;
    if (failed(reader.readVarInt(number)))
      return nullptr;
    if (number > kCurrentVersion) {
      reader.emitError() << "the terse dialect of this file has version " << number
                         << "; this build reads versions up to " << kCurrentVersion;
      return nullptr;
    }
    return std::make_unique<TerseDialectVersion>(number);
  }
};

} // namespace

void TerseDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "terse/Dialect/Terse/IR/TerseOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "terse/Dialect/Terse/IR/BlockProduct.cpp.inc"
      >();
  addInterfaces<TerseBytecodeInterface>();
  attachScalarEncodings(getContext());
}
