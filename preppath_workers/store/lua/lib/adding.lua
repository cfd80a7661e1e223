-- needs: keys
--
-- Adds the jobs of ARGV, see enqueue.lua. The fast path returns from the script, as does a due time that is wrong by Redis's
-- clock. After the general path, the script has to return the list `added`.

-- The fast path: one job without options, and the list is empty or its last job has the same priority.
local id, data, priority, delay, another = unpack(ARGV, 2, 6)
if delay == '0' and not another then
  local call, key, index = redis.call, base .. 'job:' .. id, base .. 'priority_index'
  -- Of an idle queue there is none of these, as the claim of its last job has removed the index.
  local known = call('EXISTS', key, WAIT, index, base .. 'fair', base .. 'later')
  local last = (known == 1 or known == 2) and call('LINDEX', WAIT, '0')
  -- With a last job and its place in the index, both are known. The index may name a job that has left the list, and whose
  -- id was pushed again by hand.
  local is_behind = last and known == 2 and call('ZSCORE', index, last) == priority
    and redis.pcall('HGET', base .. 'job:' .. last, 'state') == 'waiting'
  local is_stale = known == 1 and not last and call('EXISTS', index) == 1
  if known == 0 or is_behind or is_stale then
    call('HSET', key, 'data', data, 'priority', priority, 'state', 'waiting', 'createdAt', timestamp)
    call('LPUSH', WAIT, id)
    -- The new job is now the last of its priority. If the list was empty, every entry of the index is stale.
    if is_behind then call('ZREM', index, last) elseif is_stale then call('DEL', index) end
    call('ZADD', index, priority, id)
    redis.pcall('HINCRBY', base .. 'stats', 'enqueued', '1') -- as `count` in base.lua
    return {1}
  end
end

-- needs: base, new_jobs, batches

-- Jobs to add, by the index of their ids in ARGV.
local jobs, waits, delayed = {}, false, false
for index = 2, #ARGV, 4 do
  local options = ARGV[index + 3]
  local ms = tonumber(options)
  local job = ms and { delay = ms } or cjson.decode(options)
  if job.at then
    -- needs: start_times
    local problem = problem_with_times(job)
    if problem then return redis.error_reply('INVALIDJOB job ' .. ARGV[index] .. ': ' .. problem) end
  end
  job.id, job.data, job.priority = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  jobs[index] = job
  if (job.delay or 0) > 0 then delayed = true else waits = true end
end
if waits then check_order() end
if waits and delayed then redis.call('ZCARD', DELAYED) end

local leftmost = redis.call('LINDEX', WAIT, '0')
if leftmost and field_of(leftmost, 'state') ~= 'waiting' then
-- needs: raw_pushes
ingest_raw_pushes()
end

local added, new, waiting = {}, 0, new_batch()
for index = 2, #ARGV, 4 do
  local job = jobs[index]
  local is_new = is_free(job.id)
  added[#added + 1] = is_new and 1 or 0
  if is_new then
    if store_job(job) then add_to(waiting, job.id, job.priority) end
    new = new + 1
  end
end
place_batch(waiting)
if new > 0 then count('enqueued', new) end
