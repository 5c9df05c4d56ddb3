//===- Statistics.cpp - What is known of a tensor's values ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Calibration/Statistics.h"

#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace terse;

//===----------------------------------------------------------------------===//
// Histogram
//===----------------------------------------------------------------------===//

double Histogram::getWidth() const { return std::ldexp(1.0, static_cast<int>(exponent)); }

void Histogram::growTo(int64_t wanted) {
  if (wanted <= exponent)
    return;
  // floor(floor(x / w) / 2^d) = floor(x / (w 2^d)): bins move whole.
  int64_t shift = std::min<int64_t>(wanted - exponent, 62);
  std::vector<uint64_t> grown(2 * kBins);
  for (int64_t bin = -kBins; bin < kBins; ++bin)
    grown[(bin >> shift) + kBins] += counts[bin + kBins];
  counts = std::move(grown);
  exponent = wanted;
}

void Histogram::add(llvm::ArrayRef<float> values, float absMax) {
  if (absMax > 0) {
    int power;
    std::frexp(absMax, &power); // absMax < 2^power
    growTo(power - 11);
  }
  static_assert(kBins == int64_t(1) << 11);
  // In f64 every product with a power of two is exact, however small.
  double scale = std::ldexp(1.0, static_cast<int>(-exponent));
  uint64_t *origin = counts.data() + kBins;
  // In two steps, so that the first one is done in vectors.
  constexpr size_t kChunk = 512;
  int32_t bins[kChunk];
  while (!values.empty()) {
    llvm::ArrayRef<float> chunk = values.take_front(kChunk);
    for (size_t i = 0; i < chunk.size(); ++i) {
      double position = double(chunk[i]) * scale;
      int32_t truncated = static_cast<int32_t>(position);
      bins[i] = truncated - (position < double(truncated) ? 1 : 0);
    }
    for (size_t i = 0; i < chunk.size(); ++i)
      ++origin[bins[i]];
    values = values.drop_front(chunk.size());
  }
}

void Histogram::merge(const Histogram &other) {
  Histogram aligned = other;
  aligned.growTo(exponent);
  growTo(aligned.exponent);
  for (auto [count, more] : llvm::zip(counts, aligned.counts))
    count += more;
}

//===----------------------------------------------------------------------===//
// TensorStatistics
//===----------------------------------------------------------------------===//

