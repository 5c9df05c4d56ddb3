//===- Recipe.h - Compression recipes --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A recipe is a YAML file that lists passes with their options:
//
//   terse_recipe: 1
//   description: Weights in 8 bits, a scale per output channel
//   passes:
//     - terse-choose-encodings:
//         layers: ["*/conv*"]
//         weight-type: i8
//     - terse-apply-encodings
//
// It means exactly the pass pipeline that it prints as, no more and no less.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RECIPE_RECIPE_H
#define TERSE_RECIPE_RECIPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace terse {

/// The version of recipe files that this build reads and writes.
constexpr int kRecipeVersion = 1;

struct Recipe {
  /// The preset's name or the file's path.
  std::string name;
  std::string description;
  /// Textual pass pipelines, one per entry of `passes`.
  std::vector<std::string> passes;

  /// Gives an option to every pass that has it and is not told its value by the recipe itself, such
  /// as the file of calibration data. Returns how many passes have the option.
  unsigned giveOption(llvm::StringRef option, llvm::StringRef value);

  /// The pipeline as the tools take it: `builtin.module(...)`.
  std::string getPipeline() const;
};

/// Parses a recipe. The message of an error starts with `name:line:column`, names the key that is
/// wrong and lists those that would be right. Passes must be registered.
llvm::Expected<Recipe> parseRecipe(llvm::StringRef text, llvm::StringRef name);

/// The recipe of that name among the presets, else the file at that path.
llvm::Expected<Recipe> loadRecipe(llvm::StringRef nameOrPath);

/// A recipe that is part of the build.
struct Preset {
  llvm::StringRef name;
  llvm::StringRef text;
};
llvm::ArrayRef<Preset> getPresets();

/// Adds the recipe's passes to a pass manager for modules.
llvm::Error addRecipePasses(const Recipe &recipe, mlir::OpPassManager &manager);

/// Sets the option `name` of every pass of the manager that has it: for what a recipe cannot know,
/// such as paths of this run. Returns how many there are.
unsigned setPassOptions(mlir::OpPassManager &manager, llvm::StringRef name, llvm::StringRef value);

} // namespace terse

#endif // TERSE_RECIPE_RECIPE_H
