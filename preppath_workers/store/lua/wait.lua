-- Returns a job that has ended; otherwise has its end announced. The caller then blocks in
-- BRPOPLPUSH <base>ended:<id> <base>ended:<id> <seconds>, which returns when the job ends, and calls this again.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
--
-- Returns {"ended", {field, value, …}} with the job's id and its promised fields; {"waiting", state} if it has not ended;
-- {"unknown"} if there is no such job.

-- needs: promised, ended

local id = ARGV[2]

local key = job_key(id)
local state = field_of(id, 'state')
if not state then return {'unknown'} end
if state ~= 'waiting' and state ~= 'delayed' and state ~= 'active' then return {'ended', promised_fields(id)} end
redis.call('DEL', ended_key(id)) -- of an earlier run of a job that was replayed
-- A completion looks for `awaited` only if `progress` is set: see succeeded.lua.
redis.call('HSETNX', key, 'progress', '0')
redis.call('HSET', key, 'awaited', '1')
return {'waiting', state}
