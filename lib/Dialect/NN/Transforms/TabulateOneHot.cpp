//===- TabulateOneHot.cpp - Products of one-hot rows as tables ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An embedding that a program writes as the product of a one-hot matrix with weights multiplies by
// zeros but for one element of a row. All that follows from a row until rows meet is a function of
// one index: it is computed here for every index, by the ops themselves.
//
//===----------------------------------------------------------------------===//

#include "NNBuilder.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "llvm/Support/Debug.h"

#define DEBUG_TYPE "nn-tabulate-one-hot"

namespace terse::nn {
#define GEN_PASS_DEF_NNTABULATEONEHOTPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {
// Bounds on the products that the interpreter computes, the ops behind each other, and indices.
constexpr int64_t kMaxProducts = int64_t(1) << 26, kMaxLength = 64, kMaxFirst = int64_t(1) << 30;

/// What follows from one comparison of indices with `first`, `first` + 1...
class OneHot {
public:
  OneHot(CompareOp compare, SymbolTable &symbols, SymbolTableCollection &globals)
      : compare(compare), symbols(symbols), globals(globals),
        rank(typeOf(compare.getResult()).getRank()) {}

  bool run() {
    if (!match())
      return false;
    collect();
    // The longest part that ends in one value.
    while (!chain.empty() && !endsAt(chain.size() - 1))
      chain.pop_back();
    return hasProduct() && replace();
  }

private:
  std::optional<HostTensor> getKnown(Value v) {
    if (auto it = known.find(v); it != known.end())
      return it->second;
    std::optional<HostTensor> tensor = getConstant(v, &globals);
    Operation *op = v.getDefiningOp();
    // Parameters that are still to be converted.
    if (auto cast = dyn_cast_or_null<CastOp>(op); cast && !tensor && !isEncoded(op))
      if (std::optional<HostTensor> x = getKnown(cast.getX()))
        tensor = evaluate(op, {*x});
    if (tensor)
      known.try_emplace(v, *tensor);
    return tensor;
  }

  static std::optional<HostTensor> evaluate(Operation *op, ArrayRef<HostTensor> operands) {
    llvm::Expected<std::vector<HostTensor>> results = evaluateOp(op, operands);
    if (results)
      return std::move(results->front());
    std::string text = llvm::toString(results.takeError());
    LLVM_DEBUG(llvm::dbgs() << text << "\n");
    return std::nullopt;
  }

  /// Indices of shape [..., 1] equal to consecutive numbers along the last axis.
  bool match() {
    if (compare.getKind() != CompareKind::Eq || isEncoded(compare) || rank < 2)
      return false;
    for (auto [x, numbers] : {std::pair(compare.getLhs(), compare.getRhs()),
                              std::pair(compare.getRhs(), compare.getLhs())}) {
      RankedTensorType type = typeOf(x);
      std::optional<HostTensor> tensor = getKnown(numbers);
      if (!tensor || type.getRank() != rank || type.getShape().back() != 1 ||
          type.getNumDynamicDims() > 1 ||
          !(type.getElementType().isSignlessInteger(32) ||
            type.getElementType().isSignlessInteger(64)))
        continue;
      count = tensor->getNumElements();
      if (count < 2 || tensor->shape.back() != count)
        continue;
      std::vector<int64_t> values = tensor->toInts();
      first = values.front();
      bool isCounting = std::abs(first) <= kMaxFirst && count <= kMaxFirst;
      for (int64_t i = 0; i < count && isCounting; ++i)
        isCounting = values[i] == first + i;
      if (!isCounting)
        continue;
      indices = x;
      return true;
    }
    return false;
  }

  bool isOfRows(Value v) const { return rows.contains(v); }

  /// Whether `v` is the same for all rows.
  bool isShared(Value v) {
    std::optional<HostTensor> tensor = getKnown(v);
    return tensor && tensor->getRank() <= rank &&
           (tensor->getRank() == 0 || tensor->getNumElements() == tensor->shape.back());
  }

  bool followsFromRows(Operation &op) {
    if (op.getNumResults() != 1 || op.getNumRegions() || isEncoded(&op) || !isEvaluable(&op) ||
        typeOf(op.getResult(0)).getRank() != rank || typeOf(op.getResult(0)).isDynamicDim(rank - 1))
      return false;
    if (auto linear = dyn_cast<LinearOp>(op))
      return isOfRows(linear.getX()) && getKnown(linear.getWeight()) &&
             (!linear.getBias() || getKnown(linear.getBias()));
    if (auto gather = dyn_cast<GatherOp>(op))
      return isOfRows(gather.getIndices()) && typeOf(gather.getX()).getRank() == 1 &&
             getKnown(gather.getX());
    return isa<UnaryOp, CastOp, BinaryOp, CompareOp, SelectOp>(op) &&
           llvm::any_of(op.getOperands(), [&](Value v) { return isOfRows(v); }) &&
           llvm::all_of(op.getOperands(), [&](Value v) { return isOfRows(v) || isShared(v); });
  }

  void collect() {
    chain.push_back(compare);
    rows.insert(compare.getResult());
    for (Operation *op = compare->getNextNode(); op && chain.size() < kMaxLength;
         op = op->getNextNode())
      if (isa<NNDialect>(op->getDialect()) && followsFromRows(*op)) {
        chain.push_back(op);
        rows.insert(op->getResult(0));
      }
  }

  /// Whether nothing else reads what the ops in front of the one at `last` make.
  bool endsAt(size_t last) const {
    llvm::SmallPtrSet<Operation *, 16> part(chain.begin(), chain.begin() + last + 1);
    return llvm::all_of(ArrayRef(chain).take_front(last), [&](Operation *op) {
      return llvm::all_of(op->getUsers(), [&](Operation *user) { return part.contains(user); });
    });
  }

