-- Events: jobs that ended, and events of the whole queue. They are stored atomically with the transition, so none is lost; a
-- janitor turns each into a webhook delivery. Instances that want events renew `eventsUntil` (ms) of the gate with every
-- heartbeat.
local EVENTS = base .. 'events'

local function events_wanted(events_until)
  return (integer(events_until) or 0) > now
end

local function emit(id, event)
  local key = job_key(id)
  -- needs: emitted
end

-- Emits an event of the whole queue, such as `out-of-service` or `budget-spent`.
local function emit_queue_event(events_until, event, service, message)
  if not events_wanted(events_until) then return end
  redis.call('RPUSH', EVENTS, cjson.encode({ event = event, service = service, reason = message, at = now }))
end
