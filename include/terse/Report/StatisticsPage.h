//===- StatisticsPage.h - The page of calibration ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REPORT_STATISTICSPAGE_H
#define TERSE_REPORT_STATISTICSPAGE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

namespace terse {

class TensorStatistics;

/// Statistics as one page that needs nothing else; `source` names the file.
void printStatisticsHTML(llvm::StringRef source, llvm::ArrayRef<TensorStatistics> tensors,
                         llvm::raw_ostream &os);

} // namespace terse

#endif // TERSE_REPORT_STATISTICSPAGE_H
