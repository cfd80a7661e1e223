-- Notices to the outside that a job has ended. They are written in the same step that ends the job, so none can
-- get lost; a janitor makes a delivery of each. `meta` says whether anybody wants them.
local function notify(id, event)
  redis.call('RPUSH', OUTBOX, cjson.encode({
    id = id,
    event = event,
    replays = integer(redis.call('HGET', job_key(id), 'replays')) or 0,
    at = now,
  }))
end
