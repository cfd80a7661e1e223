-- How long jobs wait and run, as histograms: see durations.py, which names the fields. Each increment costs every job, so an
-- attempt that ends is counted in one field for both, and a completed one in no other counter.
local DURATIONS = base .. 'durations'

-- `buckets`: `<outcome>:<wait>:<run>`. The worker adds up the times, and passes the sums only now and then.
local function count_attempt(outcome, buckets, wait_ms, run_ms)
  redis.pcall('HINCRBY', DURATIONS, buckets, '1')
  if not run_ms then return end
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':waitMs', wait_ms)
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':runMs', run_ms)
end
