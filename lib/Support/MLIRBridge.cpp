//===- MLIRBridge.cpp - Host tensors and MLIR attributes --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/MLIRBridge.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "terse/Numerics/Pack.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;
using numerics::FloatKind;

std::optional<DType> terse::toDType(Type type) {
  using Result = std::optional<DType>;
  auto small = [](FloatKind kind) {
    return [kind](Type) -> Result { return DType::smallFloat(kind); };
  };
  return llvm::TypeSwitch<Type, Result>(type)
      .Case<Float64Type>([](Type) { return DType::f64(); })
      .Case<Float32Type>([](Type) { return DType::f32(); })
      .Case<Float16Type>(small(FloatKind::F16))
      .Case<BFloat16Type>(small(FloatKind::BF16))
      .Case<Float8E5M2Type>(small(FloatKind::F8E5M2))
      .Case<Float8E4M3FNType>(small(FloatKind::F8E4M3FN))
      .Case<Float8E5M2FNUZType>(small(FloatKind::F8E5M2FNUZ))
      .Case<Float8E4M3FNUZType>(small(FloatKind::F8E4M3FNUZ))
      .Case<Float8E8M0FNUType>(small(FloatKind::F8E8M0FNU))
      .Case<Float6E3M2FNType>(small(FloatKind::F6E3M2FN))
      .Case<Float6E2M3FNType>(small(FloatKind::F6E2M3FN))
      .Case<Float4E2M1FNType>(small(FloatKind::F4E2M1FN))
      .Case<IndexType>([](Type) { return DType::i64(); })
      .Case<IntegerType>([](IntegerType integer) -> Result {
        unsigned width = integer.getWidth();
        if (integer.isSignless() && width == 1)
          return DType::boolean();
        if (!DType::isValidIntWidth(width))
          return std::nullopt;
        return integer.isUnsigned() ? DType::ui(width) : DType::si(width);
      })
      .Default([](Type) -> Result { return std::nullopt; });
}

Type terse::toMLIRType(DType dtype, MLIRContext *context) {
  switch (dtype.getKind()) {
  case DType::Kind::F64:
    return Float64Type::get(context);
  case DType::Kind::F32:
    return Float32Type::get(context);
  case DType::Kind::Bool:
    return IntegerType::get(context, 1);
  case DType::Kind::SInt:
    return IntegerType::get(context, dtype.getBits(),
                            dtype.getBits() == 1 ? IntegerType::Signed : IntegerType::Signless);
  case DType::Kind::UInt:
    return IntegerType::get(context, dtype.getBits(), IntegerType::Unsigned);
  case DType::Kind::SmallFloat:
    break;
  }
  switch (dtype.getFloatKind()) {
  case FloatKind::F16:
    return Float16Type::get(context);
  case FloatKind::BF16:
    return BFloat16Type::get(context);
  case FloatKind::F8E5M2:
    return Float8E5M2Type::get(context);
  case FloatKind::F8E4M3FN:
    return Float8E4M3FNType::get(context);
  case FloatKind::F8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case FloatKind::F8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case FloatKind::F8E8M0FNU:
    return Float8E8M0FNUType::get(context);
  case FloatKind::F6E3M2FN:
    return Float6E3M2FNType::get(context);
  case FloatKind::F6E2M3FN:
    return Float6E2M3FNType::get(context);
  case FloatKind::F4E2M1FN:
    break;
  }
  return Float4E2M1FNType::get(context);
}

RankedTensorType terse::toTensorType(const HostTensor &tensor, MLIRContext *context) {
  return RankedTensorType::get(tensor.shape, toMLIRType(tensor.dtype, context));
}

//===----------------------------------------------------------------------===//
// Attribute to tensor
//===----------------------------------------------------------------------===//

/// An owner for memory that the context owns: not null, and nothing to release.
static std::shared_ptr<const void> notOwned(const void *data) {
  return std::shared_ptr<const void>(std::shared_ptr<const void>(), data);
}

static llvm::ArrayRef<uint8_t> toBytes(llvm::ArrayRef<char> data) {
  return {reinterpret_cast<const uint8_t *>(data.data()), data.size()};
}

static llvm::Expected<HostTensor> fromDense(DenseElementsAttr attr, DType dtype) {
  llvm::ArrayRef<int64_t> shape = attr.getType().getShape();
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return makeError("the shape of {0} has too many elements", attr.getType());

  // How MLIR stores single bits is its own business: ask element by element.
  if (dtype.getBits() == 1) {
    HostTensor result = HostTensor::zeros(dtype, shape);
    llvm::MutableArrayRef<uint8_t> out = result.getMutableBytes();
    for (auto [index, value] : llvm::enumerate(attr.getValues<llvm::APInt>()))
      out[index] = numerics::extendBits(value.getBoolValue(), 1, dtype.isSignedInteger());
    return result;
  }

  llvm::ArrayRef<uint8_t> raw = toBytes(attr.getRawData());
  size_t width = dtype.getHostBytes();
  if (!attr.isSplat() && !dtype.isSubByte())
    return HostTensor::view(dtype, shape, raw, notOwned(raw.data()));
  HostTensor result = HostTensor::zeros(dtype, shape);
  llvm::MutableArrayRef<uint8_t> out = result.getMutableBytes();
  size_t step = attr.isSplat() ? 0 : width;
  if (raw.size() < (*count ? (*count - 1) * step + width : 0))
    return makeError("the data of {0} is incomplete", attr.getType());
  for (int64_t i = 0; i < *count; ++i)
    std::memcpy(out.data() + i * width, raw.data() + i * step, width);
  // MLIR leaves the bits above the width zero.
  if (dtype.isSubByte())
    for (uint8_t &byte : out)
      byte = numerics::extendBits(byte, dtype.getBits(), dtype.isSignedInteger());
  return result;
}

