--: Failed attempts of a job that are kept, the newest ones.
local MOST_FAILED_ATTEMPTS = 10

--: Bytes of an error's message that are kept for each of them.
local LONGEST_NOTE = 300

-- Stores when an attempt failed, on which worker and with which error (JSON), to be shown with the job.
local function note_failed_attempt(id, failure)
  local job = redis.call('HMGET', job_key(id), 'failedAttempts', 'startedAt', 'workerId')
  local is_json, attempts = pcall(cjson.decode, job[1] or '[]')
  if not is_json or type(attempts) ~= 'table' then attempts = {} end
  local is_object, problem = pcall(cjson.decode, failure)
  if not is_object or type(problem) ~= 'table' then problem = {} end
  local message = tostring(problem.message or '')
  if #message > LONGEST_NOTE then
    -- A character of several bytes may have been cut.
    message = string.gsub(string.sub(message, 1, LONGEST_NOTE), '[\192-\255][\128-\191]*$', '')
  end
  attempts[#attempts + 1] = {
    startedAt = integer(job[2]), failedAt = now, workerId = job[3] or nil,
    class = tostring(problem.class or ''), message = message,
  }
  while #attempts > MOST_FAILED_ATTEMPTS do table.remove(attempts, 1) end
  redis.call('HSET', job_key(id), 'failedAttempts', cjson.encode(attempts))
end
