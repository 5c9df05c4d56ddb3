//===- terse-onnx-conformance.cpp - Runs ONNX's backend tests ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every case runs in a process of its own, so that a crash or an endless loop is one line of the
// table.
//
//===----------------------------------------------------------------------===//

#include "Case.h"
#include "terse/Import/ONNX.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <map>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace terse;
using namespace terse::conformance;
namespace cl = llvm::cl;

static cl::OptionCategory category("terse-onnx-conformance options");
static cl::opt<std::string> directory(cl::Positional, cl::desc("<directory of cases>"),
                                      cl::cat(category));
static cl::opt<Mode>
    mode("mode", cl::desc("what runs the models"), cl::init(Mode::Interpret),
         cl::values(clEnumValN(Mode::Interpret, "interpret", "the reference interpreter (default)"),
                    clEnumValN(Mode::Compile, "compile", "compiled code"),
                    clEnumValN(Mode::Both, "both", "both"),
                    clEnumValN(Mode::Export, "export",
                               "the interpreter, after export and import of what was exported")),
         cl::cat(category));
static cl::opt<std::string> filter("filter", cl::desc("only cases whose name matches"),
                                   cl::value_desc("regex"), cl::cat(category));
static cl::opt<std::string> jsonPath("json", cl::desc("write outcomes as JSON"),
                                     cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string> expectPath("expect",
                                       cl::desc("fail if a case listed in the file does not pass"),
                                       cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string> listPath("write-expected",
                                     cl::desc("write the names of the passing cases"),
                                     cl::value_desc("file"), cl::cat(category));
static cl::opt<unsigned> jobs("j", cl::desc("processes at a time (default 1)"), cl::init(1),
                              cl::Prefix, cl::cat(category));
static cl::opt<unsigned> timeout("timeout-seconds", cl::desc("time for one case (default 120)"),
                                 cl::init(120), cl::cat(category));
static cl::opt<bool> verbose("verbose", cl::desc("print a line for every case that does not pass"),
                             cl::cat(category));
static cl::opt<bool> printOps("print-supported-ops", cl::desc("print docs/SupportedOnnxOps.md"),
                              cl::cat(category));

namespace {
struct Running {
  std::string name;
  int pipe;
};
} // namespace

// Fields of an outcome on their way through the pipe.
static std::string serialize(const Outcome &o) {
  return std::to_string(int(o.status)) + '\0' + o.bound + '\0' + o.message;
}

static Outcome deserialize(llvm::StringRef text) {
  Outcome o;
  auto [status, rest] = text.split('\0');
  auto [bound, message] = rest.split('\0');
  int value = int(Status::Crashed);
  if (!status.getAsInteger(10, value))
    o.status = Status(value);
  o.bound = bound.str();
  o.message = message.str();
  return o;
}

static std::pair<pid_t, int> start(const std::string &path) {
  int ends[2];
  if (pipe(ends) != 0)
    return {-1, -1};
  pid_t pid = fork();
  if (pid != 0) {
    close(ends[1]);
    return {pid, ends[0]};
  }
  close(ends[0]);
  // The parent reports crashes; stack traces of hundreds of cases help nobody.
  for (int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP})
    signal(number, SIG_DFL);
  alarm(timeout);
#if !LLVM_ADDRESS_SANITIZER_BUILD // Its shadow memory alone takes more address space.
  rlimit memory{rlim_t(12) << 30, rlim_t(12) << 30};
  setrlimit(RLIMIT_AS, &memory);
#endif
  // Diagnostics on the way are part of the outcome's message.
  std::string text = serialize(runCase(path, mode)).substr(0, 4000);
  ssize_t written = write(ends[1], text.data(), text.size());
  _exit(written == ssize_t(text.size()) ? 0 : 1);
}

// The operator that a case is about: its only one, or that of the case it is the expansion of.
static std::string getOperator(const std::string &name,
                               const std::map<std::string, std::string> &single) {
  auto it = single.find(name);
  if (it != single.end())
    return it->second;
  size_t end = name.find("_expanded");
  it = end == std::string::npos ? single.end() : single.find(name.substr(0, end));
  return it != single.end() ? it->second + " (expanded)" : "(composed)";
}

static std::vector<std::string> listCases() {
  std::vector<std::string> names;
  std::error_code code;
  llvm::Regex regex(filter);
  for (llvm::sys::fs::directory_iterator it(directory, code), end; it != end && !code;
       it.increment(code)) {
    std::string name = llvm::sys::path::filename(it->path()).str();
    if (llvm::sys::fs::exists(it->path() + "/model.onnx") && (filter.empty() || regex.match(name)))
      names.push_back(name);
  }
  llvm::sort(names);
  return names;
}

static std::map<std::string, Outcome> runAll(const std::vector<std::string> &names) {
  std::map<std::string, Outcome> outcomes;
  std::map<pid_t, Running> running;
  size_t next = 0;
  while (next < names.size() || !running.empty()) {
    while (next < names.size() && running.size() < std::max(1u, unsigned(jobs))) {
      auto [pid, fd] = start(directory + "/" + names[next]);
      if (pid < 0) {
        llvm::errs() << "error: cannot start a process\n";
        exit(3);
      }
      running[pid] = {names[next++], fd};
    }
    int status = 0;
    pid_t pid = wait(&status);
    auto it = running.find(pid);
    if (it == running.end())
      continue;
    // At most 4000 bytes: they fit the pipe, so the child never waits for us.
    std::string text(4096, '\0');
    ssize_t size = read(it->second.pipe, text.data(), text.size());
    text.resize(std::max<ssize_t>(size, 0));
    close(it->second.pipe);
    Outcome outcome = deserialize(text);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      outcome.status = Status::Crashed;
      outcome.message =
          WIFSIGNALED(status)
              ? (WTERMSIG(status) == SIGALRM ? "out of time" : strsignal(WTERMSIG(status)))
              : "exited";
    }
    outcomes[it->second.name] = outcome;
    running.erase(it);
  }
  return outcomes;
}

