-- needs: running, ledger, events
--
-- Records that a paid request is about to be sent, if the caller still owns the job. So the request is in the ledger even if
-- the worker dies before the answer.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  the call's id
-- ARGV[6]  the call (JSON): id, kind `open`, model, worst (nano-dollars), user, step, attempt, keep (s)
-- ARGV[7]  when its budget was reserved (ms); "" for now
-- ARGV[8…] soft caps of the budget that are reached for the first time, as text
--
-- Returns {"ok", the call's time (ms)}, also if the call is repeated; {"cancelled"} if the job is cancelled, {"lost"} if
-- another worker owns it, {"gone"} if there is no such job: the request must not be sent.

local id, worker_id, fencing_token, call_id, text = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local at = ARGV[7] ~= '' and ARGV[7] or timestamp

local refused = refusal_of(id, worker_id, fencing_token)
if refused then return refused end
redis.call('LTRIM', active_key(worker_id), '0', '-1') -- out of memory: as in claiming.lua
local key, field = job_key(id), 'call:' .. call_id
local stored = redis.call('HGET', key, field)
if stored then return {'ok', cjson.decode(stored).at} end

redis.call('HSET', key, field, '{"at":' .. at .. ',' .. string.sub(text, 2))
add_word(key, 'callIds', call_id)
add_word(key, 'openCalls', call_id)
for index = 8, #ARGV do
  emit_queue_event(redis.call('HGET', GATE, 'eventsUntil'), 'budget-warning', 'budget', ARGV[index])
end
local ids = {}
for each in string.gmatch(redis.call('HGET', key, 'callIds'), '%S+') do ids[#ids + 1] = each end
if #ids > MOST_CALLS then
  redis.call('HDEL', key, 'call:' .. ids[1])
  remove_word(key, 'callIds', ids[1])
end
return {'ok', tonumber(at)}