  bool hasProduct() const {
    int64_t products = 0;
    for (Operation *op : chain)
      if (auto linear = dyn_cast<LinearOp>(op)) {
        RankedTensorType weight = typeOf(linear.getWeight());
        if (!weight.hasStaticShape())
          return false;
        products += weight.getNumElements() * (count + 1);
      }
    return products > 0 && products <= kMaxProducts;
  }

  /// `type` with one row for each number and one for all others.
  RankedTensorType ofTable(RankedTensorType type) const {
    SmallVector<int64_t> shape(rank, 1);
    shape[rank - 2] = count + 1, shape[rank - 1] = type.getShape().back();
    return RankedTensorType::get(shape, type.getElementType());
  }

  /// The rows of the table: places of known numbers, and the last one for others.
  Value getPlaces(NNBuilder &b) {
    RankedTensorType type = typeOf(indices);
    auto flat = RankedTensorType::get(type.getShape().drop_back(), type.getElementType());
    Value x;
    if (auto reshape = indices.getDefiningOp<ReshapeOp>();
        reshape && reshape.getX().getType() == flat)
      x = reshape.getX();
    else
      x = ReshapeOp::create(b, flat, indices, Value());
    auto number = [&](int64_t v) { return b.scalar(v, type.getElementType()); };
    Value other = number(count), shifted = first ? b.sub(x, number(first)) : x;
    Value least = b.select(b.compare(CompareKind::Lt, x, number(first)), other, shifted);
    return b.select(b.compare(CompareKind::Lt, x, number(first + count)), least, other);
  }

  bool replace() {
    int64_t copiesOfRows = 1;
    for (int64_t size : typeOf(compare.getResult()).getShape().drop_back())
      copiesOfRows *= ShapedType::isDynamic(size) ? 1 : size;
    NNBuilder b(compare.getLoc(), chain.back());
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i <= count; ++i)
      numbers.push_back(first + i);
    RankedTensorType type = ofTable(typeOf(indices));
    HostTensor all = HostTensor::from<int64_t>({count + 1}, numbers)
                         .convertTo(DType::si(type.getElementTypeBitWidth()))
                         .reshaped(type.getShape());
    SmallVector<APInt> elements;
    for (int64_t v : numbers)
      elements.emplace_back(type.getElementTypeBitWidth(), v, /*isSigned=*/true);
    auto stand = ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<APInt>(elements)));
    known[stand] = all;
    IRMapping mapping;
    mapping.map(indices, stand.getResult());
    SmallVector<Operation *> copies;
    // The table is stored where it takes the fewest bytes, as late as possible.
    std::optional<size_t> cut;
    uint64_t least = 0;
    bool hasProduct = false;
    for (auto [i, op] : llvm::enumerate(chain)) {
      Operation *copy = b.clone(*op, mapping);
      copies.push_back(copy);
      copy->getResult(0).setType(ofTable(typeOf(op->getResult(0))));
      std::vector<HostTensor> operands;
      for (Value v : copy->getOperands())
        operands.push_back(*getKnown(v));
      std::optional<HostTensor> value = evaluate(copy, operands);
      if (!value) {
        cut.reset();
        break;
      }
      hasProduct |= isa<LinearOp>(op);
      uint64_t bytes = getStoredBytes(*value);
      if (hasProduct && endsAt(i) && (!cut || bytes <= least))
        cut = i, least = bytes;
      known[copy->getResult(0)] = std::move(*value);
    }
    // What follows is computed on the table, too, when the model runs, if more rows are read.
    size_t end = cut && copiesOfRows >= 2 * (count + 1) ? chain.size() - 1 : cut.value_or(0);
    Value table;
    if (cut) {
      Value stored = copies[*cut]->getResult(0);
      table = createConstant(b, b.getLoc(), known[stored], cast<RankedTensorType>(stored.getType()),
                             "one_hot_table", symbols);
      stored.replaceAllUsesWith(table);
      table.getDefiningOp()->moveBefore(copies.front());
      if (end > *cut)
        table = copies[end]->getResult(0);
    }
    for (size_t i = copies.size(); i-- > 0;)
      if (!cut || i <= *cut || i > end)
        copies[i]->erase();
    stand->erase();
    if (!cut)
      return false;
    b.setInsertionPoint(chain[end]);
    if (end < chain.size() - 1)
      table.getDefiningOp()->moveBefore(chain[end]);
    RankedTensorType wide = typeOf(table);
    if (rank > 2)
      table = ReshapeOp::create(
          b, RankedTensorType::get(wide.getShape().drop_front(rank - 2), wide.getElementType()),
          table, Value());
    Value old = chain[end]->getResult(0);
    old.replaceAllUsesWith(
        GatherOp::create(b, old.getType(), table, getPlaces(b), /*axis=*/0).getResult());
    for (Operation *op : llvm::reverse(ArrayRef(chain).take_front(end + 1)))
      op->erase();
    return true;
  }

  CompareOp compare;
  SymbolTable &symbols;
  SymbolTableCollection &globals;
  int64_t rank, first = 0, count = 0;
  Value indices;
  SmallVector<Operation *> chain;
  llvm::DenseSet<Value> rows;
  llvm::DenseMap<Value, HostTensor> known;
};

struct NNTabulateOneHotPass : nn::impl::NNTabulateOneHotPassBase<NNTabulateOneHotPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SymbolTableCollection globals;
    // A table takes ops away, other comparisons among them.
    auto replaceFirst = [&] {
      return getOperation()
          ->walk([&](CompareOp op) {
            return OneHot(op, symbols, globals).run() ? WalkResult::interrupt()
                                                      : WalkResult::advance();
          })
          .wasInterrupted();
    };
    while (replaceFirst())
      ++numTables;
  }
};
} // namespace
