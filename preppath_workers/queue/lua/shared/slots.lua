-- Calls visit(owner) for each slot that an instance has or had, until it returns something, and returns that.
local function each_slot(visit)
  for _, instance in ipairs(redis.call('ZRANGE', INSTANCES, 0, -1)) do
    local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
    for slot = 0, slots - 1 do
      local found = visit(instance .. ':' .. slot, instance)
      if found then return found end
    end
  end
  return nil
end

-- ms until an instance counts as dead; 0 or less when it does.
local function lease_left(instance)
  if redis.call('HGET', instance_key(instance), 'gone') then return 0 end
  return (tonumber(redis.call('ZSCORE', INSTANCES, instance)) or now) - now
end

-- The slot that has this job in its active list; nil when none has.
local function holder_of(id)
  return each_slot(function(owner)
    return redis.call('LPOS', active_key(owner), id) and owner
  end)
end
