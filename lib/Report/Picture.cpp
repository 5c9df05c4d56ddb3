//===- Picture.cpp - Pictures for pages -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/Picture.h"

#include "Html.h"
#include "terse/Calibration/Statistics.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace terse;

/// A coordinate with two decimals.
static std::string at(double x) { return llvm::formatv("{0:F2}", x).str(); }

/// A number for people: about three digits.
static std::string brief(double x) {
  double size = std::fabs(x);
  if (x == 0)
    return "0";
  if (size >= 10000 || size < 0.001)
    return llvm::formatv("{0:e1}", x).str();
  return (size >= 100  ? llvm::formatv("{0:F0}", x)
          : size >= 10 ? llvm::formatv("{0:F1}", x)
                       : llvm::formatv("{0:F3}", x))
      .str();
}

//===----------------------------------------------------------------------===//
// Histograms
//===----------------------------------------------------------------------===//

HistogramPicture HistogramPicture::from(const TensorStatistics &statistics,
                                        std::optional<std::pair<double, double>> range,
                                        unsigned columns) {
  HistogramPicture picture;
  picture.name = statistics.name;
  picture.range = range;
  picture.low = std::min(statistics.min, 0.0);
  picture.high = std::max(statistics.max, 0.0);
  if (range) {
    picture.low = std::min(picture.low, range->first);
    picture.high = std::max(picture.high, range->second);
  }
  double span = picture.high - picture.low;
  if (!statistics.hasHistogram || statistics.elements == statistics.nonFinite || !(span > 0) ||
      !std::isfinite(span))
    return picture;
  picture.counts.resize(columns);
  double width = statistics.histogram.getWidth();
  for (int64_t bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    uint64_t count = statistics.histogram.getCount(bin);
    if (!count)
      continue;
    // A bin stands where its middle is, but within what was seen.
    double middle = std::clamp((double(bin) + 0.5) * width, statistics.min, statistics.max);
    double column = (middle - picture.low) / span * columns;
    picture.counts[size_t(std::clamp(column, 0.0, double(columns - 1)))] += count;
  }
  return picture;
}

llvm::json::Value HistogramPicture::toJSON() const {
  llvm::json::Object object{{"name", name}, {"low", low}, {"high", high}};
  llvm::json::Array list;
  for (uint64_t count : counts)
    list.push_back(int64_t(count));
  object["counts"] = std::move(list);
  if (range)
    object["range"] = llvm::json::Array{range->first, range->second};
  if (outside)
    object["outside"] = *outside;
  if (!note.empty())
    object["note"] = note;
  return object;
}

void terse::drawHistogram(const HistogramPicture &histogram, llvm::raw_ostream &os) {
  constexpr int kWidth = 280, kHeight = 92;
  double span = histogram.high - histogram.low;
  os << "<figure class=\"hist\"><div class=\"title\" title=\"" << html::escape(histogram.name)
     << "\">"
     << "<span>" << html::escape(histogram.name) << "</span>";
  if (histogram.outside)
    os << "<span class=\"outside\">" << llvm::formatv("{0:F3} % outside", 100 * *histogram.outside)
       << "</span>";
  os << "</div>";
  if (histogram.counts.empty()) {
    os << "<figcaption><span>no values with a spread</span></figcaption></figure>\n";
    return;
  }
  auto toX = [&](double value) { return (value - histogram.low) / span * kWidth; };
  os << "<svg viewBox=\"0 0 " << kWidth << " " << kHeight
     << "\" preserveAspectRatio=\"none\" style=\"height:92px\" role=\"img\" "
     << "aria-label=\"histogram of " << html::escape(histogram.name) << "\">";
  if (histogram.range)
    os << "<rect class=\"band\" x=\"" << at(toX(histogram.range->first)) << "\" y=\"0\" width=\""
       << at(toX(histogram.range->second) - toX(histogram.range->first)) << "\" height=\""
       << kHeight << "\"/>";
  uint64_t most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
  double step = kWidth / double(histogram.counts.size());
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    if (!histogram.counts[i])
      continue;
    double height = (kHeight - 6) * (0.06 + 0.94 * std::log1p(double(histogram.counts[i])) /
                                                std::log1p(double(most)));
    double middle = histogram.low + (double(i) + 0.5) / double(histogram.counts.size()) * span;
    bool cut =
        histogram.range && (middle < histogram.range->first || middle > histogram.range->second);
    os << "<rect class=\"" << (cut ? "cut" : "column") << "\" x=\"" << at(double(i) * step + 0.3)
       << "\" y=\"" << at(kHeight - height) << "\" width=\"" << at(step - 0.6) << "\" height=\""
       << at(height) << "\"/>";
  }
  double zero = toX(0);
  os << "<line class=\"zero\" x1=\"" << at(zero) << "\" x2=\"" << at(zero) << "\" y1=\"" << kHeight
     << "\" y2=\"" << kHeight - 5 << "\"/>";
  if (histogram.range)
    for (double end : {histogram.range->first, histogram.range->second})
      os << "<line class=\"end\" x1=\"" << at(toX(end)) << "\" x2=\"" << at(toX(end))
         << "\" y1=\"0\" y2=\"" << kHeight << "\"/>";
  os << "</svg><figcaption><span>" << brief(histogram.low) << "</span><span>";
  if (histogram.range)
    os << "range " << brief(histogram.range->first) << " \u2026 " << brief(histogram.range->second);
  os << "</span><span>" << brief(histogram.high) << "</span></figcaption>";
  if (!histogram.note.empty())
    os << "<figcaption><span>" << html::escape(histogram.note) << "</span></figcaption>";
  os << "</figure>\n";
}

