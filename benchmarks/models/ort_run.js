// Runs an ONNX model with onnxruntime on tensors in a folder. Used by compare_onnxruntime.py.
//
//   NODE_PATH=.../node_modules node ort_run.js MODEL.onnx DIR
//
// DIR/in.json lists the inputs as {name: {type, shape, file}} (file: raw little-endian data in DIR); the outputs are
// written the same way, listed in DIR/out.json. Types are onnxruntime's names (float32, int64, int32, bool, ...).
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

const views = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, int8: Int8Array,
  uint8: Uint8Array, bool: Uint8Array, int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
};

async function main() {
  const [model, dir] = process.argv.slice(2);
  const threads = Number(process.env.ORT_THREADS || '1');
  const session = await ort.InferenceSession.create(model, {intraOpNumThreads: threads, interOpNumThreads: 1});
  const list = JSON.parse(fs.readFileSync(path.join(dir, 'in.json')));
  const feeds = {};
  for (const name of Object.keys(list)) {
    const {type, shape, file} = list[name];
    const bytes = fs.readFileSync(path.join(dir, file));
    const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    feeds[name] = new ort.Tensor(type, new views[type](copy), shape);
  }
  const results = await session.run(feeds);
  const repeat = Number(process.env.ORT_REPEAT || '0');
  const times = [];
  for (let i = 0; i < repeat; ++i) {
    const t = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - t) / 1e6);
  }
  const out = {};
  let i = 0;
  for (const name of session.outputNames) {
    const t = results[name];
    const file = `out_${i++}.bin`;
    fs.writeFileSync(path.join(dir, file), Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
    out[name] = {type: t.type, shape: t.dims, file};
  }
  fs.writeFileSync(path.join(dir, 'out.json'), JSON.stringify({outputs: out, milliseconds: times}));
}

main().catch(e => { console.error(String(e)); process.exit(1); });