static llvm::Expected<HostTensor> fromResource(DenseResourceElementsAttr attr, DType dtype) {
  DenseResourceElementsHandle handle = attr.getRawHandle();
  const AsmResourceBlob *blob = handle.getBlob();
  if (!blob)
    return makeError("resource '{0}' has no data; was the module read without its resources?",
                     handle.getKey());
  llvm::ArrayRef<uint8_t> bytes = toBytes(blob->getData());
  llvm::Expected<HostTensor> tensor =
      HostTensor::fromPacked(dtype, attr.getType().getShape(), bytes, notOwned(bytes.data()));
  if (!tensor)
    return makeError("resource '{0}': {1}", handle.getKey(), llvm::toString(tensor.takeError()));
  return tensor;
}

llvm::Expected<HostTensor> terse::toHostTensor(ElementsAttr attr) {
  ShapedType type = attr.getShapedType();
  std::optional<DType> dtype = toDType(type.getElementType());
  if (!dtype)
    return makeError("elements of type {0} have no host representation", type.getElementType());
  if (!type.hasStaticShape())
    return makeError("expected a static shape (got {0})", Type(type));
  if (auto dense = llvm::dyn_cast<DenseElementsAttr>(attr))
    return fromDense(dense, *dtype);
  if (auto resource = llvm::dyn_cast<DenseResourceElementsAttr>(attr))
    return fromResource(resource, *dtype);
  return makeError("expected a dense or dense_resource attribute (got type {0})", Type(type));
}

//===----------------------------------------------------------------------===//
// Tensor to attribute
//===----------------------------------------------------------------------===//

DenseElementsAttr terse::toDenseElements(const HostTensor &tensor, MLIRContext *context,
                                         ShapedType type) {
  if (!type)
    type = toTensorType(tensor, context);
  DType dtype = tensor.dtype;
  llvm::ArrayRef<uint8_t> bytes = tensor.getBytes();
  if (dtype.getBits() == 1) {
    llvm::SmallVector<bool> bits(bytes.size());
    for (auto [bit, byte] : llvm::zip_equal(bits, bytes))
      bit = (byte & 1) != 0;
    if (dtype.isBool())
      return DenseElementsAttr::get(type, llvm::ArrayRef<bool>(bits));
    llvm::SmallVector<llvm::APInt> values;
    values.reserve(bits.size());
    for (bool bit : bits)
      values.emplace_back(1, bit);
    return DenseElementsAttr::get(type, llvm::ArrayRef<llvm::APInt>(values));
  }
  std::vector<uint8_t> masked;
  if (dtype.isSubByte()) {
    masked.assign(bytes.begin(), bytes.end());
    for (uint8_t &byte : masked)
      byte = numerics::extendBits(byte, dtype.getBits(), /*isSigned=*/false);
    bytes = masked;
  }
  return DenseElementsAttr::getFromRawBuffer(
      type, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

AsmResourceBlob terse::makeSharedBlob(llvm::ArrayRef<uint8_t> bytes, size_t alignment,
                                      std::shared_ptr<const void> owner) {
  return AsmResourceBlob(
      {reinterpret_cast<const char *>(bytes.data()), bytes.size()}, alignment,
      // The capture is the point: releasing the blob releases the owner.
      [owner = std::move(owner)](void *, size_t, size_t) {},
      /*dataIsMutable=*/false);
}

AsmResourceBlob terse::toResourceBlob(const HostTensor &tensor) {
  if (tensor.dtype.isSubByte()) {
    auto packed = std::make_shared<std::vector<uint8_t>>(tensor.toPacked());
    llvm::ArrayRef<uint8_t> bytes(*packed);
    return makeSharedBlob(bytes, alignof(std::max_align_t), std::move(packed));
  }
  auto shared = std::make_shared<HostTensor>(tensor);
  llvm::ArrayRef<uint8_t> bytes = shared->getBytes();
  return makeSharedBlob(bytes, tensor.dtype.getHostBytes(), std::move(shared));
}

DenseResourceElementsAttr terse::toDenseResource(const HostTensor &tensor, llvm::StringRef name,
                                                 MLIRContext *context) {
  return DenseResourceElementsAttr::get(toTensorType(tensor, context), name,
                                        toResourceBlob(tensor));
}
