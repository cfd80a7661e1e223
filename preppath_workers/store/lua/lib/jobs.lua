-- What jobs' hashes tell of them.

local DEFAULT_PRIORITY = 50

-- Whether an entry is a second one, of a job that is accounted for elsewhere. A state that is none of ours, or
-- an active job of nobody, was edited by hand: such a job waits.
local function is_elsewhere(state, worker_id)
  if state == 'active' then return worker_id and worker_id ~= '' end
  return state == 'delayed' or state == 'completed' or state == 'failed' or state == 'cancelled'
end

local function priority_of(id)
  return integer(redis.call('HGET', job_key(id), 'priority')) or DEFAULT_PRIORITY
end

local function add(id, field, amount)
  local value = (integer(redis.call('HGET', job_key(id), field)) or 0) + amount
  redis.call('HSET', job_key(id), field, value)
  return value
end
