//===- Recipe.cpp - Compression recipes -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Recipe/Recipe.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace llvm;
using namespace terse;

//===----------------------------------------------------------------------===//
// Names of a pass's options
//===----------------------------------------------------------------------===//

// A pass tells its options to nobody but the command-line parser, and its help goes to stdout only.
// Access control does not apply to the arguments of an explicit instantiation: that is the way in.
using OptionsMember = mlir::detail::PassOptions mlir::Pass::*;
static OptionsMember getOptionsMember();
template <OptionsMember member>
struct ExposeOptions {
  friend OptionsMember getOptionsMember() { return member; }
};
template struct ExposeOptions<&mlir::Pass::passOptions>;

namespace {
struct OptionNames : mlir::detail::PassOptions {
  static std::vector<std::string> get(mlir::Pass &pass) {
    std::vector<std::string> result;
    for (auto &entry : static_cast<OptionNames &>(pass.*getOptionsMember()).OptionsMap)
      result.push_back(entry.first.str());
    llvm::sort(result);
    return result;
  }
};

/// Access to options by name, without the syntax of pipelines.
struct OptionSetter : mlir::detail::PassOptions {
  static bool set(mlir::Pass &pass, StringRef name, StringRef value) {
    auto &options = static_cast<OptionSetter &>(pass.*getOptionsMember()).OptionsMap;
    auto it = options.find(name);
    return it != options.end() && !cl::ProvidePositionalOption(it->second, value, 0);
  }
};

/// Walks the YAML document and remembers the first error, with its place.
class Parser {
public:
  Parser(StringRef text, StringRef name) : name(name.str()) {
    // The stream's own syntax errors come through the source manager.
    sources.setDiagHandler(
        [](const SMDiagnostic &diagnostic, void *context) {
          auto *self = static_cast<Parser *>(context);
          if (self->message.empty() && diagnostic.getKind() == SourceMgr::DK_Error)
            self->message = (self->name + ":" + Twine(diagnostic.getLineNo()) + ":" +
                             Twine(diagnostic.getColumnNo() + 1) + ": " + diagnostic.getMessage())
                                .str();
        },
        this);
    stream = std::make_unique<yaml::Stream>(MemoryBufferRef(text, this->name), sources);
  }

  Expected<Recipe> parse() {
    Recipe recipe;
    recipe.name = name;
    yaml::document_iterator document = stream->begin();
    if (document == stream->end() || !parseRoot(document->getRoot(), recipe) || stream->failed())
      if (message.empty())
        message = name + ": this is not a recipe";
    if (!message.empty())
      return createStringError(message);
    return recipe;
  }

private:
  bool error(yaml::Node *at, const Twine &text) {
    if (message.empty())
      stream->printError(at, text);
    return false;
  }

  /// The text of a scalar; null nodes and collections are errors.
  bool scalar(yaml::Node *node, std::string &out, const Twine &what) {
    SmallString<64> storage;
    if (auto *plain = dyn_cast_or_null<yaml::ScalarNode>(node)) {
      out = plain->getValue(storage).str();
      return true;
    }
    if (auto *block = dyn_cast_or_null<yaml::BlockScalarNode>(node)) {
      out = block->getValue().rtrim("\n").str();
      return true;
    }
    return node ? error(node, "expected a plain value for " + what) : false;
  }

  bool parseRoot(yaml::Node *root, Recipe &recipe) {
    auto *map = dyn_cast_or_null<yaml::MappingNode>(root);
    if (!map)
      return root ? error(root, "expected the keys terse_recipe, description and passes") : false;
    bool versioned = false, ok = true;
    for (yaml::KeyValueNode &entry : *map) {
      std::string key, text;
      if (!scalar(entry.getKey(), key, "a key"))
        return false;
      if (key == "terse_recipe") {
        versioned = true;
        if (!scalar(entry.getValue(), text, key))
          return false;
        if (text != std::to_string(kRecipeVersion))
          ok = error(entry.getKey(), "recipe version " + text +
                                         " is not known; this build reads version " +
                                         Twine(kRecipeVersion));
      } else if (key == "description") {
        ok = scalar(entry.getValue(), recipe.description, key);
      } else if (key == "passes") {
        ok = parsePasses(entry.getValue(), recipe);
      } else {
        ok = error(entry.getKey(),
                   "unknown key '" + key + "'; valid keys are description, passes, terse_recipe");
      }
      if (!ok)
        return false;
    }
    if (!versioned)
      return error(root, "expected 'terse_recipe: " + Twine(kRecipeVersion) + "'");
    if (recipe.passes.empty())
      return error(root, "expected at least one pass under 'passes'");
    return true;
  }

