//===- Exporter.cpp - Turns nn ops into ONNX nodes --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Exporter.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Import/ONNXTypes.h"
#include "terse/Reference/KnownValue.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

void terse::onnx::failExport(const llvm::Twine &reason) { throw ExportFailure{reason.str()}; }

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

DType Exporter::toStored(DType dtype) {
  using numerics::FloatKind;
  if (dtype.isInteger() && dtype.getBits() < 8 && dtype.getBits() != 4)
    return dtype.isUnsignedInteger() ? DType::u8() : DType::i8();
  if (dtype.isSmallFloat())
    switch (dtype.getFloatKind()) {
    case FloatKind::F4E2M1FN: // A type of ONNX from opset 23 on.
      return DType::ui(4);
    case FloatKind::F6E2M3FN:
    case FloatKind::F6E3M2FN:
    case FloatKind::F8E8M0FNU:
      return DType::u8();
    default:
      break;
    }
  return dtype;
}

bool Exporter::isCode(Type element) {
  std::optional<DType> dtype = toDType(element);
  return dtype && dtype->isFloat() && !toStored(*dtype).isFloat();
}

int64_t Exporter::onnxTypeOf(Type element) {
  std::optional<DType> dtype = toDType(element);
  int64_t number = dtype ? getOnnxType(toStored(*dtype)) : 0;
  if (!number)
    failExport("ONNX has no tensors of this element type");
  return number;
}

