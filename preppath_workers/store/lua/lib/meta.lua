-- What holds for the queue as a whole, by the fields' names. Mostly nothing does, and the hash does not exist.
local META_FIELDS = {
  'paused', 'heldUntil', 'heldSetAt', 'eventsUntil', -- the gate, and who listens
  'limit', -- the rate limit, while instances are configured with different ones: see limits.lua
  'streak', -- failures since the last completion, as JSON: see failures.lua
  -- While the queue is out of service: see outage.lua.
  'outOfService', 'outOfServiceSince', 'outage', 'signature', 'tried', 'probing', 'probeAt', 'probeSetAt',
  'failedProbes', 'probes',
}

local function read_meta()
  if redis.call('EXISTS', META) == 0 then return {} end
  local meta, values = {}, redis.call('HMGET', META, unpack(META_FIELDS))
  for index, name in ipairs(META_FIELDS) do meta[name] = values[index] or nil end
  if meta.outOfService then meta.outage = meta.outage or '0' end -- it was edited by hand
  return meta
end
