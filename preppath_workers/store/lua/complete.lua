-- Settles a job that succeeded, if the caller still owns it.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  result (JSON)
-- ARGV[6]  how long the job stays readable (ms)
-- ARGV[7]  length of the list of recent completions
-- ARGV[8]  the field of `durations` that counts its wait and run; missing from workers of earlier versions
-- ARGV[9]  how long this worker's attempts waited that were not added up yet (ms); missing most of the time
-- ARGV[10] how long they ran (ms)
--
-- Returns {"completed"}, also if the call is repeated; {"reopened"} if the job was the probe that brought the queue back
-- into service; {"lost"} if another worker owns the job; {"gone"} if there is no such job.

-- needs: completing, reservations

local id, worker_id, fencing_token, result, keep, listed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
-- The job may have reserved a further token and not used it: other slots must not wait behind that.
if state_if_owned(id, worker_id, fencing_token) == 'active' then redis.call('ZREM', RESERVATIONS, worker_id) end
return {complete(id, worker_id, fencing_token, result, keep, listed, ARGV[8], ARGV[9], ARGV[10])}
