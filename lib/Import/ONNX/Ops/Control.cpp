//===- Control.cpp - If, Loop and Scan --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An If whose condition is constant becomes its branch; otherwise both branches become an scf.if.
// Loops whose number of iterations is known are unrolled.

#include "../Importer.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

// The type that two results fit in.
static mlir::RankedTensorType join(mlir::RankedTensorType a, mlir::RankedTensorType b) {
  if (a.getElementType() != b.getElementType() || a.getRank() != b.getRank())
    fail("the branches yield tensors of different rank or element type, so the condition must be "
         "known; give the dimensions "
         "that decide it a size (--dim name=size, --dim 'input[1]=size'), or bind the input that "
         "does as a constant (--bind "
         "name=file.npy)");
  Ints shape;
  for (auto [x, y] : llvm::zip(a.getShape(), b.getShape()))
    shape.push_back(x == y ? x : ShapedType::kDynamic);
  return mlir::RankedTensorType::get(shape, a.getElementType());
}

static Value widen(Emitter &e, Value v, mlir::RankedTensorType type) {
  if (v.getType() == type)
    return v;
  // A reshape of known sizes would fold to the static type again.
  bool needsShape = type.getNumDynamicDims() > 1;
  Value shape = needsShape ? e.shapeVector(v) : Value();
  auto op = nn::ReshapeOp::create(e.b, e.loc, type, v, shape);
  return op.getResult();
}

static void convertIf(Node &n) {
  Emitter &e = n.e;
  Value condition = n.in(0);
  const GraphProto *branches[] = {n.attrGraph("then_branch"), n.attrGraph("else_branch")};
  if (const HostTensor *known = e.findConstant(condition)) {
    if (known->getNumElements() != 1)
      fail("the condition must be a single value");
    auto results = n.importer.importSubgraph(*branches[known->getAsInt(0) ? 0 : 1], n.scope, {},
                                             n.functionAttributes);
    for (auto [i, v] : llvm::enumerate(results))
      n.set(i, v);
    return;
  }
  if (!e.isBool(condition) || (e.rankOf(condition) == 1 && e.shapeOf(condition)[0] != 1) ||
      e.rankOf(condition) > 1)
    fail("the condition must be a single bool");
  if (e.rankOf(condition) == 1)
    condition = e.squeeze(condition, {0});
  Value flag = mlir::tensor::ExtractOp::create(e.b, e.loc, condition, ValueRange{});
  // Both bodies into detached blocks first; the result types follow from them.
  std::unique_ptr<mlir::Block> blocks[2] = {std::make_unique<mlir::Block>(),
                                            std::make_unique<mlir::Block>()};
  llvm::SmallVector<Value> results[2];
  {
    mlir::OpBuilder::InsertionGuard guard(e.b);
    try {
      for (int i = 0; i < 2; ++i) {
        e.b.setInsertionPointToEnd(blocks[i].get());
        results[i] = n.importer.importSubgraph(*branches[i], n.scope, {}, n.functionAttributes);
      }
    } catch (...) {
      for (auto &block : blocks)
        block->dropAllReferences();
      throw;
    }
  }
  if (results[0].size() != results[1].size() || results[0].size() != n.numOutputs()) {
    for (auto &block : blocks)
      block->dropAllReferences();
    fail("the branches must yield one value per output");
  }
  llvm::SmallVector<Type> types;
  try {
    for (auto [a, b] : llvm::zip(results[0], results[1]))
      types.push_back(join(e.typeOf(a), e.typeOf(b)));
  } catch (...) {
    for (auto &block : blocks)
      block->dropAllReferences();
    throw;
  }
  auto op = mlir::scf::IfOp::create(e.b, e.loc, types, flag, /*addThenBlock=*/false,
                                    /*addElseBlock=*/false);
  for (int i = 0; i < 2; ++i) {
    op->getRegion(i).push_back(blocks[i].release());
    mlir::OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToEnd(&op->getRegion(i).front());
    llvm::SmallVector<Value> yielded;
    for (auto [v, type] : llvm::zip(results[i], types))
      yielded.push_back(widen(e, v, mlir::cast<mlir::RankedTensorType>(type)));
    mlir::scf::YieldOp::create(e.b, e.loc, yielded);
  }
  for (auto [i, v] : llvm::enumerate(op.getResults()))
    n.set(i, v);
}

// More steps than this are no unrolled loop but a program of its own size.
static constexpr int64_t kMaxSteps = 4096;

