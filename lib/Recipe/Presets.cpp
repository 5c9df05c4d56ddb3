//===- Presets.cpp - Recipes that are part of the build ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Recipe/Recipe.h"

using namespace terse;

static const Preset presets[] = {
#include "Presets.inc"
};

llvm::ArrayRef<Preset> terse::getPresets() { return presets; }
