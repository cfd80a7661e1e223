-- needs: places, raw_pushes, batches
--
-- Moves due jobs from `delayed` to `wait`, behind the last job of their priority, earliest first; ingests raw pushes; and
-- keeps `wait` short where new jobs may go into its middle; refills it if other programs have emptied it. The entry of a job
-- that was overwritten (its key has another type) becomes a dead letter with an id of its own.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  maximum number of jobs
--
-- Returns {jobs moved, ms until the next one is due, overwritten id, id of its dead letter, …}. The time is -1 if none is
-- delayed, 0 if the caller has to call again.

local most = tonumber(ARGV[2])

--: The most times that the last jobs of `wait` are moved to LATER.
local SHEDS = 2

--: Number of delayed jobs whose times are compared with the clock.
local COMPARED = 100

-- Out of memory: as in heartbeat.lua.
redis.call('ZREM', DELAYED, '')

check_order()
later.refill()
local has_more = ingest_raw_pushes(most)
if redis.call('EXISTS', WAIT) == 0 then
  redis.call('DEL', PRIORITY_INDEX, TURNS) -- no user has a waiting job any more
  redis.pcall('HDEL', META, 'rawInside')
end

-- If a job was added or started in the future, the clock was set back since: its due time is too late by the same amount.
-- Returns that amount, or less than 1. (A due time that the producer named is right by any clock.)
local function correct_times(key, created, started, at)
  created, started = integer(created) or 0, integer(started) or 0
  local ahead = math.max(created, started) - now
  if created > now then redis.call('HSET', key, 'createdAt', now) end
  if started > now then redis.call('HSET', key, 'startedAt', now) end
  return at and started == 0 and 0 or ahead
end

local after = string.format('%.0f', now + 1)
if redis.call('ZCOUNT', DELAYED, '-inf', '(' .. after) < most then
  local upcoming = redis.call('ZRANGEBYSCORE', DELAYED, after, '+inf', 'WITHSCORES', 'LIMIT', 0, COMPARED)
  for index = 1, #upcoming, 2 do
    local key = job_key(upcoming[index])
    local ahead = correct_times(key, unpack(fields_of(upcoming[index], 'createdAt', 'startedAt', 'at'), 1, 3))
    if ahead > 0 then redis.call('ZADD', DELAYED, upcoming[index + 1] - ahead, upcoming[index]) end
  end
end

-- Adds a dead letter in place of a job that was overwritten. Returns its id.
local function bury(id)
  local letter = new_raw_id()
  store_job({ id = letter, data = id, priority = DEFAULT_PRIORITY })
  add_dead_letter(letter, 'malformed', cjson.encode({
    class = 'OverwrittenJob', message = 'something has overwritten this job: its key ' .. job_key(id) .. ' holds no hash',
  }))
  return letter
end

local waiting, overwritten = new_batch(), {}
local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', '(' .. after, 'LIMIT', 0, most)
local jobs = {}
for index, entry in ipairs(due) do
  jobs[index] = fields_of(entry, 'state', 'priority', 'createdAt', 'startedAt')
end
for first = 1, #due, PORTION do
  redis.call('ZREM', DELAYED, unpack(due, first, math.min(first + PORTION - 1, #due)))
end
for index, entry in ipairs(due) do
  local state, priority, created, started = unpack(jobs[index], 1, 4)
  if jobs[index].err then
    overwritten[#overwritten + 1] = entry
    overwritten[#overwritten + 1] = bury(entry)
  elseif not state then
    local id, its_priority = ingest(entry) -- a raw push with a due time
    if id then add_to(waiting, id, its_priority) end
  elseif state == 'delayed' then
    local key = job_key(entry)
    correct_times(key, created, started)
    redis.call('HSET', key, 'state', 'waiting', 'queuedAt', timestamp)
    add_to(waiting, entry, integer(priority) or DEFAULT_PRIORITY)
  end
end
place_batch(waiting)

local sheds = 0
while sheds < SHEDS and shed() do sheds = sheds + 1 end

local earliest = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
local next_in = earliest[2] and math.max(0, math.min(earliest[2] - now, 2 ^ 53)) or -1 -- an edited time may be +inf
return {#due, (has_more or sheds == SHEDS) and 0 or next_in, unpack(overwritten)}
