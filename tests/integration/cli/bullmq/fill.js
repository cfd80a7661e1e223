// Fills and controls a queue with the real BullMQ: node fill.js PACKAGE QUEUE STEP…
// Steps: failed, added, many, flow, schedule, pause, counts.
const [, , name, queueName, ...steps] = process.argv;
const { FlowProducer, Queue, UnrecoverableError, Worker } = require(name);

const url = new URL(process.env.REDIS_URL);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
const queue = new Queue(queueName, { connection });

async function fail(count, handler) {
  const worker = new Worker(queueName, handler, { connection });
  let failed = 0;
  await new Promise((resolve) => worker.on("failed", () => (failed += 1) === count && resolve()));
  await worker.close();
}

const actions = {
  async failed() {
    await queue.add("speak", { n: "boom" }, { jobId: "f-1", attempts: 1 });
    await queue.add("speak", { n: "never" }, { jobId: "f-2", attempts: 3 });
    await fail(2, async (job) => {
      if (job.id === "f-2") throw new UnrecoverableError("no such question");
      throw new TypeError("é is not a function");
    });
  },
  async added() {
    await queue.add("speak", { n: "plain" }, { jobId: "plain" });
    await queue.add("speak", { n: "odd" }, { jobId: "an id with blanks" });
    await queue.add("speak", { n: "urgent" }, { jobId: "urgent", priority: 1 });
    await queue.add("whisper", { n: "last" }, { jobId: "last", priority: 2000 });
    await queue.add("speak", { n: "late" }, { jobId: "late", delay: 3_600_000, priority: 3 });
    await queue.add("speak", [1, 2], { jobId: "array" });
  },
  many: () => queue.addBulk([...Array(450).keys()].map((n) => ({ name: "speak", data: { n }, opts: { jobId: `m-${n}` } }))),
  async flow() {
    const producer = new FlowProducer({ connection });
    const child = { name: "child", queueName, data: {}, opts: { jobId: "child" } };
    await producer.add({ name: "parent", queueName, data: {}, opts: { jobId: "parent" }, children: [child] });
    await producer.close();
  },
  schedule: () =>
    queue.upsertJobScheduler
      ? queue.upsertJobScheduler("nightly", { pattern: "0 3 * * *" }, { name: "speak", data: {} })
      : queue.add("speak", {}, { repeat: { pattern: "0 3 * * *" } }),
  pause: () => queue.pause(),
  counts: async () => console.log(JSON.stringify(await queue.getJobCounts())),
};

(async () => {
  for (const step of steps) await actions[step]();
  await queue.close();
})();
