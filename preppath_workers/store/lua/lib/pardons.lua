-- needs: jobs, completed_attempts
--
-- If a service answers some requests and fails others, completions keep the queue in service, and unlucky jobs would use up
-- their retries. So a job's last allowed failure counts only if the service has worked for other jobs in the meantime.
--
-- Fields of a job: `pardons`, their number; `failingFrom`, stored when the job began to fail, met an outage or was pardoned
-- last: the queue's completions, its retries, and the job's own failures, counted or excused, separated by spaces.

--: The completions that show that the service works: this many, and this many more for each failure of another job.
local WORKS = 4

--: The most pardons of one job: several jobs may fail because of their data.
local MOST_PARDONS = 12

-- The queue's completions and retries so far, and the job's own failures.
local function record(id)
  local _, _, completed = completed_attempts()
  local job = redis.call('HMGET', job_key(id), 'failures', 'excused')
  local own = (integer(job[1]) or 0) + (integer(job[2]) or 0)
  return completed, integer(redis.pcall('HGET', STATS, 'retried')) or 0, own
end

-- Stores the record, including the failure that is being settled and the retry after it.
local function note_record(id)
  local completed, retried, own = record(id)
  local noted = string.format('%.0f %.0f %.0f', completed, retried + 1, own + 1)
  redis.call('HSET', job_key(id), 'failingFrom', noted)
end

-- Whether the service has worked for others since the job began to fail.
local function has_worked_for_others(id)
  local noted = redis.call('HGET', job_key(id), 'failingFrom') or ''
  local completed_then, retried_then, own_then = string.match(noted, '^(%d+) (%d+) (%d+)$')
  if not completed_then then return false end
  local completed, retried, own = record(id)
  local completions = completed - completed_then
  local of_others = retried - retried_then - (own - own_then)
  return completions >= WORKS * (1 + math.max(0, of_others))
end

-- Excuses a job's last allowed failure, unless the service has worked for others. Returns whether it did.
local function pardon(id)
  if (integer(redis.call('HGET', job_key(id), 'pardons')) or 0) >= MOST_PARDONS then return false end
  if has_worked_for_others(id) then return false end
  note_record(id)
  add(id, 'pardons', 1)
  add(id, 'attempts', -1)
  add(id, 'excused', 1)
  count('excused')
  return true
end
