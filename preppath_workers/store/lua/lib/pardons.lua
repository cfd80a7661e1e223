-- needs: jobs
--
-- A service that fails some requests and answers others closes no queue for long, and would end every job that is unlucky
-- often enough. So the last failure that a job is allowed counts only if the service has worked for other jobs meanwhile.
--
-- Fields of a job: `failingFrom`, the queue's completions and retries when the job began to fail, met an outage or was
-- pardoned last, and its own failures by then, counted or not, apart by blanks; `pardons`, how often it was.

--: Completions that show a service which works, and for each failure of another job so many more.
local WORKS = 4

--: Pardons of one job: it may be poisonous among others that are.
local MOST_PARDONS = 12

-- Completions and retries of the queue so far, and the job's own failures.
local function record(id)
  local queue = redis.pcall('HMGET', STATS, 'completed', 'retried')
  local job = redis.call('HMGET', job_key(id), 'failures', 'excused')
  local own = (integer(job[1]) or 0) + (integer(job[2]) or 0)
  return integer(queue[1]) or 0, integer(queue[2]) or 0, own
end

-- Notes where the queue and the job stand, with the failure that is being settled and the retry that it leads to.
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

-- Excuses the last failure that a job is allowed, unless it is the job's own. Returns whether it did.
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
