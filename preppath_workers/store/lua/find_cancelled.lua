-- needs: instances
--
-- Finds an instance's cancelled jobs that still run, and removes the entries of those that have ended.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
--
-- Returns a list of {id, fencing token}.

local instance = ARGV[2]

local cancelled, cancels = {}, redis.call('HGETALL', cancels_key(instance))
for index = 1, #cancels, 2 do
  local slot, id = cancels[index], cancels[index + 1]
  local job = fields_of(id, 'state', 'workerId', 'fencingToken', 'cancelRequestedAt')
  if job[1] == 'active' and job[2] == instance .. ':' .. slot and job[4] then
    cancelled[#cancelled + 1] = {id, job[3] or ''}
  else
    redis.call('HDEL', cancels_key(instance), slot)
  end
end
return cancelled
