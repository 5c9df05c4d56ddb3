//===- Attention.cpp - Attention and rotary embedding -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

#include <cmath>
#include <limits>

using namespace terse;
using namespace terse::onnx;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

// [B, S, H * D] to [B, H, S, D].
static Value splitHeads(Emitter &e, Value x, int64_t heads, const char *what) {
  if (e.rankOf(x) == 4)
    return x;
  if (e.rankOf(x) != 3)
    fail(llvm::Twine(what) + " must have rank 3 or 4 (got " + llvm::Twine(e.rankOf(x)) + ")");
  int64_t hidden = e.staticDim(x, 2, "the hidden size");
  if (heads < 1 || hidden % heads)
    fail("the number of heads must divide the hidden size (got " + llvm::Twine(heads) + " for " +
         llvm::Twine(hidden) + ")");
  Dims d = e.dimsOf(x);
  return e.transpose(e.reshape(x, {d[0], d[1], Dim(heads), Dim(hidden / heads)}), {0, 2, 1, 3});
}

// A float mask of 0 and -inf, or the given float mask.
static Value toBias(Emitter &e, Value mask, Type element) {
  if (!e.isBool(mask))
    return e.cast(mask, element);
  return e.select(mask, e.zero(element), e.scalar(-kInfinity, element));
}

// Queries that see no key yield 0, not NaN.
static Value zeroWithoutKeys(Emitter &e, Value x, Value mask) {
  if (!mask || !e.isBool(mask) || e.rankOf(mask) < 1)
    return x;
  Value any = e.reduce(ReduceKind::Max, e.cast(mask, e.i32()), {e.rankOf(mask) - 1}, true);
  return e.select(e.compare(CompareKind::Ne, any, 0.0), x, e.zero(e.elementOf(x)));
}

namespace {
struct AttentionInputs {
  Value q, k, v, mask;
  double scale, softcap;
  bool causal;
};
} // namespace

// The steps one by one, for what nn.attention does not yield: the scores.
static void emitStepwise(Node &n, const AttentionInputs &in, int64_t mode, Value &result,
                         Value &scores) {
  Emitter &e = n.e;
  Type element = e.elementOf(in.q);
  int64_t queryHeads = e.staticDim(in.q, 1, "the number of heads"),
          heads = e.staticDim(in.k, 1, "the number of heads");
  auto repeat = [&](Value x) {
    if (heads == queryHeads || heads < 1)
      return x;
    Value wide = e.unsqueeze(x, {2});
    Dims dims = e.dimsOf(wide);
    dims[2] = queryHeads / heads;
    return e.collapse(e.broadcastTo(wide, dims, e.dimsVector(dims, {x})), 1, 3);
  };
  Value k = repeat(in.k), v = repeat(in.v);
  double root = std::sqrt(in.scale);
  Value product = e.matmul(e.binary(BinaryKind::Mul, in.q, root),
                           e.transposeLast(e.binary(BinaryKind::Mul, k, root)));
  Value capped = product;
  if (in.softcap > 0)
    capped = e.binary(BinaryKind::Mul,
                      e.unary(UnaryKind::Tanh, e.binary(BinaryKind::Div, product, in.softcap)),
                      in.softcap);
  Value biased = in.mask ? e.add(capped, toBias(e, in.mask, element)) : capped;
  Value wide = n.has("softmax_precision")
                   ? e.cast(biased, n.elementType(n.attrInt("softmax_precision")))
                   : biased;
  Value weights = zeroWithoutKeys(e, e.softmax(wide, e.rankOf(wide) - 1), in.mask);
  switch (mode) {
  case 0:
    scores = product;
    break;
  case 1:
    scores = capped;
    break;
  case 2:
    scores = biased;
    break;
  default:
    scores = weights;
  }
  scores = e.cast(scores, element);
  result = e.cast(e.matmul(weights, e.cast(v, e.elementOf(weights))), element);
}

