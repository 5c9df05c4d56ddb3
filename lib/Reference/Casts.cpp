//===- Casts.cpp - Cast and bitcast -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace terse;
using namespace terse::reference;

static numerics::E8M0Rounding toE8M0Rounding(nn::CastRounding rounding) {
  switch (rounding) {
  case nn::CastRounding::Nearest:
    return numerics::E8M0Rounding::Nearest;
  case nn::CastRounding::Up:
    return numerics::E8M0Rounding::Up;
  case nn::CastRounding::Down:
    return numerics::E8M0Rounding::Down;
  }
  return numerics::E8M0Rounding::Up;
}

static void castToInteger(const std::vector<double> &values, HostTensor &out) {
  for (size_t i = 0, e = values.size(); i < e; ++i) {
    if (out.dtype == DType::u64())
      setElement(out, i, numerics::truncateCast<uint64_t>(values[i]));
    else
      out.setFromInt(i, numerics::truncateCast<int64_t>(values[i])); // saturates
  }
}

template <typename T>
static void castToFloat(const std::vector<T> &values, HostTensor &out, bool saturate,
                        numerics::E8M0Rounding rounding) {
  DType dtype = out.dtype;
  if (dtype == DType::f32()) {
    // Integers go straight to f32: over f64 they would round twice.
    llvm::MutableArrayRef<float> y = out.getMutableAs<float>();
    for (size_t i = 0, e = values.size(); i < e; ++i)
      y[i] = static_cast<float>(values[i]);
  } else if (dtype.isSmallFloat() && dtype.getFloatKind() == numerics::FloatKind::F8E8M0FNU) {
    llvm::MutableArrayRef<uint8_t> y = out.getMutableAs<uint8_t>();
    for (size_t i = 0, e = values.size(); i < e; ++i)
      y[i] = numerics::encodeE8M0(static_cast<double>(values[i]), saturate, rounding);
  } else {
    for (size_t i = 0, e = values.size(); i < e; ++i)
      out.setFromDouble(i, static_cast<double>(values[i]), saturate);
  }
}

static llvm::Error evalCast(nn::CastOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  if (llvm::Error error = call.setResultShape(0, x.shape))
    return error;
  if (x.dtype == call.getResultDType()) {
    call.setResult(0, x);
    return llvm::Error::success();
  }
  HostTensor &out = call.result();
  visitCarrier(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x);
    if (out.dtype.isFloat()) {
      castToFloat(values, out, op.getSaturate(), toE8M0Rounding(op.getRounding()));
    } else if (out.dtype.isBool()) {
      llvm::MutableArrayRef<uint8_t> y = out.getMutableAs<uint8_t>();
      for (size_t i = 0, e = values.size(); i < e; ++i)
        y[i] = values[i] != 0;
    } else if constexpr (std::is_floating_point_v<T>) {
      castToInteger(values, out);
    } else {
      store(values, out);
    }
  });
  return llvm::Error::success();
}

static llvm::Error evalBitcast(nn::BitcastOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  if (llvm::Error error = call.setResultShape(0, x.shape))
    return error;
  HostTensor &out = call.result();
  DType dtype = out.dtype;
  visitStorage(dtype, [&](auto zero) {
    using T = decltype(zero);
    llvm::ArrayRef<T> in = x.getAs<T>();
    llvm::MutableArrayRef<T> y = out.getMutableAs<T>();
    // Below a byte the bits above the element are its extension, which depends on the type.
    bool extend = dtype.isSignedInteger();
    for (size_t i = 0, e = in.size(); i < e; ++i)
      y[i] = static_cast<T>(
          numerics::wrapToBits(static_cast<int64_t>(in[i]), dtype.getBits(), extend));
  });
  return llvm::Error::success();
}

void reference::registerCasts(KernelTable &table) {
  table.add<nn::CastOp>(evalCast);
  table.add<nn::BitcastOp>(evalBitcast);
}
