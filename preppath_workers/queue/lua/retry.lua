-- needs: places, ownership, tokens, dead, jobs
--
-- Settles a job that failed, if it is still the caller's: `delayed` until its backoff is over, or `dead` when
-- its retries are used up or the error allows none.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  owner
-- ARGV[4]  fencing number
-- ARGV[5]  error (JSON)
-- ARGV[6]  reason why no retry can help; "" when one may
-- ARGV[7]  retries allowed
-- ARGV[8]  backoff before the first retry (ms); each further one waits twice as long
-- ARGV[9]  the least to wait, as the vendor asked (ms)
--
-- Returns {"delayed", ms to wait} or {"dead", reason}, the same when called again; {"lost"} when it is another's.

local id, owner, fence, failure, hopeless = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local retries, backoff, at_least = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local key = job_key(id)
local state = state_if_ours(id, owner, fence)
if state == 'delayed' then return {'delayed', (redis.call('ZSCORE', DELAYED, id) or now) - now} end
if state == 'failed' then return {'dead', redis.call('HGET', key, 'reason')} end
if state ~= 'active' then return {'lost'} end

redis.call('LREM', active_key(owner), '1', id)
redis.call('ZREM', RESERVED, owner) -- it may have ended while it waited for a further token
local failures = add(id, 'failures', 1)
if hopeless ~= '' or failures > retries then
  local reason = hopeless ~= '' and hopeless or 'retries'
  bury(id, reason, failure)
  return {'dead', reason}
end

local delay = math.max(backoff * 2 ^ (failures - 1), at_least)
redis.call('HSET', key, 'state', 'delayed', 'error', failure)
redis.call('ZADD', DELAYED, now + delay, id)
count('retried')
return {'delayed', delay}