static void printTable(const std::map<std::string, Outcome> &outcomes,
                       const std::map<std::string, std::string> &single) {
  struct Row {
    unsigned counts[4] = {}, bound = 0;
  };
  std::map<std::string, Row> rows;
  Row total;
  for (const auto &[name, outcome] : outcomes) {
    Row &row = rows[getOperator(name, single)];
    for (Row *r : {&row, &total}) {
      ++r->counts[int(outcome.status)];
      r->bound += outcome.status == Status::Passed && !outcome.bound.empty();
    }
  }
  auto print = [](llvm::StringRef name, const Row &r) {
    llvm::outs() << llvm::left_justify(name, 44)
                 << llvm::format("%8u %12u %8u %8u %8u\n", r.counts[0], r.counts[1], r.counts[2],
                                 r.counts[3], r.bound);
  };
  llvm::outs() << llvm::left_justify("operator", 44)
               << "  passed  unsupported    wrong  crashed    bound\n";
  for (const auto &[name, row] : rows)
    print(name, row);
  print("total", total);
  llvm::outs() << "\"bound\" counts passing cases of which inputs that determine shapes were bound "
                  "to constants.\n";
}

static bool writeFile(const std::string &path, llvm::StringRef text) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << text;
    os.close();
    code = os.error();
  }
  if (code)
    llvm::errs() << "error: cannot write '" << path << "': " << code.message() << "\n";
  return !code;
}

static bool writeReports(const std::map<std::string, Outcome> &outcomes,
                         const std::map<std::string, std::string> &single) {
  bool written = true;
  if (!listPath.empty()) {
    std::string text;
    for (const auto &[name, outcome] : outcomes)
      if (outcome.status == Status::Passed)
        text += name + "\n";
    written &= writeFile(listPath, text);
  }
  if (!jsonPath.empty()) {
    llvm::json::Array list;
    for (const auto &[name, outcome] : outcomes)
      list.push_back(llvm::json::Object{{"case", name},
                                        {"operator", getOperator(name, single)},
                                        {"status", getName(outcome.status)},
                                        {"bound", llvm::json::fixUTF8(outcome.bound)},
                                        {"message", llvm::json::fixUTF8(outcome.message)}});
    std::string text;
    llvm::raw_string_ostream(text) << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(list)));
    written &= writeFile(jsonPath, text);
  }
  return written;
}

// Whether everything that the list says passes did pass. Cases that the directory lacks don't
// count.
static bool meetsExpectations(const std::map<std::string, Outcome> &outcomes) {
  auto buffer = llvm::MemoryBuffer::getFile(expectPath);
  if (!buffer) {
    llvm::errs() << "error: cannot open '" << expectPath << "': " << buffer.getError().message()
                 << "\n";
    return false;
  }
  llvm::SmallVector<llvm::StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  bool good = true;
  for (llvm::StringRef line : lines) {
    auto it = outcomes.find(line.trim().str());
    if (it == outcomes.end() || it->second.status == Status::Passed)
      continue;
    llvm::errs() << "error: " << it->first << " should pass: " << getName(it->second.status) << ", "
                 << it->second.message << "\n";
    good = false;
  }
  return good;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv, "Runs ONNX's backend tests, for example /usr/share/libonnx-testdata/data/node\n");
  if (printOps) {
    printSupportedONNXOps(llvm::outs());
    return 0;
  }
  if (directory.empty()) {
    llvm::errs() << "error: expected a directory of cases\n";
    return 2;
  }
  std::vector<std::string> names = listCases();
  if (names.empty()) {
    llvm::errs() << "error: no cases in '" << directory << "'\n";
    return 1;
  }
  std::map<std::string, std::string> single;
  for (const std::string &name : names) {
    llvm::Expected<ONNXModelDescription> model =
        describeONNX(directory + "/" + name + "/model.onnx");
    if (!model)
      llvm::consumeError(model.takeError());
    else if (model->operators.size() == 1)
      single[name] = model->operators[0];
  }
  std::map<std::string, Outcome> outcomes = runAll(names);
  if (verbose)
    for (const auto &[name, outcome] : outcomes)
      if (outcome.status != Status::Passed)
        llvm::outs() << llvm::left_justify(getName(outcome.status), 12) << name << ": "
                     << outcome.message << "\n";
  printTable(outcomes, single);
  bool good = writeReports(outcomes, single);
  for (const auto &[name, outcome] : outcomes)
    good &= outcome.status != Status::Wrong && outcome.status != Status::Crashed;
  if (!expectPath.empty())
    good &= meetsExpectations(outcomes);
  return good ? 0 : 1;
}
