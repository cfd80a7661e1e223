-- Starts the job that this slot holds, if it may start now. The id got into the slot's active list by
-- BRPOPLPUSH, so this needs no word of it: it takes the oldest entry there. Calling again after a lost answer
-- returns the same job with the same fencing number.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  slot number
-- ARGV[4]  lease (ms), for registering an instance that is on nobody's books
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
--
-- Returns one of:
--   {"job", more, {field, value, …}}  started: `more` ids are left in the slot's list; the hash, with its id
--   {"wait", ms}                      the slot keeps its job in hand and claims again after so long
--   {"none"}                          the slot holds nothing

local instance, slot, lease = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, duration = tonumber(ARGV[5]), tonumber(ARGV[6])
local owner = instance .. ':' .. slot
local active = active_key(owner)

--: ms between two looks of a slot at a paused queue.
local PAUSED_POLL = 1000

-- A janitor finds active lists through their instance. One whose lease ran out was struck off; its children
-- may still be there (a stopped process that goes on, a network that heals).
local function register()
  local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
  if slots > slot then return end
  redis.call('HSET', instance_key(instance), 'slots', slot + 1)
  redis.call('ZADD', INSTANCES, 'NX', now + lease, instance)
end

-- A more urgent job may have come to the head while this one waited in hand: then they change places.
local function swap_for_more_urgent(id)
  local head = redis.call('LINDEX', WAIT, -1)
  if not head then return false end
  local priority = priority_of(id)
  if priority_of(head) >= priority then return false end
  redis.call('RPOP', WAIT)
  redis.call('RPOP', active)
  redis.call('RPUSH', active, head)
  place_first(id, priority)
  return true
end

-- The oldest entry that is a job to start, as id and whether it is started already; the rest is sorted out.
local function next_in_hand()
  while true do
    local id = redis.call('LINDEX', active, -1)
    if not id then return nil end
    local held = redis.call('HMGET', job_key(id), 'state', 'owner')
    if held[1] == 'active' and held[2] == owner then return id, true end
    if held[1] == 'waiting' then
      if not swap_for_more_urgent(id) then return id, false end
    elseif held[1] then
      redis.call('RPOP', active) -- a second entry of a job that is accounted for elsewhere
    else
      redis.call('RPOP', active)
      local admitted = admit(id)
      if admitted then redis.call('RPUSH', active, admitted) end
    end
  end
end

-- How long the queue is closed for everybody (ms): paused by hand, or held because the vendor asked for it.
local function closed_for()
  local gate = redis.call('HMGET', META, 'paused', 'heldUntil')
  if gate[1] then return PAUSED_POLL end
  return math.max(0, (integer(gate[2]) or 0) - now)
end

-- The token bucket. `tokens` holds every start of the last `duration`; a token is back `duration` after it was
-- spent, so the max-th newest start tells when the next one may be. `reserved` holds the moment that a slot was
-- promised when it found the bucket empty: it sleeps until then, nobody polls, and whoever comes later is
-- promised a later moment.

-- When a token is free for somebody with so many reservations ahead of him (ms since the epoch).
local function free_at(ahead)
  local spent
  if ahead < limit then
    local rank = limit - 1 - ahead
    spent = redis.call('ZREVRANGE', TOKENS, rank, rank, 'WITHSCORES')[2]
  else
    local rank = ahead - limit
    spent = math.max(now, redis.call('ZRANGE', RESERVED, rank, rank, 'WITHSCORES')[2])
  end
  return spent and spent + duration or now
end

-- Spends a token and returns 0, or reserves one and returns how long until then (ms).
local function take_token(id, fence)
  redis.call('ZREMRANGEBYSCORE', TOKENS, '-inf', now - duration)
  local promised = tonumber(redis.call('ZSCORE', RESERVED, owner))
  -- A promise is kept only as far as the real starts allow: they may have been later than they were promised,
  -- and no window may hold too many.
  local moment = promised
  if not promised or promised <= now then moment = free_at(promised and 0 or redis.call('ZCARD', RESERVED)) end
  if moment > now then
    redis.call('ZADD', RESERVED, moment, owner)
    return moment - now
  end
  redis.call('ZREM', RESERVED, owner)
  -- A job that is made anew under its old id counts its starts from one again: the time tells them apart.
  redis.call('ZADD', TOKENS, now, string.format('%s#%.0f#%.0f', id, fence, now))
  return 0
end

register()
local id, started = next_in_hand()
if not id then
  redis.call('ZREM', RESERVED, owner)
  return {'none'}
end

local key = job_key(id)
if not started then
  local closed = closed_for()
  if closed > 0 then return {'wait', closed} end
  local numbers = redis.call('HMGET', key, 'attempts', 'fence')
  local fence = (integer(numbers[2]) or 0) + 1
  if limit > 0 then
    local delay = take_token(id, fence)
    if delay > 0 then return {'wait', delay} end
  end
  redis.call('HSET', key, 'state', 'active', 'owner', owner, 'startedAt', now, 'fence', fence,
    'attempts', (integer(numbers[1]) or 0) + 1)
end

return {'job', redis.call('LLEN', active) - 1, whole(id)}
