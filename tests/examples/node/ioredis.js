// Adds a job, reads its status, waits for its result and cancels another one, with ioredis.
const { readFileSync } = require("node:fs");
const { Redis } = require("ioredis");

const base = `${process.env.KEY_PREFIX ?? "preppath"}:{tts}:`;
const redis = new Redis(process.env.REDIS_URL);
const blocking = redis.duplicate(); // a wait occupies its connection
for (const client of [redis, blocking]) client.on("error", (error) => console.error("redis:", error.message));

for (const name of ["enqueue", "status", "wait", "cancel"]) { // preppath-workers script NAME > NAME.lua
  redis.defineCommand(`job:${name}`, { numberOfKeys: 1, lua: readFileSync(`${name}.lua`, "utf8") });
}
const call = (name, ...words) => redis[`job:${name}`](base, "", ...words);
const toObject = (words) => Object.fromEntries(words.flatMap((name, i) => (i % 2 ? [] : [[name, words[i + 1]]])));

/** Return whether the job was added; false if its id exists. */
async function enqueue(id, data, { priority = 50, delay = 0 } = {}) {
  const [added] = await call("enqueue", id, JSON.stringify(data), priority, delay);
  return added === 1;
}

/** Return the job's fields, or null if there is no such job. */
async function status(id) {
  const [, fields] = await call("status", id);
  return fields ? toObject(fields) : null;
}

/** Return the fields of the job when it has ended. */
async function wait(id, seconds) {
  for (const until = Date.now() + seconds * 1000; ; ) {
    const [answer, detail] = await call("wait", id);
    if (answer === "ended") return toObject(detail);
    const left = (until - Date.now()) / 1000;
    if (answer === "unknown" || left <= 0) throw new Error(`job ${id} did not end: it is ${detail ?? answer}`);
    await blocking.brpoplpush(`${base}ended:${id}`, `${base}ended:${id}`, Math.max(0.1, Math.min(left, 30)));
  }
}

async function main() {
  console.log("added", await enqueue("q1-v1", { questionId: "q1", text: "Why?" }, { priority: 1 }));
  console.log("added", await enqueue("q1-v1", { questionId: "q1", text: "Why?" }, { priority: 1 }));
  console.log("state", (await status("q1-v1")).state);
  const job = await wait("q1-v1", 60);
  console.log(job.state, job.state === "completed" ? job.result : job.error);
  await enqueue("q2-v1", { questionId: "q2", text: "How?" }, { delay: 60_000 });
  console.log((await call("cancel", "q2-v1", "", 1))[0]); // 1: also if it runs
}

main()
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => [redis, blocking].forEach((client) => client.disconnect()));
