-- needs: model_tokens
--
-- Acquires the model tokens that a request may use, and returns when it may be sent. A repeated call acquires them again:
-- later requests wait longer, for a minute at most.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the tokens that the request is estimated to use
-- ARGV[3]  the limit: tokens a minute
-- ARGV[4]  the longest wait (ms)
--
-- Returns {1, ms to wait before the request is sent, tokens left}. If the wait would be longer than ARGV[4], acquires nothing
-- and returns {0, ms to wait before the next call}.

local limit = tonumber(ARGV[3])
-- A request for more than the bucket can hold waits until the bucket is full.
local amount, left = math.min(tonumber(ARGV[2]), limit), model_tokens_left(limit)
local wait = math.ceil(math.max(0, amount - left) * MINUTE / limit)
if wait > tonumber(ARGV[4]) then return {0, wait} end
store_model_tokens(left - amount)
return {1, wait, math.floor(left - amount)}
