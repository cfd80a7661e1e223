-- needs: meta, notices, ownership, completing
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

local id, owner, fence, result, keep, listed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local key = job_key(id)
local state = state_if_ours(id, owner, fence)
if state == 'completed' then return {'completed'} end
if state ~= 'active' then return {'lost'} end
local meta = read_meta()
redis.call('LREM', active_key(owner), '1', id)
note_completion(id, result, listed)
if are_wanted(meta.notices) then notify(id, 'completed') end
-- A job that was started since has succeeded: whatever was broken is mended.
local since = meta.outOfServiceSince
if since and (integer(redis.call('HGET', key, 'startedAt')) or 0) >= (integer(since) or 0) then
  redis.call('HDEL', META, 'heldUntil', 'heldReason', 'outOfService', 'outOfServiceSince')
end
redis.call('PEXPIRE', key, keep)
return {'completed'}
