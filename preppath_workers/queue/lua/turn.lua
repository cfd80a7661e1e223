-- A busy child's whole turn: settles the job that it has completed and starts the next one, as complete.lua and
-- claim.lua do one after the other.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  owner
-- ARGV[3]  id of the completed job
-- ARGV[4]  its fencing number
-- ARGV[5]  its result (JSON)
-- ARGV[6]  how long the job can be looked up (ms)
-- ARGV[7]  how many recent completions are listed
-- ARGV[8]  lease (ms), for registering an instance that is on nobody's books
-- ARGV[9]  the rate limit's maximum; 0 for no limit
-- ARGV[10] the rate limit's duration (ms)
-- ARGV[11] the longest time between two probes of a queue that is out of service (ms)
--
-- Returns two things: "completed", "reopened" or "lost", as complete.lua; and what claim.lua returns.

-- needs: ownership, completions, first_starts

local owner, id, fence, result, keep, listed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local lease, limit, duration, probe_interval = tonumber(ARGV[8]), ARGV[9], ARGV[10], tonumber(ARGV[11])

-- This is the way that nearly all jobs go, so it knows no more than it must: it takes the server 16 µs, and the one
-- below 27. What it leaves, at whichever step, is taken up there: both parts of a turn may be called again.
local active = active_key(owner)
if state_if_ours(id, owner, fence) == 'active' and redis.call('EXISTS', META) == 0 then
  -- Two, to see in the same step whether the job was all that the slot held.
  local hand = redis.call('RPOP', active, '2') or {}
  if hand[1] == id and not hand[2] then
    note_completion(id, result, listed)
    redis.call('PEXPIRE', job_key(id), keep)
    local following = redis.call('RPOPLPUSH', WAIT, active)
    if not following then return {'completed', start_nothing(owner)} end
    local started = start_first(owner, following, limit, duration)
    if started then return {'completed', started} end
  else
    for index = #hand, 1, -1 do redis.call('RPUSH', active, hand[index]) end
  end
end

-- needs: completing, claiming

local settled = complete(id, owner, fence, result, keep, listed)
local instance, slot = string.match(owner, '^(.*):(%d+)$')
return {settled, claim(instance, slot, lease, limit, duration, probe_interval)}
