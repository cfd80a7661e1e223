-- needs: completing, starting
--
-- A busy child's whole turn: settles the job that it has completed and starts the next one, as complete.lua and
-- claim.lua would do one after the other. This is the way that nearly all jobs go, so it knows no more than it must:
-- wherever anything is out of the ordinary it leaves the start to claim.lua.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  owner
-- ARGV[3]  id of the completed job
-- ARGV[4]  its fencing number
-- ARGV[5]  its result (JSON)
-- ARGV[6]  how long the job can be looked up (ms)
-- ARGV[7]  how many recent completions are listed
-- ARGV[8]  the rate limit's maximum; 0 for no limit
-- ARGV[9]  the rate limit's duration (ms)
-- ARGV[10] time between two probes of a queue that is out of service (ms)
--
-- Returns {what complete returns, what claim returns}, {"again"} instead of the latter when claim is to be called.

local owner, limit, duration, probe_interval = ARGV[2], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])

local function start_head(meta)
  local active = active_key(owner)
  if redis.call('EXISTS', active) == 1 then return {'again'} end
  local id = redis.call('RPOPLPUSH', WAIT, active)
  if not id then return none(owner) end
  local job = redis.call('HMGET', job_key(id), 'state', 'attempts', 'fence')
  if job[1] ~= 'waiting' then return {'again'} end
  return start(owner, id, job[2], job[3], meta, limit, duration, probe_interval)
end

local meta = read_meta()
local settled, is_new = complete(ARGV[3], owner, ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), meta)
-- What was not settled now may have been taken from us: then the instance may be on nobody's books any more.
return {settled, is_new and start_head(meta) or {'again'}}
