-- needs: outage
--
-- Decides whether a failure counts against its job. It should not if all jobs share its cause, but a single failure does not
-- show that. So the failures since the last completion are kept: the streak. A completion ends it. If it gets long enough,
-- the queue goes out of service and the failures are excused.

--: A streak of this many different jobs that a service has failed takes the queue out of service.
local SERVICE_STREAK = 3

--: The same if some of these jobs are suspects: they met an earlier outage, so they may be the cause of both.
local SUSPECT_STREAK = 10

--: After this many outages a job no longer counts towards a streak: it may have caused all of them.
local MOST_OUTAGES = 5

--: A streak of this many jobs with different data and the same unknown error takes the queue out of service.
local ALIKE_STREAK = 5

-- Identifies an unknown error by its message, without what may differ from job to job: quoted words, and words with a
-- digit or slash, such as ids, addresses, paths and URLs.
local function signature_of(message)
  return (string.gsub(string.gsub(string.gsub(message, "'[^']*'", '#'), '"[^"]*"', '#'), '%S*[%d/]%S*', '#'))
end

local function size(set)
  local members = 0
  for _ in pairs(set) do members = members + 1 end
  return members
end

-- The streak: `jobs`, the failures that would be excused, by job; `suspects`, the jobs that met an earlier outage;
-- `alike`, like `jobs`, for jobs with different data that failed with the unknown error `signature`.
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

-- Stores the streak without its empty parts.
local function write_streak(streak)
  for name, part in pairs(streak) do
    if type(part) == 'table' and not next(part) then streak[name] = nil end
  end
  redis.call('HSET', GATE, 'streak', cjson.encode(streak))
end

-- Adds failures of a job. Those from before a replay no longer count against it, so they need not be excused.
local function tally(jobs, id, times)
  local counted = integer(field_of(id, 'failures')) or 0
  jobs[id] = math.min(jobs[id] or 0, counted) + times
end

-- Whether the set has enough different jobs to blame a cause that they share.
local function are_enough(jobs, suspects, enough)
  local all, suspected = 0, 0
  for id in pairs(jobs) do
    all = all + 1
    if suspects[id] then suspected = suspected + 1 end
  end
  return all - suspected >= enough or all >= SUSPECT_STREAK
end

-- Whether no job of the set has the same data, which may be the cause of the same error.
local function is_different(id, set)
  local data = field_of(id, 'data')
  for other in pairs(set) do
    if field_of(other, 'data') == data then return false end
  end
  return true
end

-- Adds a failure to the streak. Returns the jobs to excuse if the queue has to go out of service, else nil.
--   unknown: only an unbroken streak of the same error counts
--   paid: counts towards the streak, and always against the job
local function lengthen(streak, id, kind, signature, is_suspect, is_last)
  if is_suspect then streak.suspects[id] = true end
  if kind == 'unknown' then
    if streak.signature ~= signature then streak.signature, streak.alike = signature, {} end
    if streak.alike[id] or is_different(id, streak.alike) then tally(streak.alike, id, 1) end
    return are_enough(streak.alike, streak.suspects, ALIKE_STREAK) and streak.alike or nil
  end
  streak.signature, streak.alike = nil, {}
  tally(streak.jobs, id, kind == 'paid' and 0 or 1)
  -- Closing the queue on the first failure only helps if that failure is excused.
  local closes = are_enough(streak.jobs, streak.suspects, SERVICE_STREAK)
    or not is_suspect and (kind == 'refused' or is_last and kind ~= 'paid')
  return closes and streak.jobs or nil
end

-- Judges the failure of a job. `kind`: `service`; `refused` (the service refuses every job); `paid` (the service failed
-- and may have done the work); `unknown`. `is_last`: the job has no retry left.
-- `limits` has `ceiling`, `spread` and `at_least`. Returns "counted", "excused" or "pardoned" (see pardons.lua), and
-- whether the failure took the queue out of service.
local function judge(gate, id, kind, service, message, is_last, limits)
  local job = redis.call('HMGET', job_key(id), 'outage', 'outages')
  local met = job[1]
  local signature = kind == 'unknown' and signature_of(message) or nil
  if gate.outOfService then
    probe_failed(gate, id, limits.ceiling, limits.spread, limits.at_least)
    if kind == 'paid' or kind == 'unknown' and gate.signature ~= signature then return 'counted', false end
    if met ~= gate.outage then redis.call('HINCRBY', GATE, 'tried', 1) end
    redis.call('HSET', GATE, 'service', service, 'outOfService', message)
    excuse(id, gate.outage, 0, 1)
    return 'excused', false
  end
  local may_pardon = is_last and (kind == 'service' or kind == 'refused')
  if (integer(job[2]) or 0) >= MOST_OUTAGES then return may_pardon and pardon(id) and 'pardoned' or 'counted', false end
  local streak = read_streak(gate)
  local excused = lengthen(streak, id, kind, signature, met and true, is_last)
  if not excused then
    local is_pardoned = may_pardon and pardon(id)
    if is_pardoned then streak.jobs[id] = streak.jobs[id] - 1 end -- it must not be excused twice
    write_streak(streak)
    return is_pardoned and 'pardoned' or 'counted', false
  end
  local first_probe = math.floor(math.max(FIRST_PROBE * (1 + limits.spread), limits.at_least))
  close(gate, service, message, signature, size(excused), first_probe)
  local counts = kind == 'paid'
  for excused_id, failures in pairs(excused) do
    -- The failure that is being settled has not been counted yet.
    local counted = excused_id == id and not counts and failures - 1 or failures
    excuse(excused_id, gate.outage, counted, failures)
  end
  return counts and 'counted' or 'excused', true
end
