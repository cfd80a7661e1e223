-- needs: events, ended, groups
--
-- A producer may say when a job has to start at the latest: `expiresAt` (ms). If a claim reaches the job after that, the job
-- ends as `expired`.

--: How long such a job stays readable (ms): as long as a cancelled one.
local KEEP_EXPIRED = 86400000

-- Ends a waiting job if it is too late to start it for the first time. Returns whether it did. The caller removes its entry.
local function end_if_expired(id, fencing_token, expires_at)
  local latest = expires_at and integer(expires_at)
  if not latest or latest > now or (integer(fencing_token) or 0) > 0 then return false end
  redis.call('HSET', job_key(id), 'state', 'expired', 'finishedAt', timestamp)
  redis.call('PEXPIRE', job_key(id), KEEP_EXPIRED)
  count('expired')
  announce_end(id, 'expired')
  if events_wanted(redis.call('HGET', GATE, 'eventsUntil')) then emit(id, 'expired') end
  end_in_group(id, 'expired')
  return true
end
