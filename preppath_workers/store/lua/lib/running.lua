-- needs: ownership

-- What a script returns if its caller must not go on with the job: {"lost"} if another worker owns it, {"gone"} if Redis has
-- no such job, {"cancelled"} if it is cancelled. Otherwise nil.
local function refusal_of(id, worker_id, fencing_token)
  if state_if_owned(id, worker_id, fencing_token) ~= 'active' then return {disowned(id)} end
  if redis.call('HGET', job_key(id), 'cancelRequestedAt') then return {'cancelled'} end
  return nil
end
