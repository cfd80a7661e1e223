-- needs: outage
--
-- Whose failure is it? One that all jobs share counts against none of them. A single failure does not tell: the failures
-- since the last completion, the streak, are kept until a completion ends it, or until there are so many that the queue
-- is out of service. Then they are given back.

--: Different jobs that a service must have failed.
local SERVICE_STREAK = 3

--: Either of these, if jobs are among them that met an outage which another job's completion ended: they may be the
--: cause.
local SUSPECT_STREAK = 10

--: Outages after which a job can no longer help to close the queue: it may be what closed it each time.
local MOST_OUTAGES = 5

--: Jobs of different data that must have failed with the same unknown error, one after the other.
local ALIKE_STREAK = 5

local function size(set)
  local members = 0
  for _ in pairs(set) do members = members + 1 end
  return members
end

-- The streak: `jobs`, failures that would be given back, by job; `suspects`, those of them that met an outage before;
-- `alike`, the same as `jobs`, of jobs of different data that met the unknown error `signature`.
local function read_streak(gate)
  local is_json, streak = pcall(cjson.decode, gate.streak or '')
  if not is_json or type(streak) ~= 'table' then streak = {} end
  for _, name in ipairs({ 'jobs', 'suspects', 'alike' }) do
    if type(streak[name]) ~= 'table' then streak[name] = {} end
  end
  for _, name in ipairs({ 'jobs', 'alike' }) do
    for id, times in pairs(streak[name]) do streak[name][id] = integer(times) or 0 end
  end
  return streak
end

-- Stores it; a part that is empty is left out.
local function write_streak(streak)
  for name, part in pairs(streak) do
    if type(part) == 'table' and not next(part) then streak[name] = nil end
  end
  redis.call('HSET', GATE, 'streak', cjson.encode(streak))
end

-- Adds failures of a job. Those before it was replayed no longer count, so there is nothing of them to give back.
local function tally(jobs, id, times)
  local counted = integer(redis.call('HGET', job_key(id), 'failures')) or 0
  jobs[id] = math.min(jobs[id] or 0, counted) + times
end

-- Takes the last failure of a job out of what would be given back: it was pardoned.
local function forget_pardoned(id)
  local streak = read_streak({ streak = redis.call('HGET', GATE, 'streak') })
  if (streak.jobs[id] or 0) == 0 then return end
  streak.jobs[id] = streak.jobs[id] - 1
  write_streak(streak)
end

-- Whether so many different jobs are in the set that their failures cannot be their own.
local function are_enough(jobs, suspects, enough)
  local all, suspected = 0, 0
  for id in pairs(jobs) do
    all = all + 1
    if suspects[id] then suspected = suspected + 1 end
  end
  return all - suspected >= enough or all >= SUSPECT_STREAK
end

-- Whether no job of the set has the same data. The same data may be to blame for the same error.
local function is_different(id, set)
  local data = redis.call('HGET', job_key(id), 'data')
  for other in pairs(set) do
    if redis.call('HGET', job_key(other), 'data') == data then return false end
  end
  return true
end

-- Adds a failure to the streak. Returns the jobs to excuse when it is now one that closes the queue.
--   unknown: all meet one and the same error; nothing else has happened in between
--   paid: helps to close the queue, but counts whatever happens
local function lengthen(streak, id, kind, signature, is_suspect, is_last)
  if is_suspect then streak.suspects[id] = true end
  if kind == 'unknown' then
    if streak.signature ~= signature then streak.signature, streak.alike = signature, {} end
    if streak.alike[id] or is_different(id, streak.alike) then tally(streak.alike, id, 1) end
    return are_enough(streak.alike, streak.suspects, ALIKE_STREAK) and streak.alike or nil
  end
  streak.signature, streak.alike = nil, {}
  tally(streak.jobs, id, kind == 'paid' and 0 or 1)
  -- To close the queue for one that counts anyway would save nothing.
  local closes = are_enough(streak.jobs, streak.suspects, SERVICE_STREAK)
    or not is_suspect and (kind == 'refused' or is_last and kind ~= 'paid')
  return closes and streak.jobs or nil
end

-- Judges the failure of a job: `service`, `refused` (by a service, whatever the job), `paid` (a service failed, and may
-- have done the work), or `unknown`. `is_last`: it is the last one that the job is allowed. `limits` has `ceiling`,
-- `spread` and `at_least`. Returns whether the failure counts against the job, and whether it closed the queue.
local function judge(gate, id, kind, service, words, signature, is_last, limits)
  local job = redis.call('HMGET', job_key(id), 'outage', 'outages')
  local met = job[1]
  if gate.outOfService then
    probe_failed(gate, id, limits.ceiling, limits.spread, limits.at_least)
    if kind == 'paid' or kind == 'unknown' and gate.signature ~= signature then return true, false end
    if met ~= gate.outage then redis.call('HINCRBY', GATE, 'tried', 1) end
    redis.call('HSET', GATE, 'service', service, 'outOfService', words)
    excuse(id, gate.outage, 0, 1)
    return false, false
  end
  if (integer(job[2]) or 0) >= MOST_OUTAGES then return true, false end
  local streak = read_streak(gate)
  local excused = lengthen(streak, id, kind, signature, met and true, is_last)
  if not excused then
    write_streak(streak)
    return true, false
  end
  local first_probe = math.floor(math.max(FIRST_PROBE * (1 + limits.spread), limits.at_least))
  close(gate, service, words, kind == 'unknown' and signature, size(excused), first_probe)
  local counts = kind == 'paid'
  for job, failures in pairs(excused) do
    -- This very failure was not counted yet.
    local counted = job == id and not counts and failures - 1 or failures
    excuse(job, gate.outage, counted, failures)
  end
  return counts, true
end
