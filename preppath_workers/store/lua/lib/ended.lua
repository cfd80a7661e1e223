-- Announces the end of a job to the clients that wait for it, see wait.lua. The list gets one entry, however many wait:
-- each of them reads it with a BRPOPLPUSH to the same list. succeeded.lua does the same for a completion.
local function ended_key(id) return base .. 'ended:' .. id end

local function announce_end(id, state)
  if not redis.call('HGET', job_key(id), 'awaited') then return end
  redis.pcall('RPUSH', ended_key(id), state)
  redis.pcall('PEXPIRE', ended_key(id), '60000')
end
