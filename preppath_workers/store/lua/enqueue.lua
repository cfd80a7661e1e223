-- Adds jobs: a hash for each, and an entry in `wait`, or in `delayed` if it has a delay. A job whose id exists is
-- unchanged, so a repeated call adds no second job. The id of a cancelled job may be used again.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] four for each job: id, data (JSON), priority, delay (ms; 0 for none)
--
-- Returns a list: 1 for each job that was added, 0 for each that exists already.

-- needs: priority_index

-- The fast path: one job without a delay, and the list is empty or its last job has the same priority.
local id, data, priority, delay, another = unpack(ARGV, 2, 6)
if delay == '0' and not another and redis.call('EXISTS', job_key(id)) == 0 then
  local last = redis.call('LINDEX', WAIT, '0')
  -- The index may name a job that has left the list, and whose id was pushed again by hand.
  local is_behind = last and redis.call('ZSCORE', PRIORITY_INDEX, last) == priority
    and redis.call('HGET', job_key(last), 'state') == 'waiting'
  if is_behind or not last then
    redis.call('HSET', job_key(id), 'data', data, 'priority', priority, 'state', 'waiting', 'createdAt', timestamp)
    redis.call('LPUSH', WAIT, id)
    -- The new job is now the last of its priority. If the list was empty, every entry of the index is stale.
    if last then redis.call('ZREM', PRIORITY_INDEX, last) else redis.call('DEL', PRIORITY_INDEX) end
    redis.call('ZADD', PRIORITY_INDEX, priority, id)
    count('enqueued')
    return {1}
  end
end

-- needs: places, raw_pushes, batches

ingest_raw_pushes()

local added, new, waiting = {}, 0, new_batch()
for index = 2, #ARGV, 4 do
  local id, data, priority, delay = ARGV[index], ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[index + 3])
  local state = redis.call('HGET', job_key(id), 'state')
  if state == 'cancelled' then redis.call('DEL', job_key(id)) end
  if state ~= 'cancelled' and redis.call('EXISTS', job_key(id)) == 1 then
    added[#added + 1] = 0
  else
    state = delay > 0 and 'delayed' or 'waiting'
    redis.call('HSET', job_key(id), 'data', data, 'priority', priority, 'state', state, 'createdAt', timestamp)
    if delay > 0 then delay_until(now + delay, id) else add_to(waiting, id, priority) end
    new = new + 1
    added[#added + 1] = 1
  end
end
place_batch(waiting)
if new > 0 then count('enqueued', new) end
return added
