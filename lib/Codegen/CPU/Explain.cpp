//===- Explain.cpp - Which code a model becomes -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/Explain.h"
#include "UKernel/KernelCode.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Dialect/UKernel/Transforms/CostModel.h"
#include "terse/Dialect/UKernel/Transforms/QuantizeRows.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
/// A line of the table.
struct Line {
  std::string layer, what, sizes, how, limit;
  double operations = 0, cycles = 0;
};
} // namespace

static std::string formatCount(double count) {
  return count < 1e5   ? llvm::formatv("{0:F0}", count).str()
         : count < 1e8 ? llvm::formatv("{0:F1} k", count / 1e3).str()
                       : llvm::formatv("{0:F1} M", count / 1e6).str();
}

static StringRef getTypeName(Type type) {
  return type.isF32() ? "f32" : type.isBF16() ? "bf16" : type.isInteger(8) ? "i8" : "mixed";
}

/// Weights that the kernel decodes: their codes, and how many neighbours share a scale.
static std::string getFormatName(DecodingAttr decoding, int64_t k) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << decoding.getValue();
  if (decoding.getTable() != TableKind::None)
    os << " in a table";
  if (decoding.getScale() && decoding.getGroup() < k)
    os << '/' << decoding.getGroup();
  return text;
}

static Line describe(KernelOpInterface op, StringRef chain) {
  Line line;
  KernelShape shape = getKernelShape(op);
  Type left = cast<ShapedType>(op.getLhs().getType()).getElementType(),
       right = cast<ShapedType>(op.getRhs().getType()).getElementType();
  line.layer = getLayerName(op);
  line.what = (op->getName().stripDialect() + " " + getTypeName(left)).str();
  if (DecodingAttr decoding = op.getDecodingAttr())
    line.what += " x " + getFormatName(decoding, shape.k);
  else if (left != right)
    line.what += (" x " + getTypeName(right)).str();
  line.sizes =
      llvm::formatv("{0}{1} x {2} x {3}", shape.isDynamic ? "? * " : "", shape.m, shape.n, shape.k);
  ScheduleAttr schedule = op.getScheduleAttr();
  if (!schedule)
    return line;
  KernelCost cost = estimateCost(op, schedule);
  line.how = stringifyISA(schedule.getIsa()).str();
  if (isStreamKernel(op)) {
    line.how += " stream";
  } else {
    line.how += llvm::formatv(" {0}x{1}", schedule.getRows(), schedule.getColumns());
    if (!op.isDepthwise() && schedule.getBlock() > schedule.getRows())
      line.how += llvm::formatv(" of {0}", schedule.getBlock());
  }
  if (mayBeOneRow(op))
    line.how += ", one row: stream";
  if (!chain.empty()) {
    line.how += chain;
    double bytes = shape.weightBytes + shape.activationBytes + shape.resultBytes;
    cost.memoryCycles = bytes / getBytesPerCycle(0);
  }
  line.limit = cost.isMemoryBound() ? "memory" : "compute";
  line.operations = cost.operations;
  line.cycles = cost.getCycles();
  return line;
}

/// Scores and exponentials stay in the caches: the products count.
static Line describe(AttentionOp op) {
  Line line;
  auto size = [](Value v, ArrayRef<int64_t> order, int64_t fromEnd) {
    return cast<ShapedType>(v.getType()).getDimSize(order[order.size() - fromEnd]);
  };
  int64_t sizes[] = {size(op.getInit(), op.getResultOrder(), 2), size(op.getV(), op.getVOrder(), 2),
                     size(op.getQ(), op.getQOrder(), 1), size(op.getV(), op.getVOrder(), 1)};
  double heads = 1;
  bool isDynamic = llvm::any_of(sizes, ShapedType::isDynamic);
  for (int64_t d : op.getResultOrder().drop_back(2)) {
    int64_t n = cast<ShapedType>(op.getInit().getType()).getDimSize(d);
    isDynamic |= ShapedType::isDynamic(n);
    heads *= ShapedType::isDynamic(n) ? 1 : double(n);
  }
  for (int64_t &n : sizes)
    n = ShapedType::isDynamic(n) ? 1 : n;
  auto [rows, keys, depth, width] = sizes;
  line.layer = getLayerName(op);
  line.what = "attention f32";
  line.sizes = llvm::formatv("{0}{1} * {2} x {3} x {4}", isDynamic ? "? * " : "", int64_t(heads),
                             rows, keys, depth)
                   .str();
  line.how = "attention";
  line.limit = "compute";
  line.operations = 2 * heads * double(rows) * double(keys) * double(depth + width);
  // About an exponential for each cycle.
  line.cycles =
      line.operations / getPeak(ISA::AVX512, /*floats=*/true) + heads * double(rows) * double(keys);
  return line;
}

/// Whether an operand's elements lie in another order than the loops.
static bool isTranspose(linalg::LinalgOp op) {
  return llvm::any_of(op.getIndexingMapsArray(), [](AffineMap map) {
    int64_t last = -1;
    return llvm::any_of(map.getResults(), [&](AffineExpr e) {
      auto d = dyn_cast<AffineDimExpr>(e);
      return d && int64_t(d.getPosition()) < std::exchange(last, int64_t(d.getPosition()));
    });
  });
}

