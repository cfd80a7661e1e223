-- Records that the slot has started a job, with this number of attempts and this fencing token (both text).
local function note_start(key, worker_id, attempt, fencing_token)
  redis.call('HSET', key, 'state', 'active', 'workerId', worker_id, 'startedAt', timestamp,
    'fencingToken', fencing_token, 'attempts', attempt)
end
