-- needs: starting

-- Starts the job in the slot's hand if it is one that nobody has started before, as nearly all are. What matters of
-- such a one is little; to return its whole hash takes Lua five times as long. Returns, for the script to return:
--   {"first", id, data, priority, createdAt, queuedAt, startedAt}  it is started; "" for what is missing
--   {"wait", ms}   there is no token: the slot keeps the job in hand and claims again after so long
--   nil            it is none of those jobs, and nothing was done
local function start_first(worker_id, id, limit, duration)
  local job = redis.call('HMGET', job_key(id), 'state', 'fencingToken', 'data', 'priority', 'createdAt', 'queuedAt')
  if job[1] ~= 'waiting' or job[2] then return nil end
  local delay = start(worker_id, id, '1', '1', limit, duration)
  if delay > 0 then return {'wait', delay} end
  return {'first', id, job[3] or '', job[4] or '', job[5] or '', job[6] or '', timestamp}
end
