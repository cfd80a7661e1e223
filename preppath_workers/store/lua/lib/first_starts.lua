-- needs: started

-- Starts the job that the slot has reserved, if it has never started before. Returns only the fields that such a job can
-- have, which is much faster than its whole hash. Returns what the script has to return:
--   {"first", id, data, priority, since, startedAt}  the job is started; "" for a missing field. `since`: queuedAt, or
--                  createdAt without it
--   {"wait", ms}   there is no token: the slot keeps the job reserved and has to claim again after that time
--   nil            the job has started before, or doesn't wait; nothing was changed
local function start_first(worker_id, id, limit, duration)
  local key = job_key(id)
  local job = redis.call('HMGET', key, 'state', 'fencingToken', 'data', 'priority', 'createdAt', 'queuedAt')
  if job[1] ~= 'waiting' or job[2] then return nil end
  if limit == '0' then
    note_start(key, worker_id, '1', '1')
  else
    -- needs: starting
    local delay = start(worker_id, id, '1', '1', limit, duration)
    if delay > 0 then return {'wait', delay} end
  end
  return {'first', id, job[3] or '', job[4] or '', job[6] or job[5] or '', timestamp}
end
