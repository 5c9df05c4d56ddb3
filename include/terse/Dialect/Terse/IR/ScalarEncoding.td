//===- ScalarEncoding.td - Encodings of one element at a time -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_SCALARENCODING_TD
#define TERSE_DIALECT_TERSE_IR_SCALARENCODING_TD

include "mlir/IR/OpBase.td"

def ScalarEncodingAttrInterface : AttrInterface<"ScalarEncodingAttrInterface"> {
  let cppNamespace = "::terse";
  let description = [{
    An encoding that, once its parameters (scales, zero points, tables) are known, stores each element as one of a few
    levels, whatever the other elements are. Methods that decide about the rounding of each weight ask it which levels
    there are: encoding a level with the same parameters and decoding it again gives that level.
  }];
  let methods = [
    InterfaceMethod<[{
        The levels of the elements of a tensor of type `logical`, encoded with `parameters`; null where elements depend on
        each other, as in codebooks of vectors.
      }],
      "std::unique_ptr<::terse::ElementLevels>", "getLevels",
      (ins "::mlir::RankedTensorType":$logical, "::llvm::ArrayRef<::terse::HostTensor>":$parameters)>
  ];
}

#endif // TERSE_DIALECT_TERSE_IR_SCALARENCODING_TD
