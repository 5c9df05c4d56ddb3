//===- StatisticsPage.cpp - The page of calibration -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/StatisticsPage.h"

#include "Html.h"
#include "terse/Calibration/Statistics.h"
#include "terse/Report/Picture.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::html;

void terse::printStatisticsHTML(llvm::StringRef source, llvm::ArrayRef<TensorStatistics> tensors,
                                llvm::raw_ostream &os) {
  beginPage("Statistics \u2013 Terse", os);
  uint64_t samples = 0, bad = 0;
  for (const TensorStatistics &tensor : tensors) {
    samples = std::max(samples, tensor.samples);
    bad += tensor.nonFinite;
  }
  os << "<header>\n<p class=\"eyebrow\">Terse calibration statistics</p>\n<h1>What calibration "
        "saw</h1>\n<p class=\"lead\">"
     << escape(source) << "</p>\n</header>\n";
  std::vector<Card> cards{{"values", formatCount(int64_t(tensors.size())), "between layers", ""},
                          {"samples", formatCount(int64_t(samples)), "at most, per value", ""}};
  cards.push_back({"no finite numbers", formatCount(int64_t(bad)),
                   bad ? "their values stay in float" : "", bad ? "bad" : ""});
  writeCards(cards, os);

  beginSection("Histograms",
               "Heights are logarithms of counts. The shaded band is the default range: the "
               "percentile 99.99 of "
               "all values on each side. Columns in the second colour lie beyond it.",
               os);
  if (tensors.empty())
    os << "<p class=\"note\">The file has no values.</p>\n";
  os << "<div class=\"grid\">\n";
  for (const TensorStatistics &tensor : tensors) {
    std::optional<std::pair<double, double>> band;
    if (tensor.hasHistogram) {
      FloatRange range = estimateRange(tensor, RangeOptions());
      band = std::make_pair(range.low, range.high);
    }
    drawHistogram(HistogramPicture::from(tensor, band), os);
  }
  os << "</div>\n";
  endSection(os);

  beginSection("Ranges",
               "Option <code>method</code> of <code>terse-choose-activation-encodings</code> picks "
               "one of them; every "
               "range is widened to hold 0.",
               os);
  Table table({{"value", Table::Kind::Text},
               {"samples", Table::Kind::Number},
               {"elements", Table::Kind::Number},
               {"min", Table::Kind::Number},
               {"max", Table::Kind::Number},
               {"average min", Table::Kind::Number},
               {"average max", Table::Kind::Number},
               {"percentile low", Table::Kind::Number},
               {"percentile high", Table::Kind::Number},
               {"not finite", Table::Kind::Number}});
  auto number = [&](double value) { table.number(value, llvm::formatv("{0:F4}", value).str()); };
  for (const TensorStatistics &tensor : tensors) {
    table.row();
    table.text(tensor.name);
    table.integer(int64_t(tensor.samples));
    table.integer(int64_t(tensor.elements));
    for (double value : {tensor.min, tensor.max, tensor.averageMin, tensor.averageMax})
      number(value);
    if (tensor.hasHistogram) {
      FloatRange range = estimateRange(tensor, RangeOptions());
      number(range.low);
      number(range.high);
    } else {
      table.empty();
      table.empty();
    }
    table.integer(int64_t(tensor.nonFinite));
  }
  table.write(os);
  endSection(os);
  endPage(os);
}
