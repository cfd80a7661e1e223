-- needs: instances

-- Calls visit(instance, slots, lease, workers) for each instance, until one call returns a result, and returns that.
-- `slots`: how many it has or had. `lease`: ms until it counts as dead; 0 or less if it does. `workers`: how many of its
-- slots have a worker; these are the first ones.
local function each_instance(visit)
  local instances = redis.call('ZRANGE', INSTANCES, 0, -1, 'WITHSCORES')
  for index = 1, #instances, 2 do
    local instance = instances[index]
    local known = redis.call('HMGET', instance_key(instance), 'slots', 'gone', 'lease', 'workers')
    -- If a lease ends later than a new one would, the clock was set back since it was stored.
    local left = tonumber(instances[index + 1]) - now
    local lease = known[2] and 0 or math.min(left, integer(known[3]) or left)
    local slots = integer(known[1]) or 0
    local found = visit(instance, slots, lease, integer(known[4]) or slots)
    if found then return found end
  end
  return nil
end

-- Calls visit(worker_id, lease, is_open) for each slot, in the same way. A slot that isn't open has no worker, or one that is
-- finishing its last job.
local function each_slot(visit)
  return each_instance(function(instance, slots, lease, workers)
    for slot = 0, slots - 1 do
      local found = visit(instance .. ':' .. slot, lease, slot < workers)
      if found then return found end
    end
  end)
end

-- The slot that has this job in its active list, with ms until its instance counts as dead; nil if there is none.
local function holder_of(id)
  return each_slot(function(worker_id, lease)
    return redis.call('LPOS', active_key(worker_id), id) and { worker_id = worker_id, lease = lease }
  end)
end
