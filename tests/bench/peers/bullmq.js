// BullMQ on Node: each process runs BULLMQ_CONCURRENCY jobs at a time, 10 by default. The command line and the
// file of counters are those of driver.py and board.py.

const cluster = require("node:cluster");
const fs = require("node:fs");
const { Queue, Worker } = require("bullmq");

const CELL = 64;
const CELLS = 64;
const { BENCH_BOARD, BENCH_RECORD, REDIS_URL } = process.env;
const connection = { url: REDIS_URL, maxRetriesPerRequest: null };
const question = "What is the difference between a process and a thread, and when would you choose which? ".repeat(2);

function place() {
  const file = fs.openSync(BENCH_BOARD, "r+");
  const offset = Number(process.env.BENCH_CELL) * CELL;
  const cell = Buffer.alloc(CELL);
  cell.writeBigInt64LE(BigInt(process.pid), 0);
  cell.writeBigInt64LE(process.hrtime.bigint(), 24);
  fs.writeSync(file, cell, 0, CELL, offset);
  const others = Buffer.alloc(CELL * CELLS);
  const present = () => {
    fs.readSync(file, others, 0, others.length, 0);
    return [...Array(CELLS).keys()].filter((number) => others.readBigInt64LE(number * CELL)).length;
  };
  while (present() < Number(process.env.BENCH_PROCESSES ?? 1)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  return {
    begin() {
      cell.writeBigInt64LE(cell.readBigInt64LE(8) + 1n, 8);
      cell.writeBigInt64LE(process.hrtime.bigint(), 32);
      fs.writeSync(file, cell, 0, CELL, offset);
    },
    end() {
      cell.writeBigInt64LE(cell.readBigInt64LE(16) + 1n, 16);
      cell.writeBigInt64LE(process.hrtime.bigint(), 40);
      fs.writeSync(file, cell, 0, CELL, offset);
    },
  };
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function work() {
  let mine;
  const url = process.env.BENCH_WAIT_URL;
  new Worker("bench", async (job) => {
    if (url) {
      const body = JSON.stringify({ model: "any", messages: [{ role: "user", content: job.data.question }] });
      await (await fetch(`${url}/chat/completions`, { method: "POST", body })).json();
      return { ok: true, score: 7 };
    }
    mine ??= place();
    mine.begin();
    if (job.data.seconds) await sleep(job.data.seconds);
    mine.end();
    return { ok: true, score: 7 };
  }, { connection, concurrency: Number(process.env.BENCH_AT_ONCE ?? process.env.BULLMQ_CONCURRENCY ?? 10) });
}

async function add(queue, args) {
  const seconds = args.includes("--seconds") ? Number(args[args.indexOf("--seconds") + 1]) : 0;
  const jobs = [...Array(Number(args[0])).keys()].map((number) => ({ id: `j${number}`, seconds, question }));
  await queue.waitUntilReady();
  const began = process.hrtime.bigint();
  if (args.includes("--bulk")) {
    for (let start = 0; start < jobs.length; start += 1000) {
      await queue.addBulk(jobs.slice(start, start + 1000).map((data) => ({ name: "run", data })));
    }
  } else {
    for (const data of jobs) await queue.add("run", data);
  }
  console.log(Number(process.hrtime.bigint() - began) / 1e9);
}

// As in driver.py.
const UNCOUNTED = 5;

async function latency(queue, jobs) {
  const file = fs.openSync(BENCH_BOARD, "r");
  const board = Buffer.alloc(CELL * CELLS);
  const all = (field) => {
    fs.readSync(file, board, 0, board.length, 0);
    return [...Array(CELLS).keys()].map((number) => Number(board.readBigInt64LE(number * CELL + field)));
  };
  const sum = (field) => all(field).reduce((left, right) => left + right);
  const found = [];
  for (let number = 0; number < UNCOUNTED + jobs; number += 1) {
    const known = sum(8);
    const began = Number(process.hrtime.bigint());
    await queue.add("run", { id: `j${number}`, seconds: 0, question });
    while (sum(8) === known || sum(16) === known) await sleep(0.002);
    found.push((Math.max(...all(32)) - began) / 1e6);
    await sleep(0.005);
  }
  console.log(JSON.stringify(found.slice(UNCOUNTED)));
}

async function main() {
  const [command, ...args] = process.argv.slice(2);
  if (command === "work" && cluster.isPrimary) {
    for (let number = 0; number < Number(args[0]); number += 1) cluster.fork({ BENCH_CELL: number });
    return;
  }
  if (command === "work") {
    work();
    return;
  }
  const queue = new Queue("bench", { connection });
  await (command === "add" ? add(queue, args) : latency(queue, Number(args[0])));
  await queue.close();
}

main();