/// Integers that compare as the floats do, NaN beyond the infinities.
static int32_t toOrdered(float value) {
  int32_t bits = llvm::bit_cast<int32_t>(value);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/// The smallest and the largest value, in the order of toOrdered.
static std::pair<float, float> getExtremes(llvm::ArrayRef<float> values) {
  int32_t low = std::numeric_limits<int32_t>::max(), high = std::numeric_limits<int32_t>::min();
  for (float value : values) {
    int32_t ordered = toOrdered(value);
    low = std::min(low, ordered);
    high = std::max(high, ordered);
  }
  auto toFloat = [](int32_t ordered) {
    return llvm::bit_cast<float>(ordered ^ ((ordered >> 31) & 0x7fffffff)) + 0.0f;
  }; // -0 is 0.
  return {toFloat(low), toFloat(high)};
}

void TensorStatistics::addExtremes(llvm::ArrayRef<std::pair<float, float>> extremes) {
  recent.insert(recent.end(), extremes.begin(), extremes.end());
  if (recent.size() > kWindow)
    recent.erase(recent.begin(), recent.end() - kWindow);
  // From the beginning: a running sum would depend on where earlier runs ended.
  std::tie(averageMin, averageMax) = recent.front();
  for (auto [low, high] : llvm::drop_begin(recent)) {
    averageMin += kMomentum * (low - averageMin);
    averageMax += kMomentum * (high - averageMax);
  }
}

void TensorStatistics::addSample(llvm::ArrayRef<float> values) {
  bool seen = elements > nonFinite;
  std::vector<float> finite;
  uint64_t bad = 0;
  float low = 0, high = 0;
  size_t size = values.size();
  if (size)
    std::tie(low, high) = getExtremes(values);
  if (!std::isfinite(low) || !std::isfinite(high)) {
    llvm::copy_if(values, std::back_inserter(finite),
                  [](float value) { return std::isfinite(value); });
    bad = size - finite.size();
    values = finite;
    if (!finite.empty())
      std::tie(low, high) = getExtremes(values);
  }
  ++samples;
  elements += size;
  nonFinite += bad;
  if (values.empty())
    return;
  min = seen ? std::min<double>(min, low) : low;
  max = seen ? std::max<double>(max, high) : high;
  addExtremes({{low, high}});
  if (hasHistogram)
    histogram.add(values, std::max(-low, high));
}

void ChannelStatistics::add(const ChannelStatistics &other) {
  if (!other.samples)
    return;
  min = samples ? std::min(min, other.min) : other.min;
  max = samples ? std::max(max, other.max) : other.max;
  samples += other.samples;
  sum.add(other.sum);
  absSum.add(other.absSum);
  mean = sum.getValue() / double(samples);
  absMean = absSum.getValue() / double(samples);
}

void TensorStatistics::addChannels(llvm::ArrayRef<float> values, int64_t outer,
                                   int64_t channelCount, int64_t inner) {
  if (channels.empty())
    channels.resize(channelCount);
  for (int64_t c = 0; c < channelCount && c < int64_t(channels.size()); ++c) {
    double sum = 0, absSum = 0, low = 0, high = 0;
    int64_t count = 0;
    for (int64_t o = 0; o < outer; ++o)
      for (float value : values.slice((o * channelCount + c) * inner, inner)) {
        if (!std::isfinite(value))
          continue;
        low = count ? std::min<double>(low, value) : value;
        high = count ? std::max<double>(high, value) : value;
        ++count;
        sum += value;
        absSum += std::fabs(value);
      }
    if (!count)
      continue;
    channels[c].add(
        {low, high, 0, 0, 1, ExactSum(sum / double(count)), ExactSum(absSum / double(count))});
  }
}

void TensorStatistics::merge(const TensorStatistics &other) {
  bool mine = elements > nonFinite, theirs = other.elements > other.nonFinite;
  double total = double(samples + other.samples);
  if (theirs) {
    double weight = mine && total > 0 ? double(other.samples) / total : 1.0;
    min = mine ? std::min(min, other.min) : other.min;
    max = mine ? std::max(max, other.max) : other.max;
    if (!other.recent.empty() && (!mine || !recent.empty())) {
      addExtremes(other.recent);
    } else {
      // Files from before there was a list: weighted by samples.
      averageMin += weight * (other.averageMin - averageMin);
      averageMax += weight * (other.averageMax - averageMax);
    }
    if (channels.empty()) {
      channels = other.channels;
      hasChannelSums = other.hasChannelSums;
    } else if (hasChannelSums && other.hasChannelSums) {
      for (auto [channel, more] : llvm::zip(channels, other.channels))
        channel.add(more);
    } else if (!other.channels.empty()) {
      hasChannelSums = false;
      for (auto [channel, more] : llvm::zip(channels, other.channels))
        channel = {std::min(channel.min, more.min), std::max(channel.max, more.max),
                   channel.mean + weight * (more.mean - channel.mean),
                   channel.absMean + weight * (more.absMean - channel.absMean)};
    }
  }
  samples += other.samples;
  elements += other.elements;
  nonFinite += other.nonFinite;
  if (other.hasHistogram) {
    histogram.merge(other.histogram);
    hasHistogram = true;
  }
}

/// The bins from the first to the last one that is not empty.
static std::pair<int64_t, std::vector<int64_t>> getSpan(const TensorStatistics &statistics) {
  int64_t first = Histogram::kBins, last = -Histogram::kBins - 1;
  for (int64_t bin = -Histogram::kBins; statistics.hasHistogram && bin < Histogram::kBins; ++bin)
    if (statistics.histogram.getCount(bin)) {
      first = std::min(first, bin);
      last = bin;
    }
  std::vector<int64_t> counts;
  for (int64_t bin = first; bin <= last; ++bin)
    counts.push_back(static_cast<int64_t>(statistics.histogram.getCount(bin)));
  return {counts.empty() ? 0 : first, counts};
}

static bool setSpan(TensorStatistics &statistics, int64_t exponent, int64_t first,
                    llvm::ArrayRef<int64_t> counts) {
  if (exponent < Histogram::kMinExponent || exponent > 128 || first < -Histogram::kBins ||
      first + int64_t(counts.size()) > Histogram::kBins)
    return false;
  statistics.histogram.setExponent(exponent);
  statistics.hasHistogram = !counts.empty();
  for (auto [i, count] : llvm::enumerate(counts)) {
    if (count < 0)
      return false;
    statistics.histogram.addCount(first + int64_t(i), uint64_t(count));
  }
  return true;
}

static std::vector<double> flatten(llvm::ArrayRef<ChannelStatistics> channels) {
  std::vector<double> flat;
  for (const ChannelStatistics &channel : channels)
    flat.insert(flat.end(), {channel.min, channel.max, channel.mean, channel.absMean});
  return flat;
}

static std::vector<ChannelStatistics> unflatten(llvm::ArrayRef<double> flat) {
  std::vector<ChannelStatistics> channels;
  for (size_t i = 0; i + 4 <= flat.size(); i += 4)
    channels.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
  return channels;
}

StatisticsAttr TensorStatistics::toAttr(mlir::MLIRContext *context) const {
  auto [first, counts] = getSpan(*this);
  auto f64s = [&](llvm::ArrayRef<double> values) {
    return mlir::DenseF64ArrayAttr::get(context, values);
  };
  return StatisticsAttr::get(
      context, samples, elements, nonFinite, f64s({min, max, averageMin, averageMax}),
      histogram.getExponent(), first,
      hasHistogram ? mlir::DenseI64ArrayAttr::get(context, counts) : mlir::DenseI64ArrayAttr(),
      channels.empty() ? mlir::DenseF64ArrayAttr() : f64s(flatten(channels)));
}

TensorStatistics TensorStatistics::fromAttr(StatisticsAttr attr, llvm::StringRef name) {
  TensorStatistics result;
  result.name = name.str();
  result.samples = attr.getSamples();
  result.elements = attr.getElements();
  result.nonFinite = attr.getNonFinite();
  llvm::ArrayRef<double> range = attr.getRange();
  result.min = range[0], result.max = range[1], result.averageMin = range[2],
  result.averageMax = range[3];
  if (attr.getCounts())
    setSpan(result, attr.getExponent(), attr.getFirst(), attr.getCounts());
  if (attr.getChannels())
    result.channels = unflatten(attr.getChannels());
  result.hasChannelSums = result.channels.empty();
  return result;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static llvm::json::Value toJSON(const TensorStatistics &t) {
  auto [first, counts] = getSpan(t);
  llvm::json::Object object{{"name", t.name},
                            {"samples", int64_t(t.samples)},
                            {"elements", int64_t(t.elements)},
                            {"non_finite", int64_t(t.nonFinite)},
                            {"range", llvm::json::Array{t.min, t.max, t.averageMin, t.averageMax}}};
  if (!t.recent.empty()) {
    llvm::json::Array recent;
    for (auto [low, high] : t.recent) {
      recent.push_back(double(low));
      recent.push_back(double(high));
    }
    object["recent"] = std::move(recent);
  }
  if (t.hasHistogram) {
    object["exponent"] = t.histogram.getExponent();
    object["first"] = first;
    object["counts"] = llvm::json::Array(counts);
  }
  if (!t.channels.empty())
    object["channels"] = llvm::json::Array(flatten(t.channels));
  if (!t.channels.empty() && t.hasChannelSums) {
    llvm::json::Array sums;
    for (const ChannelStatistics &channel : t.channels)
      sums.push_back(llvm::json::Array{int64_t(channel.samples),
                                       llvm::json::Array(channel.sum.getTerms()),
                                       llvm::json::Array(channel.absSum.getTerms())});
    object["channel_sums"] = std::move(sums);
  }
  return object;
}

llvm::Error terse::writeStatistics(llvm::StringRef path, llvm::ArrayRef<TensorStatistics> tensors) {
  return writeFileAtomically(path, [&](llvm::raw_ostream &os) {
    // One line per tensor: histograms are long, and people look at files.
    os << "{\"terse_statistics\":1,\"tensors\":[";
    for (auto [i, tensor] : llvm::enumerate(tensors))
      os << (i ? ",\n" : "\n") << toJSON(tensor);
    os << "\n]}\n";
    return llvm::Error::success();
  });
}

bool terse::isStatisticsFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileSlice(path, 24, 0);
  return buffer && (*buffer)->getBuffer().starts_with("{\"terse_statistics\":");
}

static bool parseSum(const llvm::json::Value &value, ExactSum &sum) {
  const llvm::json::Array *terms = value.getAsArray();
  for (size_t i = 0; terms && i < terms->size(); ++i) {
    auto term = (*terms)[i].getAsNumber();
    if (!term || !std::isfinite(*term))
      return false;
    sum.add(*term);
  }
  return terms;
}

/// Per channel `[samples, [terms], [terms]]`.
static bool parseChannelSums(const llvm::json::Array &list, TensorStatistics &t) {
  if (list.size() != t.channels.size())
    return false;
  for (auto [item, channel] : llvm::zip(list, t.channels)) {
    const llvm::json::Array *parts = item.getAsArray();
    auto samples = parts && parts->size() == 3 ? (*parts)[0].getAsInteger() : std::nullopt;
    if (!samples || *samples < 0 || !parseSum((*parts)[1], channel.sum) ||
        !parseSum((*parts)[2], channel.absSum))
      return false;
    channel.samples = *samples;
  }
  t.hasChannelSums = true;
  return true;
}

static bool parseTensor(const llvm::json::Value &value, TensorStatistics &t) {
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return false;
  auto name = object->getString("name");
  auto samples = object->getInteger("samples"), elements = object->getInteger("elements"),
       nonFinite = object->getInteger("non_finite");
  const llvm::json::Array *range = object->getArray("range");
  if (!name || !samples || !elements || !nonFinite || *samples < 0 || *elements < 0 ||
      *nonFinite < 0 || !range || range->size() != 4)
    return false;
  t.name = name->str();
  t.samples = *samples, t.elements = *elements, t.nonFinite = *nonFinite;
  double *fields[] = {&t.min, &t.max, &t.averageMin, &t.averageMax};
  for (auto [field, item] : llvm::zip(fields, *range)) {
    auto number = item.getAsNumber();
    if (!number)
      return false;
    *field = *number;
  }
  if (const llvm::json::Array *list = object->getArray("recent")) {
    if (list->size() % 2 || list->size() > 2 * TensorStatistics::kWindow)
      return false;
    for (size_t i = 0; i < list->size(); i += 2) {
      auto low = (*list)[i].getAsNumber(), high = (*list)[i + 1].getAsNumber();
      if (!low || !high)
        return false;
      t.recent.push_back({float(*low), float(*high)});
    }
  }
  if (const llvm::json::Array *list = object->getArray("counts")) {
    auto exponent = object->getInteger("exponent"), first = object->getInteger("first");
    std::vector<int64_t> counts;
    for (const llvm::json::Value &item : *list) {
      auto count = item.getAsInteger();
      if (!count)
        return false;
      counts.push_back(*count);
    }
    if (!exponent || !first || !setSpan(t, *exponent, *first, counts))
      return false;
  }
  if (const llvm::json::Array *list = object->getArray("channels")) {
    std::vector<double> flat;
    for (const llvm::json::Value &item : *list)
      if (auto number = item.getAsNumber())
        flat.push_back(*number);
    t.channels = unflatten(flat);
  }
  t.hasChannelSums = t.channels.empty();
  if (const llvm::json::Array *list = object->getArray("channel_sums"))
    return parseChannelSums(*list, t);
  return true;
}

llvm::Expected<std::vector<TensorStatistics>> terse::readStatistics(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("'{0}': {1}", path, buffer.getError().message());
  llvm::Expected<llvm::json::Value> json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return makeError("'{0}': not a statistics file: {1}", path, llvm::toString(json.takeError()));
  const llvm::json::Object *root = json->getAsObject();
  auto version = root ? root->getInteger("terse_statistics") : std::nullopt;
  const llvm::json::Array *list = root ? root->getArray("tensors") : nullptr;
  if (!version || !list)
    return makeError("'{0}': not a statistics file, as --data with --statistics writes it", path);
  if (*version != 1)
    return makeError("'{0}': statistics of version {1}; this build reads version 1", path,
                     *version);
  std::vector<TensorStatistics> tensors(list->size());
  for (auto [i, item] : llvm::enumerate(*list))
    if (!parseTensor(item, tensors[i]))
      return makeError("'{0}': tensor {1} is malformed", path, i);
  return tensors;
}
