-- Whether jobs may start, and what else holds for the whole queue. Most of the time nothing does: the hash is missing.
local GATE_FIELDS = {
  'paused', 'heldUntil', 'heldSetAt', 'eventsUntil', -- pause and hold; until when instances want events
  'limit', -- the rate limit, while instances are configured with different ones: see limits.lua
  'vendorLimit', -- the pace that the vendor's rate limits allow, while it is slower: see vendor_limit.lua
  'streak', -- failures since the last completion, as JSON: see failures.lua
  -- While the queue is out of service: see outage.lua.
  'outOfService', 'outOfServiceSince', 'outage', 'signature', 'tried', 'probing', 'probeAt', 'probeSetAt',
  'failedProbes', 'probes',
}

local function read_gate()
  if redis.call('EXISTS', GATE) == 0 then return {} end
  local gate, values = {}, redis.call('HMGET', GATE, unpack(GATE_FIELDS))
  for index, name in ipairs(GATE_FIELDS) do gate[name] = values[index] or nil end
  if gate.outOfService then gate.outage = gate.outage or '0' end -- the hash was edited by hand
  return gate
end
