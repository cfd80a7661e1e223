-- needs: completing, starting
--
-- A busy child's whole turn: settles the job that it has completed and starts the next one, as complete.lua and
-- claim.lua would do one after the other. This is the way that nearly all jobs go, so it knows no more than it must:
-- wherever anything is out of the ordinary, a job that was started before too, it leaves the start to claim.lua.
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
-- Returns {the settlement, what complete.lua returns it as, without its braces; then one of:
--   "first", id, data, priority, createdAt, queuedAt, startedAt}  a job is started for the first time: this is what
--                matters of such a one ("" where it is missing); a whole hash takes Lua five times as long
--   "wait", ms}  as claim.lua
--   "none"}      as claim.lua
--   "again"}     claim.lua is to be called

local owner = ARGV[2]

local meta = read_meta()
local settled, is_new = complete(ARGV[3], owner, ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), meta)
-- What was not settled now may have been taken from us: then the instance may be on nobody's books any more.
if not is_new or meta.outOfService then return {settled, 'again'} end
local active = active_key(owner)
if redis.call('EXISTS', active) == 1 then return {settled, 'again'} end
local id = redis.call('RPOPLPUSH', WAIT, active)
if not id then
  redis.call('ZREM', RESERVED, owner)
  return {settled, 'none'}
end
local job = redis.call('HMGET', job_key(id), 'state', 'fence', 'data', 'priority', 'createdAt', 'queuedAt')
if job[1] ~= 'waiting' or job[2] then return {settled, 'again'} end
local delay = start(owner, id, '1', '1', meta, ARGV[8], ARGV[9])
if delay > 0 then return {settled, 'wait', delay} end
return {settled, 'first', id, job[3] or '', job[4] or '', job[5] or '', job[6] or '', timestamp}
