//===- WeightDecoder.cpp - Weights of few bits in registers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lanes are output channels, so that codes are moved to the place where they are used by shifts
// alone and sums need no additions across lanes. Codes of up to 4 bits index a table in registers
// (vpermps, whose 16 entries hold any format of 4 bits at the same cost), others are widened.

#include "WeightDecoder.h"
#include "terse/Numerics/Float.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// How far ahead of the codes memory is fetched: about what arrives while it is on its way.
static constexpr int64_t kPrefetchBytes = 768;

// Products that add up in one register, as in products of floats.
static constexpr int64_t kBlock = 128;
// Codes that are decoded in one pass of a loop.
static constexpr int64_t kDecoded = 8;

WeightDecoder::WeightDecoder(KernelCode &code)
    : k(code), b(code.b), decoding(code.op.getDecodingAttr()), isa(code.schedule.getIsa()),
      layout(getSizes(code.op), code.schedule, decoding) {
  if (isa == ISA::AMXBF16) // Of the vectors that decode.
    isa = ISA::AVX512;
  permutes = (isa == ISA::AVX512 || isa == ISA::AVX2) && layout.bits <= 4;
}

VectorType WeightDecoder::vector(Type element) const {
  return VectorType::get(layout.lanes, element);
}

// A vector of `element`s at byte `at`.
Value WeightDecoder::load(Value p, int64_t v, Value at, Type element) {
  auto type = vector(element);
  int64_t bytes = layout.lanes * element.getIntOrFloatBitWidth() / 8;
  Value loaded = vector::LoadOp::create(b, k.loc, VectorType::get(bytes, b.getI8Type()),
                                        k.op.getRhs(), ValueRange{p, k.c(v), at});
  return element.isInteger(8) ? loaded
                              : vector::BitCastOp::create(b, k.loc, type, loaded).getResult();
}

Value WeightDecoder::constants(ArrayRef<float> values) {
  auto type = VectorType::get(values.size(), b.getF32Type());
  return arith::ConstantOp::create(b, k.loc, DenseElementsAttr::get(type, values));
}

Value WeightDecoder::shift(Value x, int64_t right) {
  auto type = cast<VectorType>(x.getType());
  if (right > 0)
    return arith::ShRUIOp::create(b, k.loc, x, k.splat(right, type));
  return right < 0 ? arith::ShLIOp::create(b, k.loc, x, k.splat(-right, type)).getResult() : x;
}

// From i32 that are not above 2^24 in magnitude.
Value WeightDecoder::toFloat(Value x) {
  return arith::SIToFPOp::create(b, k.loc, vector(b.getF32Type()), x);
}

// Floats with at most 5 bits of exponent are f16 with another bias, subnormal ones too. `codes` are
// integers of any width that hold nothing else.
Value WeightDecoder::fromSmallFloat(Value codes, unsigned bits, unsigned mantissa, unsigned bias) {
  auto words = vector(b.getI16Type());
  if (codes.getType() == vector(b.getI8Type()))
    codes = arith::ExtUIOp::create(b, k.loc, words, codes);
  else
    codes = arith::TruncIOp::create(b, k.loc, words, codes);
  int64_t half = int64_t(1) << (bits - 1);
  Value sign = arith::AndIOp::create(b, k.loc, codes, k.splat(half, words));
  Value rest = arith::AndIOp::create(b, k.loc, codes, k.splat(half - 1, words));
  Value pattern = arith::OrIOp::create(b, k.loc, shift(sign, -int64_t(16 - bits)),
                                       shift(rest, -int64_t(10 - mantissa)));
  Value small = arith::BitcastOp::create(b, k.loc, vector(b.getF16Type()), pattern);
  Value value = arith::ExtFOp::create(b, k.loc, vector(b.getF32Type()), small);
  if (bias == 15)
    return value;
  return arith::MulFOp::create(b, k.loc, value,
                               k.splat(int64_t(1) << (15 - bias), vector(b.getF32Type())));
}

// Small numbers of 4 bits or less as a table, repeated up to the 16 entries of a register.
static SmallVector<float> getNumbers(Type value) {
  unsigned bits = value.getIntOrFloatBitWidth();
  SmallVector<float> numbers;
  for (unsigned i = 0; i < 16; ++i) {
    unsigned code = i % (1u << bits);
    if (isa<FloatType>(value))
      numbers.push_back(numerics::decodeFloat(numerics::FloatKind::F4E2M1FN, uint16_t(code)));
    else if (!value.isUnsignedInteger() && code >> (bits - 1))
      numbers.push_back(float(code) - float(1u << bits));
    else
      numbers.push_back(float(code));
  }
  return numbers;
}

