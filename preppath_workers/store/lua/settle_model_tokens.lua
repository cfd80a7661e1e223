-- needs: model_tokens
--
-- Corrects an estimate of model tokens by what the request used.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the tokens that the request was estimated to use
-- ARGV[3]  the limit: tokens a minute
-- ARGV[4]  the tokens that it used; 0 if it was not sent
--
-- Returns {tokens left}.

local limit = tonumber(ARGV[3])
local left = model_tokens_left(limit) + math.min(tonumber(ARGV[2]), limit) - tonumber(ARGV[4])
store_model_tokens(math.min(left, limit))
return {math.floor(left)}
