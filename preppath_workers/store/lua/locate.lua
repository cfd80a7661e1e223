-- needs: places, tokens, slots, limits
--
-- Where a job is and what it waits for, at one moment. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  the rate limit's maximum if no instance has told its own; 0 for no limit
-- ARGV[4]  the rate limit's duration (ms)
--
-- Returns a list of names and values, of those that there are: `at` (now, ms); `ahead`, jobs that start before it;
-- `worker_id`, the slot that holds it, and `lease`, ms until that is taken for dead; `due`, ms since the epoch;
-- `token`, ms until the rate limit lets it start; `children`, workers of live instances.

local id, limit, duration = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local told = redis.call('HMGET', LIMIT, 'max', 'duration', 'until')
if (integer(told[3]) or 0) > now then limit, duration = integer(told[1]) or limit, integer(told[2]) or duration end

local fields = { 'at', now }
local function tell(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

-- ms until the rate limit lets the next but so many start.
local function token_in(ahead)
  local spent = redis.call('ZRANGEBYSCORE', TOKENS, '(' .. now - duration, '+inf', 'WITHSCORES')
  local late = ahead - (limit - #spent / 2)
  if late < 0 then return 0 end
  -- The tokens that are out come back in their order, and then again and again one duration later.
  local rank, rounds = late % limit, math.floor(late / limit)
  -- A start that lies ahead is one of before the clock was put back, and counts as one of now.
  return math.min(0, (tonumber(spent[2 * rank + 2]) or now) - now) + (rounds + 1) * duration
end

local state = redis.call('HGET', job_key(id), 'state')
local holder = holder_of(id)
if holder then
  tell('workerId', holder.worker_id)
  tell('lease', holder.lease)
end
local due = redis.call('ZSCORE', DELAYED, id)
if due then tell('due', due) end

local children = 0
each_instance(function(_, _, lease, workers)
  if lease > 0 then children = children + workers end
end)
tell('workers', children)

if state == 'waiting' then
  local reserved = redis.call('ZCARD', RESERVATIONS)
  local position = redis.call('LPOS', WAIT, id)
  -- Those in the hands of slots start before those in the list.
  local ahead = position and reserved + redis.call('LLEN', WAIT) - 1 - position
    or holder and redis.call('ZRANK', RESERVATIONS, holder.worker_id) or 0
  tell('ahead', ahead)
  if limit > 0 then tell('token', token_in(ahead)) end
end
return fields
