-- Adds jobs that failed in another system to the dead-letter list, at its old end. A job whose id exists is unchanged, so
-- a repeated call adds no second job. No event is emitted: the other system has reported the failure.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] eight for each job, the one that failed last first: id, data (JSON), priority, reason, error (JSON), attempts,
--          when it was created and when it failed (ms)
--
-- Returns a list: 1 for each job that was added, 0 for each that exists already.

-- needs: new_jobs

local added, new = {}, 0
for index = 2, #ARGV, 8 do
  local id, data, priority, reason, failure, attempts, created, failed = unpack(ARGV, index, index + 7)
  local is_new = is_free(id)
  added[#added + 1] = is_new and 1 or 0
  if is_new then
    redis.call('HSET', job_key(id), 'data', data, 'priority', priority, 'state', 'failed', 'createdAt', created,
      'finishedAt', failed, 'attempts', attempts, 'failures', attempts, 'reason', reason, 'error', failure)
    redis.call('RPUSH', DEAD, id)
    new = new + 1
  end
end
if new > 0 then count('imported', new) end
return added