WeightDecoder::Tables WeightDecoder::loadTables(Value p, int64_t v) {
  Tables tables;
  Type f32 = b.getF32Type();
  if (decoding.getTable() == TableKind::None) {
    // Integers are converted where tables need two lookups.
    bool integer = decoding.getValue().isInteger();
    if (permutes && !(integer && isa == ISA::AVX2)) {
      SmallVector<float> numbers = getNumbers(decoding.getValue());
      for (int64_t at = 0; at < 16; at += layout.lanes)
        tables.registers.push_back(constants(ArrayRef(numbers).slice(at, layout.lanes)));
    }
    return tables;
  }
  if (permutes && decoding.getTable() == TableKind::Shared) {
    for (int64_t at = 0; at < 16; at += layout.lanes)
      tables.registers.push_back(load(p, v, k.c(at * 4), f32));
    return tables;
  }
  Value flat = memref::CollapseShapeOp::create(b, k.loc, k.op.getRhs(),
                                               SmallVector<ReassociationIndices>{{0, 1, 2}});
  Value at = k.mul(k.add(k.mul(p, layout.vectors), v), layout.bytes);
  tables.memory = memref::ViewOp::create(b, k.loc, MemRefType::get(layout.tableBytes / 4, f32),
                                         flat, at, ValueRange());
  return tables;
}

Value WeightDecoder::loadIndex(Value p, int64_t v, Value at, Value i) {
  at = k.add(k.add(at, k.mul(i, 2)), layout.getIndexOffset());
  Value pair = vector::LoadOp::create(b, k.loc, VectorType::get(2, b.getI8Type()), k.op.getRhs(),
                                      ValueRange{p, k.c(v), at});
  Value word = vector::BitCastOp::create(b, k.loc, VectorType::get(1, b.getI16Type()), pair);
  word = vector::ExtractOp::create(b, k.loc, word, ArrayRef<int64_t>{0});
  return arith::IndexCastUIOp::create(b, k.loc, b.getIndexType(), word);
}

WeightDecoder::Group WeightDecoder::loadGroup(Value p, int64_t v, Value at, Value index) {
  Group group;
  Value zeros = k.add(at, layout.getZeroOffset());
  if (index) {
    at = k.add(at, k.mul(index, layout.scaleBytes));
    zeros = k.add(zeros, k.mul(index, layout.zeroBytes));
  }
  auto ints = vector(b.getI32Type()), floats = vector(b.getF32Type());
  if (Type scale = decoding.getScale()) {
    if (scale.isF32()) {
      group.scale = load(p, v, at, scale);
    } else if (scale.isF16()) {
      group.scale = arith::ExtFOp::create(b, k.loc, floats, load(p, v, at, scale));
    } else if (scale.isBF16()) {
      Value x = arith::ExtUIOp::create(b, k.loc, ints, load(p, v, at, b.getI16Type()));
      group.scale = arith::BitcastOp::create(b, k.loc, floats, shift(x, -16));
    } else if (mlir::isa<Float8E4M3FNType>(scale)) {
      group.scale = fromSmallFloat(load(p, v, at, b.getI8Type()), 8, 3, 7);
    } else {
      // The exponent of an f32; its least value is subnormal.
      Value x = arith::ExtUIOp::create(b, k.loc, ints, load(p, v, at, b.getI8Type()));
      Value least = arith::CmpIOp::create(b, k.loc, arith::CmpIPredicate::eq, x, k.zero(ints));
      x = arith::SelectOp::create(b, k.loc, least, k.splat(1 << 22, ints), shift(x, -23));
      group.scale = arith::BitcastOp::create(b, k.loc, floats, x);
    }
  }
  if (decoding.getZeroPoints()) {
    Value x = load(p, v, zeros, b.getI8Type());
    x = decoding.getValue().isUnsignedInteger()
            ? arith::ExtUIOp::create(b, k.loc, ints, x).getResult()
            : arith::ExtSIOp::create(b, k.loc, ints, x).getResult();
    group.zero = layout.quads ? x : toFloat(x);
  }
  return group;
}