  bool parsePasses(yaml::Node *node, Recipe &recipe) {
    auto *list = dyn_cast_or_null<yaml::SequenceNode>(node);
    if (!list)
      return node ? error(node, "expected a list of passes") : false;
    for (yaml::Node &entry : *list) {
      std::string text;
      bool ok;
      if (auto *map = dyn_cast<yaml::MappingNode>(&entry))
        ok = parsePassWithOptions(map, text);
      else
        ok = scalar(&entry, text, "a pass") && checkPass(&entry, text);
      if (!ok)
        return false;
      recipe.passes.push_back(std::move(text));
    }
    return true;
  }

  /// Plain entries are pipeline elements; a bare name must be a pass or pipeline.
  bool checkPass(yaml::Node *at, StringRef text) {
    if (text.find_first_of("({") != StringRef::npos || mlir::PassInfo::lookup(text) ||
        mlir::PassPipelineInfo::lookup(text))
      return true;
    return error(at, "unknown pass '" + text + "'");
  }

  bool parsePassWithOptions(yaml::MappingNode *map, std::string &out) {
    bool first = true;
    for (yaml::KeyValueNode &entry : *map) {
      if (!first)
        return error(entry.getKey(),
                     "expected one pass per list entry; indent its options below it");
      first = false;
      if (!scalar(entry.getKey(), out, "a pass"))
        return false;
      const mlir::PassInfo *info = mlir::PassInfo::lookup(out);
      if (!info)
        return error(entry.getKey(), "unknown pass '" + out + "'");
      yaml::Node *value = entry.getValue();
      if (!value || isa<yaml::NullNode>(value))
        continue;
      auto *options = dyn_cast<yaml::MappingNode>(value);
      if (!options)
        return error(value, "expected options of pass " + out);
      if (!parseOptions(options, *info, out))
        return false;
    }
    return true;
  }

  bool parseOptions(yaml::MappingNode *options, const mlir::PassInfo &info, std::string &out) {
    mlir::OpPassManager scratch(mlir::OpPassManager::Nesting::Implicit);
    auto ignore = [](const Twine &) { return mlir::failure(); };
    if (mlir::failed(info.addToPipeline(scratch, "", ignore)) || scratch.size() != 1)
      return error(options, "pass " + info.getPassArgument() + " takes no options here");
    mlir::Pass &pass = *scratch.begin();
    std::vector<std::string> known = OptionNames::get(pass);
    std::vector<std::string> parts;
    for (yaml::KeyValueNode &entry : *options) {
      std::string key, value;
      if (!scalar(entry.getKey(), key, "an option"))
        return false;
      if (!is_contained(known, key))
        return error(entry.getKey(), "unknown key '" + key + "' for pass " +
                                         info.getPassArgument() + "; valid keys are " +
                                         join(known, ", "));
      if (!parseOptionValue(entry.getValue(), key, value))
        return false;
      parts.push_back(key + "=" + value);
      // Values are checked here, where the line is known, and not when the pipeline is built.
      std::string complaint;
      raw_string_ostream os(complaint);
      auto handler = [&](const Twine &text) {
        os << text;
        return mlir::failure();
      };
      if (mlir::failed(pass.initializeOptions(parts.back(), handler)))
        return error(entry.getValue(),
                     "'" + value + "' is no value for " + key +
                         (complaint.empty() ? "" : ": " + StringRef(complaint).trim()));
    }
    if (!parts.empty())
      out += "{" + join(parts, " ") + "}";
    return true;
  }

