// undici: its `request`, or, with UNDICI=fetch, its `fetch`.
import { createRequire } from "node:module";
import { createWriteStream, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const require = createRequire(new URL("../../build/bench/", import.meta.url));
const { Agent, fetch, request } = require("undici");

const BURSTS = 25;
const SMALL = 1024; // bytes
const PICTURE = 100000; // bytes
const UNSUPPORTED = 3; // exit status

const [work, url, totalText, concurrencyText, directory] = process.argv.slice(2);
const [total, concurrency] = [Number(totalText), Number(concurrencyText)];
const tls = url.startsWith("https:");
const h2 = tls && work === "get";
const ca = process.env.BENCH_CA && readFileSync(process.env.BENCH_CA);
const dispatcher = new Agent({
  connections: h2 ? 1 : concurrency,
  pipelining: work === "connect" ? 0 : h2 ? concurrency : 1, // 0: no keep-alive
  allowH2: h2,
  connect: { ca, timeout: 60000 }, // ms: names are looked up four at a time
});

let succeeded = 0;
function check(fine, what) {
  if (fine) succeeded += 1;
  else console.error("failure:", what);
}

// Both ways: the status, the body as a stream, and the body in one piece.
const ways = {
  async request(address) {
    const { statusCode, body } = await request(address, { dispatcher });
    return { status: statusCode, body, bytes: () => body.arrayBuffer() };
  },
  async fetch(address) {
    const response = await fetch(address, { dispatcher });
    return { status: response.status, body: response.body, bytes: () => response.arrayBuffer() };
  },
};
const ask = ways[process.env.UNDICI ?? "request"];

async function get(address, size) {
  try {
    const { status, bytes } = await ask(address);
    const body = Buffer.from(await bytes());
    check(status === 200 && body.length === size, status);
    return body;
  } catch (error) {
    check(false, error.cause ?? error);
  }
}

async function runAll(fn) {
  let started = 0;
  const worker = async () => {
    while (started < total) await fn((started += 1));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

const small = () => runAll(() => get(url, SMALL));

async function read() {
  const { status, body } = await ask(url);
  let size = 0;
  for await (const chunk of body) size += chunk.length;
  check(status === 200 && size === total, size);
}

async function toFile() {
  const { status, body } = await ask(url);
  await pipeline(body, createWriteStream(`${directory}/body`));
  check(status === 200, status);
}

const works = {
  get: small,
  connect: small,
  files: () =>
    runAll(async (number) => {
      await writeFile(`${directory}/${number}`, await get(`${url}/${number}`, PICTURE));
    }),
  discard: read,
  read,
  file: toFile,
  async bursts() {
    for (let i = 0; i < BURSTS; i += 1) await small();
  },
};
if (!works[work]) {
  console.log("unsupported: not that work");
  process.exit(UNSUPPORTED);
}
const units = { discard: 1, read: 1, file: 1, bursts: total * BURSTS }[work] ?? total;

const wall = process.hrtime.bigint();
const cpu = process.cpuUsage();
await works[work]();
const used = process.cpuUsage(cpu);
const seconds = Number(process.hrtime.bigint() - wall) / 1e9;
const each = (used.user + used.system) / units;
console.log(`wall=${seconds.toFixed(3)} cpu_us=${each.toFixed(2)} failed=${units - succeeded}`);
process.exit(succeeded === units ? 0 : 1);
