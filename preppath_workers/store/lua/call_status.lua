-- needs: ledger
--
-- Returns what became of a paid request whose budget is reserved.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the job's id
-- ARGV[3]  the fencing token of the attempt that reserved
-- ARGV[4]  the call's id
--
-- Returns {"running"} while that attempt runs. Afterwards {"paid", nano-dollars}, "" without a price; {"void"} if the request
-- was not charged, or not sent and never will be; {"unknown"} if it was sent and no answer came, or if the job is gone.

local id, token, call_id = ARGV[2], ARGV[3], ARGV[4]
local job = fields_of(id, 'state', 'fencingToken', 'call:' .. call_id)
local is_running = job[1] == 'active' and job[2] == token
local call = job[3] and cjson.decode(job[3])
if not job[1] then return {'unknown'} end
if call and call.kind == 'open' and not is_running then
  close_open_calls(id)
  return {'unknown'}
end
if call and call.kind == 'unknown' then return {'unknown'} end
if call and call.kind ~= 'open' then return {'paid', call.nano and whole(call.nano) or ''} end
return {is_running and 'running' or 'void'}
