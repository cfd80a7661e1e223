-- needs: places, raw_pushes, batches
--
-- Moves due jobs from `delayed` to `wait`, behind the last job of their priority, earliest first; ingests raw pushes; and
-- keeps `wait` short where new jobs may go into its middle; refills it if other programs have emptied it.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  maximum number of jobs
--
-- Returns {jobs moved, ms until the next one is due}. The latter is -1 if none is delayed, 0 if the caller has to call again.

local most = tonumber(ARGV[2])

--: The most times that the last jobs of `wait` are moved to LATER.
local SHEDS = 2

--: Number of delayed jobs whose times are compared with the clock.
local COMPARED = 100

-- Out of memory: as in heartbeat.lua.
redis.call('ZREM', DELAYED, '')

later.refill()
local has_more = ingest_raw_pushes(most)
if redis.call('EXISTS', WAIT) == 0 then
  redis.call('DEL', PRIORITY_INDEX, TURNS) -- no user has a waiting job any more
  redis.pcall('HDEL', META, 'rawInside')
end

-- If a job was added or started in the future, the clock was set back since: its due time is too late by the same amount.
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
    local id, priority = ingest(entry) -- a raw push with a due time
    if id then add_to(waiting, id, priority) end
  elseif state == 'delayed' then
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'queuedAt', now)
    add_to(waiting, entry, priority_of(entry))
  end
end
place_batch(waiting)

local sheds = 0
while sheds < SHEDS and shed() do sheds = sheds + 1 end

if has_more or sheds == SHEDS then return {#due, 0} end
local upcoming = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return {#due, upcoming[2] and math.max(0, upcoming[2] - now) or -1}
