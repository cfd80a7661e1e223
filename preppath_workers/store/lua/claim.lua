-- Starts the next job of this slot, if it may start now. That is the oldest one in the slot's active list, where
-- a BRPOPLPUSH may have put it just before, so this needs no word of it; into an empty list it takes the head of
-- `wait` by itself. Calling again after a lost answer returns the same job with the same fencing number.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  slot number
-- ARGV[4]  lease (ms), for registering an instance that is on nobody's books
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
-- ARGV[7]  the longest time between two probes of a queue that is out of service (ms)
--
-- Returns one of:
--   {"first", …}                as start_first says in first_starts.lua: nobody has started that job before
--   {"job", {field, value, …}}  started; the hash, with its id
--   {"wait", ms}                the slot keeps its job in hand and claims again after so long
--   {"none"}                    the slot holds nothing: it may block in a pop

-- needs: instances, first_starts

local instance, slot, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local limit, duration, probe_interval = ARGV[5], ARGV[6], tonumber(ARGV[7])

-- What a pop brings is nearly always this: a job that nobody has started before, while nothing else waits. An idle
-- child is waiting for it, and with it whoever has just added the job: this takes the server 11 µs, and the way below
-- 19. Where more is to be seen to, nothing is done and nil returned.
local function start_what_was_popped()
  -- Who is on nobody's books has to register.
  local slots, gone = slots_of(instance)
  if gone or slots <= tonumber(slot) then return nil end
  if redis.call('EXISTS', GATE, WAIT) > 0 then
    -- Where more jobs wait there may be a more urgent one; that events are wanted is no reason.
    local closed = redis.call('HMGET', GATE, 'paused', 'heldUntil', 'outOfService', 'limit')
    if closed[1] or closed[2] or closed[3] or closed[4] or redis.call('EXISTS', WAIT) == 1 then return nil end
  end
  local worker_id = instance .. ':' .. slot
  local active = active_key(worker_id)
  local id = redis.call('LINDEX', active, '-1')
  if not id then return start_nothing(worker_id) end
  redis.call('LTRIM', active, '0', '-1') -- as in claiming.lua
  return start_first(worker_id, id, limit, duration)
end

local started = start_what_was_popped()
if started then return started end

-- needs: claiming

return claim(instance, slot, lease, limit, duration, probe_interval)
