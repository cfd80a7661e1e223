-- needs: raw_pushes, whole, tokens
--
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
-- ARGV[7]  time between two probes of a queue that is out of service (ms)
--
-- Returns one of:
--   {"job", more, {field, value, …}}  started: `more` ids are left in the slot's list; the hash, with its id
--   {"wait", ms}                      the slot keeps its job in hand and claims again after so long
--   {"none"}                          the slot holds nothing

local instance, slot, lease = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, duration, probe_interval = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local owner = instance .. ':' .. slot
local active = active_key(owner)

--: ms between two looks of a slot at a queue that is paused or held: somebody may lift that at any time.
local GATE_POLL = 1000

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
    if not held[1] then
      redis.call('RPOP', active)
      local admitted = admit(id)
      if admitted then redis.call('RPUSH', active, admitted) end
    elseif is_elsewhere(held[1], held[2]) then
      redis.call('RPOP', active)
    elseif not swap_for_more_urgent(id) then
      return id, false
    end
  end
end

-- How long to wait before the next look (ms), and whether this start is a probe: of a queue that is out of
-- service one job may start each time a hold ends.
local function gate()
  local meta = redis.call('HMGET', META, 'paused', 'heldUntil', 'outOfService')
  if meta[1] then return GATE_POLL, false end
  local held = (integer(meta[2]) or 0) - now
  return math.min(GATE_POLL, math.max(0, held)), meta[3] and true or false
end

register()
local id, started = next_in_hand()
if not id then
  redis.call('ZREM', RESERVED, owner)
  return {'none'}
end

local key = job_key(id)
if not started then
  local closed, is_probe = gate()
  if closed > 0 then return {'wait', closed} end
  local numbers = redis.call('HMGET', key, 'attempts', 'fence')
  local fence = (integer(numbers[2]) or 0) + 1
  local token = string.format('%s#%.0f', id, fence)
  local delay = take_token(owner, token, limit, duration)
  if delay > 0 then return {'wait', delay} end
  if is_probe then redis.call('HSET', META, 'heldUntil', now + probe_interval) end
  redis.call('HSET', key, 'state', 'active', 'owner', owner, 'startedAt', now, 'fence', fence,
    'attempts', (integer(numbers[1]) or 0) + 1)
end

return {'job', redis.call('LLEN', active) - 1, whole(id)}
