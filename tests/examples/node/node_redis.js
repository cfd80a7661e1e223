// Adds a job, reads its status, waits for its result and cancels another one, with node-redis.
const { readFileSync } = require("node:fs");
const { createClient, defineScript } = require("redis");

const base = `${process.env.KEY_PREFIX ?? "preppath"}:{tts}:`;
const script = (name) => defineScript({ // preppath-workers script NAME > NAME.lua
  SCRIPT: readFileSync(`${name}.lua`, "utf8"),
  NUMBER_OF_KEYS: 1,
  parseCommand(parser, ...words) {
    parser.pushKey(base);
    parser.push("", ...words.map(String));
  },
  transformReply: undefined,
});
const names = ["enqueue", "status", "wait", "cancel"];
const scripts = Object.fromEntries(names.map((name) => [`${name}Job`, script(name)]));
const redis = createClient({ url: process.env.REDIS_URL, scripts });
const blocking = redis.duplicate(); // a wait occupies its connection
// Without a listener, a lost connection would end the program; with one, the client connects again.
for (const client of [redis, blocking]) client.on("error", (error) => console.error("redis:", error.message));
const toObject = (words) => Object.fromEntries(words.flatMap((name, i) => (i % 2 ? [] : [[name, words[i + 1]]])));

/** Return whether the job was added; false if its id exists. */
async function enqueue(id, data, { priority = 50, delay = 0 } = {}) {
  const [added] = await redis.enqueueJob(id, JSON.stringify(data), priority, delay);
  return added === 1;
}

/** Return the job's fields, or null if there is no such job. */
async function status(id) {
  const [, fields] = await redis.statusJob(id);
  return fields ? toObject(fields) : null;
}

/** Return the fields of the job when it has ended. */
async function wait(id, seconds) {
  for (const until = Date.now() + seconds * 1000; ; ) {
    const [answer, detail] = await redis.waitJob(id);
    if (answer === "ended") return toObject(detail);
    const left = (until - Date.now()) / 1000;
    if (answer === "unknown" || left <= 0) throw new Error(`job ${id} did not end: it is ${detail ?? answer}`);
    await blocking.brPopLPush(`${base}ended:${id}`, `${base}ended:${id}`, Math.max(0.1, Math.min(left, 30)));
  }
}

async function main() {
  await Promise.all([redis.connect(), blocking.connect()]);
  console.log("added", await enqueue("q1-v1", { questionId: "q1", text: "Why?" }, { priority: 1 }));
  console.log("added", await enqueue("q1-v1", { questionId: "q1", text: "Why?" }, { priority: 1 }));
  console.log("state", (await status("q1-v1")).state);
  const job = await wait("q1-v1", 60);
  console.log(job.state, job.state === "completed" ? job.result : job.error);
  await enqueue("q2-v1", { questionId: "q2", text: "How?" }, { delay: 60_000 });
  console.log((await redis.cancelJob("q2-v1", "", 1))[0]); // 1: also if it runs
}

main()
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => [redis, blocking].forEach((client) => client.destroy()));
