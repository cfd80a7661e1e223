-- needs: ownership, notices
--
-- Settles a job that succeeded, if it is still the caller's.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  owner
-- ARGV[4]  fencing number
-- ARGV[5]  result (JSON)
-- ARGV[6]  how long the job can be looked up (ms)
-- ARGV[7]  how many recent completions are listed
--
-- Returns {"completed"}, also when this very attempt completed it before; {"lost"} when it is another's now.

local id, owner, fence, result = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local keep, listed = ARGV[6], tonumber(ARGV[7])

local state = state_if_ours(id, owner, fence)
if state == 'completed' then return {'completed'} end
if state ~= 'active' then return {'lost'} end

local key = job_key(id)
redis.call('LREM', active_key(owner), 1, id)
redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', 100, 'finishedAt', now)
redis.call('PEXPIRE', key, keep)
if listed > 0 then
  redis.call('LPUSH', COMPLETED, id)
  redis.call('LTRIM', COMPLETED, 0, listed - 1)
end
count('completed')

local meta = redis.call('HMGET', META, 'notices', 'outOfServiceSince')
if are_wanted(meta[1]) then notify(id, 'completed') end
-- A job that was started since has succeeded: whatever was broken is mended.
if meta[2] and (integer(redis.call('HGET', key, 'startedAt')) or 0) >= (integer(meta[2]) or 0) then
  redis.call('HDEL', META, 'heldUntil', 'heldReason', 'outOfService', 'outOfServiceSince')
end
return {'completed'}
