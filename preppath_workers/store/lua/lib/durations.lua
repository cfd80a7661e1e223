-- How long jobs wait and run, as histograms: see durations.py, which names the fields. An attempt that ends is counted in
-- one field for both, and a completed one in no other counter, because each increment costs every job.
local DURATIONS = base .. 'durations'

-- `buckets`: `<outcome>:<wait>:<run>`. The sums are added up by the worker, and missing most of the time.
local function count_attempt(outcome, buckets, wait_ms, run_ms)
  redis.pcall('HINCRBY', DURATIONS, buckets, '1')
  if not run_ms then return end
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':waitMs', wait_ms)
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':runMs', run_ms)
end
