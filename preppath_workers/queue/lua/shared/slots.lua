-- needs: instances

-- Calls visit(instance, slots, lease) for each instance: the number of slots that it has or had, and ms until it
-- counts as dead, 0 or less when it does. Until it returns something; then that is returned.
local function each_instance(visit)
  local instances = redis.call('ZRANGE', INSTANCES, 0, -1, 'WITHSCORES')
  for index = 1, #instances, 2 do
    local instance = instances[index]
    local known = redis.call('HMGET', instance_key(instance), 'slots', 'gone', 'lease')
    -- A lease that ends later than one from now was written before the clock was put back.
    local left = tonumber(instances[index + 1]) - now
    local lease = known[2] and 0 or math.min(left, integer(known[3]) or left)
    local found = visit(instance, integer(known[1]) or 0, lease)
    if found then return found end
  end
  return nil
end

-- Calls visit(owner, lease) for each slot, in the same way.
local function each_slot(visit)
  return each_instance(function(instance, slots, lease)
    for slot = 0, slots - 1 do
      local found = visit(instance .. ':' .. slot, lease)
      if found then return found end
    end
  end)
end

-- The slot that has this job in its active list, with ms until its instance counts as dead; nil when none has.
local function holder_of(id)
  return each_slot(function(owner, lease)
    return redis.call('LPOS', active_key(owner), id) and { owner = owner, lease = lease }
  end)
end