// Entries at `index`, whose bits above those of a code may be anything if they are permuted.
Value WeightDecoder::lookUp(Value index, const Tables &tables) {
  auto floats = vector(b.getF32Type());
  if (tables.registers.size() == 1)
    return k.intrinsic("llvm.x86.avx512.permvar.sf.512", floats, {tables.registers[0], index});
  if (tables.registers.size() == 2) {
    // Eight entries each; bit 3 chooses.
    auto permute = [&](Value table) {
      return k.intrinsic("llvm.x86.avx2.permps", floats, {table, index});
    };
    Value low = permute(tables.registers[0]);
    if (layout.bits < 4)
      return low;
    Value high = arith::BitcastOp::create(b, k.loc, floats, shift(index, -28));
    return k.intrinsic("llvm.x86.avx.blendv.ps.256", floats,
                       {low, permute(tables.registers[1]), high});
  }
  auto mask = arith::ConstantOp::create(
      b, k.loc, DenseElementsAttr::get(vector(b.getI1Type()), b.getBoolAttr(true)));
  if (decoding.getTable() == TableKind::Column) {
    SmallVector<int32_t> first;
    for (int64_t lane = 0; lane < layout.lanes; ++lane)
      first.push_back(lane * layout.entries);
    auto type = vector(b.getI32Type());
    index = arith::AddIOp::create(
        b, k.loc, index,
        arith::ConstantOp::create(b, k.loc, DenseElementsAttr::get(type, ArrayRef(first))));
  }
  return vector::GatherOp::create(b, k.loc, floats, tables.memory, ValueRange{k.c(0)}, index, mask,
                                  k.zero(floats));
}

SmallVector<Value> WeightDecoder::loadPlanes(Value p, int64_t v, Value at) {
  SmallVector<Value> words;
  for (int64_t byte = 0; byte < layout.unitBytes; byte += layout.lanes * 4)
    words.push_back(load(p, v, k.add(at, byte), b.getI32Type()));
  return words;
}

Value WeightDecoder::quad(ArrayRef<Value> words, int64_t q) {
  Value result;
  for (const WeightLayout::Plane &plane : layout.getPlanes()) {
    int64_t perWord = 8 / plane.bits, from = q % perWord * plane.bits;
    Value x = words[plane.word + q / perWord];
    if (plane.bits == 8)
      return x;
    int64_t mask = ((1 << plane.bits) - 1) * 0x01010101ll;
    x = shift(x, from - plane.from);
    x = arith::AndIOp::create(b, k.loc, x,
                              k.splat(mask << plane.from, cast<VectorType>(x.getType())));
    result = result ? arith::OrIOp::create(b, k.loc, result, x).getResult() : x;
  }
  return result;
}

SmallVector<Value> WeightDecoder::loadWords(Value p, int64_t v, Value at) {
  if (layout.bits == 8)
    return {load(p, v, at, b.getI8Type())};
  SmallVector<Value> words;
  int64_t bytes = layout.lanes * 4;
  for (int64_t w = 0; w < layout.unitBytes / bytes; ++w)
    for (int64_t byte = 0; byte < 4; ++byte)
      words.push_back(byte && !permutes ? Value()
                                        : load(p, v, k.add(at, w * bytes + byte), b.getI32Type()));
  return words;
}

