//===- Html.h - Parts of a page ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_REPORT_HTML_H
#define TERSE_LIB_REPORT_HTML_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace terse::html {

/// Text as content or in an attribute between double quotes. Control characters, which no page may
/// contain, become U+FFFD.
std::string escape(llvm::StringRef text);

/// Everything before the content: style and script are part of the page.
void beginPage(llvm::StringRef title, llvm::raw_ostream &os);
void endPage(llvm::raw_ostream &os);

/// A headed section; `note` is HTML.
void beginSection(llvm::StringRef title, llvm::StringRef note, llvm::raw_ostream &os);
void endSection(llvm::raw_ostream &os);

/// One number that matters.
struct Card {
  std::string label, value, detail;
  /// `good`, `bad` or empty.
  std::string tone;
};
void writeCards(llvm::ArrayRef<Card> cards, llvm::raw_ostream &os);

/// A table whose columns sort by a click.
class Table {
public:
  enum class Kind { Text, Number, Picture };
  explicit Table(std::vector<std::pair<std::string, Kind>> columns) : columns(std::move(columns)) {}

  /// A row is begun by its first cell. `text` is plain text.
  void row() { rows.emplace_back(); }
  void text(llvm::StringRef text) { rows.back().push_back({escape(text), text.str()}); }
  /// Sorted by `value`, shown as `shown`.
  void number(double value, llvm::StringRef shown);
  void integer(int64_t value);
  void empty() { rows.back().push_back({"<span class=\"none\">\u2013</span>", ""}); }
  /// HTML, sorted by `value`.
  void picture(double value, llvm::StringRef html);

  bool isEmpty() const { return rows.empty(); }
  void write(llvm::raw_ostream &os) const;

private:
  struct Cell {
    std::string html, key;
  };
  std::vector<std::pair<std::string, Kind>> columns;
  std::vector<std::vector<Cell>> rows;
};

/// `1,234,567`
std::string formatCount(int64_t count);
/// `12.3 dB`, or "equal".
std::string formatDecibels(std::optional<double> value);
std::string formatBytes(uint64_t bytes);

} // namespace terse::html

#endif // TERSE_LIB_REPORT_HTML_H
