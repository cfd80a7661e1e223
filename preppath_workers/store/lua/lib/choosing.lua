-- needs: instances, raw_pushes

-- A janitor finds active lists through their instance. One whose lease ran out was struck off; its children
-- may still be there (a stopped process that goes on, a network that heals), and about to block in a pop.
local function register(instance, slot, lease)
  local slots, gone = slots_of(instance)
  if slots > tonumber(slot) and not gone then return end
  redis.call('HSET', instance_key(instance), 'slots', math.max(slots, slot + 1))
  redis.call('HDEL', instance_key(instance), 'gone')
  if gone then
    redis.call('ZADD', INSTANCES, now + lease, instance)
  else
    redis.call('ZADD', INSTANCES, 'NX', now + lease, instance)
  end
end

-- A more urgent job may have come to the head while this one waited in hand: then they change places.
local function swap_for_more_urgent(active, id, priority)
  -- Lanes are not emptied when their last job leaves: one as urgent as this is enough to be sure.
  local lane = redis.call('ZRANGE', PRIORITY_INDEX, '0', '0', 'WITHSCORES')[2]
  if not lane or tonumber(lane) >= priority then return false end
  local head = redis.call('LINDEX', WAIT, -1)
  if not head or priority_of(head) >= priority then return false end
  redis.call('RPOP', WAIT)
  redis.call('RPOP', active)
  redis.call('RPUSH', active, head)
  place_first(id, priority)
  return true
end

-- The oldest entry of the slot's list that is a job to start, as its id and what decides about it; the rest is
-- sorted out. An empty list gets the head of `wait`, once: sorting out may take long.
local function next_in_flight(worker_id)
  local active = active_key(worker_id)
  local id = redis.call('LINDEX', active, '-1')
  local was_head = not id
  if was_head then id = redis.call('RPOPLPUSH', WAIT, active) end
  while id do
    local job = redis.call('HMGET', job_key(id), 'state', 'workerId', 'priority', 'attempts', 'fencingToken')
    local state, holder = job[1], job[2]
    if state == 'active' and holder == worker_id then return id, job end
    if not state then
      redis.call('RPOP', active)
      local ingested = ingest(id)
      if ingested then redis.call('RPUSH', active, ingested) end
    elseif is_elsewhere(state, holder) then
      redis.call('RPOP', active)
    elseif was_head or not swap_for_more_urgent(active, id, integer(job[3]) or DEFAULT_PRIORITY) then
      return id, job
    end
    was_head = false
    id = redis.call('LINDEX', active, '-1')
  end
end