/// What no kernel takes. Loops over constants have been computed, others read and write memory.
static Line describe(linalg::LinalgOp op) {
  Line line;
  double iterations = 1;
  bool isDynamic = false;
  for (int64_t size : op.getStaticLoopRanges()) {
    isDynamic |= ShapedType::isDynamic(size);
    iterations *= double(ShapedType::isDynamic(size) ? 1 : size);
  }
  KernelCost cost = estimateCost(op);
  line.layer = getLayerName(op);
  if (op.getNumReductionLoops())
    line.what = op.getNumParallelLoops() && op.getNumDpsInputs() > 1 ? "contraction" : "reduction";
  else
    line.what = cost.operations > 0 ? "elementwise"
                : isTranspose(op)   ? "transpose"
                                    : op->getName().stripDialect().str();
  line.sizes = (isDynamic ? "? * " : "") + formatCount(iterations);
  line.how = "loops";
  if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      generic && matchQuantizeRows(generic))
    line.what = "quantize_rows", line.how = "quantize_rows";
  line.limit = cost.isMemoryBound() ? "memory" : "compute";
  line.operations = cost.operations;
  line.cycles = std::max(cost.computeCycles, cost.memoryCycles);
  return line;
}

std::vector<std::string> terse::findSlowIntegers(ModuleOp module) {
  std::vector<std::string> layers;
  module.walk([&](KernelOpInterface op) {
    if (!op.getScheduleAttr() || mlir::isa<FloatType>(getSumType(op)))
      return;
    double rounding = getQuantizingCycles(op);
    double integers = estimateCost(op, op.getScheduleAttr()).getCycles() + rounding;
    std::string layer = getLayerName(op);
    if (rounding > 0 && integers > estimateFloatCost(op).getCycles() &&
        !llvm::is_contained(layers, layer))
      layers.push_back(layer);
  });
  return layers;
}

size_t terse::countPlainIntegers(ModuleOp module) {
  size_t count = 0;
  module.walk([&](KernelOpInterface op) {
    ScheduleAttr schedule = op.getScheduleAttr();
    count += schedule && schedule.getIsa() == ISA::Portable && !isa<FloatType>(getSumType(op));
  });
  return count;
}

/// The ops of chains, and what is said of them: where a tensor in between stays in the cache,
/// memory counts as the nearest one.
static llvm::DenseMap<Operation *, std::string> listChains(ModuleOp module) {
  llvm::DenseMap<Operation *, std::string> text;
  module.walk([&](KernelOpInterface last) {
    ChainAttr chain = last.getChainAttr();
    if (!chain)
      return;
    text[last] = llvm::formatv(", chain of {0} by {1}", chain.getKernels(), chain.getRows());
    KernelOpInterface op = last;
    for (int64_t i = 1; i < chain.getKernels() && op; ++i)
      if ((op = op.getLhs().getDefiningOp<KernelOpInterface>()))
        text[op] = ", chained";
  });
  return text;
}

static std::vector<Line> listLines(ModuleOp module) {
  std::vector<Line> lines;
  llvm::DenseMap<Operation *, std::string> chains = listChains(module);
  module.walk([&](Operation *op) {
    if (auto kernel = dyn_cast<KernelOpInterface>(op)) {
      lines.push_back(describe(kernel, chains.lookup(op)));
      return WalkResult::skip();
    }
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      lines.push_back(describe(attention));
      return WalkResult::skip();
    }
    if (auto loops = dyn_cast<linalg::LinalgOp>(op))
      lines.push_back(describe(loops));
    return WalkResult::advance();
  });
  return lines;
}

double terse::estimateCycles(ModuleOp module) {
  double cycles = 0;
  for (const Line &line : listLines(module))
    cycles += line.cycles;
  return cycles;
}

void terse::explainKernels(ModuleOp module, llvm::raw_ostream &os) {
  std::vector<Line> lines = listLines(module);
  double cycles = 0;
  llvm::MapVector<StringRef, double> shares;
  size_t widths[4] = {5, 6, 9, 4};
  for (const Line &line : lines) {
    cycles += line.cycles;
    shares[StringRef(line.how).split(' ').first] += line.cycles;
    const std::string *texts[] = {&line.layer, &line.what, &line.sizes, &line.how};
    for (auto [width, text] : llvm::zip(widths, texts))
      width = std::max(width, text->size());
  }
  auto pad = [&](StringRef text, size_t width) {
    os << text;
    os.indent(unsigned(width - text.size() + 2));
  };
  auto row = [&](StringRef layer, StringRef what, StringRef sizes, StringRef how) {
    pad(layer, widths[0]);
    pad(what, widths[1]);
    pad(sizes, widths[2]);
    pad(how, widths[3]);
  };
  row("layer", "kernel", "M x N x K", "code");
  os << "operations      cycles   share  limit\n";
  for (const Line &line : lines) {
    row(line.layer, line.what, line.sizes, line.how);
    os << llvm::formatv("{0,10}  {1,10}  {2,5:F1}%  {3}\n", formatCount(line.operations),
                        formatCount(line.cycles), 100 * line.cycles / cycles, line.limit);
  }
  os << "estimated cycles of one core: " << formatCount(cycles);
  const char *separator = "; ";
  for (auto [code, part] : shares) {
    os << separator << code << llvm::formatv(" {0:F1}%", 100 * part / cycles);
    separator = ", ";
  }
  os << "\n";
}
