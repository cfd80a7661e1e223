// Adds a job, reads its status, waits for its result and cancels another one, with ioredis.
const { readFileSync } = require("node:fs");
const { Redis } = require("ioredis");

const tts = `${process.env.KEY_PREFIX ?? "preppath"}:{tts}:`; // the queue: what all its keys begin with
const redis = new Redis(process.env.REDIS_URL), blocking = redis.duplicate(); // a wait occupies its connection
for (const name of ["enqueue", "wait", "cancel"]) { // preppath-workers script NAME > NAME.lua
  redis.defineCommand(`${name}Job`, { numberOfKeys: 1, lua: readFileSync(`${name}.lua`, "utf8") });
}
const status = (id) => redis.hgetall(`${tts}job:${id}`); // {} if there is no such job

async function wait(id, seconds) {
  for (const until = Date.now() + seconds * 1000; (await redis.waitJob(tts, "", id))[0] === "waiting"; ) {
    if (Date.now() > until) throw new Error(`job ${id} has not ended`);
    await blocking.brpoplpush(`${tts}ended:${id}`, `${tts}ended:${id}`, Math.min(seconds, 5));
  }
  return status(id);
}

async function main() {
  const job = ["q1-v1", JSON.stringify({ questionId: "q1", text: "Why?" }), 1, 0]; // id, data, priority, delay (ms)
  console.log("added", (await redis.enqueueJob(tts, "", ...job))[0] === 1);
  console.log("added", (await redis.enqueueJob(tts, "", ...job))[0] === 1); // its id exists
  console.log("state", (await status("q1-v1")).state);
  const { state, result, error } = await wait("q1-v1", 60);
  console.log(state, state === "completed" ? result : error);
  await redis.enqueueJob(tts, "", "q2-v1", '{"questionId":"q2","text":"How?"}', 50, 60_000);
  console.log((await redis.cancelJob(tts, "", "q2-v1", "", 1))[0]); // 1: also if it runs
}

main().finally(() => [redis, blocking].forEach((client) => client.disconnect()));
