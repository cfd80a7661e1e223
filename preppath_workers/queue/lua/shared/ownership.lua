-- The job's state if this owner and fencing number were the last to start it, else nil: then another one
-- owns it, and the caller may change nothing.
local function state_if_ours(id, owner, fence)
  local held = redis.call('HMGET', job_key(id), 'state', 'owner', 'fence')
  if held[2] == owner and held[3] == fence then return held[1] end
  return nil
end
