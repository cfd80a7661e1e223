// Adds a job, reads its status, waits for its result and cancels another one, with node-redis.
const { readFileSync } = require("node:fs");
const { createClient, defineScript } = require("redis");

const tts = `${process.env.KEY_PREFIX ?? "preppath"}:{tts}:`; // the queue: what all its keys begin with
const script = (name) => defineScript({ // preppath-workers script NAME > NAME.lua
  SCRIPT: readFileSync(`${name}.lua`, "utf8"),
  parseCommand: (parser, ...words) => (parser.pushKey(tts), parser.push("", ...words.map(String))),
  NUMBER_OF_KEYS: 1,
});
const scripts = { enqueueJob: script("enqueue"), waitJob: script("wait"), cancelJob: script("cancel") };
const redis = createClient({ url: process.env.REDIS_URL, scripts }), blocking = redis.duplicate(); // for waits
for (const client of [redis, blocking]) client.on("error", console.error); // without it, an error ends the program
const status = (id) => redis.hGetAll(`${tts}job:${id}`); // {} if there is no such job

async function wait(id, seconds) {
  for (const until = Date.now() + seconds * 1000; (await redis.waitJob(id))[0] === "waiting"; ) {
    if (Date.now() > until) throw new Error(`job ${id} has not ended`);
    await blocking.brPopLPush(`${tts}ended:${id}`, `${tts}ended:${id}`, Math.min(seconds, 5));
  }
  return status(id);
}

async function main() {
  await Promise.all([redis.connect(), blocking.connect()]);
  const job = ["q1-v1", JSON.stringify({ questionId: "q1", text: "Why?" }), 1, 0]; // id, data, priority, delay (ms)
  console.log("added", (await redis.enqueueJob(...job))[0] === 1);
  console.log("added", (await redis.enqueueJob(...job))[0] === 1); // its id exists
  console.log("state", (await status("q1-v1")).state);
  const { state, result, error } = await wait("q1-v1", 60);
  console.log(state, state === "completed" ? result : error);
  await redis.enqueueJob("q2-v1", '{"questionId":"q2","text":"How?"}', 50, 60_000);
  console.log((await redis.cancelJob("q2-v1", "", 1))[0]); // 1: also if it runs
}

main().finally(() => [redis, blocking].forEach((client) => client.destroy()));
