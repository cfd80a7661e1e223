-- Returns a job as it is now. Changes nothing. HGETALL does the same, but also reads the job's checkpoints.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
--
-- Returns {state, {field, value, …}} with the job's id and its promised fields; {"unknown"} if there is no such job.

-- needs: promised

local id = ARGV[2]

local state = field_of(id, 'state')
if not state then return {'unknown'} end
return {state, promised_fields(id)}
