-- Starts the next job of a slot, if it may start now: the oldest one in the slot's active list, where a BRPOPLPUSH may
-- just have put it. If the list is empty, moves the next job of `wait` there first. A repeated call returns the same job
-- with the same fencing token.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  slot number
-- ARGV[4]  lease (ms), for registering an instance that is not registered
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
-- ARGV[7]  the longest time between two probes of a queue that is out of service (ms)
--
-- Returns one of:
--   {"first", …}                the job is started for the first time; see start_first in first_starts.lua
--   {"job", {field, value, …}}  the job is started; its hash and its id
--   {"wait", ms}                the slot keeps the job reserved and has to claim again after that time
--   {"none"}                    the slot holds no job: it may block in a pop

-- needs: instances, reservations, first_starts

local instance, slot, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local limit, duration, probe_interval = ARGV[5], ARGV[6], tonumber(ARGV[7])

-- The fast path, for latency: an idle worker popped a job that has never started, and no other job waits. In any other
-- case changes nothing and returns nil.
local function start_popped_job()
  -- The general path registers the instance.
  local slots, gone = slots_of(instance)
  if gone or slots <= tonumber(slot) then return nil end
  local others = redis.call('EXISTS', GATE, WAIT, LATER, RESERVATIONS)
  if others > 0 then
    local gate_fields = redis.call('HGETALL', GATE)
    -- `eventsUntil` alone is common, and stops no job. Of the other fields, only these do.
    if gate_fields[3] or gate_fields[1] and gate_fields[1] ~= 'eventsUntil' then
      local closed = redis.call('HMGET', GATE, 'paused', 'heldUntil', 'outOfService', 'limit', 'vendorLimit')
      for index = 1, 5 do
        if closed[index] then return nil end
      end
    end
    if gate_fields[1] then others = others - 1 end
    -- If more jobs wait, one may be more urgent.
    if others > 0 and redis.call('EXISTS', WAIT, LATER) > 0 then return nil end
  end
  local worker_id = instance .. ':' .. slot
  local active = active_key(worker_id)
  local id = redis.call('LINDEX', active, '-1')
  if not id then return others > 0 and start_nothing(worker_id) or {'none'} end
  redis.call('LTRIM', active, '0', '-1') -- out of memory: as in claiming.lua
  return start_first(worker_id, id, limit, duration)
end

local started = start_popped_job()
if started then return started end

-- needs: claiming

return claim(instance, slot, lease, limit, duration, probe_interval)