//===----------------------------------------------------------------------===//
// Bars, times, lines
//===----------------------------------------------------------------------===//

void terse::drawBar(llvm::ArrayRef<BarPart> parts, double scale, llvm::raw_ostream &os) {
  os << "<svg class=\"bar\" viewBox=\"0 0 1000 22\" preserveAspectRatio=\"none\" role=\"img\">";
  double x = 0;
  for (const BarPart &part : parts) {
    double width = scale > 0 ? part.amount / scale * 1000 : 0;
    os << "<rect class=\"" << part.style << "\" x=\"" << at(x) << "\" y=\"0\" width=\""
       << at(std::max(width, 0.0)) << "\" height=\"22\"><title>" << html::escape(part.name)
       << "</title></rect>";
    x += width;
  }
  os << "</svg>";
}

/// The value that the given share of sorted values does not pass.
static double getRank(llvm::ArrayRef<double> sorted, double percent) {
  size_t rank = size_t(std::ceil(percent / 100 * double(sorted.size())));
  return sorted[std::min(std::max<size_t>(rank, 1), sorted.size()) - 1];
}

void terse::drawTimes(llvm::ArrayRef<double> times, double most, llvm::raw_ostream &os) {
  os << "<svg class=\"times\" viewBox=\"0 0 1000 26\" preserveAspectRatio=\"none\" "
        "style=\"height:26px\" role=\"img\">"
        "<line class=\"axis\" x1=\"0\" x2=\"1000\" y1=\"25\" y2=\"25\"/>";
  std::vector<double> sorted(times.begin(), times.end());
  std::sort(sorted.begin(), sorted.end());
  auto line = [&](const char *style, double value, double top, llvm::StringRef title) {
    double x = most > 0 ? std::min(value / most, 1.0) * 1000 : 0;
    os << "<line class=\"" << style << "\" x1=\"" << at(x) << "\" x2=\"" << at(x) << "\" y1=\""
       << at(top) << "\" y2=\"25\">";
    if (!title.empty())
      os << "<title>" << title << "</title>";
    os << "</line>";
  };
  // More marks than that say nothing.
  size_t step = std::max<size_t>(1, sorted.size() / 200);
  for (size_t i = 0; i < sorted.size(); i += step)
    line("tick", sorted[i], 9, "");
  if (!sorted.empty()) {
    line("median", getRank(sorted, 50), 1,
         llvm::formatv("p50 {0:F3} ms", getRank(sorted, 50)).str());
    line("tail", getRank(sorted, 90), 4, llvm::formatv("p90 {0:F3} ms", getRank(sorted, 90)).str());
    line("tail", getRank(sorted, 99), 4, llvm::formatv("p99 {0:F3} ms", getRank(sorted, 99)).str());
  }
  os << "</svg>";
}

void terse::drawDepth(llvm::ArrayRef<DepthPoint> points, llvm::raw_ostream &os) {
  constexpr int kWidth = 1080, kHeight = 210, kLeft = 44, kBottom = 16, kTop = 8;
  double low = 0, high = 10;
  for (const DepthPoint &point : points)
    for (std::optional<double> value : {point.local, point.accumulated})
      if (value) {
        low = std::min(low, std::max(*value, -40.0));
        high = std::max(high, std::min(*value, 160.0));
      }
  double grid = high - low > 80 ? 20 : 10;
  low = std::floor(low / grid) * grid;
  high = std::ceil(high / grid) * grid;
  auto toX = [&](size_t i) {
    return kLeft +
           (points.size() > 1 ? double(i) / double(points.size() - 1) : 0.5) * (kWidth - kLeft - 8);
  };
  auto toY = [&](double value) {
    return kTop + (high - std::clamp(value, low, high)) / (high - low) * (kHeight - kTop - kBottom);
  };
  os << "<svg class=\"depth\" viewBox=\"0 0 " << kWidth << " " << kHeight
     << "\" role=\"img\" aria-label=\"SQNR by layer\">";
  for (double tick = low; tick <= high; tick += grid)
    os << "<line class=\"gridline\" x1=\"" << kLeft << "\" x2=\"" << kWidth << "\" y1=\""
       << at(toY(tick)) << "\" y2=\"" << at(toY(tick)) << "\"/><text x=\"" << kLeft - 8 << "\" y=\""
       << at(toY(tick) + 4) << "\" text-anchor=\"end\">" << int64_t(tick) << "</text>";
  for (bool local : {true, false}) {
    std::string path, dots;
    bool isDown = false;
    for (size_t i = 0; i < points.size(); ++i) {
      std::optional<double> value = local ? points[i].local : points[i].accumulated;
      if (!value) {
        isDown = false;
        continue;
      }
      path += (isDown ? " L" : " M") + at(toX(i)) + " " + at(toY(*value));
      isDown = true;
      dots += "<circle class=\"" + std::string(local ? "local" : "accumulated") + "\" cx=\"" +
              at(toX(i)) + "\" cy=\"" + at(toY(*value)) + "\" r=\"3\"><title>" +
              html::escape(points[i].name) + ": " + html::formatDecibels(value) +
              (local ? " alone" : " accumulated") + "</title></circle>";
    }
    if (!path.empty())
      os << "<path class=\"" << (local ? "local" : "accumulated") << "\" d=\"" << path.substr(1)
         << "\"/>" << dots;
  }
  os << "</svg>";
}
