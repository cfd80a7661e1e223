-- needs: instances, jobs, tokens, placing, dead, whole, outage

-- A started job goes back to the front of its lane and the start does not count.
local function give_back_uncounted(id)
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  add(id, 'attempts', -1)
  add(id, 'releases', 1)
  place_first(id, priority_of(id))
  count('released')
end

-- A started job whose worker died goes back to the front of its lane, but only so often: it may be the job
-- that kills its workers. True if it has gone to the dead-letter list instead.
local function give_back_recovered(id, owner, limit)
  if add(id, 'recoveries', 1) > limit then
    bury(id, 'worker-died', cjson.encode({
      class = 'WorkerDied',
      message = 'its worker died under it ' .. (limit + 1) .. ' times, the last one was ' .. owner,
    }))
    return true
  end
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  place_first(id, priority_of(id))
  count('recovered')
  return false
end

-- Empties the active list of a slot that nobody works any more and gives back the token it reserved. Returns
-- how many jobs went back to the queue; those that went to the dead-letter list are added to `buried`, whole.
-- Newest first, so that the oldest ends in front.
local function clear_slot(owner, counted, limit, buried)
  local moved = 0
  while true do
    local id = redis.call('LPOP', active_key(owner))
    if not id then break end
    local held = redis.call('HMGET', job_key(id), 'state', 'owner')
    moved = moved + 1
    if not held[1] then
      redis.call('RPUSH', WAIT, id) -- a raw push or a stray id: the next claim decides
    elseif held[1] == 'active' and held[2] == owner then
      probe_said_nothing(id)
      if not counted then
        give_back_uncounted(id)
      elseif give_back_recovered(id, owner, limit) then
        buried[#buried + 1] = whole(id)
        moved = moved - 1
      end
    elseif is_elsewhere(held[1], held[2]) then
      moved = moved - 1
    else
      place_first(id, priority_of(id))
    end
  end
  redis.call('ZREM', RESERVED, owner)
  return moved
end

-- Empties all of an instance's slots; as above.
local function clear_instance(instance, counted, limit, buried)
  local moved = 0
  local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
  for slot = 0, slots - 1 do
    moved = moved + clear_slot(instance .. ':' .. slot, counted, limit, buried)
  end
  return moved
end

local function strike_off(instance)
  redis.call('DEL', instance_key(instance))
  redis.call('ZREM', INSTANCES, instance)
end
