//===- Emitter.h - Building nn ops with what is known -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds nn ops for the operator handlers. On the way it keeps the constants (without making ops of
// them until the end: most constants of a graph are folded away), folds ops on small constants, and
// follows sizes symbolically.
//
// A request that cannot be served throws ImportFailure. It never leaves the importer, which adds
// the node's name and turns it into an llvm::Error: about 180 handlers are thereby free of error
// plumbing, and none can forget a check. No callback of MLIR or LLVM is on the stack when it is
// thrown.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_IMPORT_ONNX_EMITTER_H
#define TERSE_LIB_IMPORT_ONNX_EMITTER_H

#include "Dim.h"
#include "Model.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Twine.h"

namespace terse::onnx {

struct ImportFailure {
  std::string reason;
};
[[noreturn]] void fail(const llvm::Twine &reason);

using Ints = llvm::SmallVector<int64_t>;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using nn::BinaryKind;
using nn::CompareKind;
using nn::ReduceKind;
using nn::UnaryKind;

/// A constant in either form; the other one is made when asked for.
struct Constant {
  std::string name;
  std::optional<StoredTensor> stored;
  std::optional<HostTensor> host;
};

class Emitter {
public:
  explicit Emitter(mlir::MLIRContext *context);
  ~Emitter();
  Emitter(const Emitter &) = delete;

  mlir::MLIRContext *context;
  mlir::OpBuilder b;
  mlir::Location loc;

  //===--------------------------------------------------------------------===//
  // Types
  //===--------------------------------------------------------------------===//

  static mlir::RankedTensorType typeOf(Value v) {
    return mlir::cast<mlir::RankedTensorType>(v.getType());
  }
  static Type elementOf(Value v) { return typeOf(v).getElementType(); }
  static int64_t rankOf(Value v) { return typeOf(v).getRank(); }
  static llvm::ArrayRef<int64_t> shapeOf(Value v) { return typeOf(v).getShape(); }
  static bool isFloat(Value v) { return mlir::isa<mlir::FloatType>(elementOf(v)); }
  static bool isUnsigned(Value v) { return elementOf(v).isUnsignedInteger(); }
  static bool isBool(Value v) { return elementOf(v).isSignlessInteger(1); }
  /// A dimension that must be known; `what` names it in the message.
  static int64_t staticDim(Value v, int64_t axis, const llvm::Twine &what);
  static bool hasStaticShape(Value v) { return typeOf(v).hasStaticShape(); }
  Type toType(DType dtype);
  static DType toDType(Type element);
  mlir::IntegerType i64() { return b.getI64Type(); }
  mlir::IntegerType i1() { return b.getI1Type(); }
  mlir::IntegerType i32() { return b.getI32Type(); }
  mlir::FloatType f32() { return b.getF32Type(); }
  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape, Type element) {
    return mlir::RankedTensorType::get(shape, element);
  }

  //===--------------------------------------------------------------------===//
  // Knowledge
  //===--------------------------------------------------------------------===//

  Value constant(StoredTensor stored, llvm::StringRef name);
  Value constant(HostTensor host, llvm::StringRef name = "");
  /// 1-D tensor of i64.
  Value ints(llvm::ArrayRef<int64_t> values);
  /// Rank 0, rounded to the element type.
  Value scalar(double value, Type element);
  Value intScalar(int64_t value, Type element);
  Value zero(Type element) { return scalar(0, element); }

  bool isConstant(Value v) const { return v && constants.count(v); }
  /// Whether `v` is a constant, or decoded from one.
  bool isWeight(Value v) const;
  /// The components of the constant that `v` is decoded from; empty for other values.
  llvm::SmallVector<Value> encodedConstant(Value v) const;
  /// Throws if `v` is not a constant; `what` names it in the message.
  const HostTensor &getConstant(Value v, const llvm::Twine &what);
  const HostTensor *findConstant(Value v);
  /// The elements of an integer constant.
  Ints getInts(Value v, const llvm::Twine &what);
  int64_t getInt(Value v, const llvm::Twine &what);
  double getDouble(Value v, const llvm::Twine &what);

  /// The sizes of `v`; unknown ones get a symbol.
  Dims dimsOf(Value v);
  void setDims(Value v, llvm::ArrayRef<Dim> dims);
  /// The elements of an integer tensor of rank 0 or 1 with at most 64 elements.
  std::optional<Dims> elementsOf(Value v);
  void setElements(Value v, llvm::ArrayRef<Dim> elements);
  /// An unknown size, and an unknown integer, which may be negative.
  Dim newSymbol() { return Dim::symbol(2 * nextSymbol++); }
  Dim newUnknown() { return Dim::symbol(2 * nextSymbol++ + 1); }

  //===--------------------------------------------------------------------===//
  // Ops
  //===--------------------------------------------------------------------===//

  template <typename T>
  mlir::NamedAttribute attr(llvm::StringRef name, T value) {
    if constexpr (std::is_same_v<T, bool>)
      return {name, b.getBoolAttr(value)};
    else if constexpr (std::is_integral_v<T>)
      return {name, b.getI64IntegerAttr(value)};
    else if constexpr (std::is_floating_point_v<T>)
      return {name, b.getF64FloatAttr(value)};
    else if constexpr (std::is_convertible_v<T, mlir::Attribute>)
      return {name, value};
    else
      return {name, b.getDenseI64ArrayAttr(value)};
  }

