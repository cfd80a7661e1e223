-- needs: priority_index
--
-- Adds the jobs of ARGV, see enqueue.lua. The fast path returns from the script. After the general path, the script has to
-- return the list `added`.

-- The fast path: one job without options, and the list is empty or its last job has the same priority.
local id, data, priority, delay, another = unpack(ARGV, 2, 6)
if delay == '0' and not another and redis.call('EXISTS', job_key(id), FAIR, LATER) == 0 then
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

-- needs: new_jobs, batches

local leftmost = redis.call('LINDEX', WAIT, '0')
if leftmost and redis.call('HGET', job_key(leftmost), 'state') ~= 'waiting' then
-- needs: raw_pushes
ingest_raw_pushes()
end

local added, new, waiting = {}, 0, new_batch()
for index = 2, #ARGV, 4 do
  local job_id, options = ARGV[index], ARGV[index + 3]
  local is_new = is_free(job_id)
  added[#added + 1] = is_new and 1 or 0
  if is_new then
    local ms = tonumber(options)
    local job = ms and { delay = ms } or cjson.decode(options)
    job.id, job.data, job.priority = job_id, ARGV[index + 1], ARGV[index + 2]
    if store_job(job) then add_to(waiting, job_id, job.priority) end
    new = new + 1
  end
end
place_batch(waiting)
if new > 0 then count('enqueued', new) end
