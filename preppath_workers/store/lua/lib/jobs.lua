-- Reads and changes jobs' hashes.

local DEFAULT_PRIORITY = 50

-- Whether an entry of `wait` or an active list is stale: by its state the job is elsewhere. A job with an unknown state,
-- or active without an owner, was edited by hand and counts as waiting.
local function is_stale_entry(state, worker_id)
  if state == 'active' then return worker_id and worker_id ~= '' end
  return state == 'delayed' or state == 'completed' or state == 'failed' or state == 'cancelled' or state == 'expired'
end

local function priority_of(id)
  return integer(field_of(id, 'priority')) or DEFAULT_PRIORITY
end

local function add(id, field, amount)
  local value = (integer(redis.call('HGET', job_key(id), field)) or 0) + amount
  redis.call('HSET', job_key(id), field, value)
  return value
end