Value WeightDecoder::number(ArrayRef<Value> words, int64_t i, const Tables &tables, Value zero) {
  Type value = decoding.getValue();
  int64_t bits = layout.bits;
  auto ints = vector(b.getI32Type());
  bool isSigned = value.isInteger() && !value.isUnsignedInteger();
  bool looksUp = !tables.registers.empty() || tables.memory;
  Value result;
  if (bits == 8 && mlir::isa<FloatType>(value)) {
    bool e5m2 = mlir::isa<Float8E5M2Type>(value);
    result = fromSmallFloat(words[0], 8, e5m2 ? 2 : 3, e5m2 ? 15 : 7);
  } else if (bits == 8) {
    Value x = isSigned ? arith::ExtSIOp::create(b, k.loc, ints, words[0]).getResult()
                       : arith::ExtUIOp::create(b, k.loc, ints, words[0]).getResult();
    result = looksUp ? lookUp(x, tables) : toFloat(x);
  } else {
    int64_t word = i * bits / 32, from = i * bits % 32;
    bool straddles = from + bits > 32;
    if (!tables.registers.empty() && !straddles) {
      // Loads that begin at the code's byte save shifts, which one port alone executes.
      result = lookUp(shift(words[word * 4 + from / 8], from % 8), tables);
    } else if (isSigned && !looksUp && !straddles) {
      // To the top and back, which extends the sign.
      Value x = arith::ShRSIOp::create(b, k.loc, shift(words[word * 4], from + bits - 32),
                                       k.splat(32 - bits, ints));
      result = toFloat(x);
    } else {
      Value x = shift(words[word * 4], from);
      if (straddles)
        x = arith::OrIOp::create(b, k.loc, x, shift(words[word * 4 + 4], from - 32));
      if (tables.registers.empty() && !isSigned && (straddles || from + bits < 32))
        x = arith::AndIOp::create(b, k.loc, x, k.splat((1 << bits) - 1, ints));
      if (looksUp) {
        result = lookUp(x, tables);
      } else if (mlir::isa<FloatType>(value)) {
        result = fromSmallFloat(x, 4, 1, 1);
      } else if (isSigned) {
        x = shift(x, bits - 32);
        result = toFloat(arith::ShRSIOp::create(b, k.loc, x, k.splat(32 - bits, ints)));
      } else {
        result = toFloat(x);
      }
    }
  }
  return zero ? arith::SubFOp::create(b, k.loc, result, zero).getResult() : result;
}

int64_t WeightDecoder::getDecodedRows(int64_t count) const {
  // Before the first one, and up to the end of the last unit.
  return count + 2 * getStep() + layout.paddedGroup - layout.group + layout.unitCodes;
}

Value WeightDecoder::decode(Value p, Value from, Value to, Value floats) {
  int64_t head = layout.getCodeOffset(), unitCodes = layout.unitCodes;
  Value begin = k.mul(k.div(from, k.c(getStep())), getStep()), zero = k.c(0);
  for (int64_t v = 0; v < layout.vectors; ++v) {
    Tables tables = loadTables(p, v);
    // What a group has beyond its last element is overwritten by the next one.
    k.loop(k.div(begin, k.c(layout.group)), k.ceilDiv(to, layout.group), 1, [&](Value g) {
      Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
      Value start = k.mul(g, layout.group);
      Group group;
      if (!layout.indexBytes)
        group = loadGroup(p, v, at);
      auto decodeUnits = [&](Value i, int64_t units) {
        Value unit = k.mul(k.div(i, k.c(unitCodes)), layout.unitBytes);
        for (int64_t u = 0; u < units; ++u) {
          Value codes = k.add(k.add(at, unit), head + u * layout.unitBytes);
          SmallVector<Value> words = loadWords(p, v, codes);
          for (int64_t c = 0; c < unitCodes; ++c) {
            Value element = k.add(i, u * unitCodes + c);
            if (layout.indexBytes)
              group = loadGroup(p, v, at, loadIndex(p, v, at, element));
            Value w = number(words, c, tables, group.zero);
            if (group.scale)
              w = arith::MulFOp::create(b, k.loc, w, group.scale);
            Value row = k.add(k.sub(start, begin), element);
            vector::StoreOp::create(b, k.loc, w, floats, ValueRange{row, k.c(v * layout.lanes)});
          }
        }
      };
      Value first = arith::MaxSIOp::create(b, k.loc, zero, k.sub(begin, start));
      Value last = k.min(k.c(layout.paddedGroup), k.sub(to, start));
      int64_t units = std::max<int64_t>(1, kDecoded / unitCodes), step = units * unitCodes;
      if (units > 1) {
        Value whole = k.mul(k.div(k.sub(last, first), k.c(step)), step);
        whole = k.add(first, whole);
        k.loop(first, whole, step, [&](Value i) { decodeUnits(i, units); });
        first = whole;
      }
      k.loop(first, last, unitCodes, [&](Value i) { decodeUnits(i, 1); });
    });
  }
  return begin;
}

