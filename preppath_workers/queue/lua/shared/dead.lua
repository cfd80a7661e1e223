-- needs: places, notices

-- To the dead-letter list, for good unless it is replayed.
local function bury(id, reason, failure)
  redis.call('HSET', job_key(id), 'state', 'failed', 'reason', reason, 'error', failure, 'finishedAt', now)
  redis.call('LPUSH', DEAD, id)
  count('failed')
  if are_wanted(redis.call('HGET', META, 'notices')) then notify(id, 'failed') end
end
