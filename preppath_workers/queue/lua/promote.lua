-- needs: places, raw_pushes, batches
--
-- Moves jobs that are due from `delayed` to the end of their lane in `wait`, earliest first.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how many at most
--
-- Returns {moved, ms until the next one is due}; -1 when there is none. 0 means: call again.

local most = tonumber(ARGV[2])

adopt_raw_pushes()

local waiting = new_batch()
local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, most)
for _, entry in ipairs(due) do
  redis.call('ZREM', DELAYED, entry)
  local state = redis.call('HGET', job_key(entry), 'state')
  if not state then
    local id = admit(entry) -- a raw push with a due time
    if id then add_to(waiting, id, DEFAULT_PRIORITY) end
  elseif state == 'delayed' then
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'queuedAt', now)
    add_to(waiting, entry, priority_of(entry))
  end
end
place_batch(waiting)

local upcoming = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return {#due, upcoming[2] and math.max(0, upcoming[2] - now) or -1}
