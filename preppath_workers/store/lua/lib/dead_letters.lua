-- needs: places, events, ended, groups, causes

-- Moves a job to the dead-letter list.
local function add_dead_letter(id, reason, failure)
  redis.call('HSET', job_key(id), 'state', 'failed', 'reason', reason, 'error', failure, 'finishedAt', now)
  redis.call('LPUSH', DEAD, id)
  count('failed')
  count_cause('dead:' .. reason, failure)
  announce_end(id, 'failed')
  if events_wanted(redis.call('HGET', GATE, 'eventsUntil')) then emit(id, 'failed') end
  end_in_group(id, 'failed')
end
