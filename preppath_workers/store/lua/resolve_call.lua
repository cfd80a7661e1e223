-- needs: ledger
--
-- Stores what a call of unknown cost has cost, which an operator has learned from the vendor.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the call's id
-- ARGV[3]  nano-dollars; 0 if it was not charged
-- ARGV[4…] days on which it may have been sent, such as 2026-11-26
--
-- Returns {"resolved", the call as it was (JSON)}; {"none"} if no such call is listed on these days as unknown.

local id, nano = ARGV[2], tonumber(ARGV[3])
for index = 4, #ARGV do
  local text = redis.call('HGET', SPENT .. ':' .. ARGV[index] .. ':unknown', id)
  if text then
    local call = cjson.decode(text)
    call.kind, call.nano, call.worst, call.resolvedAt = nano == 0 and 'void' or 'actual', nano, nil, now
    close_call(call.job or '', cjson.encode(call))
    return {'resolved', text}
  end
end
return {'none'}
