-- The job's state if this worker id and fencing token belong to its last start. Otherwise nil: another worker owns the
-- job, and the caller must not change it.
local function state_if_owned(id, worker_id, fencing_token)
  local held = fields_of(id, 'state', 'workerId', 'fencingToken')
  if held[2] == worker_id and held[3] == fencing_token then return held[1] end
  return nil
end

-- What a script answers to a caller that must not change the job: "gone" if Redis has no such job, else "lost".
local function disowned(id)
  return redis.call('EXISTS', job_key(id)) == 0 and 'gone' or 'lost'
end