void WeightDecoder::multiply(Value p, Value rows, Value first, int64_t count, Value sums) {
  auto floats = vector(b.getF32Type());
  int64_t streams = layout.vectors, head = layout.getCodeOffset();
  // Codes of a step: enough for a line of memory of each stream.
  int64_t units = 1;
  while (units * 2 * layout.unitCodes <= 8 &&
         layout.paddedGroup / layout.unitCodes % (units * 2) == 0)
    units *= 2;
  // Sums that do not wait for each other hide the latency of multiply-adds.
  int64_t chains = 1;
  while (streams * count * chains * 2 <= 8 && chains * 2 <= units * layout.unitCodes)
    chains *= 2;
  SmallVector<Tables> tables;
  for (int64_t v = 0; v < streams; ++v)
    tables.push_back(loadTables(p, v));
  SmallVector<Value> totals(streams * count, k.zero(floats));
  totals = k.loop(k.c(0), k.c(layout.groups), 1, totals, [&](Value g, ValueRange before) {
    Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
    SmallVector<Group> groups;
    for (int64_t v = 0; v < streams; ++v)
      groups.push_back(layout.indexBytes ? Group() : loadGroup(p, v, at));
    Value codes = k.add(at, head), group = at, column = k.mul(g, layout.paddedGroup);
    SmallVector<Value> accs(streams * count * chains, k.zero(floats));
    auto step = [&](Value i, ValueRange in) {
      SmallVector<Value> sum(in);
      for (int64_t u = 0; u < units; ++u) {
        Value from =
            k.add(codes, k.mul(k.div(k.add(i, u * layout.unitCodes), k.c(layout.unitCodes)),
                               layout.unitBytes));
        SmallVector<SmallVector<Value>> words;
        for (int64_t v = 0; v < streams; ++v) {
          words.push_back(loadWords(p, v, from));
          if (u * layout.unitBytes % 64 == 0)
            memref::PrefetchOp::create(b, k.loc, k.op.getRhs(),
                                       ValueRange{p, k.c(v), k.add(from, kPrefetchBytes)},
                                       /*isWrite=*/false, /*localityHint=*/3,
                                       /*isDataCache=*/true);
        }
        for (int64_t c = 0; c < layout.unitCodes; ++c) {
          Value at = k.add(k.add(column, i), u * layout.unitCodes + c);
          SmallVector<Value> x;
          for (int64_t r = 0; r < count; ++r)
            x.push_back(vector::BroadcastOp::create(
                b, k.loc, floats,
                memref::LoadOp::create(b, k.loc, rows, ValueRange{k.add(first, r), at})));
          for (int64_t v = 0; v < streams; ++v) {
            Group own = groups[v];
            if (layout.indexBytes)
              own = loadGroup(p, v, group,
                              loadIndex(p, v, group, k.add(i, u * layout.unitCodes + c)));
            Value w = number(words[v], c, tables[v], own.zero);
            if (layout.indexBytes && own.scale)
              w = arith::MulFOp::create(b, k.loc, w, own.scale);
            for (int64_t r = 0; r < count; ++r) {
              Value &acc = sum[((u * layout.unitCodes + c) % chains * streams + v) * count + r];
              acc = k.multiplyAdd(x[r], w, acc);
            }
          }
        }
      }
      return sum;
    };
    int64_t width = units * layout.unitCodes, block = kBlock * chains / width * width;
    if (layout.paddedGroup <= 2 * block || block == 0) {
      accs = k.loop(k.c(0), k.c(layout.paddedGroup), width, accs, step);
    } else {
      SmallVector<Value> zeros(accs);
      accs = k.loop(k.c(0), k.c(layout.paddedGroup), block, accs, [&](Value i, ValueRange onto) {
        Value end = k.min(k.add(i, block), k.c(layout.paddedGroup));
        SmallVector<Value> sum = k.loop(i, end, width, zeros, step);
        for (auto [s, old] : llvm::zip(sum, onto))
          s = arith::AddFOp::create(b, k.loc, old, s);
        return sum;
      });
    }
    SmallVector<Value> after;
    for (int64_t v = 0; v < streams; ++v)
      for (int64_t r = 0; r < count; ++r) {
        Value sum = accs[v * count + r];
        for (int64_t c = 1; c < chains; ++c)
          sum = arith::AddFOp::create(b, k.loc, sum, accs[(c * streams + v) * count + r]);
        Value total = before[v * count + r];
        after.push_back(groups[v].scale ? k.multiplyAdd(sum, groups[v].scale, total)
                                        : arith::AddFOp::create(b, k.loc, total, sum).getResult());
      }
    return after;
  });
  for (int64_t r = 0; r < count; ++r)
    for (int64_t v = 0; v < streams; ++v)
      vector::StoreOp::create(b, k.loc, totals[v * count + r], sums,
                              ValueRange{k.c(r), k.c(v * layout.lanes)});
}
