-- needs: instances, jobs, reservations, placing, dead_letters, failed_attempts, job_reply, outage, cancelling, ledger

-- Requeues a started job in front of the jobs of its priority, or delayed for `delay` ms if given, and does not count the
-- start.
local function requeue_uncounted(id, delay)
  local is_delayed = (delay or 0) > 0
  redis.call('HSET', job_key(id), 'state', is_delayed and 'delayed' or 'waiting', 'queuedAt', now)
  add(id, 'attempts', -1)
  add(id, 'releases', 1)
  if is_delayed then
    redis.call('HDEL', job_key(id), 'turn')
    delay_until(now + delay, id)
  else
    place_first(id, priority_of(id))
  end
  count('released')
end

-- Requeues a started job whose worker died, in front of the jobs of its priority. After `limit` times it goes to the
-- dead-letter list, because the job may kill its workers. Returns whether it did. `is_lost`: the whole instance died.
local function requeue_recovered(id, worker_id, limit, is_lost)
  local message = is_lost and 'its instance died, or lost Redis' or 'its worker died'
  note_failed_attempt(id, cjson.encode({ class = 'WorkerDied', message = message }))
  if add(id, 'recoveries', 1) > limit then
    add_dead_letter(id, 'worker-died', cjson.encode({
      class = 'WorkerDied',
      message = 'its worker died under it ' .. (limit + 1) .. ' times, the last one was ' .. worker_id,
    }))
    return true
  end
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  place_first(id, priority_of(id))
  count('recovered')
  if is_lost then count('instanceLost') end
  return false
end

-- Empties the active list of a slot without a worker, and deletes its reservation. The newest job is requeued first, so that
-- the oldest will be in front. Returns how many were requeued, and how many entries the list had; those that went to the
-- dead-letter list are added to `dead`.
local function requeue_slot(worker_id, counted, limit, dead, is_lost)
  local moved, entries = 0, 0
  check_places()
  while true do
    local id = redis.call('LPOP', active_key(worker_id))
    if not id then break end
    local held = fields_of(id, 'state', 'workerId')
    moved, entries = moved + 1, entries + 1
    if not held[1] then
      redis.call('RPUSH', WAIT, id) -- a raw push, or an id without a job: the next claim decides
    elseif held[1] == 'active' and held[2] == worker_id then
      end_inconclusive_probe(id)
      close_open_calls(id)
      if is_cancel_requested(id) then
        end_cancelled(id, KEEP_CANCELLED)
        moved = moved - 1
      elseif not counted then
        requeue_uncounted(id)
      elseif requeue_recovered(id, worker_id, limit, is_lost) then
        dead[#dead + 1] = job_reply(id)
        moved = moved - 1
      end
    elseif is_stale_entry(held[1], held[2]) then
      moved = moved - 1
    else
      place_first(id, priority_of(id))
    end
  end
  redis.call('ZREM', RESERVATIONS, worker_id)
  return moved, entries
end

--: An instance's other slots have to wait for the next call after this many entries.
local MOST_REQUEUED = 50

-- Empties the slots of an instance; arguments as above. Returns how many jobs were requeued, how many entries there were, and
-- whether all slots are empty now. Stops after `most` entries.
local function requeue_instance(instance, counted, limit, dead, is_lost, most)
  local moved, entries = 0, 0
  local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
  for slot = 0, slots - 1 do
    if entries >= most then return moved, entries, false end
    local requeued, found = requeue_slot(instance .. ':' .. slot, counted, limit, dead, is_lost)
    moved, entries = moved + requeued, entries + found
  end
  return moved, entries, true
end

local function remove_instance(instance)
  redis.call('DEL', instance_key(instance), cancels_key(instance))
  redis.call('ZREM', INSTANCES, instance)
end
