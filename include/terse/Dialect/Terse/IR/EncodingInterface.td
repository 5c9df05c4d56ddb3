//===- EncodingInterface.td - What every encoding answers -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_TD
#define TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/TensorEncoding.td"

def EncodingAttrInterface
    : AttrInterface<"EncodingAttrInterface", [VerifiableTensorEncoding]> {
  let cppNamespace = "::terse";
  let description = [{
    A way to store a float tensor as a list of plain tensors, its *components*.

    The encoding stands as the encoding attribute of the logical tensor type,
    `tensor<64x32xf32, #terse.uniform<i8>>`. Everything that differs from one
    encoding to the next is asked here, so that no pass, no tool and no report
    names an encoding. docs/AddingAnEncoding.md leads through writing one.

    `logical` below is always the ranked float tensor type that the encoded
    tensor stands for; an encoding that it carries is ignored.
  }];
  let methods = [
    InterfaceMethod<[{
        The components in storage order: names that are unique within the
        encoding, and types. A slot that is itself encoded contributes its own
        components, prefixed with the slot's name and a dot
        (`scales.values`, `scales.scales`).
      }],
      "::llvm::SmallVector<::terse::EncodingComponent>", "getComponents",
      (ins "::mlir::RankedTensorType":$logical)>,

    InterfaceMethod<[{
        Storage of all components together, in bits: exact, without padding
        between elements or components. Absent when a dimension is dynamic.
      }],
      "std::optional<int64_t>", "getBits",
      (ins "::mlir::RankedTensorType":$logical), "",
      /*defaultImplementation=*/[{
        return ::terse::sumComponentBits($_attr.getComponents(logical));
      }]>,

    InterfaceMethod<[{
        Whether buildEncode can encode a tensor that is only known at run time.
      }],
      "bool", "isRunTimeEncodable">,

    InterfaceMethod<[{
        Whether the parameters belong to the run: they are computed from the
        tensor each time, and `terse.encode` is given none.
      }],
      "bool", "hasRunTimeParameters", (ins), "",
      /*defaultImplementation=*/[{ return false; }]>,

    InterfaceMethod<[{
        Whether parts of it are still relative to a weight, such as `block = 32`
        (elements along whatever is summed over) or `channels = 8`. A template is
        legal on no tensor; fit makes an encoding of it.
      }],
      "bool", "isTemplate", (ins), "",
      /*defaultImplementation=*/[{ return false; }]>,

    InterfaceMethod<[{
        The encoding that this template means for a weight of type `logical` with
        these axes; itself if it is no template. What it returns need not be legal:
        verifyEncoding says why.
      }],
      "::terse::EncodingAttrInterface", "fit",
      (ins "::mlir::RankedTensorType":$logical, "const ::terse::WeightAxes &":$axes), "",
      /*defaultImplementation=*/[{
        return ::llvm::cast<::terse::EncodingAttrInterface>($_attr);
      }]>,

    InterfaceMethod<[{
        Which elements share an element of the parameter `scales`, for encodings
        that have one: what a search for better scales asks.
      }],
      "std::optional<::terse::Granularity>", "getScaleGranularity", (ins), "",
      /*defaultImplementation=*/[{ return std::nullopt; }]>,

    InterfaceMethod<[{
        Encodes the constant `x` of type `logical`, whose dynamic dimensions are
        those of `x`. `parameters` are the components marked as
        parameters, in order, or empty to have them computed from `x`. Returns
        all components. Fails with a diagnostic from `emitError`.
      }],
      "::mlir::FailureOr<::llvm::SmallVector<::terse::HostTensor>>", "encodeHost",
      (ins "const ::terse::HostTensor &":$x,
           "::mlir::RankedTensorType":$logical,
           "::llvm::ArrayRef<::terse::HostTensor>":$parameters,
           "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>,

    InterfaceMethod<[{
        Decodes constant components to a tensor of type `logical`; its dynamic
        dimensions follow from the components where they determine them, and
        must be static elsewhere. Fails with a diagnostic from `emitError`.
      }],
      "::mlir::FailureOr<::terse::HostTensor>", "decodeHost",
      (ins "::llvm::ArrayRef<::terse::HostTensor>":$components,
           "::mlir::RankedTensorType":$logical,
           "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>,

    InterfaceMethod<[{
        Builds `nn` ops that compute what decodeHost computes. Always works;
        kernels that compute on the components are chosen elsewhere.
      }],
      "::mlir::Value", "buildDecode",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::RankedTensorType":$logical,
           "::mlir::ValueRange":$components)>,

    InterfaceMethod<[{
        Builds `nn` ops that compute what encodeHost computes, and returns all
        components; given parameters are among them as they are. Fails without
        having built anything when the encoding is not run-time encodable.
      }],
      "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildEncode",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$x, "::mlir::ValueRange":$parameters)>,
  ];
}

#endif // TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_TD