  /// Builds an op, inferring what `types` leaves open, folds it if it can be, and checks it. Null
  /// operands stand for absent optional ones and must be last.
  llvm::SmallVector<Value> create(llvm::StringRef opName, llvm::ArrayRef<Value> operands,
                                  llvm::ArrayRef<mlir::NamedAttribute> attributes,
                                  llvm::ArrayRef<Type> types = {});
  template <typename OpTy>
  llvm::SmallVector<Value> ops(llvm::ArrayRef<Value> operands,
                               llvm::ArrayRef<mlir::NamedAttribute> attributes = {},
                               llvm::ArrayRef<Type> types = {}) {
    return create(OpTy::getOperationName(), operands, attributes, types);
  }
  template <typename OpTy>
  Value op(llvm::ArrayRef<Value> operands, llvm::ArrayRef<mlir::NamedAttribute> attributes = {},
           llvm::ArrayRef<Type> types = {}) {
    return ops<OpTy>(operands, attributes, types)[0];
  }

  Value unary(UnaryKind kind, Value x, double alpha = 0, double beta = 0);
  Value binary(BinaryKind kind, Value l, Value r);
  Value add(Value l, Value r) { return binary(BinaryKind::Add, l, r); }
  Value sub(Value l, Value r) { return binary(BinaryKind::Sub, l, r); }
  Value mul(Value l, Value r) { return binary(BinaryKind::Mul, l, r); }
  Value div(Value l, Value r) { return binary(BinaryKind::Div, l, r); }
  /// With a number on the right, in the element type of `l`.
  Value binary(BinaryKind kind, Value l, double r) {
    return binary(kind, l, scalar(r, elementOf(l)));
  }
  Value compare(CompareKind kind, Value l, Value r);
  Value compare(CompareKind kind, Value l, double r) {
    return compare(kind, l, scalar(r, elementOf(l)));
  }
  Value select(Value c, Value t, Value f);
  Value logicalNot(Value x) { return unary(UnaryKind::Not, x); }
  Value cast(Value x, Type element, bool saturate = true);
  Value reduce(ReduceKind kind, Value x, llvm::ArrayRef<int64_t> axes, bool keepdims);
  Value transpose(Value x, llvm::ArrayRef<int64_t> permutation);
  /// Swaps the last two axes.
  Value transposeLast(Value x);
  Value matmul(Value l, Value r);

  /// To a shape of sizes that are those of existing tensors or follow from the number of elements.
  /// `shape` gives the sizes at run time; needed if two or more are unknown and none can be
  /// computed otherwise.
  Value reshape(Value x, llvm::ArrayRef<Dim> dims, Value shape = nullptr);
  Value reshapeTo(Value x, llvm::ArrayRef<int64_t> shape);
  /// Collapses axes [from, to) to one.
  Value collapse(Value x, int64_t from, int64_t to);
  Value unsqueeze(Value x, llvm::ArrayRef<int64_t> axes);
  Value squeeze(Value x, llvm::ArrayRef<int64_t> axes);
  /// Adds trailing axes of size 1.
  Value appendOnes(Value x, int64_t count);
  /// Puts the elements of a 1-D tensor along `axis` of a tensor of `rank`.
  Value alongAxis(Value x, int64_t axis, int64_t rank);
  Value broadcastTo(Value x, llvm::ArrayRef<Dim> dims, Value shape = nullptr);
  Value broadcastLike(Value x, Value like);
  Value slice(Value x, int64_t axis, int64_t start, int64_t end, int64_t step = 1);
  Value concat(llvm::ArrayRef<Value> values, int64_t axis);
  Value gather(Value x, Value indices, int64_t axis);
  Value softmax(Value x, int64_t axis, bool log = false);
  Value pad(nn::PadMode mode, Value x, Value value, llvm::ArrayRef<int64_t> low,
            llvm::ArrayRef<int64_t> high);

  Value shapeVector(Value x);
  /// The sizes as a 1-D i64 tensor, computed from those of `sources` where they are unknown.
  Value dimsVector(llvm::ArrayRef<Dim> dims, llvm::ArrayRef<Value> sources,
                   llvm::ArrayRef<Value> vectors = {});
  /// Index along `axis` in a tensor of the shape of `like`, or of 1-D `size`.
  Value iota(int64_t size, Type element);
  Value iotaOfDim(Value like, int64_t axis, Type element);

  /// An axis that may be negative, checked.
  static int64_t normalizeAxis(int64_t axis, int64_t rank);
  static Ints normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  /// Makes ops or globals of the constants that are used, at the front of `entry`; drops ops nobody
  /// uses.
  void materializeConstants(mlir::ModuleOp module, mlir::Block &entry);
  /// Where constants wait for materialization.
  mlir::Block *constantBlock = nullptr;

private:
  void forget(mlir::Operation *op);
  bool tryFold(mlir::Operation *op, llvm::SmallVectorImpl<Value> &results);
  void follow(mlir::Operation *op, llvm::SmallVectorImpl<Value> &results);

  /// Held by pointer: what findConstant returns stays where it is.
  llvm::DenseMap<Value, std::unique_ptr<Constant>> constants;
  llvm::DenseMap<Value, Dims> knownDims, knownElements;
  unsigned nextSymbol = 0;
};

/// What follows for the elements of the results (small integer tensors) and the sizes of the
/// results of an nn op.
void inferElements(Emitter &e, mlir::Operation *op);
void inferDims(Emitter &e, mlir::Operation *op);

} // namespace terse::onnx

#endif
