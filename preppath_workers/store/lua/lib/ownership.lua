-- The job's state if this worker_id and fencing number were the last to start it, else nil: then another one
-- owns it, and the caller may change nothing.
local function state_if_owned(id, worker_id, fencing_token)
  local held = redis.call('HMGET', job_key(id), 'state', 'workerId', 'fencingToken')
  if held[2] == worker_id and held[3] == fencing_token then return held[1] end
  return nil
end
