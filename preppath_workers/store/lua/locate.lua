-- needs: places, tokens, slots, limits, positions, later, capped
--
-- Finds where a job is and what it waits for, atomically. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  the rate limit's maximum if no instance has stored its own; 0 for no limit
-- ARGV[4]  the rate limit's duration (ms)
-- ARGV[5]  the slot that holds the job, if the caller knows it; missing: look for it. Other values: see slots.lua
--
-- Returns a list of names and values, without those that don't apply: `at` (now, ms); `workers`, workers of live
-- instances, at most some hundred of these; `workerId`, the slot that holds the job, and `lease`, ms until its instance
-- counts as dead; `due`, ms since the epoch; `budget`, whose budget a delayed job has no room in, such as `user u1`;
-- `ahead`, jobs that start before it; `token`, ms until the rate limit allows it.
-- {"held"} if ARGV[5] is empty and a slot may hold the job: the caller has to look for it.

--: The most instances whose workers are counted.
local MOST_INSTANCES = 500

local id, limit, duration = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local in_force = redis.call('HMGET', LIMIT, 'max', 'duration', 'until')
if (integer(in_force[3]) or 0) > now then
  limit, duration = integer(in_force[1]) or limit, integer(in_force[2]) or duration
end

local fields = { 'at', now }
local function add_field(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

-- Returns ms until the rate limit allows a start, for a job behind `ahead` others.
local function token_in(ahead)
  local starts = redis.call('ZRANGEBYSCORE', TOKENS, '(' .. now - duration, '+inf', 'WITHSCORES')
  local late = ahead - (limit - #starts / 2)
  if late < 0 then return 0 end
  -- Acquired tokens come back in the order of their starts, and then again after each duration.
  local rank, rounds = late % limit, math.floor(late / limit)
  -- A start in the future was stored before the clock was set back: it counts as one at this moment.
  return math.min(0, (tonumber(starts[2 * rank + 2]) or now) - now) + (rounds + 1) * duration
end

local state = field_of(id, 'state')
local rank, position, holder, has_to_look
if state == 'waiting' then
  rank = later.rank(id)
  position = not rank and likely_position(id)
  if not rank and not position then holder, has_to_look = holder_of(id, ARGV[5]) end
  if has_to_look then return {'held'} end
  position = position or not rank and not holder and position_of(id)
elseif state == 'active' then
  holder, has_to_look = runner_of(id, ARGV[5])
  if has_to_look then return {'held'} end
end
if holder then
  add_field('workerId', holder.worker_id)
  add_field('lease', holder.lease)
end
local due = redis.call('ZSCORE', DELAYED, id)
if due then
  add_field('due', due)
  local scope = string.match(redis.call('HGET', CAPPED, id) or '', '^%d+ (.*)$')
  if scope then add_field('budget', scope) end
end

local workers_live = 0
each_instance(function(_, _, lease, workers)
  if lease > 0 then workers_live = workers_live + workers end
end, MOST_INSTANCES)
add_field('workers', workers_live)

if state == 'waiting' then
  local reserved = redis.call('ZCARD', RESERVATIONS)
  -- Reserved jobs start before those in the list.
  local ahead = position and reserved + redis.call('LLEN', WAIT) - 1 - position
    or rank and reserved + redis.call('LLEN', WAIT) + rank
    or holder and redis.call('ZRANK', RESERVATIONS, holder.worker_id) or 0
  add_field('ahead', ahead)
  if limit > 0 then add_field('token', token_in(ahead)) end
end
return fields