static void convertAttention(Node &n) {
  Emitter &e = n.e;
  Value q = n.in(0), k = n.in(1), v = n.in(2), mask = n.opt(3), pastKey = n.opt(4),
        pastValue = n.opt(5), lengths = n.opt(6);
  bool packed = e.rankOf(q) == 3;
  int64_t queryHeads = n.attrInt("q_num_heads", 0), heads = n.attrInt("kv_num_heads", 0);
  q = splitHeads(e, q, queryHeads, "Q");
  k = splitHeads(e, k, heads, "K");
  v = splitHeads(e, v, heads, "V");
  if (pastKey)
    k = e.concat({pastKey, k}, 2);
  if (pastValue)
    v = e.concat({pastValue, v}, 2);
  if (e.rankOf(q) != 4 || e.rankOf(k) != 4 || e.rankOf(v) != 4)
    fail("Q, K and V must have the same rank");
  Type element = e.elementOf(q);
  AttentionInputs in;
  int64_t headSize = e.staticDim(q, 3, "the size of a head");
  in.scale = n.attrFloat("scale", 1 / std::sqrt(double(headSize)));
  in.softcap = n.attrFloat("softcap", 0);
  bool causal = n.attrBool("is_causal", false);
  int64_t mode = n.attrInt("qk_matmul_output_mode", 0);
  n.ignore("softmax_precision"); // Softmax computes in f32 at least.

  // A mask may be shorter than the keys: the rest is masked.
  if (mask && e.shapeOf(mask).back() != e.shapeOf(k)[2] && !e.shapeOf(mask).empty()) {
    int64_t have = e.staticDim(mask, e.rankOf(mask) - 1, "the size of the mask"),
            need = e.staticDim(k, 2, "the number of keys");
    if (have != 1 && have < need) {
      Ints low(e.rankOf(mask), 0), high(low);
      high.back() = need - have;
      Value off = e.isBool(mask) ? e.intScalar(0, e.i1()) : e.scalar(-kInfinity, e.elementOf(mask));
      mask = e.pad(nn::PadMode::Constant, mask, off, low, high);
    }
  }
  auto addMask = [&](Value more) {
    if (!mask)
      mask = more;
    else if (e.isBool(mask) && e.isBool(more))
      mask = e.binary(BinaryKind::And, mask, more);
    else
      mask = e.add(toBias(e, mask, element), toBias(e, more, element));
  };
  Value positions = e.unsqueeze(e.iotaOfDim(q, 2, e.i64()), {1}), keys = e.iotaOfDim(k, 2, e.i64());
  // Causal with keys before the queries: query i sees keys up to i + offset.
  in.causal = causal && !pastKey && !lengths;
  if (causal && pastKey) {
    Value offset = e.slice(e.shapeVector(pastKey), 0, 2, 3);
    addMask(e.compare(CompareKind::Le, keys, e.add(positions, offset)));
  } else if (causal && lengths) {
    Value offset = e.sub(e.cast(lengths, e.i64()), e.slice(e.shapeVector(q), 0, 2, 3));
    addMask(e.compare(CompareKind::Le, keys, e.add(positions, e.alongAxis(offset, 0, 4))));
  }
  if (lengths)
    addMask(e.compare(CompareKind::Lt, keys, e.alongAxis(e.cast(lengths, e.i64()), 0, 4)));
  in.q = q;
  in.k = k;
  in.v = v;

  Value result, scores;
  if (n.wants(3)) {
    if (in.causal)
      addMask(e.compare(CompareKind::Le, keys, positions));
    in.causal = false;
    in.mask = mask;
    emitStepwise(n, in, mode, result, scores);
  } else {
    // A mask of at least rank 2 for the op.
    if (mask && !e.isBool(mask))
      mask = e.cast(mask, element);
    result = e.op<nn::AttentionOp>(
        {q, k, v, mask},
        {e.attr("scale", in.scale), e.attr("causal", in.causal), e.attr("softcap", in.softcap)});
  }
  if (packed)
    result = e.collapse(e.transpose(result, {0, 2, 1, 3}), 2, 4);
  n.set(0, result);
  n.set(1, k);
  n.set(2, v);
  n.set(3, scores);
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

static void convertRotaryEmbedding(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), cos = n.in(1), sin = n.in(2), ids = n.opt(3);
  bool interleaved = n.attrBool("interleaved", false), packed = e.rankOf(x) == 3;
  int64_t heads = n.attrInt("num_heads", 0);
  n.ignore("rotary_embedding_dim"); // It is twice the last dimension of the caches.
  if (packed && heads < 1)
    fail("an input of rank 3 needs num_heads");
  x = splitHeads(e, x, heads, "the input");
  if (ids) {
    cos = e.gather(cos, ids, 0);
    sin = e.gather(sin, ids, 0);
  }
  Value result = e.op<nn::RotaryEmbeddingOp>({x, cos, sin}, {e.attr("interleaved", interleaved)});
  if (packed)
    result = e.collapse(e.transpose(result, {0, 2, 1, 3}), 2, 4);
  n.set(0, result);
}