/// The elements in the type that they are stored in; the bytes are the same, for sub-byte types
/// take one in memory.
static HostTensor toStoredTensor(HostTensor tensor) {
  tensor.dtype = Exporter::toStored(tensor.dtype);
  return tensor;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string Exporter::claim(const llvm::Twine &base, llvm::StringSet<> &taken) {
  std::string wanted = base.str(), name = wanted;
  for (unsigned i = 1; !taken.insert(name).second; ++i)
    name = wanted + "_" + std::to_string(i);
  return name;
}

std::string Exporter::unique(const llvm::Twine &base) { return claim(base, takenValues); }

std::string Exporter::define(Value result) {
  auto it = outputNames.find(result);
  std::string name = it != outputNames.end() ? it->second : unique(layer);
  names[result] = name;
  return name;
}

std::string Exporter::name(Value v) {
  if (!v)
    return "";
  if (auto it = names.find(v); it != names.end())
    return it->second;
  std::string made = getEncoding(v.getType()) ? dequantize(*this, v, {}) : materialize(v);
  names[v] = made;
  return made;
}

std::string Exporter::transposed(Value v, ArrayRef<int64_t> permutation) {
  if (auto decode = v.getDefiningOp<DecodeOp>())
    v = decode.getInput();
  if (getEncoding(v.getType())) {
    auto assemble = v.getDefiningOp<AssembleOp>();
    if (!assemble || !getConstant(assemble.getComponents().front()))
      return "";
    return dequantize(*this, v, permutation);
  }
  std::optional<HostTensor> tensor = getConstant(v);
  if (!tensor)
    return "";
  ml_program::GlobalOp global = getConstantGlobal(v);
  std::string base = global ? global.getSymName().str() : layer + "/weight";
  auto key = std::make_pair(base, Ints(permutation));
  if (global)
    if (auto it = permuted.find(key); it != permuted.end())
      return it->second;
  Initializer made = permuteInitializer(v, permutation, base + ".transposed");
  std::string name = add(std::move(made));
  if (global)
    permuted[key] = name;
  return name;
}

Quantized Exporter::findQuantized(Value v) {
  auto it = encoded.find(v);
  if (it == encoded.end())
    failExport("its integers are not part of the exported graph");
  return it->second;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static llvm::Error writePacked(const HostTensor &tensor, llvm::raw_ostream &os) {
  if (!tensor.dtype.isSubByte()) {
    os.write(reinterpret_cast<const char *>(tensor.getBytes().data()), tensor.getBytes().size());
    return llvm::Error::success();
  }
  std::vector<uint8_t> bytes = tensor.toPacked();
  os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return llvm::Error::success();
}

HostTensor terse::onnx::permute(const HostTensor &x, ArrayRef<int64_t> permutation) {
  std::vector<int64_t> shape, strides = x.getStrides(), steps;
  for (int64_t axis : permutation) {
    shape.push_back(x.shape[axis]);
    steps.push_back(strides[axis]);
  }
  HostTensor result = HostTensor::zeros(x.dtype, shape);
  size_t width = x.dtype.getHostBytes();
  const uint8_t *from = x.getBytes().data();
  uint8_t *to = result.getMutableBytes().data();
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t source = 0;
  for (int64_t i = 0, count = result.getNumElements(); i < count; ++i) {
    std::memcpy(to + i * width, from + source * width, width);
    for (size_t d = shape.size(); d-- > 0;) {
      source += steps[d];
      if (++index[d] < shape[d])
        break;
      source -= steps[d] * shape[d];
      index[d] = 0;
    }
  }
  return result;
}

/// The value is read again when it is written: nothing is held in between.
Initializer terse::onnx::permuteInitializer(Value constant, ArrayRef<int64_t> permutation,
                                            std::string name) {
  auto type = cast<RankedTensorType>(constant.getType());
  Initializer made{std::move(name), Exporter::toStored(*toDType(type.getElementType())), {}, {}};
  for (int64_t axis : permutation)
    made.shape.push_back(type.getDimSize(axis));
  made.write = [constant, order = Ints(permutation)](llvm::raw_ostream &os) {
    return writePacked(toStoredTensor(permute(*getConstant(constant), order)), os);
  };
  return made;
}

std::string Exporter::add(Initializer tensor) {
  tensor.name = unique(tensor.name);
  file.initializers.push_back(std::move(tensor));
  return file.initializers.back().name;
}

std::string Exporter::constant(const HostTensor &tensor, const llvm::Twine &hint) {
  HostTensor stored = toStoredTensor(tensor);
  std::string content;
  llvm::raw_string_ostream os(content);
  os << stored.getTypeString() << ":";
  llvm::consumeError(writePacked(stored, os));
  auto it = constants.find(content);
  if (it != constants.end())
    return it->second;
  Initializer made{hint.str(), stored.dtype, stored.shape,
                   [stored](llvm::raw_ostream &os) { return writePacked(stored, os); }};
  return constants[content] = add(std::move(made));
}

std::string Exporter::ints(ArrayRef<int64_t> values) {
  std::string hint = "ints";
  for (int64_t value : values.take_front(6))
    hint += "_" + std::to_string(value);
  return constant(HostTensor::from<int64_t>({int64_t(values.size())}, values), hint);
}

std::string Exporter::scalar(double value, Type element) {
  std::optional<DType> dtype = toDType(element);
  if (!dtype)
    failExport("ONNX has no tensors of this element type");
  return constant(HostTensor::scalar(*dtype, value), "number");
}

/// The initializer of a constant.
std::string Exporter::materialize(Value v) {
  if (ml_program::GlobalOp global = getConstantGlobal(v)) {
    auto key = std::make_pair(global.getSymName().str(), Ints());
    if (auto it = permuted.find(key); it != permuted.end())
      return it->second;
    auto type = cast<RankedTensorType>(v.getType());
    std::optional<DType> dtype = toDType(type.getElementType());
    DType stored = toStored(*dtype);
    Initializer made{key.first, stored, type.getShape().vec(), {}};
    made.write = [global, dtype = *dtype, stored](llvm::raw_ostream &os) mutable -> llvm::Error {
      // A resource is stored as ONNX has it, packed.
      if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueAttr());
          resource && stored == dtype) {
        AsmResourceBlob *blob = resource.getRawHandle().getBlob();
        if (blob)
          os.write(blob->getData().data(), blob->getData().size());
        return llvm::Error::success();
      }
      llvm::Expected<HostTensor> tensor = readGlobal(global);
      if (!tensor)
        return tensor.takeError();
      return writePacked(toStoredTensor(std::move(*tensor)), os);
    };
    return permuted[key] = add(std::move(made));
  }
  std::optional<HostTensor> tensor = getConstant(v);
  if (!tensor)
    failExport("an operand is made by an op that is not exported");
  std::string hint = getLocationName(v.getLoc()).str();
  return constant(*tensor, hint.empty() ? "constant" : hint);
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

static Message toProto(const Attr &attr) {
  Message m;
  m.text(1, attr.name);
  struct Visitor {
    Message &m;
    void operator()(int64_t v) { m.integer(3, v).integer(20, 2); }
    void operator()(float v) { m.number(2, v).integer(20, 1); }
    void operator()(const std::string &v) { m.text(4, v).integer(20, 3); }
    void operator()(const std::vector<int64_t> &v) { m.integers(8, v).integer(20, 7); }
    void operator()(const std::vector<float> &v) { m.numbers(7, v).integer(20, 6); }
    void operator()(const Names &v) {
      for (const std::string &text : v)
        m.text(9, text);
      m.integer(20, 8);
    }
  };
  std::visit(Visitor{m}, attr.value);
  return m;
}

void Exporter::node(StringRef op, Names inputs, Names outputs, const Attrs &attributes,
                    StringRef nodeName) {
  // Absent operands at the end are left out.
  while (!inputs.empty() && inputs.back().empty())
    inputs.pop_back();
  while (!outputs.empty() && outputs.back().empty())
    outputs.pop_back();
  Message m;
  for (const std::string &input : inputs)
    m.text(1, input);
  for (const std::string &output : outputs)
    m.text(2, output);
  m.text(3, claim(nodeName, takenNodes)).text(4, op);
  for (const Attr &attribute : attributes)
    m.message(5, toProto(attribute));
  file.nodes.push_back(std::move(m));
}

void Exporter::emit(StringRef op, Names inputs, Attrs attributes) {
  emit(op, std::move(inputs), std::move(attributes), current->getResults());
}

void Exporter::emit(StringRef op, Names inputs, Attrs attributes, ValueRange results) {
  Names outputs;
  for (Value result : results)
    outputs.push_back(result.use_empty() && results.size() > 1 ? "" : define(result));
  node(op, std::move(inputs), std::move(outputs), attributes, layer);
}

std::string Exporter::step(StringRef op, Names inputs, Attrs attributes) {
  std::string base = layer + "/" + op.str(), result = unique(base);
  node(op, std::move(inputs), {result}, attributes, base);
  return result;
}

std::string Exporter::mainStep(StringRef op, Names inputs, Attrs attributes) {
  std::string result = unique(layer + "/" + op.str());
  node(op, std::move(inputs), {result}, attributes, layer);
  return result;
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

HandlerTable::HandlerTable() {
  addElementwise(*this);
  addContractions(*this);
  addPooling(*this);
  addNorms(*this);
  addReductions(*this);
  addMovement(*this);
  addIndexing(*this);
  addShapes(*this);
  addRecurrent(*this);
  addEncodings(*this);
}

const Handler *HandlerTable::find(OperationName name) const {
  auto it = handlers.find(name.getStringRef());
  return it == handlers.end() ? nullptr : &it->second;
}

void Exporter::exportOp(Operation *op) {
  static const HandlerTable table;
  // Constants come when they are asked for, and so do parameters that follow from others.
  if (isa<nn::ConstantOp, ml_program::GlobalLoadConstOp>(op))
    return;
  if (llvm::all_of(op->getUsers(), [](Operation *user) { return isa<AssembleOp>(user); }) &&
      isa<nn::BinaryOp, nn::CastOp>(op) && getKnownValue(op->getResult(0)))
    return;
  current = op;
  layer = getLayerName(op);
  try {
    const Handler *handler = table.find(op->getName());
    if (!handler)
      failExport(op->getNumRegions() ? "control flow is not exported; bind the input that decides "
                                       "it as a constant (--bind), or give the "
                                       "dimensions a size (--dim)"
                                     : "ONNX opset 21 has no operator for it");
    (*handler)(op, *this);
  } catch (const ExportFailure &failure) {
    throw ExportFailure{"layer '" + layer + "' (" + op->getName().getStringRef().str() +
                        "): " + failure.reason};
  }
}

static GraphValue describe(StringRef name, Type type, ArrayAttr dims) {
  auto tensor = cast<RankedTensorType>(getLogicalType(type));
  std::optional<DType> dtype = toDType(tensor.getElementType());
  if (!dtype || !getOnnxType(*dtype) || Exporter::toStored(*dtype) != *dtype)
    failExport("'" + name + "': ONNX opset 21 has no tensors of its element type");
  GraphValue value{name.str(), *dtype, {}};
  for (auto [i, size] : llvm::enumerate(tensor.getShape())) {
    StringRef symbol = dims && i < dims.size() ? cast<StringAttr>(dims[i]).getValue() : StringRef();
    value.dims.push_back({ShapedType::isDynamic(size) ? -1 : size, symbol.str()});
  }
  return value;
}

ModelFile Exporter::run(func::FuncOp function) {
  auto nameOf = [](Attribute attr, const llvm::Twine &otherwise) {
    auto text = dyn_cast_or_null<StringAttr>(attr);
    return text && !text.getValue().empty() ? text.getValue().str() : otherwise.str();
  };
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (getEncoding(argument.getType()))
      failExport("input " + llvm::Twine(i) +
                 " is an encoded tensor; only plain ones can be inputs of an ONNX model");
    std::string name =
        claim(nameOf(function.getArgAttr(i, "nn.name"), "input" + llvm::Twine(i)), takenValues);
    names[argument] = name;
    file.inputs.push_back(
        describe(name, argument.getType(), function.getArgAttrOfType<ArrayAttr>(i, "nn.dims")));
  }
  auto results = function.getBody().front().getTerminator()->getOperands();
  for (auto [i, result] : llvm::enumerate(results)) {
    std::string name =
        claim(nameOf(function.getResultAttr(i, "nn.name"), "output" + llvm::Twine(i)), takenValues);
    file.outputs.push_back(describe(name, result.getType(), {}));
    // What is no plain result of an op gets its name below.
    if (result.getDefiningOp() && !getEncoding(result.getType()))
      outputNames.try_emplace(result, name);
  }
  for (Operation &op : function.getBody().front().without_terminator())
    exportOp(&op);
  layer = "output";
  for (auto [i, result] : llvm::enumerate(results)) {
    std::string have = name(result), wanted = file.outputs[i].name;
    if (have != wanted)
      node("Identity", {have}, {wanted}, {}, wanted);
  }
  return std::move(file);
}
