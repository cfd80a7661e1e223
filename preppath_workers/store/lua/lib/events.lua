-- Notices to the outside that a job has ended. They are written in the same step that ends the job, so none can
-- get lost; a janitor makes a delivery of each. Instances that want them say so with every heartbeat; what `gate`
-- holds is how long that is good for (ms).
local EVENTS = base .. 'events'

local function events_wanted(events_until)
  return (integer(events_until) or 0) > now
end

local function emit(id, event)
  redis.call('RPUSH', EVENTS, cjson.encode({
    id = id,
    event = event,
    replays = integer(redis.call('HGET', job_key(id), 'replays')) or 0,
    at = now,
  }))
end

-- What became of the queue as a whole: `event` is `out-of-service` or `in-service`.
local function announce(events_until, event, service, words)
  if not events_wanted(events_until) then return end
  redis.call('RPUSH', EVENTS, cjson.encode({ event = event, service = service, reason = words, at = now }))
end
