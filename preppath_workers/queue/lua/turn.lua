-- needs: ownership, completing, first_starts
--
-- A busy child's whole turn: settles the job that it has completed and starts the next one, as complete.lua and
-- claim.lua would do one after the other. This is the way that nearly all jobs go, so it knows no more than it must:
-- where anything is out of the ordinary it does nothing, and where the next job is, it leaves that one to claim.lua.
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
--
-- Returns {"unsettled"} when it did nothing: complete.lua and claim.lua are to be called. Else the job is completed;
-- then one of:
--   {"first", …}, {"wait", ms}, {"again"}  as start_first says in first_starts.lua
--   {"none"}                               the slot holds nothing: it may block in a pop

local owner, id, fence, result, keep, listed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local limit, duration = ARGV[8], ARGV[9]

local active = active_key(owner)
if state_if_ours(id, owner, fence) ~= 'active' or redis.call('EXISTS', META) == 1 then return {'unsettled'} end
-- Two, to see in the same step whether the job was all that the slot held.
local hand = redis.call('RPOP', active, '2')
if not hand then return {'unsettled'} end
if hand[1] ~= id or hand[2] then
  for index = #hand, 1, -1 do redis.call('RPUSH', active, hand[index]) end
  return {'unsettled'}
end
note_completion(id, result, listed)
redis.call('PEXPIRE', job_key(id), keep)

local following = redis.call('RPOPLPUSH', WAIT, active)
if following then return {start_first(owner, following, limit, duration)} end
redis.call('ZREM', RESERVED, owner)
return {'none'}
