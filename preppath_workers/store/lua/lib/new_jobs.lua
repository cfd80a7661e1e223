-- needs: places, groups
--
-- Adds one job. A new job is a table with `id`, `data` (JSON), `priority` and, if given, `delay` and `expires` (ms), `at` (ms
-- since the epoch, beside the delay that follows from it), `group`, `groupSize` and `traceparent`.

-- Whether an id may be used: there is no such job, or one that ended without having started.
local function is_free(id)
  if redis.call('EXISTS', job_key(id)) == 0 then return true end
  local state = field_of(id, 'state')
  if state ~= 'cancelled' and state ~= 'expired' then return false end
  leave_group(id, state)
  redis.call('DEL', job_key(id))
  return true
end

-- Stores a new job. Returns whether it has to be placed in `wait`; otherwise it is delayed.
local function store_job(job)
  local state = (job.delay or 0) > 0 and 'delayed' or 'waiting'
  if state == 'delayed' then
    delay_until(now + job.delay, job.id) -- first: the key may have another type
    if job.at then redis.call('HSET', job_key(job.id), 'at', string.format('%.0f', job.at)) end
  end
  redis.call('HSET', job_key(job.id), 'data', job.data, 'priority', job.priority, 'state', state, 'createdAt', timestamp)
  if job.expires then
    -- The fencing token keeps first_start.lua from starting it, which would not read the field.
    redis.call('HSET', job_key(job.id), 'expiresAt', string.format('%.0f', now + job.expires), 'fencingToken', '0')
  end
  if job.traceparent then
    redis.call('HSET', job_key(job.id), 'traceparent', job.traceparent, 'fencingToken', '0') -- as for `expires`
  end
  if job.group then join_group(job.id, job.group, job.groupSize) end
  return state == 'waiting'
end
