-- needs: model_tokens
--
-- Acquires the tokens that a request to a model may use, and tells when it may be sent. A repeated call acquires again, which
-- delays later requests and is made up for within a minute.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the tokens that the request is estimated to use
-- ARGV[3]  the limit: tokens a minute
-- ARGV[4]  the longest wait (ms)
--
-- Returns {1, how long to wait before the request is sent (ms), tokens left}; {0, how long to wait before asking again (ms)}
-- if that is longer: nothing is acquired.

local limit = tonumber(ARGV[3])
-- One that needs more than the bucket holds waits until it is full.
local amount, left = math.min(tonumber(ARGV[2]), limit), model_tokens_left(limit)
local wait = math.ceil(math.max(0, amount - left) * MINUTE / limit)
if wait > tonumber(ARGV[4]) then return {0, wait} end
store_model_tokens(left - amount)
return {1, wait, math.floor(left - amount)}
