-- What holds for the queue as a whole. Mostly nothing does.
local function read_meta()
  if redis.call('EXISTS', META) == 0 then return {} end
  local values = redis.call('HMGET', META, 'paused', 'heldUntil', 'outOfService', 'outOfServiceSince', 'notices')
  return {
    paused = values[1],
    heldUntil = values[2],
    outOfService = values[3],
    outOfServiceSince = values[4],
    notices = values[5],
  }
end