//===----------------------------------------------------------------------===//
// Linear attention
//===----------------------------------------------------------------------===//

// A recurrence over the sequence, unrolled.
static void convertLinearAttention(Node &n) {
  Emitter &e = n.e;
  int64_t queryHeads = n.attrInt("q_num_heads"), heads = n.attrInt("kv_num_heads");
  std::string rule = n.attrString("update_rule", "gated_delta");
  n.ignore("chunk_size");
  Value q = splitHeads(e, n.in(0), queryHeads, "query"), k = splitHeads(e, n.in(1), heads, "key"),
        v = splitHeads(e, n.in(2), heads, "value"), past = n.opt(3);
  Type element = e.elementOf(q), wide = e.f32();
  int64_t steps = e.staticDim(q, 2, "the length of the sequence"),
          keySize = e.staticDim(k, 3, "the size of a head"),
          valueSize = e.staticDim(v, 3, "the size of a head");
  double scale = n.attrFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(double(keySize));
  bool gated = rule == "gated" || rule == "gated_delta",
       delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear")
    fail("update_rule '" + rule + "' is not supported");
  if (steps < 1 || steps > 4096 || queryHeads % heads)
    fail("the sequence must have 1 to 4096 steps, and kv_num_heads divide q_num_heads");
  q = e.binary(BinaryKind::Mul, e.cast(q, wide), scale);
  k = e.cast(k, wide);
  v = e.cast(v, wide);
  Dims d = e.dimsOf(k);
  // Query heads of one state side by side: [B, H, group, T, D].
  int64_t group = queryHeads / heads;
  q = e.reshape(q, {d[0], Dim(heads), Dim(group), d[2], Dim(keySize)});
  // Per head, per key element, or one for all heads.
  auto gate = [&](Value x) {
    bool shared = e.rankOf(x) == 3 && e.shapeOf(x)[2] == 1;
    return e.cast(splitHeads(e, x, shared ? 1 : heads, "a gate"), wide);
  };
  Value g = gated ? e.unary(UnaryKind::Exp, gate(n.in(4))) : Value(),
        b = delta ? gate(n.in(5)) : Value();
  Value state = past ? e.cast(past, wide)
                     : e.broadcastTo(e.zero(wide), {d[0], Dim(heads), Dim(keySize), Dim(valueSize)},
                                     d[0].isConstant()
                                         ? Value()
                                         : e.dimsVector({d[0], heads, keySize, valueSize}, {k}));
  llvm::SmallVector<Value> outputs;
  for (int64_t t = 0; t < steps; ++t) {
    auto at = [&](Value x, int64_t axis) { return e.slice(x, axis, t, t + 1); };
    Value kt = e.transposeLast(at(k, 2)), vt = at(v, 2); // [B, H, D, 1], [B, H, 1, Dv]
    if (gated)
      state = e.mul(state, e.transposeLast(at(g, 2)));
    if (delta)
      vt = e.mul(e.sub(vt, e.matmul(e.transposeLast(kt), state)), at(b, 2));
    state = e.add(state, e.mul(kt, vt));
    Value qt = e.squeeze(at(q, 3), {3}); // [B, H, group, D]
    outputs.push_back(e.unsqueeze(e.matmul(qt, state), {3}));
  }
  Value y = e.concat(outputs, 3);                        // [B, H, group, T, Dv]
  y = e.collapse(e.transpose(y, {0, 3, 1, 2, 4}), 2, 5); // [B, T, H * group * Dv]
  n.set(0, e.cast(y, element));
  n.set(1, e.cast(state, past ? e.elementOf(past) : element));
}

void terse::onnx::registerAttentionOps(OpTable &t) {
  t.add("Attention", {23, 24}, convertAttention);
  t.add("RotaryEmbedding", {23}, convertRotaryEmbedding);
  t.add("LinearAttention", {27}, convertLinearAttention, "static sequence length");
}
