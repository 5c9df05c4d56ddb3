//===- Candidates.cpp - Formats that mixed precision tries ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Candidates.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "terse/Dialect/Terse/IR/EncodeWeight.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Recipe/Recipe.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

llvm::Expected<Candidate> Candidate::parse(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, '|');
  Candidate candidate;
  candidate.text = text.trim().str();
  candidate.format = parts.front().trim().str();
  for (StringRef part : llvm::drop_begin(parts))
    candidate.passes.push_back(part.trim().str());
  if (candidate.format.empty() || llvm::is_contained(candidate.passes, ""))
    return makeError("candidate '{0}': expected FORMAT or FORMAT | PASS, such as "
                     "'#terse.uniform<i4, block = 32> | "
                     "terse-search-scales'",
                     text);
  return candidate;
}

/// Runs `work` and returns the first error that it emits, or `otherwise` if it fails without one.
static llvm::Error collectErrors(MLIRContext *context, StringRef otherwise,
                                 llvm::function_ref<LogicalResult()> work) {
  std::string message;
  LogicalResult result = failure();
  {
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error && message.empty())
        message = diagnostic.str();
      return success();
    });
    result = work();
  }
  return succeeded(result) ? llvm::Error::success()
                           : makeError("{0}", message.empty() ? otherwise.str() : message);
}

/// Operations of the IR that decodes a tensor: one per element of each result.
static uint64_t countDecodeOperations(EncodingAttrInterface encoding, RankedTensorType type) {
  MLIRContext *context = encoding.getContext();
  OwningOpRef<ModuleOp> scratch(ModuleOp::create(UnknownLoc::get(context)));
  SmallVector<Type> components = getComponentTypes(encoding, type);
  OpBuilder builder(scratch->getBodyRegion());
  auto function = func::FuncOp::create(builder, scratch->getLoc(), "decode",
                                       builder.getFunctionType(components, {}));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  encoding.buildDecode(builder, scratch->getLoc(), type, body->getArguments());
  uint64_t count = 0;
  for (Operation &op : *body)
    for (Type result : op.getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(result); tensor && tensor.hasStaticShape())
        count += tensor.getNumElements();
  return count;
}

static llvm::Expected<EncodedWeight> encode(const WeightConstant &constant,
                                            const HostTensor &values, Attribute choice) {
  EncodedWeight result;
  result.choice = choice;
  auto encoding = dyn_cast<EncodingAttrInterface>(choice);
  auto given = dyn_cast<StaticAttr>(choice);
  if (given)
    encoding = given.getEncoding();
  if (!encoding || encoding.hasRunTimeParameters())
    return makeError("is no encoding of a constant");
  SmallVector<HostTensor> parameters;
  if (given)
    for (Attribute value : given.getValues()) {
      auto parameter = toHostTensor(cast<ElementsAttr>(value));
      if (!parameter)
        return parameter.takeError();
      parameters.push_back(std::move(*parameter));
    }
  MLIRContext *context = choice.getContext();
  llvm::Error failed = collectErrors(context, "cannot be encoded", [&]() -> LogicalResult {
    auto error = [&] { return emitError(UnknownLoc::get(context)); };
    auto components = encodeWeight(encoding, values, constant.type, parameters, error);
    if (mlir::failed(components))
      return failure();
    for (const EncodingComponent &info : encoding.getComponents(constant.type)) {
      std::optional<DType> dtype = toDType(info.type.getElementType());
      if (!dtype)
        return failure();
      result.bits += uint64_t(info.type.getNumElements()) * dtype->getPackedBits();
      result.bytes += getPackedBytes(*dtype, info.type.getNumElements());
    }
    auto decoded = encoding.decodeHost(*components, constant.type, error);
    if (mlir::failed(decoded))
      return failure();
    result.decoded = std::move(*decoded);
    return success();
  });
  if (failed)
    return std::move(failed);
  return result;
}

static bool isWeightOf(OpOperand &operand, const Inventory &inventory, const Unit &unit) {
  return llvm::any_of(unit.constants, [&](size_t constant) {
    return llvm::is_contained(inventory.constants[constant].operands, &operand);
  });
}

llvm::Expected<std::vector<EncodedUnit>> terse::mixed::tryCandidate(ModuleOp module,
                                                                    const Inventory &inventory,
                                                                    const Candidate &candidate,
                                                                    StringRef data,
                                                                    StringRef activations) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone(mapping)));
  MLIRContext *context = module.getContext();
  PassManager manager = PassManager::on<ModuleOp>(context);
  manager.enableVerifier(false);
  ChooseEncodingsPassOptions options;
  options.format = candidate.format;
  options.layers = {"*"}; // Units pick what concerns them.
  manager.addPass(createChooseEncodingsPass(options));
  for (const std::string &pass : candidate.passes) {
    std::string message;
    llvm::raw_string_ostream os(message);
    if (failed(parsePassPipeline(pass, manager, os)))
      return makeError("candidate '{0}': {1}", candidate.text, StringRef(message).trim());
  }
  std::string message;
  llvm::raw_string_ostream os(message);
  if (!activations.empty() && failed(parsePassPipeline(activations, manager, os)))
    return makeError("option activations: {0}", StringRef(message).trim());
  setPassOptions(manager, "data", data);
  if (llvm::Error error =
          collectErrors(context, "a pass failed", [&] { return manager.run(*copy); }))
    return makeError("candidate '{0}': {1}", candidate.text, llvm::toString(std::move(error)));

  std::vector<EncodedUnit> result;
  for (const Unit &unit : inventory.units) {
    EncodedUnit &encoded = result.emplace_back();
    for (size_t index : unit.constants) {
      const WeightConstant &constant = inventory.constants[index];
      OpOperand &operand = *constant.operands.front();
      Operation *op = mapping.lookupOrNull(operand.getOwner());
      ChoiceAttr choice = op ? ChoiceAttr::get(op) : ChoiceAttr();
      Attribute chosen = choice ? choice.lookup(operand.getOperandNumber()) : Attribute();
      if (auto reason = dyn_cast_or_null<StringAttr>(chosen))
        encoded.obstacle = reason.str();
      if (!chosen || !encoded.obstacle.empty()) {
        if (encoded.obstacle.empty())
          encoded.obstacle = "the candidate decides nothing";
        break;
      }
      std::optional<HostTensor> values = getConstant(op->getOperand(operand.getOperandNumber()));
      if (!values || values->shape != constant.values.shape || values->dtype != DType::f32()) {
        encoded.obstacle = "the candidate's passes have changed the weight's shape or type";
        break;
      }
      auto weight = encode(constant, *values, chosen);
      if (!weight) {
        encoded.obstacle = llvm::toString(weight.takeError());
        break;
      }
      if (!bitwiseEqual(*values, constant.values))
        weight->replacement = std::move(*values);
      encoded.bits += weight->bits;
      encoded.bytes += weight->bytes;
      auto encoding = dyn_cast<EncodingAttrInterface>(chosen);
      encoded.decodeOperations += countDecodeOperations(
          encoding ? encoding : cast<StaticAttr>(chosen).getEncoding(), constant.type);
      encoded.weights.push_back(std::move(*weight));
    }
    if (!encoded.obstacle.empty()) {
      encoded.weights.clear();
      continue;
    }
    for (Operation *op : unit.ops)
      if (ChoiceAttr choice = ChoiceAttr::get(mapping.lookup(op)))
        for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues()))
          if (OpOperand &operand = op->getOpOperand(number);
              !isa<StringAttr>(value) && !isWeightOf(operand, inventory, unit))
            encoded.others.push_back({&operand, value});
  }
  return result;
}
