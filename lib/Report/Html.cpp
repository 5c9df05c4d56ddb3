//===- Html.cpp - Parts of a page -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Html.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::html;

std::string html::escape(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
        result += "\uFFFD";
      else
        result += c;
    }
  return result;
}

static constexpr const char *kStyle =
#include "Style.inc"
    ;
static constexpr const char *kScript =
#include "Script.inc"
    ;

void html::beginPage(llvm::StringRef title, llvm::raw_ostream &os) {
  os << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
     << "<title>" << escape(title) << "</title>\n<style>" << kStyle
     << "</style>\n</head>\n<body>\n<main>\n";
}

void html::endPage(llvm::raw_ostream &os) {
  os << "</main>\n<script>" << kScript << "</script>\n</body>\n</html>\n";
}

void html::beginSection(llvm::StringRef title, llvm::StringRef note, llvm::raw_ostream &os) {
  os << "<section>\n<h2>" << escape(title) << "</h2>\n";
  if (!note.empty())
    os << "<p class=\"note\">" << note << "</p>\n";
}

void html::endSection(llvm::raw_ostream &os) { os << "</section>\n"; }

void html::writeCards(llvm::ArrayRef<Card> cards, llvm::raw_ostream &os) {
  os << "<div class=\"cards\">\n";
  for (const Card &card : cards) {
    os << "<div class=\"card\"><div class=\"label\">" << escape(card.label)
       << "</div><div class=\"value\">" << escape(card.value) << "</div>";
    if (!card.detail.empty())
      os << "<div class=\"detail" << (card.tone.empty() ? "" : " ") << card.tone << "\">"
         << escape(card.detail) << "</div>";
    os << "</div>\n";
  }
  os << "</div>\n";
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

void Table::number(double value, llvm::StringRef shown) {
  rows.back().push_back({escape(shown), llvm::formatv("{0:e6}", value).str()});
}

void Table::integer(int64_t value) {
  rows.back().push_back({formatCount(value), std::to_string(value)});
}

void Table::picture(double value, llvm::StringRef html) {
  rows.back().push_back({html.str(), llvm::formatv("{0:e6}", value).str()});
}

void Table::write(llvm::raw_ostream &os) const {
  auto getClass = [](Kind kind) {
    return kind == Kind::Text     ? ""
           : kind == Kind::Number ? " class=\"number\""
                                  : " class=\"picture\"";
  };
  os << "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const auto &[title, kind] : columns)
    os << "<th" << getClass(kind) << " tabindex=\"0\">" << escape(title) << "</th>";
  os << "</tr></thead>\n<tbody>\n";
  for (const auto &row : rows) {
    os << "<tr>";
    for (auto [cell, column] : llvm::zip(row, columns)) {
      os << "<td" << getClass(column.second);
      if (column.second != Kind::Text)
        os << " data-v=\"" << escape(cell.key) << "\"";
      os << ">" << cell.html << "</td>";
    }
    os << "</tr>\n";
  }
  os << "</tbody></table></div>\n";
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

std::string html::formatCount(int64_t count) {
  std::string digits = std::to_string(count < 0 ? -count : count), result;
  for (auto [i, digit] : llvm::enumerate(digits)) {
    if (i && (digits.size() - i) % 3 == 0)
      result += ',';
    result += digit;
  }
  return (count < 0 ? "\u2212" : "") + result;
}

std::string html::formatDecibels(std::optional<double> value) {
  return value ? llvm::formatv("{0:F1} dB", *value).str() : "equal";
}

std::string html::formatBytes(uint64_t bytes) {
  if (bytes < 10000)
    return formatCount(int64_t(bytes)) + " B";
  if (bytes < 10000000)
    return llvm::formatv("{0:F1} kB", double(bytes) / 1e3);
  return llvm::formatv("{0:F1} MB", double(bytes) / 1e6);
}
