-- needs: instances, ingesting, expiring

-- Registers the instance, so that a janitor finds its active lists. It may have been removed while its workers are alive: its
-- lease expired because its process was stopped or the network failed, and now it continues.
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

-- Swaps a reserved job for the next one of `wait` if that is more urgent. Returns whether it did.
local function swap_for_more_urgent(active, id, priority)
  -- The index may be stale, but it always has the most urgent priority of the list: if that isn't higher, no job's is.
  local highest = redis.call('ZRANGE', PRIORITY_INDEX, '0', '0', 'WITHSCORES')[2]
  if not highest or tonumber(highest) >= priority then return false end
  local head = redis.call('LINDEX', WAIT, -1)
  if not head or priority_of(head) >= priority then return false end
  redis.call('RPOP', WAIT)
  redis.call('RPOP', active)
  redis.call('RPUSH', active, head)
  place_first(id, priority)
  return true
end

-- Returns the oldest job of the slot's active list that may start, as its id and the fields that decide about it, and
-- removes stale entries before it. If the list is empty, moves the next entry of `wait` there, once.
local function next_in_flight(worker_id)
  local active = active_key(worker_id)
  local id = redis.call('LINDEX', active, '-1')
  local was_head = not id
  if was_head then
    id = redis.call('RPOPLPUSH', WAIT, active) or later.refill() and redis.call('RPOPLPUSH', WAIT, active)
  end
  while id do
    local job = fields_of(id, 'state', 'workerId', 'priority', 'attempts', 'fencingToken', 'expiresAt')
    local state, holder = job[1], job[2]
    if state == 'active' and holder == worker_id then return id, job end
    if not state then
      local ingested = ingest_to_start(id)
      redis.call('RPOP', active)
      if ingested then redis.call('RPUSH', active, ingested) end
    elseif is_stale_entry(state, holder) or end_if_expired(id, job[5], job[6]) then
      redis.call('RPOP', active)
    elseif was_head or not swap_for_more_urgent(active, id, integer(job[3]) or DEFAULT_PRIORITY) then
      return id, job
    end
    was_head = false
    id = redis.call('LINDEX', active, '-1')
  end
  later.refill() -- the worker blocks in a pop next
end