  bool parseOptionValue(yaml::Node *node, StringRef key, std::string &out) {
    auto *list = dyn_cast_or_null<yaml::SequenceNode>(node);
    if (!list) {
      std::string text;
      if (!scalar(node, text, "option " + key))
        return false;
      return quote(node, text, out);
    }
    std::vector<std::string> items;
    for (yaml::Node &item : *list) {
      std::string text, quoted;
      if (!scalar(&item, text, "an element of option " + key) || !quote(&item, text, quoted))
        return false;
      items.push_back(quoted);
    }
    out = "{" + join(items, ",") + "}";
    return true;
  }

  /// Values with characters that mean something in a pipeline are quoted.
  bool quote(yaml::Node *at, StringRef text, std::string &out) {
    if (text.find_first_of(" \t,={}()'\"") == StringRef::npos) {
      out = text.str();
      return true;
    }
    char mark = text.contains('\'') ? '"' : '\'';
    if (text.contains(mark))
      return error(at, "a value cannot contain both kinds of quotes");
    out = (Twine(mark) + text + Twine(mark)).str();
    return true;
  }

  std::string name, message;
  SourceMgr sources;
  std::unique_ptr<yaml::Stream> stream;
};

} // namespace

/// Values with characters that mean something in a pipeline are quoted.
static std::string quoteValue(StringRef text) {
  if (text.find_first_of(" \t,={}()'\"") == StringRef::npos)
    return text.str();
  char mark = text.contains('\'') ? '"' : '\'';
  return (Twine(mark) + text + Twine(mark)).str();
}

unsigned Recipe::giveOption(StringRef option, StringRef value) {
  unsigned count = 0;
  for (std::string &pass : passes) {
    auto [name, rest] = StringRef(pass).split('{');
    const mlir::PassInfo *info = mlir::PassInfo::lookup(name);
    mlir::OpPassManager scratch(mlir::OpPassManager::Nesting::Implicit);
    auto ignore = [](const Twine &) { return mlir::failure(); };
    if (!info || mlir::failed(info->addToPipeline(scratch, "", ignore)) || scratch.size() != 1 ||
        !is_contained(OptionNames::get(*scratch.begin()), option))
      continue;
    ++count;
    if (rest.contains((option + "=").str()))
      continue;
    std::string given = (option + "=" + quoteValue(value)).str();
    pass =
        rest.empty() ? (name + "{" + given + "}").str() : (name + "{" + given + " " + rest).str();
  }
  return count;
}

std::string Recipe::getPipeline() const { return "builtin.module(" + join(passes, ",") + ")"; }

Expected<Recipe> terse::parseRecipe(StringRef text, StringRef name) {
  return Parser(text, name).parse();
}

Expected<Recipe> terse::loadRecipe(StringRef nameOrPath) {
  for (const Preset &preset : getPresets())
    if (preset.name == nameOrPath)
      return parseRecipe(preset.text, preset.name);
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(nameOrPath, /*IsText=*/true);
  if (!buffer) {
    std::string presets;
    raw_string_ostream os(presets);
    interleaveComma(getPresets(), os, [&](const Preset &preset) { os << preset.name; });
    return createStringError("recipe '" + nameOrPath + "': " + buffer.getError().message() +
                             "; give a file or one of the presets " + presets);
  }
  return parseRecipe((*buffer)->getBuffer(), nameOrPath);
}

Error terse::addRecipePasses(const Recipe &recipe, mlir::OpPassManager &manager) {
  std::string message;
  raw_string_ostream os(message);
  for (const std::string &pass : recipe.passes)
    if (mlir::failed(mlir::parsePassPipeline(pass, manager, os)))
      return createStringError("recipe '" + recipe.name + "': " + StringRef(message).trim());
  return Error::success();
}

unsigned terse::setPassOptions(mlir::OpPassManager &manager, StringRef name, StringRef value) {
  unsigned count = 0;
  for (mlir::Pass &pass : manager.getPasses())
    count += OptionSetter::set(pass, name, value);
  return count;
}
