#!/bin/sh
# Adds a job, reads its status, waits for its result and cancels another one, with redis-cli.
set -eu

base="${KEY_PREFIX:-preppath}:{tts}:"

# call SCRIPT WORD…: the files come from `preppath-workers script NAME > NAME.lua`.
call() {
    name=$1
    shift
    redis-cli -u "$REDIS_URL" --eval "$name.lua" "$base" , "" "$@"
}

for _ in 1 2; do
    echo "added $(call enqueue q1-v1 '{"questionId": "q1", "text": "Why?"}' 1 0)"
done
echo "state $(call status q1-v1 | head -1)"

[ "$(call wait q1-v1 | head -1)" = ended ] ||
    redis-cli -u "$REDIS_URL" BRPOPLPUSH "${base}ended:q1-v1" "${base}ended:q1-v1" 60 >/dev/null
redis-cli -u "$REDIS_URL" HMGET "${base}job:q1-v1" state result | paste -s -d ' '

call enqueue q2-v1 '{"questionId": "q2", "text": "How?"}' 50 60000 >/dev/null # 60000 ms
call cancel q2-v1 "" 1 # 1: also if it runs

# Without a script: raw pushes, with options beside their data. The second one is due in an hour.
redis-cli -u "$REDIS_URL" LPUSH "${base}wait" '{"$id": "q3-v1", "$priority": 1, "questionId": "q3", "text": "Who?"}' >/dev/null
due=$(($(date +%s) + 3600))
redis-cli -u "$REDIS_URL" LPUSH "${base}wait" "{\"\$id\": \"q4-v1\", \"\$at\": $due, \"questionId\": \"q4\"}" >/dev/null
