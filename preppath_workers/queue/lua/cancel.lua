-- Takes a job that has not started out of the queue, wherever it waits: in `wait`, in `delayed`, or in the
-- hand of a slot that waits for a token.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  how long the job can be looked up (ms)
--
-- Returns {"cancelled"}; else {state} of a job that can not be cancelled (any more), or {"unknown"}.

local id, keep = ARGV[2], ARGV[3]

-- Takes a waiting job out of the list; its lane's pointer moves to the neighbour ahead. False if not there.
local function withdraw(id)
  local position = redis.call('LPOS', WAIT, id)
  if not position then return false end
  local priority = redis.call('ZSCORE', LANES, id)
  if priority then
    redis.call('ZREM', LANES, id)
    local ahead = redis.call('LINDEX', WAIT, position + 1)
    if ahead and priority_of(ahead) == tonumber(priority) then redis.call('ZADD', LANES, priority, ahead) end
  end
  redis.call('LREM', WAIT, 1, id)
  return true
end

local function drop_from_hand()
  for _, instance in ipairs(redis.call('ZRANGE', INSTANCES, 0, -1)) do
    local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
    for slot = 0, slots - 1 do
      local owner = instance .. ':' .. slot
      if redis.call('LREM', active_key(owner), 1, id) == 1 then
        redis.call('ZREM', RESERVED, owner)
        return
      end
    end
  end
end

local key = job_key(id)
local state = redis.call('HGET', key, 'state')
if not state then return {'unknown'} end
if state == 'delayed' then
  redis.call('ZREM', DELAYED, id)
elseif state == 'waiting' then
  if not withdraw(id) then drop_from_hand() end
else
  return {state}
end
redis.call('HSET', key, 'state', 'cancelled', 'finishedAt', now)
redis.call('PEXPIRE', key, keep)
count('cancelled')
return {'cancelled'}
