-- needs: instances

-- Returns how many slots an instance has or had; ms until it counts as dead, 0 or less if it does; and how many of its slots
-- have a worker: these are the first ones. `ends`: the end of its lease.
local function read_instance(instance, ends)
  local known = redis.call('HMGET', instance_key(instance), 'slots', 'gone', 'lease', 'workers')
  -- If a lease ends later than a new one would, the clock was set back since it was stored.
  local left = tonumber(ends) - now
  local slots = integer(known[1]) or 0
  return slots, known[2] and 0 or math.min(left, integer(known[3]) or left), integer(known[4]) or slots
end

-- Calls visit(instance, slots, lease, workers), the last three as above, for each instance, until one call returns a result,
-- and returns that. `most`: only for that many, those whose leases end last; nil for all.
local function each_instance(visit, most)
  local instances = redis.call('ZREVRANGE', INSTANCES, 0, (most or 0) - 1, 'WITHSCORES')
  for index = 1, #instances, 2 do
    local found = visit(instances[index], read_instance(instances[index], instances[index + 1]))
    if found then return found end
  end
  return nil
end

-- Calls visit(worker_id, lease, is_open) for the slots of an instance, in the same way. A slot that isn't open has no worker,
-- or one that is finishing its last job.
local function visit_slots(visit, instance, slots, lease, workers)
  for slot = 0, slots - 1 do
    local found = visit(instance .. ':' .. slot, lease, slot < workers)
    if found then return found end
  end
end

-- Calls visit(worker_id, lease, is_open) for each slot, in the same way.
local function each_slot(visit)
  return each_instance(function(...) return visit_slots(visit, ...) end)
end

-- Calls visit(worker_id, lease, is_open) for each slot of these instances, or of all if none is named. Returns the instances
-- that are left after `most` slots: there may be thousands, and all of them would block the server.
local function each_slot_of(names, most, visit)
  local seen, left = 0, {}
  for _, instance in ipairs(names[1] and names or redis.call('ZRANGE', INSTANCES, 0, -1)) do
    local ends = seen < most and redis.call('ZSCORE', INSTANCES, instance)
    if seen >= most then
      left[#left + 1] = instance
    elseif ends then
      local slots, lease, workers = read_instance(instance, ends)
      visit_slots(visit, instance, slots, lease, workers)
      seen = seen + 1 + slots
    end
  end
  return left
end

-- This slot, with ms until its instance counts as dead, if it has the job in its active list; nil if it hasn't.
local function holder_if(worker_id, id)
  local instance = string.match(worker_id, '^(.*):%d+$')
  local ends = instance and redis.call('ZSCORE', INSTANCES, instance)
  if not ends or not redis.call('LPOS', active_key(worker_id), id) then return nil end
  local _, lease = read_instance(instance, ends)
  return { worker_id = worker_id, lease = lease }
end

-- The slot that has this job in its active list, as above; nil if there is none. To search thousands would block the server,
-- so a caller may look for it, some hundred slots at a time. `found`: the slot where the caller has found the job; "none"; ""
-- if it has not looked yet, then the second result is true: it has to look; nil if it won't.
--
-- A job that has moved since the caller looked isn't found. If it is cancelled, the next claim drops its entry.
local function holder_of(id, found)
  if found then return holder_if(found, id), found == '' end
  return each_slot(function(worker_id, lease)
    return redis.call('LPOS', active_key(worker_id), id) and { worker_id = worker_id, lease = lease }
  end)
end

-- The same for an active job, whose hash names its slot.
local function runner_of(id, found)
  local holder = holder_if(redis.call('HGET', job_key(id), 'workerId') or '', id)
  if holder then return holder end
  return holder_of(id, found)
end
