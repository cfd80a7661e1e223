-- needs: places, raw_pushes, batches
--
-- Moves jobs that are due from `delayed` to the end of their lane in `wait`, earliest first, and gives raw pushes their
-- places there.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how many at most
--
-- Returns {moved, ms until the next one is due}; -1 when there is none. 0 means: call again.

local most = tonumber(ARGV[2])

--: Delayed jobs that are compared with the clock.
local COMPARED = 100

-- Out of memory, as in heartbeat.lua: a write that needs none comes first.
redis.call('ZREM', DELAYED, '')

local has_more = ingest_raw_pushes(most)

-- A job that was added or started later than now was so before the clock was put back, and its due time lies too far
-- ahead by as much.
local first = redis.call('ZRANGE', DELAYED, 0, COMPARED - 1, 'WITHSCORES')
for index = 1, #first, 2 do
  local id, key = first[index], job_key(first[index])
  local job = redis.call('HMGET', key, 'createdAt', 'startedAt')
  local created, started = integer(job[1]) or 0, integer(job[2]) or 0
  local ahead = math.max(created, started) - now
  if ahead > 0 then
    redis.call('ZADD', DELAYED, first[index + 1] - ahead, id)
    redis.call('HSET', key, 'createdAt', math.min(created, now))
    if job[2] then redis.call('HSET', key, 'startedAt', math.min(started, now)) end
  end
end

local waiting = new_batch()
local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', '(' .. string.format('%.0f', now + 1), 'LIMIT', 0, most)
for _, entry in ipairs(due) do
  redis.call('ZREM', DELAYED, entry)
  local state = redis.call('HGET', job_key(entry), 'state')
  if not state then
    local id = ingest(entry) -- a raw push with a due time
    if id then add_to(waiting, id, DEFAULT_PRIORITY) end
  elseif state == 'delayed' then
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'queuedAt', now)
    add_to(waiting, entry, priority_of(entry))
  end
end
place_batch(waiting)

if has_more then return {#due, 0} end
local upcoming = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return {#due, upcoming[2] and math.max(0, upcoming[2] - now) or -1}