static void convertLoop(Node &n) {
  Emitter &e = n.e;
  const GraphProto *body = n.attrGraph("body");
  Value count = n.opt(0), condition = n.opt(1);
  int64_t steps = kMaxSteps + 1;
  if (count)
    steps = e.getInt(count, "the number of iterations");
  llvm::SmallVector<Value> carried;
  for (size_t i = 2; i < n.numInputs(); ++i)
    carried.push_back(n.in(i));
  size_t numCarried = carried.size();
  if (n.numOutputs() < numCarried)
    fail("the loop has fewer outputs than carried values");
  std::vector<llvm::SmallVector<Value>> scanned;
  for (int64_t step = 0; step < steps; ++step) {
    if (condition && e.getInt(condition, "the condition of the loop") == 0)
      break;
    if (step >= kMaxSteps)
      fail("the loop has more than " + llvm::Twine(kMaxSteps) + " iterations");
    llvm::SmallVector<Value> arguments{e.intScalar(step, e.i64()),
                                       condition ? condition : e.intScalar(1, e.i1())};
    arguments.append(carried);
    auto results = n.importer.importSubgraph(*body, n.scope, arguments, n.functionAttributes);
    if (results.size() < numCarried + 1)
      fail("the body yields too few values");
    condition = results[0];
    carried.assign(results.begin() + 1, results.begin() + 1 + numCarried);
    scanned.emplace_back(results.begin() + 1 + numCarried, results.end());
  }
  for (auto [i, v] : llvm::enumerate(carried))
    n.set(i, v);
  for (size_t i = numCarried; i < n.numOutputs(); ++i) {
    if (!n.wants(i))
      continue;
    llvm::SmallVector<Value> rows;
    for (auto &step : scanned) {
      if (i - numCarried >= step.size())
        fail("the body yields too few values");
      rows.push_back(e.unsqueeze(step[i - numCarried], {0}));
    }
    if (rows.empty())
      fail("a loop without iterations that stacks results is not supported");
    n.set(i, e.concat(rows, 0));
  }
}

static void convertScan(Node &n) {
  Emitter &e = n.e;
  const GraphProto *body = n.attrGraph("body");
  int64_t numScanned = n.attrInt("num_scan_inputs"),
          numStates = int64_t(n.numInputs()) - numScanned;
  if (numScanned < 1 || numStates < 0)
    fail("num_scan_inputs does not fit the number of inputs");
  int64_t numOutputs = int64_t(body->outputs.size()) - numStates;
  if (numOutputs < 0 || int64_t(n.numOutputs()) > numStates + numOutputs)
    fail("the body yields too few values");
  Ints inAxes = n.attrInts("scan_input_axes").value_or(Ints(numScanned, 0)),
       inBack = n.attrInts("scan_input_directions").value_or(Ints(numScanned, 0)),
       outAxes = n.attrInts("scan_output_axes").value_or(Ints(numOutputs, 0)),
       outBack = n.attrInts("scan_output_directions").value_or(Ints(numOutputs, 0));
  if (int64_t(inAxes.size()) != numScanned || int64_t(inBack.size()) != numScanned ||
      int64_t(outAxes.size()) != numOutputs || int64_t(outBack.size()) != numOutputs)
    fail("expected one axis and direction per scanned value");
  llvm::SmallVector<Value> states, sources;
  for (int64_t i = 0; i < numStates; ++i)
    states.push_back(n.in(i));
  int64_t steps = -1;
  for (int64_t i = 0; i < numScanned; ++i) {
    sources.push_back(n.in(numStates + i));
    inAxes[i] = Emitter::normalizeAxis(inAxes[i], e.rankOf(sources[i]));
    int64_t size = e.staticDim(sources[i], inAxes[i], "the number of scanned elements");
    if (steps >= 0 && size != steps)
      fail("scanned inputs must have the same number of elements");
    steps = size;
  }
  if (steps < 1 || steps > kMaxSteps)
    fail("the number of scanned elements must lie between 1 and " + llvm::Twine(kMaxSteps));
  std::vector<llvm::SmallVector<Value>> rows(numOutputs);
  for (int64_t step = 0; step < steps; ++step) {
    llvm::SmallVector<Value> arguments(states);
    for (int64_t i = 0; i < numScanned; ++i) {
      int64_t at = inBack[i] ? steps - 1 - step : step;
      arguments.push_back(e.squeeze(e.slice(sources[i], inAxes[i], at, at + 1), {inAxes[i]}));
    }
    auto results = n.importer.importSubgraph(*body, n.scope, arguments, n.functionAttributes);
    states.assign(results.begin(), results.begin() + numStates);
    for (int64_t i = 0; i < numOutputs; ++i) {
      Value v = results[numStates + i];
      rows[i].push_back(e.unsqueeze(v, {Emitter::normalizeAxis(outAxes[i], e.rankOf(v) + 1)}));
    }
  }
  for (auto [i, v] : llvm::enumerate(states))
    n.set(i, v);
  for (int64_t i = 0; i < numOutputs; ++i) {
    if (outBack[i])
      std::reverse(rows[i].begin(), rows[i].end());
    n.set(numStates + i,
          e.concat(rows[i], Emitter::normalizeAxis(outAxes[i], e.rankOf(rows[i][0]))));
  }
}

void terse::onnx::registerControlOps(OpTable &t) {
  t.add("If", {1, 11, 13, 16, 19, 21, 23, 24, 25}, convertIf, "tensors only");
  t.add("Loop", {1, 11, 13, 16, 19, 21, 23, 24, 25}, convertLoop,
        "known number of iterations (unrolled), tensors only");
  t.add("Scan", {9, 11, 16, 19, 21, 23, 24, 25}, convertScan,
        "known number of elements (unrolled)");
}
