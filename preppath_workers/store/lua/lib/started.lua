-- Does work: records that the slot `worker_id` has started the job with this `key`, `attempt` and `fencing_token` (text).
redis.call('HSET', key, 'state', 'active', 'workerId', worker_id, 'startedAt', timestamp,
  'fencingToken', fencing_token, 'attempts', attempt)
