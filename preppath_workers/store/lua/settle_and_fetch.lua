-- Settles the job that a worker has completed and starts its next one: complete.lua and claim.lua in one call.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  worker_id
-- ARGV[3]  how long the job stays readable (ms)
-- ARGV[4]  length of the list of recent completions
-- ARGV[5]  lease (ms), for registering an instance that is not registered
-- ARGV[6]  the rate limit's maximum; 0 for no limit
-- ARGV[7]  the rate limit's duration (ms)
-- ARGV[8]  the longest time between two probes of a queue that is out of service (ms)
-- ARGV[9]  id of the completed job
-- ARGV[10] its fencing token
-- ARGV[11] its result (JSON)
-- ARGV[12] the field of `durations` that counts its wait and run; missing from workers of earlier versions
-- ARGV[13] how long this worker's attempts waited that were not added up yet (ms); missing most of the time
-- ARGV[14] how long they ran (ms)
--
-- Returns what claim.lua returns, followed by "completed", "reopened", "lost" or "gone" (as complete.lua):
-- {"none", "completed"}. If the next job is started for the first time, that is the text alone, and the job is completed.

-- needs: keys

local worker_id, keep, listed, limit, duration = ARGV[2], ARGV[3], ARGV[4], ARGV[6], ARGV[7]
local id, fencing_token, result, buckets, wait_ms, run_ms = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], ARGV[14]

-- needs: fast_settle_and_fetch

-- needs: base, completing, claiming

local settled = complete(id, worker_id, fencing_token, result, keep, listed, buckets, wait_ms, run_ms)
local instance, slot = string.match(worker_id, '^(.*):(%d+)$')
local claimed = claim(instance, slot, tonumber(ARGV[5]), limit, duration, tonumber(ARGV[8]))
claimed[#claimed + 1] = settled
return claimed
