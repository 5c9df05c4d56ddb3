//===- Link.cpp - From an object to a shared object -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Artifact/Artifact.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace terse;

static Expected<std::string> findLinker() {
  // LLVM's own first: the same linker on every machine gives the same bytes.
  for (StringRef name : {"ld.lld", "ld"}) {
    if (name == "ld.lld")
      if (ErrorOr<std::string> path = sys::findProgramByName(name, {TERSE_LLVM_TOOLS_DIR}))
        return *path;
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  }
  return createStringError("cannot link the code: found neither ld.lld in '" TERSE_LLVM_TOOLS_DIR
                           "' nor ld.lld or ld on the PATH; install the package lld-22");
}

/// The first of `candidates` that exists, or nothing.
static std::string findFile(ArrayRef<std::string> candidates) {
  for (const std::string &path : candidates)
    if (sys::fs::exists(path))
      return path;
  return {};
}

/// libm and libc by their run-time names, so that the code object names them as its needs and its
/// references carry their versions, and the compiler's helper functions (half floats on old CPUs).
/// A target whose libraries are not on this machine gets none: it finds them in its own process.
static SmallVector<std::string> findLibraries(const Triple &triple) {
  SmallVector<std::string> result;
  std::string arch = triple.getArchName().str();
  std::vector<std::string> folders = {"/lib/" + arch + "-linux-gnu/"};
  // Without the triple in its name a folder holds this machine's libraries.
  if (triple.getArch() == Triple(sys::getProcessTriple()).getArch())
    folders.insert(folders.end(), {"/lib64/", "/usr/lib64/"});
  for (StringRef name : {"libm.so.6", "libc.so.6"}) {
    std::vector<std::string> candidates;
    for (const std::string &folder : folders)
      candidates.push_back(folder + name.str());
    std::string path = findFile(candidates);
    if (!path.empty())
      result.push_back(path);
  }
  std::string resources = std::string(TERSE_LLVM_TOOLS_DIR) + "/../lib/clang/" +
                          std::to_string(LLVM_VERSION_MAJOR) + "/lib/";
  std::string builtins = findFile({resources + "linux/libclang_rt.builtins-" + arch + ".a",
                                   resources + arch + "-unknown-linux-gnu/libclang_rt.builtins.a"});
  if (!builtins.empty())
    result.push_back(builtins);
  return result;
}

namespace {

/// A folder for the linker's files that goes with this object.
class WorkFolder {
public:
  static Expected<WorkFolder> create() {
    WorkFolder folder;
    if (std::error_code error = sys::fs::createUniqueDirectory("terse-link", folder.path))
      return createStringError(error, "cannot make a temporary folder: " + error.message());
    return folder;
  }
  WorkFolder(WorkFolder &&other) : path(other.path) { other.path.clear(); }
  ~WorkFolder() {
    if (!path.empty())
      sys::fs::remove_directories(path);
  }

  std::string file(StringRef name) const {
    SmallString<128> result = path;
    sys::path::append(result, name);
    return result.str().str();
  }

private:
  WorkFolder() = default;
  SmallString<128> path;
};

} // namespace

static std::string readAll(const std::string &path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

Expected<std::string> terse::linkSharedObject(StringRef object, StringRef tripleText) {
  Triple triple(tripleText);
  Expected<std::string> linker = findLinker();
  if (!linker)
    return linker.takeError();
  Expected<WorkFolder> folder = WorkFolder::create();
  if (!folder)
    return folder.takeError();

  std::string input = folder->file("code.o"), output = folder->file("code.so");
  std::string script = folder->file("exports"), log = folder->file("log");
  if (Error error = writeToOutput(input, [&](raw_ostream &os) {
        os << object;
        return Error::success();
      }))
    return std::move(error);
  // Nothing but the interface is visible, so that models never see each other's symbols.
  if (Error error = writeToOutput(script, [&](raw_ostream &os) {
        os << "{ global: terse_entry; terse_services_ptr; local: *; };\n";
        return Error::success();
      }))
    return std::move(error);

  // The output must depend on the input alone: no build identifiers, and a fixed name.
  std::vector<std::string> arguments = {*linker,
                                        "-shared",
                                        "-soname=terse-model",
                                        "-Bsymbolic",
                                        "--gc-sections",
                                        "--build-id=none",
                                        "--hash-style=gnu",
                                        "--strip-all",
                                        "-znow",
                                        "-zrelro",
                                        "-znoexecstack",
                                        "--version-script=" + script,
                                        "-o",
                                        output,
                                        input,
                                        "--as-needed"};
  SmallVector<std::string> libraries = findLibraries(triple);
  // With the libraries at hand a missing symbol is found now, and not when the model is loaded.
  if (!libraries.empty())
    arguments.push_back("--no-undefined");
  llvm::append_range(arguments, libraries);

  std::vector<StringRef> views(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log), StringRef(log)};
  std::string message;
  int status = sys::ExecuteAndWait(*linker, views, /*Env=*/std::nullopt, redirects,
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status != 0)
    return createStringError("cannot link the code: '" + *linker +
                             "' failed: " + (message.empty() ? readAll(log) : message));
  std::string result = readAll(output);
  if (result.empty())
    return createStringError("cannot link the code: '" + *linker + "' wrote nothing");
  return result;
}
