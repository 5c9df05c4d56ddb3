// Times ONNX models with onnxruntime, as often as it is told to. Used by latency.py.
//
//   NODE_PATH=.../node_modules node ort_bench.js DIR THREADS
//
// Each line on standard input is `MODEL.onnx RUNS`; the answer is one line of JSON with the milliseconds of each run after three that
// do not count. Inputs are those of DIR/in.json (see ort_run.js) that the model has.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const ort = require('onnxruntime-node');

const views = {float32: Float32Array, int64: BigInt64Array, int32: Int32Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array};
const [dir, threads] = process.argv.slice(2);
const list = JSON.parse(fs.readFileSync(path.join(dir, 'in.json')));
const sessions = {};

async function answer(line) {
  const [model, runs] = line.trim().split(' ');
  if (!sessions[model])
    sessions[model] = await ort.InferenceSession.create(model, {intraOpNumThreads: Number(threads), interOpNumThreads: 1});
  const session = sessions[model], feeds = {};
  for (const name of session.inputNames) {
    const {type, shape, file} = list[name];
    const bytes = fs.readFileSync(path.join(dir, file));
    feeds[name] = new ort.Tensor(type, new views[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)), shape);
  }
  const times = [];
  for (let i = -3; i < Number(runs); ++i) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    if (i >= 0)
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  console.log(JSON.stringify(times));
}

async function main() {
  for await (const line of readline.createInterface({input: process.stdin}))
    await answer(line);
}

main().catch(e => { console.error(String(e)); process.exit(1); });
