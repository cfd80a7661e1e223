-- needs: events, ended, groups

--: How long a cancelled job stays readable (ms), unless the caller says how long: a day.
local KEEP_CANCELLED = '86400000'

-- Ends a job that is in no list any more.
local function end_cancelled(id, keep)
  redis.call('HSET', job_key(id), 'state', 'cancelled', 'finishedAt', now)
  redis.call('PEXPIRE', job_key(id), keep)
  count('cancelled')
  if events_wanted(redis.call('HGET', GATE, 'eventsUntil')) then emit(id, 'cancelled') end
  end_in_group(id, 'cancelled')
  announce_end(id, 'cancelled')
end

local function is_cancel_requested(id)
  return redis.call('HGET', job_key(id), 'cancelRequestedAt')
end
